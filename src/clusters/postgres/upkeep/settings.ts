import type { Finding } from '../../../model/cluster.ts'
import type { Ailment } from '../mend.ts'
import { slotName } from '../node-id.ts'
import { dropSlot, resetSetting, restartPrimary, restartServer, switchover } from '../steps.ts'
import { isLive, type Live, streamsFrom, type View } from '../view.ts'
import { NOTHING, type Upkeep } from './upkeep.ts'

/** repmgr sets this one for the length of a failover, and leaves it when it ends meanwhile: the node never reconnects. */
const STALE = { name: 'wal_retrieve_retry_interval', value: '86401000' }

export function staleSettings({ nodes }: View): Upkeep {
  const stale = nodes.filter(({ seen }) =>
    seen.server?.autoConf.some(({ name, value }) => name === STALE.name && value.startsWith(STALE.value)),
  )
  const why = 'a failover left it there: the node would not connect again for a day'
  return {
    findings: stale.map(({ host }) => ({
      ...{ name: 'stale setting', host, severity: 'fault' },
      message: 'a failover left it waiting for a day before it connects again',
      evidence: [`${STALE.name} = ${STALE.value} in postgresql.auto.conf`],
    })),
    steps: stale.map((node) => resetSetting(node, STALE.name, why)),
  }
}

/** These may be lower on a standby only when its primary has the lower value already. */
const LIMITS: ReadonlySet<string> = new Set([
  ...['max_connections', 'max_worker_processes', 'max_wal_senders', 'max_prepared_transactions'],
  'max_locks_per_transaction',
])

/**
 * What comes before nodes are mended, and what behind. Standbys restart one by one; then another node becomes the primary,
 * and the old one gets its settings as it rejoins. Limits that get lower have to be so on the primary first. Nothing of it
 * is urgent: while a node cannot be seen nobody restarts, for its repmgrd might take that for a failure.
 */
export function settings(
  view: View,
  primary: Live,
  found: readonly Ailment[],
): { readonly before: Upkeep; readonly after: Upkeep } {
  const { desired, nodes, witnesses, unreachable } = view
  const differing = nodes
    .filter(isLive)
    .filter(({ seen }) => seen.server.differing.length > 0)
    .filter((node) => found.every((one) => one.node !== node || one.cures[0] === 'follow'))
  const findings = differing.map((node) => restartNeeded(node, unreachable.length > 0))
  if (unreachable.length > 0) return { before: NOTHING, after: { findings, steps: [] } }
  const standbys = differing
    .filter((node) => node !== primary)
    .map((node) => restartServer(node, primary, reasonOf(node)))
  const after = { findings, steps: standbys }
  if (!differing.includes(primary)) return { before: NOTHING, after }
  if (primary.seen.server.differing.some(isLowered)) {
    const streaming = nodes.filter((node) => streamsFrom(node, primary))
    return { before: { findings: [], steps: [restartPrimary(desired, primary, streaming, reasonOf(primary))] }, after }
  }
  const others = nodes.filter((node) => node !== primary)
  const next = others.find(({ kind }) => kind === 'member')
  const last = next
    ? switchover(
        desired,
        primary,
        next,
        [...others.filter((node) => node !== next), ...witnesses.filter(isLive)],
        reasonOf(primary),
      )
    : restartPrimary(desired, primary, others, reasonOf(primary))
  return { before: NOTHING, after: { findings, steps: [...standbys, last] } }
}

function restartNeeded({ host, seen: { server } }: Live, waits: boolean): Finding {
  const message = `some of its settings are in force after a restart only${waits ? ', which waits until every node can be seen' : ''}`
  const evidence = server.differing.map(({ name, running, wanted }) => `${name}: ${running} → ${wanted}`)
  return { name: 'restart needed', host, severity: 'warning', message, evidence }
}

function isLowered({ name, running, wanted }: Live['seen']['server']['differing'][number]): boolean {
  return LIMITS.has(name) && Number(wanted.replaceAll("'", '')) < Number(running)
}

function reasonOf({ seen }: Live): string {
  return `it runs with other values of ${seen.server.differing.map(({ name }) => name).join(', ')}`
}

/**
 * Slots on standbys, of nodes that follow the primary, or come to: nobody streams from there then, and they would keep WAL
 * back. Of a node that cannot be seen nothing is dropped.
 */
export function leftSlots({ nodes }: View, primary: Live, found: readonly Ailment[]): Upkeep {
  const owners = new Map(nodes.map((node) => [slotName(node), node]))
  const leaves = (name: string) =>
    found.some(({ node, cures }) => node === owners.get(name) && cures.some((cure) => cure !== 'start'))
  const left = nodes
    .filter(isLive)
    .filter((node) => node !== primary && !found.some((one) => one.node === node && one.cures.includes('reclone')))
    .flatMap((node) =>
      node.seen.server.slots
        .filter(({ name, active }) => owners.has(name) && (!active || leaves(name)))
        .map(({ name }) => ({ node, name })),
    )
  const why = 'who it is of follows the primary: it would keep WAL back for nobody'
  return {
    findings: left.map(({ node: { host }, name }) => ({
      ...{ name: 'left slot', host, severity: 'warning', message: 'a slot that nobody is to use keeps WAL back on it' },
      evidence: [`slot ${name}, of ${owners.get(name)?.host}`],
    })),
    steps: left.map(({ node, name }) => dropSlot(node, name, why)),
  }
}
