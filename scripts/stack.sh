#!/usr/bin/env bash
# ToneUp itself on this machine: schema, bucket, analyzer, workers, api, on top of scripts/services.sh.
#   scripts/stack.sh up|down|status|logs
# WORKERS=n runs n workers (1), PROFILE=release builds optimised (debug shares its files with the tests).
# `up` changes nothing that already runs, except what was rebuilt or configured anew since: that is restarted.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

WORKERS="${WORKERS:-1}"
PROFILE="${PROFILE:-debug}"
BIN="$ROOT/target/$PROFILE"
# SIGTERM to SIGKILL: a little more than the processes' own grace (API_SHUTDOWN_GRACE, WORKER_SHUTDOWN_GRACE).
declare -A GRACE_OF=([api]=30 [worker]=45 [analyzer]=20)

# --- what is wanted ---------------------------------------------------------------------------------

# The analyzer is ours unless ANALYZER_URLS points elsewhere.
analyzer_is_ours() { [[ ${ANALYZER_URLS:-} == *"//$ANALYZER_LISTEN"* ]]; }

wanted_processes() {
  local n
  if analyzer_is_ours; then printf 'analyzer\n'; fi
  for ((n = 1; n <= WORKERS; n++)); do printf 'worker-%d\n' "$n"; done
  printf 'api\n'
}

# Every process of the stack that has ever been started here, the services excepted.
known_processes() {
  local file
  for file in "$RUN"/{api,analyzer,worker-*}.pid; do
    [[ ! -e $file ]] || basename "$file" .pid
  done
}

# --- build ------------------------------------------------------------------------------------------

# Only what the stack runs: the benchmark and its plots take as long again.
PROGRAMS=(-p toneup-api -p toneup-worker -p toneup-cli)

build() {
  local flags=("${PROGRAMS[@]}" --bins --locked) total
  [[ $PROFILE == debug ]] || flags+=("--$PROFILE")
  say build "cargo build ${flags[*]}"
  cd "$ROOT"
  export SQLX_OFFLINE=true
  if [[ -t 2 ]]; then
    # On a terminal cargo draws its own bar, of crates done of all.
    cargo build "${flags[@]}"
  else
    total="$(cargo tree "${PROGRAMS[@]}" --locked --edges normal,build --prefix none --format '{p}' 2>/dev/null | sort -u | wc -l)"
    cargo build "${flags[@]}" 2>&1 | build_progress "$total"
  fi
}

# Tells cargo's progress to a log: every 25th crate of about $1, and whatever is no progress.
build_progress() {
  local total="$1" crates=0 line
  while IFS= read -r line; do
    case "$line" in
      *' Compiling '*) ((++crates % 25)) || say build "$crates of about $total crates" ;;
      *' Downloading '* | *' Downloaded '* | *' Blocking '* | *' Finished '*) ;;
      *) printf '%s\n' "$line" >&2 ;;
    esac
  done
}

# Sets everything up: the servers start while the compiler works.
prepare() {
  local services
  "$ROOT/scripts/setup.sh" rust python
  [[ -f $ROOT/.env ]] || { cp "$ROOT/.env.example" "$ROOT/.env" && say setup "wrote .env, a copy of .env.example"; }
  "$ROOT/scripts/services.sh" start &
  services=$!
  (build) || { wait "$services" || true && die "the build failed"; }
  wait "$services" || die "the services are not up"
}

# --- processes --------------------------------------------------------------------------------------

# Whether process NAME ($1, id $2) runs an older program or older settings than there are now.
is_outdated() {
  local name="$1" pid="$2" program
  [[ ! $ROOT/.env -nt $RUN/$name.pid ]] || return 0
  case "$name" in
    analyzer)
      [[ -n $(find "$ROOT/analyzer/app" "$LOCAL/stamps" -newer "$RUN/$name.pid" -type f -not -name '*.pyc' -print -quit) ]]
      ;;
    *)
      # cargo replaces the file, so that the running one is "(deleted)".
      program="$(readlink "/proc/$pid/exe")" || return 1
      [[ $program != "$BIN/toneup-${name%%-*}" ]]
      ;;
  esac
}

