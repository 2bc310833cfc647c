#!/usr/bin/env bash
# Checks the project's dependencies for known vulnerabilities, in the databases of RustSec, PyPI and npm.
#   scripts/audit.sh
# A database that does not respond in time is reported in one line and does not fail the check. Findings fail in CI
# (CI=true) only: an advisory may be newer than the change, which it must not block.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"

# Timeout of one check, in seconds.
PATIENCE=90
VULNERABLE=()

# Runs $3…, which checks $1. Only a report that matches $2 counts, whatever the exit status: some tools succeed when they
# could not look anything up.
audit() {
  local what="$1" verdict="$2" report status=0
  shift 2
  report="$(timeout "$PATIENCE" "$@" 2>&1 </dev/null)" || status=$?
  if ! grep -Eq "$verdict" <<<"$report"; then
    ((status != 124)) || report="no answer within $PATIENCE s"
    report="${report:-no report, exit status $status}"
    say audit "$what: NOT CHECKED: $(grep -m 1 -iE 'fatal:|error:|warn ' <<<"$report" || tail -n 1 <<<"$report")"
  elif ((status == 0)); then
    say audit "$what: no known vulnerability"
  else
    printf '%s\n' "$report"
    VULNERABLE+=("$what")
  fi
}

main() {
  local file folder files=()
  scripts/setup.sh rust node audit
  # Disables git's prompt for a user name and a password.
  GIT_TERMINAL_PROMPT=0 audit Cargo.lock '^advisories (ok|FAILED)' \
    "$LOCAL/tools/bin/cargo-deny" --locked --color never check advisories
  for file in analyzer/requirements*.txt; do files+=(--requirement "$file"); done
  # --strict: a package unknown to the database is a failure.
  audit "analyzer/requirements*.txt" '^(No|Found [0-9]+) known' \
    "$LOCAL/audit/bin/pip-audit" --strict --disable-pip --progress-spinner off "${files[@]}"
  # Not api/tests/sockets: the old client in it is what those tests are about.
  for folder in clients/js api/tests/browser deploy/check; do
    audit "$folder/package-lock.json" '[0-9].* (vulnerability|vulnerabilities)' \
      npm audit --package-lock-only --prefix "$folder"
  done
  ((${#VULNERABLE[@]} > 0)) || return 0
  say audit "VULNERABLE: $(printf '%s, ' "${VULNERABLE[@]}" | sed 's/, $//')"
  [[ ${CI:-} != true ]]
}

main "$@"
