import type { Shell } from '../../../model/shell.ts'
import { sh } from '../../../shell/sh.ts'
import { BIN, CA, DATA, PASSFILE, SOCKETS } from '../layout.ts'
import type { PostgresNode } from '../model.ts'

/**
 * What every action begins with. Our own commits never wait for a standby, and no statement of ours is in the server's log,
 * for it may hold a verifier. What the server's unit says is never believed: a postmaster is a process that lives in the data
 * directory, and a server is one that answers.
 */
const PRELUDE = sh`set -u
cd /
export LC_ALL=C HOME=/root PGCONNECT_TIMEOUT=5
export PGOPTIONS='-c synchronous_commit=local -c log_statement=none -c log_min_error_statement=panic'
data=${DATA}
fail() { printf '%s\n' "$1"; exit 1; }
pg() { runuser -u postgres -- env HOME=/var/lib/postgresql timeout -k 5 "$@"; }
sql() { pg 30 psql -XAtqw -F ' ' -v ON_ERROR_STOP=1 -h ${SOCKETS} -d postgres -c "$1"; }
remote() { pg 30 psql -XAtqw -F ' ' -v ON_ERROR_STOP=1 -d "$1" -c "$2"; }
repmgr() { pg 300 repmgr -f /etc/repmgr.conf "$@" 2>&1; }
alive() {
  pid=$(head -n 1 "$data/postmaster.pid" 2>/dev/null) && [ -n "$pid" ] && [ "/proc/$pid/cwd" -ef "$data" ]
}
answers() { [ "$(sql 'select 1' 2>/dev/null)" = 1 ]; }
# Waits for at most $1 seconds until a command succeeds.
within() {
  until_=$(($(date +%s) + $1))
  shift
  until "$@"; do
    [ "$(date +%s)" -lt "$until_" ] || return 1
    sleep 0.2
  done
}
why() { tail -n 15 /var/log/postgresql/postgresql-15-main.log 2>/dev/null; journalctl -q --no-pager -o cat -n 5 -u postgresql@15-main; }
gone() { ! alive; }
stop_server() {
  timeout 90 systemctl stop postgresql@15-main
  gone || pg 90 ${`${BIN}/pg_ctl`} -D "$data" stop -m fast -w -t 60 || true
  within 10 gone || fail "the server does not stop: process $pid still works in $data"
}
start_server() {
  systemctl reset-failed postgresql@15-main 2>/dev/null || true
  timeout 120 systemctl start postgresql@15-main || true
  within "\${1:-60}" answers || { why; fail 'the server does not answer'; }
}
state() { ${`${BIN}/pg_controldata`} "$data" | sed -n 's/^Database cluster state: *//p'; }
`

/** A script of an action: it begins with what all of them share. */
export function action(script: Shell): string {
  return `${PRELUDE.shell}${script.shell}\n`
}

/** How a node reaches the server of another one as the role `repmgr`, certificate and name verified. */
export function conninfo({ address }: PostgresNode): string {
  return `host=${address} user=repmgr dbname=repmgr connect_timeout=5 sslmode=verify-full sslrootcert=${CA} passfile=${PASSFILE}`
}

/** Waits until the node's server streams from another node's. */
export function streamsFrom({ host, address }: PostgresNode, seconds = 60): Shell {
  return sh`streams() { [ "$(sql "select status, sender_host from pg_stat_wal_receiver" 2>/dev/null)" = ${`streaming ${address}`} ]; }
within ${seconds} streams || { why; fail ${`it does not stream from ${host}`}; }`
}

/** The slot that repmgr keeps for a node on the one it follows. */
export function slotOf({ id }: Pick<PostgresNode, 'id'>): string {
  return `repmgr_slot_${id}`
}
