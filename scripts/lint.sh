#!/usr/bin/env bash
# All static checks of the sources.
#   scripts/lint.sh          all of it
#   scripts/lint.sh quick    what `make test` begins with: no documentation, dependencies or spelling, and no Clippy, which
#                            lints there while it builds
# Runs to the end and then says what failed.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"
export SQLX_OFFLINE=true

rust_format() { cargo fmt --all --check; }
rust_clippy() { cargo clippy --workspace --all-targets --locked --quiet -- -D warnings; }
rust_docs() { RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet; }

rust_dependencies() { "$LOCAL/tools/bin/cargo-deny" --locked check bans licenses sources; }
advisories() { scripts/audit.sh; }

python_ruff() {
  "$VENV/bin/ruff" check --quiet analyzer bench/peers && "$VENV/bin/ruff" format --check --quiet analyzer bench/peers &&
    "$VENV/bin/ruff" check --quiet --config analyzer/pyproject.toml --ignore INP001 deploy/check &&
    "$VENV/bin/ruff" format --check --quiet --config analyzer/pyproject.toml deploy/check
}
# What the peers import is installed for measurements only.
python_types() {
  (cd analyzer && "$VENV/bin/mypy" --strict .) &&
    (cd bench/peers && "$VENV/bin/mypy" --strict --ignore-missing-imports --allow-untyped-decorators .)
}
javascript_types() { (cd clients/js && node_modules/.bin/tsc); }

shell_scripts() { shellcheck --external-sources scripts/*.sh deploy/*.sh .ci/run; }

# By the schema of compose files; by Compose itself where it is installed.
compose_file() {
  node deploy/check/node_modules/dclint/bin/dclint.cjs --quiet compose.yaml &&
    "$VENV/bin/python" deploy/check/compose.py &&
    if docker compose version >/dev/null 2>&1; then
      docker compose config --quiet
    else
      say lint "docker compose: not installed, skipped"
    fi
}

# Every member of the workspace must be in the build's context: cargo reads them all, whichever it builds.
dockerfiles() {
  local member
  while read -r member; do
    grep -qx "!$member" deploy/Dockerfile.rust.dockerignore || { say lint "Dockerfile.rust.dockerignore: no !$member" && return 1; }
  done < <(sed -n '/^members = \[/,/^\]/s/^ *"\([^"/]*\).*/\1/p' Cargo.toml | sort -u)
  "$VENV/bin/hadolint" deploy/Dockerfile.rust deploy/Dockerfile.analyzer
}

# The chart with both example sets of values: by Helm, by the schemas of Kubernetes, and by those of the operators. RabbitMQ's
# operators have none in a registry: their resources are only rendered.
helm_chart() {
  local chart=deploy/helm/toneup helm="$LOCAL/bin/helm" size rendered
  [[ -x $helm ]] || { say lint "helm: not for this machine, skipped" && return; }
  rendered="$(mktemp -d)"
  for size in small large; do
    {
      "$helm" lint --strict --quiet --values "$chart/values-$size.yaml" "$chart" 2>"$rendered/log" &&
        "$helm" template toneup "$chart" --namespace toneup --values "$chart/values-$size.yaml" \
          >"$rendered/$size.yaml" 2>"$rendered/log"
    } || { cat "$rendered/log" >&2 && return 1; }
    "$VENV/bin/kubernetes-validate" --kubernetes-version 1.35.0 --strict --quiet --no-warn "$rendered/$size.yaml" &&
      node deploy/check/validate.mjs <"$rendered/$size.yaml" &&
      "$VENV/bin/python" deploy/check/manifests.py "$rendered/$size.yaml" || return 1
  done
  rm -r "$rendered"
}

# Rules and their tests; every alert has its section in the runbook, and every metric in them its line in the documentation.
alert_rules() {
  promtool check rules deploy/prometheus/alerts.yaml >/dev/null &&
    promtool test rules deploy/prometheus/tests.yaml >/dev/null &&
    "$VENV/bin/python" deploy/check/observability.py --metrics
}

load_balancer() {
  LISTEN=127.0.0.1:1 STATS_LISTEN=127.0.0.1:2 API_1=127.0.0.1:3 API_2=127.0.0.1:4 \
    /usr/sbin/haproxy -c -q -f deploy/haproxy/haproxy.cfg
}

spelling() { "$VENV/bin/typos"; }

main() {
  local parts=(rust_format shell_scripts python_ruff python_types javascript_types compose_file dockerfiles helm_chart alert_rules load_balancer)
  local failed=() part
  if [[ ${1:-} != quick ]]; then
    parts+=(rust_clippy rust_docs rust_dependencies advisories spelling)
    scripts/setup.sh audit spelling
  fi
  scripts/setup.sh rust python tools node deploy balancer
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
