#!/usr/bin/env bash
# Sourced by the scripts of this folder: paths, ports, messages, and process management.

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
LOCAL="$ROOT/.local"
# What runs, its data and its logs. A second set of servers (scripts/chaos.sh has one) sets TONEUP_DATA_DIR and ports of
# its own; the tools in .local are shared.
DATA="${TONEUP_DATA_DIR:-$LOCAL}"
RUN="$DATA/run"
LOG="$DATA/log"
# shellcheck disable=SC2034 # used by the scripts that source this one
VENV="$LOCAL/venv"

# Ports of the project's own services, those of .env.example. A second checkout that runs beside the first
# sets TONEUP_PORT_BASE (and API_LISTEN, ANALYZER_LISTEN), or any single port.
TONEUP_PORT_BASE="${TONEUP_PORT_BASE:-28000}"
: "${TONEUP_AMQP_PORT:=$((TONEUP_PORT_BASE + 672))}"
: "${TONEUP_AMQP_DIST_PORT:=$((TONEUP_PORT_BASE + 673))}"
: "${TONEUP_EPMD_PORT:=$((TONEUP_PORT_BASE + 674))}"
: "${TONEUP_AMQP_HTTP_PORT:=$((TONEUP_PORT_BASE + 675))}"
: "${TONEUP_AMQP_METRICS_PORT:=$((TONEUP_PORT_BASE + 676))}"
: "${TONEUP_DATABASE_PORT:=$((TONEUP_PORT_BASE + 306))}"
: "${TONEUP_REDIS_PORT:=$((TONEUP_PORT_BASE + 379))}"
# SeaweedFS opens a gRPC port 10000 above each of these.
: "${TONEUP_S3_PORT:=$((TONEUP_PORT_BASE - 9667))}"
: "${TONEUP_S3_MASTER_PORT:=$((TONEUP_PORT_BASE - 9666))}"
: "${TONEUP_S3_VOLUME_PORT:=$((TONEUP_PORT_BASE - 9665))}"
: "${TONEUP_S3_FILER_PORT:=$((TONEUP_PORT_BASE - 9664))}"
# compose.yaml publishes its services on the same ports.
export TONEUP_AMQP_PORT TONEUP_AMQP_HTTP_PORT TONEUP_DATABASE_PORT TONEUP_REDIS_PORT TONEUP_S3_PORT

# --- messages ---------------------------------------------------------------------------------------

STARTED_AT="${EPOCHREALTIME/[.,]/}"

# Prints "  12.3 s  name  text": the time since this script began.
say() {
  local name="$1" tenths=$(((${EPOCHREALTIME/[.,]/} - STARTED_AT) / 100000))
  shift
  printf '%4d.%d s  %-10s %s\n' "$((tenths / 10))" "$((tenths % 10))" "$name" "$*"
}

die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# --- settings ---------------------------------------------------------------------------------------

# The last value of variable $1 in file $2, or nothing.
setting_in() {
  local line value=""
  [[ -f $2 ]] || return 0
  while IFS= read -r line || [[ -n $line ]]; do
    [[ $line == "$1="* ]] && value="${line#*=}"
  done <"$2"
  printf '%s' "$value"
}

# The value of variable $1: from the environment, else .env, else .env.example.
setting() {
  local value="${!1:-}"
  [[ -n $value ]] || value="$(setting_in "$1" "$ROOT/.env")"
  [[ -n $value ]] || value="$(setting_in "$1" "$ROOT/.env.example")"
  printf '%s' "$value"
}

# The address of service variable $1 when the project runs the service itself.
own_url() {
  case "$1" in
    AMQP_URL) printf 'amqp://toneup:toneup@127.0.0.1:%s/toneup' "$TONEUP_AMQP_PORT" ;;
    DATABASE_URL) printf 'mysql://toneup:toneup@127.0.0.1:%s/toneup' "$TONEUP_DATABASE_PORT" ;;
    REDIS_URL) printf 'redis://127.0.0.1:%s/0' "$TONEUP_REDIS_PORT" ;;
    S3_ENDPOINT) printf 'http://127.0.0.1:%s' "$TONEUP_S3_PORT" ;;
  esac
}

# The configured address of service variable $1, or nothing when the service is the project's own.
# A value in .env counts only when it was changed there: `make up` copies the file from .env.example.
# TONEUP_SERVICES=own: none is given, whatever the environment says.
given_url() {
  local value="${!1:-}" in_env_file
  [[ ${TONEUP_SERVICES:-} != own ]] || return 0
  if [[ -z $value ]]; then
    in_env_file="$(setting_in "$1" "$ROOT/.env")"
    [[ $in_env_file == "$(setting_in "$1" "$ROOT/.env.example")" ]] || value="$in_env_file"
  fi
  [[ $value == "$(own_url "$1")" ]] || printf '%s' "$value"
}

# Exports where the services are and how to enter them: what tests need, without the rest of .env.
export_service_settings() {
  local name
  for name in AMQP_URL DATABASE_URL REDIS_URL S3_ENDPOINT; do
    export "$name=$(given_url "$name")"
    [[ -n ${!name} ]] || export "$name=$(own_url "$name")"
  done
  # Where the tests make virtual hosts of their own.
  export AMQP_MANAGEMENT_URL="${AMQP_MANAGEMENT_URL:-http://toneup:toneup@127.0.0.1:$TONEUP_AMQP_HTTP_PORT}"
  for name in S3_REGION S3_BUCKET S3_ACCESS_KEY_ID S3_SECRET_ACCESS_KEY; do
    export "$name=$(setting "$name")"
  done
}

