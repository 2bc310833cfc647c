#!/usr/bin/env bash
# The servers ToneUp needs: RabbitMQ, MariaDB (or MySQL), Redis, S3.
#   scripts/services.sh start|stop|crash [NAME…]     all without a name; crash: SIGKILL, of our own instances only
#   scripts/services.sh status|logs
#   scripts/services.sh rabbitmqctl ARGUMENT…        the broker's own tool, for an instance of our own
# Each is, in this order: the one whose URL is set (DATABASE_URL, AMQP_URL, REDIS_URL, S3_ENDPOINT: only checked);
# a container, where a Docker engine answers; or an instance of our own from Debian packages, with its data under
# .local/, on 127.0.0.1 and on ports of its own, so that it never meets a server that is already there.
# TONEUP_SERVICES=own asks for the last, wherever it runs.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

SERVICES=(rabbitmq mariadb redis s3)
declare -A URL_OF=([rabbitmq]=AMQP_URL [mariadb]=DATABASE_URL [redis]=REDIS_URL [s3]=S3_ENDPOINT)
declare -A CONTAINER_OF=([rabbitmq]=rabbitmq [mariadb]=mysql [redis]=redis [s3]=s3)
declare -A TIMEOUT_OF=([rabbitmq]=120 [mariadb]=60 [redis]=15 [s3]=30)
# SIGTERM to SIGKILL. RabbitMQ closes its queues, MariaDB flushes its pages; SeaweedFS has written what it answered, and
# waits 15 s for subscribers that are itself.
declare -A GRACE_OF=([rabbitmq]=30 [mariadb]=30 [redis]=5 [s3]=2)

MODE_FILE="$RUN/services.mode"

# The programs of a server from another system's root (scripts/test-matrix.sh has newer ones there), which sees the
# project at its own path.
BROKER_IN=(${TONEUP_RABBITMQ_ROOT:+chroot "$TONEUP_RABBITMQ_ROOT"})
MYSQL_IN=(${TONEUP_MYSQL_ROOT:+chroot "$TONEUP_MYSQL_ROOT"})

# --- RabbitMQ ---------------------------------------------------------------------------------------

start_rabbitmq() {
  local data="$DATA/rabbitmq"
  mkdir -p "$data/home" "$data/conf.d"
  # Read after rabbitmq/rabbitmq.conf; the later value wins.
  cat >"$data/conf.d/own.conf" <<CONF
listeners.tcp.1 = 127.0.0.1:$TONEUP_AMQP_PORT
management.tcp.ip = 127.0.0.1
management.tcp.port = $TONEUP_AMQP_HTTP_PORT
prometheus.tcp.ip = 127.0.0.1
prometheus.tcp.port = $TONEUP_AMQP_METRICS_PORT
load_definitions = $ROOT/rabbitmq/definitions.json
CONF
  printf '[].\n' >"$data/advanced.config"
  # Erlang's port mapper. Ours, because the one Erlang would start by itself belongs to nobody.
  start_process epmd "$(epmd_program)" -port "$TONEUP_EPMD_PORT" -address 127.0.0.1
  wait_until 10 epmd port_is_open 127.0.0.1 "$TONEUP_EPMD_PORT" || return 1
  # The server's own script: the wrapper in /usr/sbin insists on root or the user rabbitmq.
  # RUNNING_UNDER_SYSTEMD makes it become the server instead of waiting beside it: one process to watch and to end.
  # HOME holds the Erlang cookie. `+sbwt none`: idle schedulers sleep at once instead of spinning.
  start_process rabbitmq "${BROKER_IN[@]}" env HOME="$data/home" RUNNING_UNDER_SYSTEMD=true \
    RABBITMQ_NODENAME=toneup@localhost \
    RABBITMQ_DIST_PORT="$TONEUP_AMQP_DIST_PORT" \
    ERL_EPMD_PORT="$TONEUP_EPMD_PORT" ERL_EPMD_ADDRESS=127.0.0.1 \
    RABBITMQ_MNESIA_BASE="$data/data" RABBITMQ_LOG_BASE="$data/log" RABBITMQ_LOGS=- \
    RABBITMQ_PID_FILE="$data/server.pid" \
    RABBITMQ_CONFIG_FILE="$ROOT/rabbitmq/rabbitmq.conf" RABBITMQ_CONFIG_FILES="$data/conf.d" \
    RABBITMQ_ADVANCED_CONFIG_FILE="$data/advanced.config" \
    RABBITMQ_CONF_ENV_FILE="$data/no-environment-file" \
    RABBITMQ_ENABLED_PLUGINS_FILE="$ROOT/rabbitmq/enabled_plugins" \
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="+sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}" \
    /usr/lib/rabbitmq/bin/rabbitmq-server
}

