import type { ClusterStep } from '../../../model/cluster.ts'
import { sh } from '../../../shell/sh.ts'
import type { Desired, RedisNode } from '../model.ts'
import { noOtherMaster } from './looks.ts'
import { fenceScript, followScript } from './mend.ts'
import { hosts, sameOn } from './prelude.ts'
import { sentinelWatches } from './watch.ts'

/** A master that is to be none: what it holds was seen to be nothing, or was given up. */
export interface Fenced {
  readonly node: RedisNode
  readonly keys: number
}

/**
 * Nobody is a master, or none that counts, and Sentinel makes none. Sentinels watch nothing meanwhile, so that they cannot promote another one;
 * behind it they watch the new master. `others`: all other nodes that can be reached; those with keys of another history are
 * not made to follow here.
 */
export function promoteReplica(
  desired: Desired,
  node: RedisNode,
  others: readonly RedisNode[],
  why: string,
  fenced: readonly Fenced[] = [],
): ClusterStep {
  const { name } = desired
  const ends = fenced.map((one) => one.node)
  const all = [node, ...others, ...ends]
  const given = fenced.filter(({ keys }) => keys > 0).map((one) => one.node.host)
  const look = sh`answers || fail 'its server does not answer'
${noOtherMaster(others)}`
  const forget = sh`case $(watched 127.0.0.1 ${name} flags || true) in *failover*) fail 'a failover is under way: look again' ;; esac
sask 127.0.0.1 sentinel remove ${name} >/dev/null || true`
  const promote = sh`${noOtherMaster([...others, ...ends])}
said=$(ask 127.0.0.1 replicaof no one) || fail "it does not become the master: $said"
is_master 127.0.0.1 || fail 'it did not become the master'
save_config`
  const follow = sh`! answers || {
${followScript(node)}
}`
  const watch = sh`! sanswers || {
${sentinelWatches(desired, node)}
}`
  return {
    ...{ name: 'promote replica', about: node.host, reason: why },
    effect: `${node.host} is the master${all.length > 1 ? `, to be followed by ${hosts([...others, ...ends])}` : ''}`,
    ...(given.length > 0 && { replaces: given }),
    stages: [
      sameOn([node], { title: 'look that nobody is the master', script: look }),
      sameOn(all, { title: 'Sentinel watches nothing meanwhile', script: forget }),
      ...(fenced.length > 0 ? [fenced.flatMap((one) => fence(node, one))] : []),
      sameOn([node], { title: 'become the master', script: promote }),
      sameOn(all, { title: `Sentinel watches ${node.host}`, script: watch }),
      ...(all.length > 1 ? [sameOn([...others, ...ends], { title: `follow ${node.host}`, script: follow })] : []),
    ],
    // A look that failed leaves Sentinel as it was.
    afterFailure: sameOn(all, {
      title: 'Sentinel watches again',
      script: sh`! is_master ${node.address} || ! sanswers || {
${sentinelWatches(desired, node)}
}`,
    }),
  }
}

function fence(next: RedisNode, { node, keys }: Fenced) {
  return sameOn([node], { title: 'be no master any more', script: fenceScript(next, { keys }), timeout: 900 })
}
