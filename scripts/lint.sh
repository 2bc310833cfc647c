#!/usr/bin/env bash
# Everything that judges the sources without running them.
#   scripts/lint.sh          all of it
#   scripts/lint.sh quick    what `make test` begins with: no documentation, dependencies or spelling
# Runs to the end and then says what failed.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"
export SQLX_OFFLINE=true

rust_format() { cargo fmt --all --check; }
rust_clippy() { cargo clippy --workspace --all-targets --locked --quiet -- -D warnings; }
rust_docs() { RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet; }

# Bans, licences and sources. Not advisories: their database is a download of its own, and a new advisory would
# fail an old commit; `cargo deny check advisories` is for a scheduled run.
rust_dependencies() {
  if have cargo-deny; then cargo deny --offline check bans licenses sources; else say lint "cargo-deny: not installed, skipped"; fi
}

python_ruff() { "$VENV/bin/ruff" check --quiet analyzer && "$VENV/bin/ruff" format --check --quiet analyzer; }
javascript_types() { (cd clients/js && node_modules/.bin/tsc); }

python_types() { (cd analyzer && "$VENV/bin/mypy" --strict .); }

shell_scripts() { shellcheck --external-sources scripts/*.sh .ci/run; }

compose_file() {
  if docker compose version >/dev/null 2>&1; then
    docker compose --profile app config --quiet
  else
    say lint "docker compose: not installed, skipped"
  fi
}

spelling() { "$VENV/bin/typos"; }

main() {
  local parts=(rust_format shell_scripts python_ruff python_types javascript_types compose_file rust_clippy) failed=() part
  if [[ ${1:-} != quick ]]; then
    parts+=(rust_docs rust_dependencies spelling)
    scripts/setup.sh spelling
  fi
  scripts/setup.sh rust python tools node
  for part in "${parts[@]}"; do
    say lint "${part//_/ }"
    "$part" || failed+=("${part//_/ }")
  done
  if ((${#failed[@]} > 0)); then
    printf 'lint failed: %s\n' "$(printf '%s, ' "${failed[@]}" | sed 's/, $//')" >&2
    exit 1
  fi
  say lint "clean"
}

main "$@"
