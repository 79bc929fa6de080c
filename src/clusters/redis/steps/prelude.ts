import type { ClusterAction, ClusterStep } from '../../../model/cluster.ts'
import type { Shell } from '../../../model/shell.ts'
import { sh } from '../../../shell/sh.ts'
import {
  CA,
  MARK,
  PASSWORD,
  REDIS_CONF,
  REDIS_PORT,
  redisPlaces,
  SENTINEL_CONF,
  SENTINEL_PASSWORD,
  SENTINEL_PORT,
} from '../layout.ts'
import type { RedisNode } from '../model.ts'
import { TRUST } from '../trust.ts'

/**
 * What every action begins with. Servers are asked over TLS, at their addresses. No password is an argument of a program. A
 * node whose password is just being changed is opened by the one that its own file has.
 */
const PRELUDE = sh`set -eu
umask 077
cd /
export LC_ALL=C
data=${redisPlaces.data} conf=${REDIS_CONF} sconf=${SENTINEL_CONF}
fail() { printf '%s\\n' "$1"; exit 1; }
[ -s ${PASSWORD} ] && [ -s ${SENTINEL_PASSWORD} ] && [ -e ${CA} ] || fail 'this node is not prepared'
own=$(cat ${PASSWORD}) sown=$(cat ${SENTINEL_PASSWORD})
was=$(sed -n 's/^masterauth //p' "$conf" 2>/dev/null | tr -d '"') || was=
swas=$(sed -n 's/^sentinel sentinel-pass //p' "$sconf" 2>/dev/null | tr -d '"') || swas=
hash() { printf %s "$1" | sha256sum | cut -d ' ' -f 1; }
${TRUST}
here=$(trust ${REDIS_PORT} redis-server) shere=$(trust ${SENTINEL_PORT} redis-sentinel)
# $1 a password, $2 address, $3 port: the rest is the command, or else commands are read. With the name of its user a server that
# any password opens takes one, too.
cli() {
  secret_=$1 at_=$2 port_=$3
  shift 3
  case $at_:$port_ in
    127.0.0.1:${REDIS_PORT}) how_=$here ;;
    127.0.0.1:${SENTINEL_PORT}) how_=$shere ;;
    *) how_='--cacert ${{ shell: CA }}' ;;
  esac
  REDISCLI_AUTH=$secret_ timeout -k 2 5 redis-cli --no-auth-warning --user default --tls $how_ -e -h "$at_" -p "$port_" "$@" 2>&1
}
# One of two passwords opens it.
either() {
  first_=$1 second_=$2
  shift 2
  rc_=0
  said_=$(cli "$first_" "$@" </dev/null) || {
    rc_=$?
    case $said_ in *WRONGPASS* | *NOAUTH*)
      if [ "$second_" ]; then rc_=0; said_=$(cli "$second_" "$@" </dev/null) || rc_=$?; fi ;;
    esac
  }
  printf '%s\\n' "$said_" | tr -d '\\r'
  return "$rc_"
}
ask() { there_=$1; shift; either "$own" "$was" "$there_" ${REDIS_PORT} "$@"; }
sask() { there_=$1; shift; either "$sown" "$swas" "$there_" ${SENTINEL_PORT} "$@"; }
# Tells the server, or Sentinel, here a command that holds a secret.
tell() {
  case $1 in redis) set -- "$own" "$was" ${REDIS_PORT} ;; *) set -- "$sown" "$swas" ${SENTINEL_PORT} ;; esac
  command_=$(cat)
  for secret_ in "$1" "$2"; do
    said_=$(printf '%s\\n' "$command_" | cli "$secret_" 127.0.0.1 "$3") || true
    [ "$said_" != OK ] || return 0
  done
  # What it says may hold the command.
  fail 'a change of passwords was not taken'
}
# One that cannot write its disk says so, and all the rest can be asked of it.
answers() { case $(ask "\${1:-127.0.0.1}" ping) in PONG | *MISCONF*) ;; *) return 1 ;; esac; }
sanswers() { [ "$(sask "\${1:-127.0.0.1}" ping)" = PONG ]; }
# master or slave; down: nothing listens there; away: it cannot be reached; other: it says something else.
role() {
  role_=$(ask "$1" role) && { printf '%s\\n' "$role_" | sed -n 1p; return; }
  case $role_ in
    *refused*) echo down ;;
    '' | *'ould not connect'*) echo away ;;
    *) echo other ;;
  esac
}
is_master() { [ "$(role "$1")" = master ]; }
is_replica() { [ "$(role "$1")" = slave ]; }
# A server that cannot be asked may be one.
no_master() { case $(role "$1") in slave | down) ;; *) return 1 ;; esac; }
# How much of its history the server at $1 has.
offset() {
  offset_=$(ask "$1" info replication) || return 1
  printf '%s\\n' "$offset_" | sed -nE 's/^(slave_repl_offset|master_repl_offset):([0-9]+)$/\\1 \\2/p' | sort -r | sed -n '1s/.* //p'
}
field() { field_=$(ask "$1" info "$2") && printf '%s\\n' "$field_" | sed -n "s/^$3://p"; }
# No answer is not the answer that there are none.
keys() {
  keys_=$(ask "$1" info keyspace) || return 1
  case $keys_ in *Keyspace*) ;; *) return 1 ;; esac
  printf '%s\\n' "$keys_" | sed -n 's/^db[0-9]*:keys=\\([0-9]*\\),.*/\\1/p' | awk '{ n += $1 } END { print n + 0 }'
}
count_keys() { held=$(keys 127.0.0.1) || fail 'it does not say how many keys it holds: nothing is done'; }
setting() { setting_=$(ask "$1" config get "$2") && printf '%s\\n' "$setting_" | sed -n 2p; }
# What the Sentinel at $1 says of the master $2: its field $3.
watched() { watched_=$(sask "$1" sentinel master "$2") && printf '%s\\n' "$watched_" | sed -n "/^$3\\$/{n;p;q;}"; }
names() { names_=$(sask "$1" sentinel get-master-addr-by-name "$2") && printf '%s\\n' "$names_" | sed -n 1p; }
failing_over() { case $(watched "$1" "$2" flags) in *failover*) ;; *) return 1 ;; esac; }
follows() { [ "$(field 127.0.0.1 replication master_host)" = "$1" ]; }
# A link is said to be up for long after its master is gone: so the master is asked, too.
linked() {
  follows "$1" && [ "$(field 127.0.0.1 replication master_link_status)" = up ] || return 1
  id_=$(field "$1" replication master_replid) && [ "$(field 127.0.0.1 replication master_replid)" = "$id_" ]
}
ours() { head -n 1 "$1" 2>/dev/null | grep -qF ${MARK}; }
# Tries a command for at most $1 seconds until it succeeds.
within() {
  until_=$(($(date +%s) + $1))
  shift
  until "$@"; do
    [ "$(date +%s)" -lt "$until_" ] || return 1
    sleep 0.1
  done
}
save_config() { [ "$(ask 127.0.0.1 config rewrite)" = OK ] || fail 'the server does not write its file'; }
# In folders of the daemons root follows no link that one of them may have put there.
as_redis() { setpriv --reuid redis --regid redis --init-groups -- "$@"; }
# A file of the daemon, from what is read; it writes it itself from then on.
put() {
  new_=${redisPlaces.root}/new
  cat >"$new_" && chown redis:redis "$new_" && chmod 0640 "$new_" && sync "$new_" && mv -fT "$new_" "$1" && sync ${redisPlaces.config} ||
    { rm -f "$new_"; fail "$1 cannot be written"; }
}
pid() { systemctl show -p MainPID --value "$1"; }
why() { timeout 10 journalctl -q --no-pager -o cat -n 6 -u "$1" | cut -c 1-300; tail -n 6 "/var/log/redis/$1.log" 2>/dev/null | cut -c 1-300; }
# $1 a unit, $2 seconds. A process that was stopped by a signal goes on.
bring_up() {
  p_=$(pid "$1")
  [ "$p_" -le 1 ] || kill -CONT "$p_" 2>/dev/null || true
  systemctl reset-failed "$1" 2>/dev/null || true
  timeout "$2" systemctl start "$1" || { why "$1"; fail "$1 does not start"; }
}
# One that hangs is woken to be told to end, and would be a master for that long.
end_unasked() {
  answers || systemctl kill -s KILL redis-server 2>/dev/null || true
  timeout 60 systemctl stop redis-server
}
start_redis() { bring_up redis-server "$1"; within "$1" answers || { why redis-server; fail 'the server does not answer'; }; }
start_sentinel() { bring_up redis-sentinel 30; within 20 sanswers || { why redis-sentinel; fail 'Sentinel does not answer'; }; }
`

/** A script of an action: it begins with what all of them share. */
export function action(script: Shell): string {
  return `${PRELUDE.shell}${script.shell}\n`
}

/** What is said of a step. */
export type Told = Pick<ClusterStep, 'name' | 'reason' | 'effect' | 'alone'>

interface Work {
  readonly title: string
  readonly script: Shell
  readonly timeout?: number
  /** Where it says what lies aside, and where. */
  readonly tells?: true
}

/** A step that is one action on one node. */
export function oneAction({ host }: RedisNode, told: Told, work: Work): ClusterStep {
  return { ...told, about: host, stages: [sameOn([{ host }], work)] }
}

/** The same on several nodes at once. */
export function sameOn(
  nodes: readonly Pick<RedisNode, 'host'>[],
  { title, script, timeout, tells }: Work,
): readonly ClusterAction[] {
  return nodes.map(({ host }) => ({
    ...{ host, title, script: action(script) },
    ...(timeout !== undefined && { timeout }),
    ...(tells && { tells }),
  }))
}

/** Nodes in a sentence: `app1, app2`. */
export function hosts(nodes: readonly Pick<RedisNode, 'host'>[]): string {
  return nodes.map(({ host }) => host).join(', ')
}
