import type { ClusterStep } from '../../../model/cluster.ts'
import type { Shell } from '../../../model/shell.ts'
import { sh } from '../../../shell/sh.ts'
import { REDIS_PORT, redisPlaces } from '../layout.ts'
import type { Desired, RedisNode } from '../model.ts'
import { needsRestart, settingsOf } from '../settings.ts'
import { followsWell, isMaster } from './looks.ts'
import { oneAction } from './prelude.ts'

/** A server that is down or hangs. One that is a master by its file is not started beside another one. */
export function startServer(node: RedisNode, why: string): ClusterStep {
  const script = sh`ours "$conf" || fail 'its redis.conf is none of ours'
if ! answers; then
  if ! grep -qE '^(replicaof|slaveof) ' "$conf"; then
    for other in $(sed -nE 's/^sentinel (monitor|known-replica|known-sentinel) [^ ]+ ([^ ]+) .*/\\2/p' "$sconf" | sort -u); do
      [ "$other" = ${node.address} ] || ! is_master "$other" || fail "$other is the master by now: look again"
    done
    touch ${redisPlaces.permit}
  fi
  start_redis 300
fi`
  const told = { name: 'start server', reason: why, effect: `the server of ${node.host} answers`, alone: true } as const
  return oneAction(node, told, { title: 'start the server', script })
}

export function startSentinel(node: RedisNode, why: string): ClusterStep {
  // Nobody can tell one that other passwords open what ours is; what it saves of them is in its file.
  const script = sh`ours "$sconf" || fail 'its sentinel.conf is none of ours'
sanswers || {
  case $(sask 127.0.0.1 ping || true) in *WRONGPASS* | *NOAUTH*) timeout 60 systemctl stop redis-sentinel ;; esac
  grep '^user default ' "$sconf" | grep -qF "#$(hash "$sown")" || {
    grep -v '^user default ' "$sconf" >"$sconf.next"
    printf 'user default on #%s ~* &* +@all\\n' "$(hash "$sown")" >>"$sconf.next"
    put "$sconf" <"$sconf.next"
    rm -f "$sconf.next"
  }
  start_sentinel
}`
  const told = { name: 'start sentinel', reason: why, effect: `Sentinel of ${node.host} watches`, alone: true } as const
  return oneAction(node, told, { title: 'start Sentinel', script })
}

/** The data set of a server that runs, in a file that can be loaded. Where nothing is kept, it leaves no other one. */
const SAVE_ASIDE: Shell = sh`saved() { [ "$(field 127.0.0.1 persistence rdb_bgsave_in_progress)" = 0 ]; }
within 120 saved || fail 'it saves something else'
last=$(field 127.0.0.1 persistence rdb_saves)
said=$(ask 127.0.0.1 bgsave) || fail "it does not save: $said"
within 300 saved || fail 'it saves for too long'
[ "$(field 127.0.0.1 persistence rdb_last_bgsave_status)" = ok ] && [ "$(field 127.0.0.1 persistence rdb_saves)" -gt "$last" ] || fail 'it could not save'
aside=$data/aside-$(date -u +%Y%m%dT%H%M%SZ).rdb
if [ "$(setting 127.0.0.1 appendonly)" = no ]; then mv -n "$data/dump.rdb" "$aside"; else cp "$data/dump.rdb" "$aside"; fi
sync "$aside" "$data"
said=$(timeout 300 redis-check-rdb "$aside" 2>&1) || fail "what was saved cannot be loaded: $(printf '%s\\n' "$said" | tail -n 2)"
echo "its data set is saved: $aside"`

export function saveAside(node: RedisNode, why: string): ClusterStep {
  const told = { name: 'save aside', reason: why, effect: `a copy of the data set of ${node.host} lies beside it` }
  return oneAction(node, told, { title: 'save its data set', script: SAVE_ASIDE })
}

/** What may be given up of a server that is to follow another one. */
export interface Given {
  readonly keys: number
}

/**
 * A server that runs follows the master. Without `given` it does so only where it loses nothing: it holds no keys, or its
 * history is the master's. With it, its data set is saved first, while clients can write nothing more, and it is refused where
 * there are more keys than that.
 */
