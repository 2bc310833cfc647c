#!/usr/bin/env bash
# Checked queries: the compiler compares every `query!` with the schema. `.sqlx` keeps what the database said, so that a
# build needs no database. Run this after changing a query or a migration, and commit what it writes.
#   scripts/sqlx.sh          writes .sqlx anew from the development database
#   scripts/sqlx.sh check    fails when .sqlx is not what the database would say
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"
export_settings
export SQLX_OFFLINE=false

fresh="$(mktemp -d)"
trap 'rm -rf "$fresh"' EXIT
# The macros write where SQLX_OFFLINE_DIR says, when they run: make cargo run them again.
touch shared/*/src/lib.rs api/src/lib.rs
SQLX_OFFLINE_DIR="$fresh" cargo check --quiet --workspace
case "${1:-write}" in
  check) diff -r "$fresh" .sqlx || die ".sqlx is out of date: run scripts/sqlx.sh and commit it" ;;
  write)
    rm -rf .sqlx
    cp -r "$fresh" .sqlx
    chmod 755 .sqlx
    say sqlx "$(find .sqlx -name 'query-*.json' | wc -l) queries"
    ;;
  *) die "usage: scripts/sqlx.sh [check]" ;;
esac
