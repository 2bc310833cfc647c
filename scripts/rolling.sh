#!/usr/bin/env bash
# Replaces every process of ToneUp by a newer one under load, with a migration in between, behind haproxy: no request may
# fail and no job be lost (see docs/operations.md). About two minutes when everything is built.
#   scripts/rolling.sh [--from REF] [--rate N] [--clients N]
# The old release is the newest tag, or REF, built from its own sources; while there is no tag, it is a copy of this
# build. The migration is what the new release has beyond the old one, and one expanding change of the busiest table that
# only this run makes. Servers, data and ports (ROLLING_PORT_BASE) are its own and are removed afterwards, but for the
# logs in .local/bench/rolling and the report in bench/results.
set -euo pipefail
# shellcheck source=scripts/suite.sh
source "$(dirname "${BASH_SOURCE[0]}")/suite.sh" rolling "${ROLLING_PORT_BASE:-30000}"

OLD_TREE="$LOCAL/rolling-old"

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
  begin_run
  scripts/fetch-photos.sh
  build_programs
  build_old "$DATA/old" "$from"
  lay_out "$DATA/new" "$ROOT" "$ROOT/target/debug"
  run_bench --old "$DATA/old" --new "$DATA/new" --python "$VENV/bin/python" --photo "$LOCAL/photos/face.jpg" \
    "${arguments[@]}"
}

main "$@"
