#!/usr/bin/env bash
# The fault suite, from nothing: servers of its own, ToneUp's processes, clients, and a seeded schedule of everything
# that can break; at the end a checker says what was lost or done twice (docs/reliability.md).
#   scripts/chaos.sh [--seed N] [--jobs N] [--short]     TONEUP_BUILT=1: with the programs as they are
# Its servers and their data lie under .local/chaos and on ports of their own (CHAOS_PORT_BASE): a stack that runs
# beside is not touched. All of it is ended and removed afterwards, but for the logs in .local/bench/chaos and the
# report in bench/results.
set -euo pipefail
ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
# Nothing that a .env or the caller names may be broken.
unset DATABASE_URL AMQP_URL REDIS_URL S3_ENDPOINT S3_PUBLIC_ENDPOINT AMQP_MANAGEMENT_URL
for name in "${!TONEUP_@}"; do [[ $name != *_PORT ]] || unset "$name"; done
export TONEUP_SERVICES=own TONEUP_DATA_DIR="$ROOT/.local/chaos" TONEUP_PORT_BASE="${CHAOS_PORT_BASE:-31000}"
# shellcheck source=scripts/lib.sh
source "$ROOT/scripts/lib.sh"
cd "$ROOT"
export SQLX_OFFLINE=true

BENCH_PID=""

# Ends the suite with all that it has started (they are one process group), and its servers.
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

main() {
  scripts/setup.sh rust faults
  mkdir -p "$LOCAL" "$DATA"
  exec 8>"$LOCAL/chaos.lock"
  flock --nonblock 8 || die "the fault suite is running already"
  trap tear_down EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  # What a run that was cut off has left.
  scripts/services.sh crash
  rm -rf "$DATA" "$LOCAL/bench/chaos"
  mkdir -p "$DATA"
  scripts/services.sh start 8>&- &
  local services=$!
  # The tests have built everything, with features of their own; building without these would begin anew.
  if [[ -z ${TONEUP_BUILT:-} ]]; then
    say chaos "building"
    cargo build --workspace --bins --locked --quiet 8>&- || die "the build failed"
  fi
  wait "$services" || die "the servers are not up"
  export_service_settings
  # A process group of its own.
  set -m
  "$ROOT/target/debug/bench" chaos --folder "$DATA/run" "$@" </dev/null 8>&- &
  BENCH_PID=$!
  set +m
  local status=0
  wait "$BENCH_PID" || status=$?
  kill -KILL -- "-$BENCH_PID" 2>/dev/null || true
  BENCH_PID=""
  return "$status"
}

main "$@"
