import type { Shell } from '../../../model/shell.ts'
import { sh } from '../../../shell/sh.ts'
import type { Desired, RedisNode } from '../model.ts'
import type { Live } from '../view.ts'

/** Nobody follows a server that is no master any more, or one that was started again, and may have come back without a key. */
export function isMaster({ host, address, seen }: Live): Shell {
  return sh`is_master ${address} && [ "$(field ${address} server run_id)" = ${seen.redis.runId} ] ||
  fail ${`${host} is not the master any more that was looked at: nothing is done`}`
}

/** The server here was neither started again nor emptied since it was looked at. */
export function isAsSeen({ seen: { redis } }: Live): Shell {
  return sh`[ "$(field 127.0.0.1 server run_id)" = ${redis.runId} ] && [ "$(field 127.0.0.1 replication master_replid)" = ${redis.replId} ] ||
  fail 'its server is not as it was seen: look again'`
}

/**
 * No server of the set but this one is a master. Of those that were seen one that cannot be asked from here may be; of all others
 * one that answers may not be it.
 */
export function noOtherMaster(
  { nodes }: Desired,
  here: RedisNode,
  seen: readonly RedisNode[],
  fenced: readonly RedisNode[] = [],
): Shell {
  const but = [here, ...seen, ...fenced].map(({ host }) => host)
  const rest = nodes.filter(({ host }) => !but.includes(host))
  return sh`for other in ${seen.map(({ address }) => address)}; do
  no_master "$other" || fail "$other is a master, or cannot be asked from here: nothing is done"
done
for other in ${rest.map(({ address }) => address)}; do
  ! is_master "$other" || fail "$other is a master: nothing is done"
done`
}

/** Waits until the server here follows the master, and has all of it. */
export function followsWell({ host, address }: RedisNode, seconds = 90): Shell {
  return sh`within ${seconds} linked ${address} || { why redis-server; fail ${`it does not follow ${host}`}; }
caught_up() { o_=$(field 127.0.0.1 replication slave_repl_offset) && [ "$o_" -ge "$at" ]; }
at=$(field ${address} replication master_repl_offset) || fail ${`${host} does not answer any more`}
within 30 caught_up || fail ${`it does not catch up with ${host}`}`
}

/** Waits until Sentinel here knows all others. */
export function knowsAll({ name, nodes }: Desired, { address }: RedisNode): Shell {
  const others = nodes.length - 1
  return sh`knows_all() {
  [ "$(names 127.0.0.1 ${name})" = ${address} ] &&
    [ "$(watched 127.0.0.1 ${name} num-slaves)" -ge "$(field ${address} replication connected_slaves)" ] &&
    [ "$(watched 127.0.0.1 ${name} num-other-sentinels)" -ge "\${known:-${others}}" ]
}
within 60 knows_all || fail "Sentinel does not know all: $(watched 127.0.0.1 ${name} num-slaves) replicas and $(watched 127.0.0.1 ${name} num-other-sentinels) other Sentinels"`
}
