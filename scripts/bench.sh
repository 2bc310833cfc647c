#!/usr/bin/env bash
# The measurements, from nothing: release build, servers, photos, then one scenario or all of them.
#   scripts/bench.sh [SCENARIO] [--quick]    `bench run --help` lists the scenarios
# Starts processes of its own with a database and a virtual host of their own: the stack of `make up` is neither used
# nor disturbed, but stop it before a run that counts. Servers that were not up before are stopped.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"
export SQLX_OFFLINE=true

main() {
  # The analyzer's Python is for `real`, the peers are for `burst`, `overhead` and `chat`, Node's provider is for `identity`.
  scripts/setup.sh rust python peers node
  borrow_services
  scripts/fetch-photos.sh
  export_service_settings
  say bench "building"
  cargo build --release --locked -p toneup-api -p toneup-worker -p toneup-cli -p toneup-bench
  "$ROOT/target/release/toneup" bucket >/dev/null
  say bench "measuring; logs are in .local/bench"
  "$ROOT/target/release/bench" run "$@"
}

main "$@"
