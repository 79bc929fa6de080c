import type { ClusterStep } from '../../../model/cluster.ts'
import type { Shell } from '../../../model/shell.ts'
import { sh } from '../../../shell/sh.ts'
import { REDIS_PORT } from '../layout.ts'
import type { Desired, RedisNode } from '../model.ts'
import type { Live } from '../view.ts'
import { followsWell, isMaster } from './looks.ts'
import { oneAction } from './prelude.ts'

/** It saves nothing else just now. */
const MAY_SAVE: Shell = sh`saved() { [ "$(field 127.0.0.1 persistence rdb_bgsave_in_progress)" = 0 ]; }
within 120 saved || fail 'it saves something else'`

/** The data set of a server that runs, in a file that can be loaded. Where nothing is kept, it leaves no other one. */
const SAVE_ASIDE: Shell = sh`${MAY_SAVE}
last=$(field 127.0.0.1 persistence rdb_saves) && [ "$last" ] || fail 'it does not say how often it saved'
said=$(ask 127.0.0.1 bgsave) || fail "it does not save: $said"
within 200 saved || fail 'it saves for too long'
[ "$(field 127.0.0.1 persistence rdb_last_bgsave_status)" = ok ] && [ "$(field 127.0.0.1 persistence rdb_saves)" -gt "$last" ] || fail 'it could not save'
aside=$data/aside-$(date -u +%Y%m%dT%H%M%SZ).rdb
if [ "$(setting 127.0.0.1 appendonly)" = no ]; then as_redis mv -nT "$data/dump.rdb" "$aside"; else as_redis cp -nT "$data/dump.rdb" "$aside"; fi
sync "$aside" "$data"
said=$(as_redis timeout 200 redis-check-rdb "$aside" 2>&1) || fail "what was saved cannot be loaded: $(printf '%s\\n' "$said" | tail -n 2)"
echo "its data set is saved: $aside"`

/**
 * A server that runs follows the master. Without `given` it does so only where it loses nothing: it holds no keys, or its
 * history is the master's. With it, its data set is saved first, while clients can write nothing more, and it is refused where
 * there are more keys than that.
 */
export function followMaster(
  desired: Desired,
  node: Live,
  master: Live,
  why: string,
  given?: { readonly keys: number },
): ClusterStep {
  const effect = `${node.host} follows ${master.host}, the master of ${desired.name}`
  const told = { name: 'follow master', reason: why, effect, alone: true } as const
  const work = {
    title: `follow ${master.host}`,
    script: followScript(master, given?.keys),
    timeout: 1500,
    tells: true,
  } as const
  return { ...oneAction(node, told, work), ...(given && { replaces: [node.host] }) }
}

/** The action of `followMaster`. What is given up is saved also where it points at the master already, and hears nothing of it. */
export function followScript(master: Live, keys?: number): Shell {
  const done = keys === undefined ? sh`follows ${master.address}` : sh`linked ${master.address}`
  return sh`answers || fail 'its server does not answer'
${isMaster(master)}
${LET_GO}
${done} || {
${pointTo(master, keys === undefined ? keepAllOf(master) : giveUp(keys))}
}
${followsWell(master, 300)}`
}

/**
 * A master that is to be none follows one that is none yet. Nobody can copy it from then on: its replicas keep what they hold.
 * Only what was given up of it, which is saved, may be more than what the next one has.
 */
export function fenceScript(
  next: RedisNode,
  { keys, given }: { readonly keys: number; readonly given: boolean },
): Shell {
  return sh`answers || fail 'its server does not answer'
${LET_GO}
follows ${next.address} || {
${pointTo(next, given ? giveUp(keys) : keepAll(next))}
}`
}

/** One that was killed may have left writes held, and a replica whose writes are held does not hear its master. */
const LET_GO: Shell = sh`let_go() { ask 127.0.0.1 client unpause >/dev/null || true; }
let_go`

/** Clients write nothing more between the look at what it holds and its following: the pause is longer than all that is waited for. */
function pointTo({ address }: RedisNode, look: Shell): Shell {
  return sh`${MAY_SAVE}
trap let_go EXIT
case $(role 127.0.0.1) in
  master) said=$(ask 127.0.0.1 client pause 900000 write) || fail "writes cannot be held: $said" ;;
  slave) ;;
  *) fail 'it does not say whether it is a master: nothing is done' ;;
esac
count_keys
${look}
said=$(ask 127.0.0.1 replicaof ${address} ${REDIS_PORT}) || fail "it does not follow: $said"
let_go
save_config`
}

/** Behind `count_keys`: no more is lost than somebody agreed to, and a copy of it stays. */
export function giveUp(keys: number): Shell {
  return sh`[ "$held" -le ${keys} ] || fail "it holds $held keys by now, more than the "${keys}" that were given up"
  [ "$held" = 0 ] || { ${SAVE_ASIDE}
}`
}

function keepAllOf(master: Live): Shell {
  return sh`${isMaster(master)}
${keepAll(master)}`
}

/**
 * A history is that of the other one as well when that has it now, and gets all of it while nothing more is written here; or when
 * it had it before.
 */
function keepAll({ host, address }: RedisNode): Shell {
  return sh`if [ "$held" != 0 ]; then
    id=$(field 127.0.0.1 replication master_replid) && at=$(offset 127.0.0.1) && [ "$id" ] && [ "$at" ] || fail 'it does not say what its history is'
    if [ "$id" = "$(field ${address} replication master_replid)" ]; then
      has_it() { o_=$(offset ${address}) && [ "$o_" -ge "$at" ] && [ "$id" = "$(field ${address} replication master_replid)" ]; }
      within 10 has_it || fail ${`${host} does not get what was written here last: nothing is done`}
    else
      [ "$id" = "$(field ${address} replication master_replid2)" ] &&
        [ "$at" -le "$(field ${address} replication second_repl_offset)" ] ||
        fail ${`it holds keys of another history than that of ${host}: nothing is done`}
    fi
  fi`
}
