#!/usr/bin/env bash
# All the tests, from nothing: set-up, servers, photos, linters, Rust (with the page in a browser), the analyzer, and a
# minute of the fault suite.
# Each suite runs even when one before it failed; the end lists them. Servers that were not up before are stopped.
# The tests start what they need themselves: the stack of `make up` is neither used nor disturbed.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"
export SQLX_OFFLINE=true

RESULTS=()

# Runs suite NAME, prints its output, and remembers how it ended.
suite() {
  local name="$1" began=$SECONDS status=0
  shift
  printf '\n=== %s\n' "$name"
  "$@" || status=$?
  RESULTS+=("$(printf '%-10s %-6s %4d s' "$name" "$( ((status == 0)) && echo passed || echo FAILED)" $((SECONDS - began)))")
}

# Clippy's driver compiles, as the compiler would, and lints in the same pass: a pass of its own would read every
# dependency anew. The arguments are those of `cargo clippy -- -D warnings` (`make lint` runs that one).
with_lints() { RUSTC_WORKSPACE_WRAPPER=clippy-driver CLIPPY_ARGS=-Dwarnings__CLIPPY_HACKERY__ "$@"; }

rust_tests() {
  # The programs, because tests start them; together with the tests, so that dependencies are built once, with the
  # features that both ask for.
  with_lints cargo build --workspace --all-targets --locked || return 1
  if have cargo-nextest; then
    with_lints cargo nextest run --workspace --all-targets --locked --no-fail-fast
  else
    with_lints cargo test --workspace --all-targets --locked --no-fail-fast
  fi
}

analyzer_tests() { (cd analyzer && "$VENV/bin/python" -m pytest -q); }

# On servers of its own; always the same faults.
short_chaos() { TONEUP_BUILT=1 scripts/chaos.sh --short --seed 1; }

report() {
  local result failed=0
  printf '\n=== results\n'
  for result in "${RESULTS[@]}"; do
    printf '%s\n' "$result"
    [[ $result != *FAILED* ]] || failed=1
  done
  return "$failed"
}

main() {
  scripts/setup.sh rust python tools node browser redis mariadb faults balancer
  borrow_services
  scripts/fetch-photos.sh
  export_service_settings

  suite lint scripts/lint.sh quick
  suite rust rust_tests
  suite analyzer analyzer_tests
  suite chaos short_chaos
  report
}

main "$@"