# Exports every setting for the stack's processes: from the environment, else .env, else .env.example (an older
# .env does not hold what was added since).
export_settings() {
  local file line name
  export_service_settings
  for file in "$ROOT/.env" "$ROOT/.env.example"; do
    [[ -f $file ]] || continue
    while IFS= read -r line || [[ -n $line ]]; do
      [[ $line =~ ^[A-Z][A-Z0-9_]*= ]] || continue
      name="${line%%=*}"
      [[ -n ${!name+set} ]] || export "$name=${line#*=}"
    done <"$file"
  done
  # The scripts need these two themselves, also where the files leave them to the programs' defaults.
  export API_LISTEN="${API_LISTEN:-127.0.0.1:8080}" ANALYZER_LISTEN="${ANALYZER_LISTEN:-127.0.0.1:28000}"
}

# --- network ----------------------------------------------------------------------------------------

# Splits a URL into "host port"; the port defaults by scheme.
host_and_port() {
  local pattern='^([a-z0-9+]+)://([^@/]*@)?(\[[^]]+\]|[^:/?]+)(:([0-9]+))?' host port
  [[ $1 =~ $pattern ]] || die "not a URL: $1"
  host="${BASH_REMATCH[3]//[\[\]]/}"
  port="${BASH_REMATCH[5]}"
  if [[ -z $port ]]; then
    case "${BASH_REMATCH[1]}" in
      amqp) port=5672 ;; amqps) port=5671 ;; mysql) port=3306 ;; redis | rediss) port=6379 ;;
      https) port=443 ;; *) port=80 ;;
    esac
  fi
  printf '%s %s' "$host" "$port"
}

# Sends $3 to host $1, port $2, and prints the first $4 bytes that come back. Silent when nothing does.
exchange() {
  # shellcheck disable=SC2016 # the inner shell expands them
  timeout 3 bash -c 'exec 3<>"/dev/tcp/$1/$2" && printf "$3" >&3 && head -c "$4" <&3' _ "$@" 2>/dev/null |
    tr -d '\0\r'
}

port_is_open() { timeout 3 bash -c "exec 3<>/dev/tcp/$1/$2" 2>/dev/null; }

# The status code of http://$1:$2$3, with the optional header line $4 and method $5; nothing when there is no answer.
http_status() {
  local head
  head="$(exchange "$1" "$2" "${5:-GET} $3 HTTP/1.1\r\nHost: $1:$2\r\n${4:+$4\r\n}Connection: close\r\n\r\n" 12)" || true
  printf '%s' "${head:9:3}"
}

# Runs the command $3… every 0.1 s until it succeeds, $1 seconds at most, or process $2 of ours ends.
wait_until() {
  local deadline=$((SECONDS + $1)) process="$2"
  shift 2
  until "$@"; do
    ((SECONDS < deadline)) || return 1
    [[ -z $process || -n $(our_pid "$process") ]] || return 1
    sleep 0.1
  done
}

# --- servers ----------------------------------------------------------------------------------------

# Starts the servers for the time of this script: those that were not up before are stopped at its end.
borrow_services() {
  "$ROOT/scripts/services.sh" status >/dev/null 2>&1 || trap '"$ROOT/scripts/services.sh" stop' EXIT
  "$ROOT/scripts/services.sh" start
}

# --- processes --------------------------------------------------------------------------------------
# A process is ours when the file .local/run/NAME.pid holds its id and its start time: the id alone may
# have been reused by another process.

# Start time of process $1, in clock ticks since boot. Nothing for one that has ended, even if it is not reaped yet.
start_time_of() {
  local stat
  stat="$(cat "/proc/$1/stat" 2>/dev/null)" || return 0
  # From field 3 on: the second, the command's name, may itself contain spaces and parentheses.
  # shellcheck disable=SC2086 # split into fields
  set -- ${stat##*) }
  [[ $1 == [ZX] ]] || printf '%s' "${20}"
}

# Prints the id of our process NAME if it lives.
our_pid() {
  local pid started
  [[ -f $RUN/$1.pid ]] || return 0
  read -r pid started <"$RUN/$1.pid" || return 0
  [[ -n $started && $(start_time_of "$pid") == "$started" ]] || return 0
  printf '%s' "$pid"
}

# Starts NAME as a session of its own, so that it outlives this script and can be ended as a group.
start_process() {
  local name="$1" pid
  shift
  mkdir -p "$RUN" "$LOG"
  [[ ! -s $LOG/$name.log ]] || mv "$LOG/$name.log" "$LOG/$name.log.1"
  # 9 is the lock of the calling script: a server that inherited it would hold it for ever.
  setsid "$@" </dev/null >"$LOG/$name.log" 2>&1 9>&- &
  pid=$!
  printf '%s %s\n' "$pid" "$(start_time_of "$pid")" >"$RUN/$name.pid"
}

# Stops our process NAME: SIGTERM, $2 seconds of grace, then SIGKILL to the rest of its group.
stop_process() {
  local name="$1" grace="$2" pid
  pid="$(our_pid "$name")"
  if [[ -n $pid ]]; then
    kill -TERM "$pid" 2>/dev/null || true
    local deadline=$((SECONDS + grace))
    while [[ -n $(our_pid "$name") ]] && ((SECONDS < deadline)); do sleep 0.1; done
    [[ -z $(our_pid "$name") ]] || say "$name" "killed after $grace s"
    kill -KILL -- "-$pid" 2>/dev/null || true
    say "$name" stopped
  fi
  rm -f "$RUN/$name.pid"
}

last_lines_of() {
  [[ ! -s $LOG/$1.log ]] || { printf -- '--- last lines of %s\n' "$LOG/$1.log" && tail -n 25 "$LOG/$1.log"; } >&2
}
