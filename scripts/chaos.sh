#!/usr/bin/env bash
# The fault suite, from nothing: servers of its own, ToneUp's processes, clients, and a seeded schedule of everything
# that can break; at the end a checker says what was lost or done twice (docs/reliability.md).
#   scripts/chaos.sh [--seed N] [--jobs N] [--short]     TONEUP_BUILT=1: with the programs as they are
# Its servers and their data lie under .local/chaos and on ports of their own (CHAOS_PORT_BASE): a stack that runs
# beside is not touched. All of it is ended and removed afterwards, but for the logs in .local/bench/chaos and the
# report in bench/results.
set -euo pipefail
# shellcheck source=scripts/suite.sh
source "$(dirname "${BASH_SOURCE[0]}")/suite.sh" chaos "${CHAOS_PORT_BASE:-31000}"

main() {
  scripts/setup.sh rust faults
  begin_run
  # The tests have built everything, with features of their own; building without these would begin anew.
  [[ -n ${TONEUP_BUILT:-} ]] || build_programs
  run_bench "$@"
}

main "$@"
