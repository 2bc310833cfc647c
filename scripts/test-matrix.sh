#!/usr/bin/env bash
# The Rust tests and one seed of the fault suite on the versions that run in production: RabbitMQ 4 (Debian 13) and MySQL
# 9.7 (Debian sid), each in a directory of its own. Needs root and mmdebstrap; the first run downloads about 600 MB.
#   scripts/test-matrix.sh [SEED]
set -euo pipefail
# shellcheck source=scripts/suite.sh
source "$(dirname "${BASH_SOURCE[0]}")/suite.sh" matrix/data "${MATRIX_PORT_BASE:-33000}"
export TONEUP_RABBITMQ_ROOT="$LOCAL/matrix/rabbitmq" TONEUP_MYSQL_ROOT="$LOCAL/matrix/mysql"

# A Debian $2 with packages $4 in directory $1, complete or not there.
root_of() {
  local directory="$1" suite="$2" variant="$3" packages="$4"
  [[ ! -d $directory ]] || return 0
  say matrix "downloading $packages ($suite)"
  mkdir -p "${directory%/*}" "$LOG"
  rm -rf "$directory.new"
  # A mirror may keep a list of sid's packages for longer than it says; its signature is checked all the same.
  mmdebstrap --aptopt='Acquire::Check-Valid-Until "false"' --variant="$variant" --include="$packages" "$suite" "$directory.new" \
    >"$LOG/${directory##*/}-install.log" 2>&1 || die "mmdebstrap failed; its log is $LOG/${directory##*/}-install.log"
  mv "$directory.new" "$directory"
}

mount_into() {
  mkdir -p "$1/proc" "$1/dev" "$1$ROOT"
  mountpoint -q "$1/proc" || mount -t proc proc "$1/proc"
  mountpoint -q "$1/dev" || mount --bind /dev "$1/dev"
  mountpoint -q "$1$ROOT" || mount --bind "$ROOT" "$1$ROOT"
}

tear_down() {
  local status=$? root place
  trap - EXIT
  scripts/services.sh stop >/dev/null || true
  for root in "$TONEUP_RABBITMQ_ROOT" "$TONEUP_MYSQL_ROOT"; do
    for place in "$root$ROOT" "$root/dev" "$root/proc"; do
      # A server that was killed a moment ago may still hold it: then it goes with the server.
      ! mountpoint -q "$place" || umount "$place" 2>/dev/null || umount --lazy "$place"
    done
  done
  rm -rf "$DATA"
  exit "$status"
}

main() {
  [[ $(id -u) == 0 ]] || die "test-matrix: needs root, for chroot and mount"
  have mmdebstrap || die "test-matrix: needs mmdebstrap (apt-get install mmdebstrap)"
  scripts/setup.sh rust services python tools node browser mariadb faults balancer
  root_of "$TONEUP_RABBITMQ_ROOT" trixie essential rabbitmq-server
  root_of "$TONEUP_MYSQL_ROOT" sid extract mysql-server-core,mysql-client-core,libc-bin,bash,coreutils
  trap tear_down EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  mount_into "$TONEUP_RABBITMQ_ROOT"
  mount_into "$TONEUP_MYSQL_ROOT"
  rm -rf "$DATA"
  scripts/services.sh start
  scripts/fetch-photos.sh
  say matrix "RabbitMQ $(scripts/services.sh rabbitmqctl version), $(chroot "$TONEUP_MYSQL_ROOT" mysqld --version)"
  export_service_settings
  cargo build --workspace --bins --tests --locked
  local status=0
  cargo nextest run --workspace --locked --no-fail-fast || status=1
  scripts/services.sh stop >/dev/null
  TONEUP_BUILT=1 scripts/chaos.sh --seed "${1:-1}" || status=1
  return "$status"
}

main "$@"
