import type { ClusterAction, ClusterStep } from '../../../model/cluster.ts'
import type { Shell } from '../../../model/shell.ts'
import { sh } from '../../../shell/sh.ts'
import { BIN, DATA, SOCKETS } from '../layout.ts'
import type { PostgresNode } from '../model.ts'

/**
 * What every action begins with. Our own commits never wait for a standby, and no statement of ours is in the server's log,
 * for it may hold a verifier. What systemd says of the server is never believed: a server is a process that works in the
 * data directory, or in one that was taken away under it, and it is up when it answers.
 */
const PRELUDE = sh`set -eu
umask 022
cd /
export LC_ALL=C PGCONNECT_TIMEOUT=5
data=${DATA} bin=${BIN} log=/var/log/postgresql/postgresql-15-main.log
options='-c synchronous_commit=local -c client_min_messages=error -c log_statement=none -c log_min_error_statement=panic -c log_min_duration_statement=-1'
fail() { printf '%s\\n' "$1"; exit 1; }
[ -e /etc/repmgr.conf ] || fail 'this node is not prepared'
# Runs a command as postgres for at most $1 seconds.
pg() { runuser -u postgres -- env HOME=/var/lib/postgresql PGOPTIONS="$options" timeout -k 5 "$@"; }
# $2 is asked of the server here within $1 seconds, or of the one that $3 says.
ask() { pg "$1" psql -XAtqw -F ' ' -v ON_ERROR_STOP=1 -d "\${3:-host=${{ shell: SOCKETS }} dbname=postgres}" -c "$2" 2>&1; }
sql() { ask 30 "$1"; }
answers() { [ "$(ask 5 'select 1')" = 1 ]; }
in_recovery() { ask 10 'select pg_is_in_recovery()'; }
repmgr() { pg 120 repmgr -f /etc/repmgr.conf "$@" 2>&1; }
# Tries a command for at most $1 seconds until it succeeds.
within() {
  until_=$(($(date +%s) + $1))
  shift
  until "$@"; do
    [ "$(date +%s)" -lt "$until_" ] || return 1
    sleep 0.2
  done
}
processes() {
  for p in $(find /proc/[0-9]*/cwd -maxdepth 0 '(' -lname "$data" -o -lname "$data (deleted)" ')' 2>/dev/null); do
    p=\${p%/cwd}
    case $(readlink "$p/exe" 2>/dev/null) in "$bin"/postgres*) echo "\${p#/proc/}" ;; esac
  done
}
gone() { [ -z "$(processes)" ]; }
# The processes whose parent is none of them.
postmaster() {
  all=" $(processes | tr '\\n' ' ') "
  for p in $all; do
    case $all in *" $(sed -n 's/^PPid:[^0-9]*//p' "/proc/$p/status" 2>/dev/null) "*) ;; *) echo "$p" ;; esac
  done
}
signal() { for p in $(postmaster); do kill "-$1" "$p" 2>/dev/null || true; done; }
# A process that was stopped by a signal does nothing of what it is told.
wake() { for p in $(processes); do kill -CONT "$p" 2>/dev/null || true; done; }
from_here() { size=$(stat -c %s "$log" 2>/dev/null) || size=0; }
from_here
# A directory that was taken away lets nothing stop its server but a signal. What is killed recovers from its log.
stop_server() {
  wake
  [ -e "$data/postmaster.pid" ] || signal INT
  timeout "\${1:-60}" systemctl stop postgresql@15-main || true
  gone || { signal INT; within 15 gone; } || { signal QUIT; within 5 gone; } || {
    for p in $(processes); do kill -KILL "$p" 2>/dev/null || true; done
    within 10 gone
  } || fail "the server does not stop: processes $(processes | tr '\\n' ' ')still work in $data"
  from_here
}
# A standby that needs more than its upstream has kept says so again and again: what was said before does not count.
said_since() { tail -c "+$((size + 1))" "$log" 2>/dev/null | grep -aq "$1"; }
beyond_wal() { said_since 'requested WAL segment .* has already been removed'; }
# Its server runs, and takes nobody in.
damaged() { said_since 'FATAL: *could not open file "global/'; }
settled() { answers || gone || beyond_wal || damaged; }
start_server() {
  # The server refuses a directory that others may enter.
  case $(stat -c %a "$data") in 700 | 750) ;; *) chmod 0700 "$data" ;; esac
  systemctl reset-failed postgresql@15-main 2>/dev/null || true
  timeout 120 systemctl start postgresql@15-main || true
  within "$1" settled || true
  answers || { why; fail 'the server does not answer'; }
}
control() { pg 10 "$bin/pg_controldata" -D "$data" | sed -n "s/^$1: *//p"; }
# Statements of clients may hold passwords.
why() {
  said=$(tail -c 65536 "$log" 2>/dev/null | grep -aE ' (FATAL|PANIC|LOG): ' |
    grep -avE 'LOG: +(statement|execute|parse|bind|fastpath|duration|AUDIT|connection)|FATAL: +the database system is ' | tail -n 12 | cut -c 1-300) || true
  printf '%s\\n' "$said"
  timeout 10 journalctl -q --no-pager -o cat -n 6 -u postgresql@15-main | cut -c 1-300 || true
}
stop_daemon() {
  timeout 60 systemctl stop repmgrd || true
  case $(systemctl is-active repmgrd) in active | activating | deactivating) fail 'repmgrd does not stop' ;; esac
}
`

/** A script of an action: it begins with what all of them share. */
export function action(script: Shell): string {
  return `${PRELUDE.shell}${script.shell}\n`
}

/** Of one that may have taken writes once, and was seen not to run: one that just starts does not answer yet. */
export function lookStillDown(nodes: readonly Pick<PostgresNode, 'host'>[]): readonly ClusterAction[] {
  const script = action(
    sh`gone || fail 'a server runs there by now: look again; when nothing else is said then, stop it by hand'`,
  )
  return nodes.map(({ host }) => ({ host, title: 'look whether a server runs', script }))
}

/** What is said of a step. */
export type Told = Pick<ClusterStep, 'name' | 'reason' | 'effect' | 'alone'>

/** A step that is one action on one node. */
export function oneAction(
  { host }: Pick<PostgresNode, 'host'>,
  told: Told,
  { title, script, timeout }: { readonly title: string; readonly script: Shell; readonly timeout?: number },
): ClusterStep {
  const one = { host, title, script: action(script), ...(timeout !== undefined && { timeout }) }
  return { ...told, about: host, stages: [[one]] }
}

/** A step that is the same action on several nodes at once. */
export function sameAction(
  nodes: readonly Pick<PostgresNode, 'host'>[],
  told: Told,
  { title, script, timeout }: { readonly title: string; readonly script: Shell; readonly timeout?: number },
): ClusterStep {
  const about = nodes.map(({ host }) => host).join(', ')
  const one = { title, script: action(script), ...(timeout !== undefined && { timeout }) }
  return { ...told, about, stages: [nodes.map(({ host }) => ({ host, ...one }))] }
}
