import type { ClusterStep } from '../../../model/cluster.ts'
import { sh } from '../../../shell/sh.ts'
import type { Intent } from '../intents.ts'
import type { Desired } from '../model.ts'
import { fenceScript, followScript } from './follow.ts'
import { isAsSeen, noOtherMaster } from './looks.ts'
import { hosts, sameOn } from './prelude.ts'
import { sentinelWatches } from './watch.ts'

/**
 * Nobody is a master, or none that counts, and Sentinel makes none. Sentinels watch nothing meanwhile, so that they cannot
 * promote another one; behind it they watch the new master. Nodes with keys of another history do not follow here.
 */
export function promoteReplica(
  desired: Desired,
  { node, others, watchers, stopped, fenced, why }: Extract<Intent, { do: 'promote replica' }>,
): ClusterStep {
  const { name } = desired
  const ends = fenced.map((one) => one.node)
  const followers = [...others, ...ends]
  const given = fenced.filter((one) => one.given).map((one) => one.node.host)
  const look = sh`${isAsSeen(node)}
${noOtherMaster(desired, node, others, ends)}
for a in ${watchers.map(({ address }) => address)}; do
  ! failing_over "$a" ${name} || fail 'a failover is under way: look again'
done`
  const forget = sh`! failing_over 127.0.0.1 ${name} || fail 'a failover is under way: look again'
said=$(sask 127.0.0.1 sentinel remove ${name}) || case $said in *'No such master'*) ;; *) fail "Sentinel does not forget: $said" ;; esac`
  const promote = sh`${isAsSeen(node)}
${noOtherMaster(desired, node, followers)}
said=$(ask 127.0.0.1 replicaof no one) || fail "it does not become the master: $said"
is_master 127.0.0.1 || fail 'it did not become the master'
save_config`
  const follow = sh`! answers || {
${followScript(node)}
}`
  return {
    ...{ name: 'promote replica', about: node.host, reason: why },
    effect: `${node.host} is the master${followers.length > 0 ? `, to be followed by ${hosts(followers)}` : ''}`,
    ...(given.length > 0 && { replaces: given }),
    stages: [
      sameOn([node], { title: 'look that nobody is the master', script: look }),
      ...(watchers.length > 0
        ? [sameOn(watchers, { title: 'Sentinel watches nothing meanwhile', script: forget })]
        : []),
      ...(stopped.length > 0
        ? [sameOn(stopped, { title: 'end a server that cannot be asked', script: sh`end_unasked` })]
        : []),
      ...(fenced.length > 0
        ? [
            fenced.flatMap((one) =>
              sameOn([one.node], {
                title: 'be no master any more',
                script: fenceScript(node, one),
                tells: true,
                timeout: 1000,
              }),
            ),
          ]
        : []),
      sameOn([node], { title: 'become the master', script: promote }),
      ...(watchers.length > 0
        ? [sameOn(watchers, { title: `Sentinel watches ${node.host}`, script: sentinelWatches(desired, node.address) })]
        : []),
      ...(followers.length > 0 ? [sameOn(followers, { title: `follow ${node.host}`, script: follow })] : []),
    ],
    afterFailure: sameOn(watchers, { title: 'Sentinel watches again', script: watchAgain(desired) }),
  }
}

/** Whoever is the only master by now; while there is none, or several, the next repair finds Sentinels that watch nothing. */
function watchAgain(desired: Desired) {
  return sh`set --
for a in ${desired.nodes.map(({ address }) => address)}; do
  ! is_master "$a" || set -- "$@" "$a"
done
[ $# = 1 ] || exit 0
${sentinelWatches(desired, { shell: '"$1"' })}`
}
