#!/usr/bin/env bash
# Sourced instead of lib.sh by scripts that have servers of their own: with data in .local/$1 and on ports above $2, whatever
# a .env or the caller names. What `bench` does with such servers (scripts/chaos.sh, scripts/rolling.sh) is one run at a
# time, and everything of it is ended and removed afterwards: begin_run, then run_bench.
SUITE="$1"
ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
# Nothing that a .env or the caller names may be used, let alone broken.
unset DATABASE_URL AMQP_URL REDIS_URL S3_ENDPOINT S3_PUBLIC_ENDPOINT AMQP_MANAGEMENT_URL
for name in "${!TONEUP_@}"; do [[ $name != *_PORT ]] || unset "$name"; done
export TONEUP_SERVICES=own TONEUP_DATA_DIR="$ROOT/.local/$SUITE" TONEUP_PORT_BASE="$2"
# shellcheck source=scripts/lib.sh
source "$ROOT/scripts/lib.sh"
cd "$ROOT" || exit
export SQLX_OFFLINE=true

BENCH_PID=""
SERVICES_PID=""

# Ends the run with all that it has started (they are one process group), and its servers.
tear_down_run() {
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

# Lets in one run at a time, removes what one that was cut off has left, and starts the servers meanwhile.
begin_run() {
  mkdir -p "$LOCAL" "$DATA"
  exec 8>"$LOCAL/$SUITE.lock"
  flock --nonblock 8 || die "there is a $SUITE run already"
  trap tear_down_run EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  scripts/services.sh crash
  rm -rf "$DATA" "$LOCAL/bench/$SUITE"
  mkdir -p "$DATA"
  scripts/services.sh start 8>&- &
  SERVICES_PID=$!
}

build_programs() {
  say "$SUITE" "building"
  cargo build --workspace --bins --locked --quiet 8>&- || die "the build failed"
}

# Runs this suite's part of `bench` with the options $@ as a process group of its own, when the servers are up.
run_bench() {
  local status=0
  wait "$SERVICES_PID" || die "the servers are not up"
  export_service_settings
  set -m
  "$ROOT/target/debug/bench" "$SUITE" --folder "$DATA/run" "$@" </dev/null 8>&- &
  BENCH_PID=$!
  set +m
  wait "$BENCH_PID" || status=$?
  kill -KILL -- "-$BENCH_PID" 2>/dev/null || true
  BENCH_PID=""
  return "$status"
}