export function followMaster(
  desired: Desired,
  node: RedisNode,
  master: RedisNode,
  why: string,
  given?: Given,
): ClusterStep {
  const effect = `${node.host} follows ${master.host}, the master of ${desired.name}`
  const told = { name: 'follow master', reason: why, effect, alone: true } as const
  const work = { title: `follow ${master.host}`, script: followScript(master, given), timeout: 900 }
  return { ...oneAction(node, told, work), ...(given && { replaces: [node.host] }) }
}

/** The action of `followMaster`. */
export function followScript(master: RedisNode, given?: Given): Shell {
  return sh`answers || fail 'its server does not answer'
${isMaster(master)}
follows ${master.address} || {
${pointTo(master, given ? giveUp(given) : keepAll(master))}
}
${followsWell(master, 300)}`
}

/**
 * A master that is empty, or was given up, follows one that is none yet. Nobody can copy it from then on: its replicas keep
 * what they hold.
 */
export function fenceScript(next: RedisNode, given: Given): Shell {
  return sh`answers || fail 'its server does not answer'
follows ${next.address} || {
${pointTo(next, giveUp(given))}
}`
}

/** Clients write nothing more between the look at what it holds and its following. */
function pointTo({ address }: RedisNode, look: Shell): Shell {
  return sh`let_go() { ask 127.0.0.1 client unpause >/dev/null || true; }
trap let_go EXIT
! is_master 127.0.0.1 || ask 127.0.0.1 client pause 600000 write >/dev/null
held=$(keys 127.0.0.1)
${look}
said=$(ask 127.0.0.1 replicaof ${address} ${REDIS_PORT}) || fail "it does not follow: $said"
let_go
save_config`
}

function giveUp({ keys }: Given): Shell {
  return sh`[ "$held" -le ${keys} ] || fail "it holds $held keys by now, more than the "${keys}" that were given up"
  [ "$held" = 0 ] || { ${SAVE_ASIDE}
}`
}

/** A history is that of the master as well when the master has it now, or had it before. */
function keepAll({ host, address }: RedisNode): Shell {
  return sh`${isMaster({ host, address })}
if [ "$held" != 0 ]; then
    id=$(field 127.0.0.1 replication master_replid)
    [ "$id" = "$(field ${address} replication master_replid)" ] || {
      [ "$id" = "$(field ${address} replication master_replid2)" ] &&
        [ "$(field 127.0.0.1 replication master_repl_offset)" -le "$(field ${address} replication second_repl_offset)" ]
    } || fail ${`it holds keys of another history than that of ${host}: nothing is done`}
  fi`
}

/** A replica whose settings only a restart changes. What a daemon writes it writes before its end: so its file is changed between. */
export function restartServer(desired: Desired, node: RedisNode, why: string): ClusterStep {
  const others = desired.nodes.length - 1
  const lines = Object.entries(settingsOf(desired, node)).filter(([name]) => needsRestart(name))
  const edits = lines.map(
    ([name, value]) => sh`grep -v ${`^${name} `} "$conf" >"$conf.next" || true
printf '%s "%s"\\n' ${name} ${value} >>"$conf.next"
put "$conf" <"$conf.next"
rm -f "$conf.next"`,
  )
  const script = sh`is_replica 127.0.0.1 || { ! answers && grep -qE '^(replicaof|slaveof) ' "$conf"; } || fail 'it is no replica: it is not restarted'
master=$(sed -nE 's/^(replicaof|slaveof) ([^ ]+) .*/\\2/p' "$conf")
is_master "$master" || fail 'whom it follows is no master: it is not restarted'
# Only where the master asks for replicas does it tell how many confirm in time.
good=$(field "$master" replication min_slaves_good_slaves)
case $good in '' | ${others}) ;; *) ! answers || fail "only $good replicas confirm in time what the master writes: it is not restarted" ;; esac
! answers || save_config
timeout 60 systemctl stop redis-server
${{ shell: edits.map(({ shell }) => shell).join('\n') }}
start_redis 300
within 300 linked "$master" || fail 'it does not follow its master again'
caught_up() { o_=$(field 127.0.0.1 replication slave_repl_offset) && [ "$o_" -ge "$at" ]; }
at=$(field "$master" replication master_repl_offset)
within 60 caught_up || fail 'it does not catch up with its master'`
  const effect = 'its settings are in force; clients that write do not notice'
  return oneAction(node, { name: 'restart server', reason: why, effect }, { title: 'restart the server', script })
}
