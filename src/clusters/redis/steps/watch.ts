import type { ClusterStep } from '../../../model/cluster.ts'
import type { Shell } from '../../../model/shell.ts'
import { sh } from '../../../shell/sh.ts'
import { REDIS_PORT } from '../layout.ts'
import type { Desired, RedisNode } from '../model.ts'
import { sentinelSettings } from '../settings.ts'
import type { Live } from '../view.ts'
import { writeSentinelConf } from './files.ts'
import { isMaster, knowsAll } from './looks.ts'
import { hosts, oneAction, sameOn } from './prelude.ts'

/** Sentinel here watches the master from now on. Behind it it has to find replicas and other Sentinels again. */
export function sentinelWatches(desired: Desired, address: string | Shell): Shell {
  const { name } = desired
  const { quorum, ...settings } = sentinelSettings(desired)
  const pairs = Object.entries(settings).flat()
  return sh`if [ "$(names 127.0.0.1 ${name})" != ${address} ]; then
  sask 127.0.0.1 sentinel remove ${name} >/dev/null || true
  said=$(sask 127.0.0.1 sentinel monitor ${name} ${address} ${REDIS_PORT} ${quorum}) || fail "Sentinel does not watch it: $said"
  said=$(sask 127.0.0.1 sentinel set ${name} ${pairs}) || fail "Sentinel does not take its settings: $said"
  printf 'SENTINEL SET %s auth-pass "%s"\\n' ${name} "$own" | tell sentinel
fi`
}

/**
 * Sentinels that watch a wrong or dead address, or nothing. All of them forget that first: otherwise one that has not been
 * told yet brings the others back, for its epoch is higher. `stray`: names that nobody wants watched.
 */
export function watchMaster(
  desired: Desired,
  nodes: readonly RedisNode[],
  master: Live,
  why: string,
  stray: readonly string[],
): ClusterStep {
  const { name } = desired
  const forget = sh`${isMaster(master)}
ours "$sconf" || exit 0
sanswers || fail 'its Sentinel does not answer'
for name_ in ${[name, ...stray]}; do
  [ "$name_" = ${name} ] && [ "$(names 127.0.0.1 ${name})" = ${master.address} ] ||
    sask 127.0.0.1 sentinel remove "$name_" >/dev/null || true
done`
  const watch = (node: RedisNode) => sh`${isMaster(master)}
ours "$sconf" || {
timeout 60 systemctl stop redis-sentinel
${writeSentinelConf(desired, node, master)}
start_sentinel
}
${sentinelWatches(desired, master.address)}`
  return {
    ...{ name: 'watch master', about: hosts(nodes), reason: why },
    effect: `the Sentinels of ${hosts(nodes)} watch ${master.host}; meanwhile they take part in no failover`,
    stages: [
      sameOn(nodes, { title: 'forget what it watches', script: forget }),
      nodes.flatMap((node) => sameOn([node], { title: `watch ${master.host}`, script: watch(node) })),
      // Others may be down, or be told later.
      sameOn(nodes, { title: 'wait until Sentinel knows all', script: sh`known=1\n${knowsAll(desired, master)}` }),
    ],
  }
}

/** Sentinel finds all anew: it lacks a replica that is there, or keeps one that is gone for good. */
export function resetSentinel(desired: Desired, node: RedisNode, why: string): ClusterStep {
  const effect = 'it knows the replicas and the Sentinels that are there, and no others'
  const told = { name: 'reset sentinel', reason: why, effect }
  return oneAction(node, told, { title: 'reset Sentinel', script: resetScript(desired, node) })
}

/** The action of `resetSentinel`. */
export function resetScript(desired: Desired, node: RedisNode): Shell {
  const { name } = desired
  const others = desired.nodes.filter(({ host }) => host !== node.host).map(({ address }) => address)
  return sh`there=$(names 127.0.0.1 ${name}) || fail 'its Sentinel does not answer'
is_master "$there" || fail 'the master that it watches is none: nothing is done'
case $(watched 127.0.0.1 ${name} flags) in
  *failover*) fail 'a failover is under way: look again' ;;
  '') fail 'Sentinel does not say how its master is: look again' ;;
esac
others=0
for a in ${others}; do
  [ "$(names "$a" ${name})" != "$there" ] || others=$((others + 1))
done
[ "$(sask 127.0.0.1 sentinel reset ${name})" = 1 ] || fail 'Sentinel does not forget'
knows_all() {
  [ "$(watched 127.0.0.1 ${name} num-slaves)" -ge "$(field "$there" replication connected_slaves)" ] &&
    [ "$(watched 127.0.0.1 ${name} num-other-sentinels)" -ge "$others" ]
}
within 60 knows_all || fail 'Sentinel has not found the others yet'`
}

/** It knows again what it knew, from its file. The others watch meanwhile, so most of them have to be there. */
export function restartSentinel(desired: Desired, node: RedisNode, why: string): ClusterStep {
  const { name, nodes, quorum } = desired
  const others = nodes.filter(({ host }) => host !== node.host).map(({ address }) => address)
  const script = sh`there=$(names 127.0.0.1 ${name}) || fail 'its Sentinel does not answer'
is_master "$there" || fail 'the master that it watches is none: nothing is done'
count=0
for other in ${others}; do
  [ "$(names "$other" ${name} || true)" != "$there" ] || count=$((count + 1))
done
[ "$count" -ge ${quorum} ] || fail "only $count others watch meanwhile: nothing is done"
[ "$(watched 127.0.0.1 ${name} flags)" = master ] || fail 'a failover is under way: look again'
timeout 60 systemctl stop redis-sentinel
start_sentinel
again() { [ "$(names 127.0.0.1 ${name})" ] && [ "$(watched 127.0.0.1 ${name} num-other-sentinels)" -ge "$count" ]; }
within 60 again || fail 'Sentinel does not know what it knew'`
  const told = { name: 'restart sentinel', reason: why, effect: 'its newest files and certificate are in use' }
  return oneAction(node, told, { title: 'restart Sentinel', script })
}

/**
 * Sentinel heals much by itself, in up to about 45 s. Waits, and changes nothing, until every Sentinel that answers names one
 * address, whose server is a master that all others follow; no longer than a minute.
 */
export function waitForSentinel(desired: Desired, nodes: readonly RedisNode[], why: string): ClusterStep {
  const [first] = nodes
  if (!first) throw new Error('nobody waits for Sentinel')
  const addresses = nodes.map(({ address }) => address)
  const script = sh`whole() {
  set --
  master=
  for a in ${addresses}; do
    n=$(names "$a" ${desired.name}) && [ "$n" ] || continue
    [ "\${master:-$n}" = "$n" ] && [ "$(watched "$a" ${desired.name} flags)" = master ] || return 1
    master=$n
  done
  [ "$master" ] && is_master "$master" || return 1
  for a in ${addresses}; do
    [ "$a" != "$master" ] && answers "$a" || continue
    [ "$(field "$a" replication master_host)" = "$master" ] && [ "$(field "$a" replication master_link_status)" = up ] || return 1
  done
}
within 60 whole || echo 'it is not whole yet: what is to be done is decided anew'`
  const told = { name: 'wait for sentinel', reason: why, effect: 'what Sentinel heals by itself is healed' }
  return oneAction({ ...first }, told, { title: 'wait for Sentinel', script, timeout: 180 })
}
