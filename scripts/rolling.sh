#!/usr/bin/env bash
# Replaces every process of ToneUp by a newer one under load, with a migration in between, behind haproxy: no request may
# fail and no job be lost (docs/operations.md, "Replacing processes"). About two minutes when everything is built.
#   scripts/rolling.sh [--from REF] [--rate N] [--clients N]
# The old release is the newest tag, or REF, built from its own sources; while there is no tag, it is a copy of this
# build. The migration is what the new release has beyond the old one, and one expanding change of the busiest table that
# only this run makes. Servers, data and ports (ROLLING_PORT_BASE) are its own and are removed afterwards, but for the
# logs in .local/bench/rolling and the report in bench/results.
set -euo pipefail
ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
# Nothing that a .env or the caller names may be used.
unset DATABASE_URL AMQP_URL REDIS_URL S3_ENDPOINT S3_PUBLIC_ENDPOINT AMQP_MANAGEMENT_URL
for name in "${!TONEUP_@}"; do [[ $name != *_PORT ]] || unset "$name"; done
export TONEUP_SERVICES=own TONEUP_DATA_DIR="$ROOT/.local/rolling" TONEUP_PORT_BASE="${ROLLING_PORT_BASE:-30000}"
# shellcheck source=scripts/lib.sh
source "$ROOT/scripts/lib.sh"
cd "$ROOT"
export SQLX_OFFLINE=true

BENCH_PID=""
OLD_TREE="$LOCAL/rolling-old"

# Ends the run with all that it has started (they are one process group), and its servers.
tear_down() {
  local status=$?
  trap - EXIT
  if [[ -n $BENCH_PID ]]; then
    kill -TERM "$BENCH_PID" 2>/dev/null || true
    wait "$BENCH_PID" 2>/dev/null || true
    kill -KILL -- "-$BENCH_PID" 2>/dev/null || true
  fi
  scripts/services.sh crash || true
  scripts/services.sh stop >/dev/null || true
  rm -rf "$DATA"
  exit "$status"
}

# Lays out a release in folder $1, from the sources in $2 and their programs in $3.
lay_out() {
  mkdir -p "$1/analyzer"
  cp "$3/toneup" "$3/toneup-api" "$3/toneup-worker" "$1/"
  cp -R "$2/analyzer/app" "$1/analyzer/"
}

# The old release, in folder $1; $2 names it, or is empty.
build_old() {
  if [[ -z $2 ]]; then
    say rolling "no tag yet: the old release is a copy of this build"
    lay_out "$1" "$ROOT" "$ROOT/target/debug"
    return
  fi
  say rolling "building $2, the old release"
  rm -rf "$OLD_TREE/source"
  mkdir -p "$OLD_TREE/source"
  git archive "$2" | tar -x -C "$OLD_TREE/source"
  (cd "$OLD_TREE/source" && CARGO_TARGET_DIR="$OLD_TREE/target" cargo build --locked --quiet -p toneup-api -p toneup-worker -p toneup-cli 8>&-) ||
    die "$2 could not be built"
  lay_out "$1" "$OLD_TREE/source" "$OLD_TREE/target/debug"
}

main() {
  local from="" arguments=()
  while (($# > 0)); do
    case "$1" in
      --from) from="${2:?--from needs a tag or commit}" && shift 2 ;;
      *) arguments+=("$1") && shift ;;
    esac
  done
  [[ -n $from ]] || from="$(git describe --tags --abbrev=0 2>/dev/null)" || from=""
  scripts/setup.sh rust python balancer
  mkdir -p "$LOCAL" "$DATA"
  exec 8>"$LOCAL/rolling.lock"
  flock --nonblock 8 || die "a rolling run is on already"
  trap tear_down EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  # What a run that was cut off has left.
  scripts/services.sh crash
  rm -rf "$DATA" "$LOCAL/bench/rolling"
  mkdir -p "$DATA"
  scripts/services.sh start 8>&- &
  local services=$!
  scripts/fetch-photos.sh
  say rolling "building"
  cargo build --workspace --bins --locked --quiet 8>&- || die "the build failed"
  build_old "$DATA/old" "$from"
  lay_out "$DATA/new" "$ROOT" "$ROOT/target/debug"
  wait "$services" || die "the servers are not up"
  export_service_settings
  # A process group of its own.
  set -m
  "$ROOT/target/debug/bench" rolling --old "$DATA/old" --new "$DATA/new" --python "$VENV/bin/python" \
    --photo "$LOCAL/photos/face.jpg" --folder "$DATA/run" "${arguments[@]}" </dev/null 8>&- &
  BENCH_PID=$!
  set +m
  local status=0
  wait "$BENCH_PID" || status=$?
  kill -KILL -- "-$BENCH_PID" 2>/dev/null || true
  BENCH_PID=""
  return "$status"
}

main "$@"