epmd_program() { command -v epmd || printf '/usr/lib/erlang/bin/epmd'; }

# Ready when the jobs queue has its leader; the management API answers late, after the AMQP listener.
ready_rabbitmq() {
  local login
  login="$(printf 'toneup:toneup' | base64)"
  [[ $(http_status 127.0.0.1 "$TONEUP_AMQP_HTTP_PORT" /api/queues/toneup/toneup.analysis.jobs \
    "Authorization: Basic $login") == 200 ]] && port_is_open 127.0.0.1 "$TONEUP_AMQP_PORT"
}

ports_of_rabbitmq() {
  printf '%s\n' "$TONEUP_AMQP_PORT" "$TONEUP_AMQP_DIST_PORT" "$TONEUP_EPMD_PORT" \
    "$TONEUP_AMQP_HTTP_PORT" "$TONEUP_AMQP_METRICS_PORT"
}

# --- MariaDB ----------------------------------------------------------------------------------------

start_mariadb() {
  if ((${#MYSQL_IN[@]} > 0)); then
    start_mysql
    return
  fi
  local data="$DATA/mariadb" user
  user="$(id -un)"
  if [[ ! -d $data/mysql ]]; then
    rm -rf "$data.new"
    mkdir -p "$LOG"
    mariadb-install-db --no-defaults --datadir="$data.new" --user="$user" --skip-test-db \
      --auth-root-authentication-method=socket >"$LOG/mariadb-install.log" 2>&1 || return 1
    # Renamed when complete: an interrupted installation is begun again, not used.
    mv "$data.new" "$data"
  fi
  # --user: as root the server insists on being told so. The socket's name is relative to the data directory:
  # a path is 107 bytes at most.
  start_process mariadb /usr/sbin/mariadbd --no-defaults --datadir="$data" --user="$user" \
    --bind-address=127.0.0.1 --port="$TONEUP_DATABASE_PORT" --socket=server.sock --pid-file=server.pid \
    --init-file="$ROOT/scripts/development.sql" \
    --character-set-server=utf8mb4 --collation-server=utf8mb4_unicode_ci \
    --transaction-isolation=READ-COMMITTED --innodb-flush-log-at-trx-commit=1 \
    --innodb-buffer-pool-size=256M --max-connections=500 --skip-name-resolve --local-infile=0
}

# The real MySQL, under the same name: one of the two runs.
start_mysql() {
  local data="$DATA/mysql"
  if [[ ! -d $data ]]; then
    rm -rf "$data.new"
    mkdir -p "$LOG" "$DATA"
    "${MYSQL_IN[@]}" mysqld --no-defaults --initialize-insecure --datadir="$data.new" --user=root \
      >"$LOG/mysql-install.log" 2>&1 || return 1
    mv "$data.new" "$data"
  fi
  start_process mariadb "${MYSQL_IN[@]}" mysqld --no-defaults --datadir="$data" --user=root \
    --bind-address=127.0.0.1 --port="$TONEUP_DATABASE_PORT" --socket=server.sock --pid-file=server.pid --mysqlx=OFF \
    --init-file="$ROOT/scripts/development.sql" --secure-file-priv=NULL \
    --character-set-server=utf8mb4 --collation-server=utf8mb4_unicode_ci \
    --transaction-isolation=READ-COMMITTED --innodb-flush-log-at-trx-commit=1 \
    --innodb-buffer-pool-size=256M --max-connections=500 --skip-name-resolve --local-infile=0
}

# Ready when the greeting comes: the port opens before.
ready_mariadb() { [[ -n $(exchange 127.0.0.1 "$TONEUP_DATABASE_PORT" '' 16) ]]; }

ports_of_mariadb() { printf '%s\n' "$TONEUP_DATABASE_PORT"; }

# --- Redis ------------------------------------------------------------------------------------------

start_redis() {
  mkdir -p "$DATA/redis"
  start_process redis redis-server --bind 127.0.0.1 --port "$TONEUP_REDIS_PORT" --dir "$DATA/redis" \
    --daemonize no --appendonly no --save '' --maxmemory-policy noeviction
}

ready_redis() { [[ $(exchange 127.0.0.1 "$TONEUP_REDIS_PORT" 'PING\r\n' 5) == +PONG ]]; }

ports_of_redis() { printf '%s\n' "$TONEUP_REDIS_PORT"; }

# --- S3 (SeaweedFS) ---------------------------------------------------------------------------------

start_s3() {
  local data="$DATA/s3"
  mkdir -p "$data"
  # Off: the anonymous usage statistics it would send, and CORS for any origin where a bucket has no rules of its own.
  # Each bucket takes at least one volume, and left to itself the server has as many as there are gibibytes free, and
  # refuses every write (500) on a disk with less than a hundredth free: on a full machine, tests would fail by turns.
  # A server that has been one before waits for as long as an election takes, 10 s if not told otherwise.
  # Sockets are named relative to the data directory: a path is 107 bytes at most.
  start_process s3 env --chdir="$data" \
    AWS_ACCESS_KEY_ID="$(setting S3_ACCESS_KEY_ID)" AWS_SECRET_ACCESS_KEY="$(setting S3_SECRET_ACCESS_KEY)" \
    "$VENV/bin/weed" server -s3 -filer -dir="$data" -ip=127.0.0.1 -ip.bind=127.0.0.1 \
    -s3.port="$TONEUP_S3_PORT" -master.port="$TONEUP_S3_MASTER_PORT" \
    -volume.port="$TONEUP_S3_VOLUME_PORT" -filer.port="$TONEUP_S3_FILER_PORT" \
    -master.electionTimeout=1s -master.telemetry=false -master.volumeSizeLimitMB=128 \
    -volume.max=10000 -volume.minFreeSpace=64MiB -volume.preStopSeconds=0 \
    -s3.localSocket=s3.sock -filer.localSocket=filer.sock -s3.autoCreateBucket=false \
    -s3.allowedOrigins=http://cors.invalid -s3.port.iceberg=0 -s3.port.lance=0
}

# Ready when a stranger is refused. In its container the server makes the bucket and publishes no other port.
ready_s3() {
  local bucket
  bucket="$(setting S3_BUCKET)"
  runs_in_containers || s3_has_bucket "$bucket" || return 1
  [[ $(http_status 127.0.0.1 "$TONEUP_S3_PORT" "/$bucket/") == 403 ]]
}

# Makes the bucket where there is none. Volumes come some seconds after the ports: until then, reading fails.
s3_has_bucket() {
  local path="/buckets/$1/"
  [[ $(http_status 127.0.0.1 "$TONEUP_S3_MASTER_PORT" /dir/assign) == 200 ]] || return 1
  [[ $(http_status 127.0.0.1 "$TONEUP_S3_FILER_PORT" "$path") != 200 ]] || return 0
  [[ $(http_status 127.0.0.1 "$TONEUP_S3_FILER_PORT" "$path" 'Content-Length: 0' POST) == 201 ]]
}

ports_of_s3() {
  local port
  for port in "$TONEUP_S3_PORT" "$TONEUP_S3_MASTER_PORT" "$TONEUP_S3_VOLUME_PORT" "$TONEUP_S3_FILER_PORT"; do
    printf '%s\n' "$port" "$((port + 10000))"
  done
}

# --- which way --------------------------------------------------------------------------------------

docker_answers() { [[ ${TONEUP_SERVICES:-} != own ]] && have docker && timeout 5 docker info >/dev/null 2>&1 && docker compose version >/dev/null 2>&1; }

compose() { docker compose --project-directory "$ROOT" "$@"; }

runs_in_containers() { [[ -f $MODE_FILE && $(<"$MODE_FILE") == docker ]]; }

# Whether one of our own instances lives: then the others join it, even if an engine has appeared since.
some_run_here() {
  local name
  for name in "${SERVICES[@]}"; do [[ -z $(our_pid "$name") ]] || return 0; done
  return 1
}

is_given() { [[ -n $(given_url "${URL_OF[$1]}") ]]; }

# --- given ------------------------------------------------------------------------------------------

check_given() {
  local name="$1" url host port
  url="$(given_url "${URL_OF[$name]}")"
  read -r host port <<<"$(host_and_port "$url")"
  port_is_open "$host" "$port" || die "${URL_OF[$name]} is set, but nothing answers at $host:$port"
  say "$name" "given: $host:$port answers"
}

# --- own --------------------------------------------------------------------------------------------

refuse_taken_ports() {
  local name="$1" port
  for port in $("ports_of_$name"); do
    ! port_is_open 127.0.0.1 "$port" ||
      die "$name: port $port is taken by another process; set TONEUP_PORT_BASE (now $TONEUP_PORT_BASE) to move all ports"
  done
}

start_own() {
  local name="$1"
  if [[ -n $(our_pid "$name") ]] && "ready_$name"; then
    say "$name" "running"
    return
  fi
  if [[ -z $(our_pid "$name") ]]; then
    stop_port_mapper "$name"
    refuse_taken_ports "$name"
    say "$name" "starting"
    "start_$name" || { last_lines_of "$name" && die "$name could not be started"; }
  fi
  if ! wait_until "${TIMEOUT_OF[$name]}" "$name" "ready_$name"; then
    last_lines_of "$name"
    [[ -n $(our_pid "$name") ]] || die "$name ended; its log is $LOG/$name.log"
    die "$name is not ready after ${TIMEOUT_OF[$name]} s; its log is $LOG/$name.log"
  fi
  say "$name" "ready"
}

# RabbitMQ's port mapper lives and dies with it.
stop_port_mapper() { [[ $1 != rabbitmq ]] || stop_process epmd 5; }

stop_own() {
  stop_process "$1" "${GRACE_OF[$1]}"
  stop_port_mapper "$1"
}

# --- containers -------------------------------------------------------------------------------------

start_containers() {
  local name names=()
  for name; do names+=("${CONTAINER_OF[$name]}"); done
  say docker "starting ${names[*]}"
  compose up -d --wait --wait-timeout 180 "${names[@]}" || die "docker compose up failed; see: docker compose logs"
  say docker ready
}

# --- commands ---------------------------------------------------------------------------------------

# Runs function $1 for each further argument at once; fails when one of them failed.
each_at_once() {
  local function="$1" name pid pids=() failed=0
  shift
  for name; do
    "$function" "$name" &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
  return "$failed"
}

start() {
  local name wanted=()
  for name; do
    if is_given "$name"; then check_given "$name"; else wanted+=("$name"); fi
  done
  ((${#wanted[@]} > 0)) || return 0
  if ! some_run_here && docker_answers; then
    printf 'docker\n' >"$MODE_FILE"
    start_containers "${wanted[@]}"
    return
  fi
  printf 'own\n' >"$MODE_FILE"
  TONEUP_OWN_SERVICES="${wanted[*]}" "$ROOT/scripts/setup.sh" services
  [[ " ${wanted[*]} " != *" s3 "* ]] || "$ROOT/scripts/setup.sh" storage
  each_at_once start_own "${wanted[@]}"
}

stop() {
  if runs_in_containers && docker_answers; then
    # `down` without --volumes: the data stays.
    if (($# == ${#SERVICES[@]})); then compose down; else compose stop "${@/mariadb/mysql}"; fi
  fi
  each_at_once stop_own "$@"
  some_run_here || rm -f "$MODE_FILE"
}

# Nothing is flushed, nothing is closed.
crash() {
  local name pid
  for name; do
    pid="$(our_pid "$name")"
    [[ -z $pid ]] || kill -KILL -- "-$pid"
  done
}

# Asks the broker's own tool; the wrapper in /usr/sbin insists on root or the user rabbitmq.
rabbitmqctl() {
  "${BROKER_IN[@]}" env HOME="$DATA/rabbitmq/home" ERL_EPMD_PORT="$TONEUP_EPMD_PORT" RABBITMQ_NODENAME=toneup@localhost \
    RABBITMQ_CONF_ENV_FILE="$DATA/rabbitmq/no-environment-file" /usr/lib/rabbitmq/bin/rabbitmqctl "$@"
}

# Exits with 0 when every service can be used, else 3.
status() {
  local name up=0
  for name in "${SERVICES[@]}"; do
    if is_given "$name"; then
      (check_given "$name") || up=3
    elif "ready_$name"; then
      say "$name" "ready at $(own_url "${URL_OF[$name]}" | sed 's|//[^@/]*@|//|')$([[ -z $(our_pid "$name") ]] || printf ' (process %s)' "$(our_pid "$name")")"
    else
      say "$name" "not running"
      up=3
    fi
  done
  return "$up"
}

logs() {
  if runs_in_containers; then
    compose logs --tail 100 "${CONTAINER_OF[@]}"
  else
    local name
    for name in "${SERVICES[@]}"; do
      [[ ! -s $LOG/$name.log ]] || tail -n 100 "$LOG/$name.log" | sed "s/^/$name: /"
    done
  fi
}

main() {
  local command="${1:-}"
  shift || true
  mkdir -p "$RUN" "$LOG"
  case "$command" in
    start | stop | crash)
      exec 9>"$DATA/services.lock"
      # Single ones do not wait for each other.
      if (($# > 0)); then flock --shared 9; else flock 9; fi
      (($# > 0)) || set -- "${SERVICES[@]}"
      refuse_unknown "$@"
      "$command" "$@"
      ;;
    status | logs | rabbitmqctl) "$command" "$@" ;;
    *) die "usage: scripts/services.sh start|stop|crash|status|logs|rabbitmqctl" ;;
  esac
}

refuse_unknown() {
  local name
  for name; do
    [[ -n ${URL_OF[$name]:-} ]] || die "no such service: $name (there are ${SERVICES[*]})"
  done
}

main "$@"