start_one() {
  local name="$1" pid
  pid="$(our_pid "$name")"
  if [[ -n $pid ]]; then
    if ! is_outdated "$name" "$pid"; then
      say "$name" "running"
      return
    fi
    say "$name" "out of date: restarting"
    stop_one "$name"
  fi
  case "$name" in
    analyzer) start_process "$name" env --chdir="$ROOT/analyzer" "$VENV/bin/python" -m app ;;
    *) start_process "$name" "$BIN/toneup-${name%%-*}" ;;
  esac
  say "$name" "started"
}

stop_one() { stop_process "$1" "${GRACE_OF[${1%%-*}]}"; }

refuse_taken_port() {
  local name="$1" host port
  read -r host port <<<"$(host_and_port "http://$2")"
  [[ -n $(our_pid "$name") ]] || ! port_is_open "$host" "$port" ||
    die "$name: port $port is taken by another process (set ${name^^}_LISTEN, or stop it)"
}

answers_ready() {
  local host port
  read -r host port <<<"$(host_and_port "http://$1")"
  [[ $(http_status "$host" "$port" /readyz) == 200 ]]
}

await_ready() {
  local name="$1" address="$2" seconds="$3"
  if ! wait_until "$seconds" "$name" answers_ready "$address"; then
    assert_alive "$name"
    last_lines_of "$name"
    die "$name: no 200 from http://$address/readyz within $seconds s; its log is $LOG/$name.log"
  fi
  say "$name" "ready at http://$address"
}

assert_alive() {
  local name
  for name; do
    [[ -n $(our_pid "$name") ]] || { last_lines_of "$name" && die "$name ended; its log is $LOG/$name.log"; }
  done
}

# Runs one of the operator's commands, quietly unless it fails.
operate() {
  say "$1" "toneup $*"
  "$BIN/toneup" "$@" >"$LOG/$1.log" 2>&1 || { last_lines_of "$1" && die "toneup $* failed"; }
}

# --- commands ---------------------------------------------------------------------------------------

up() {
  local name wanted
  prepare
  export_settings
  operate migrate
  operate bucket
  mapfile -t wanted < <(wanted_processes)
  for name in $(known_processes); do
    [[ " ${wanted[*]} " == *" $name "* ]] || stop_one "$name"
  done
  refuse_taken_port api "$API_LISTEN"
  ! analyzer_is_ours || refuse_taken_port analyzer "$ANALYZER_LISTEN"
  for name in "${wanted[@]}"; do start_one "$name"; done
  ! analyzer_is_ours || await_ready analyzer "$ANALYZER_LISTEN" 60
  await_ready api "$API_LISTEN" 30
  assert_alive "${wanted[@]}"
}

down() {
  local name pids=()
  for name in $(known_processes); do
    stop_one "$name" &
    pids+=($!)
  done
  ((${#pids[@]} == 0)) || wait "${pids[@]}"
}

# Exits with 0 when all that `up` would start runs, else 3.
status() {
  local name up=0
  export_settings
  for name in $(wanted_processes); do
    if [[ -n $(our_pid "$name") ]]; then
      say "$name" "running (process $(our_pid "$name"))"
    else
      say "$name" "not running"
      up=3
    fi
  done
  return "$up"
}

logs() {
  local files=() name
  for name in $(known_processes); do files+=("$LOG/$name.log"); done
  ((${#files[@]} > 0)) || die "nothing runs: make up"
  tail -n "${LINES_BACK:-50}" -F "${files[@]}"
}

main() {
  mkdir -p "$RUN" "$LOG"
  case "${1:-}" in
    up | down)
      exec 9>"$LOCAL/stack.lock"
      flock 9
      "$1"
      ;;
    status | logs) "$1" ;;
    *) die "usage: scripts/stack.sh up|down|status|logs" ;;
  esac
}

main "$@"
