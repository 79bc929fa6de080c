import { dataNodes, linked, promote, type WorldNode } from '../postgres/support/world.ts'
import { isWriter, type Sim, upstreamOf, writersSeenBy } from './sim.ts'

/**
 * The daemons look at their primaries, and one may promote its node. repmgr counts the nodes that follow the same upstream
 * only: one that alone follows a dead primary wins by default, however stale it is.
 */
export function daemonsLook(sim: Sim): void {
  for (const node of dataNodes(sim.world)) if (takesOver(sim, node)) failOver(sim, node)
}

function takesOver(sim: Sim, node: WorldNode): boolean {
  const { world } = sim
  if (node.kind !== 'member' || !watches(node) || node.upstream === undefined || seesUpstream(sim, node)) return false
  if (writersSeenBy(sim, node).length > 0) return false
  const voters = world.nodes.filter((one) => one !== node && isVoter(one, node))
  const seen = voters.filter((one) => one.server === 'up' && linked(world, node, one))
  // Who still sees the primary keeps all others from taking over, and half of the voters are no majority.
  if (seen.some((one) => seesUpstream(sim, one)) || (seen.length + 1) * 2 <= voters.length + 1) return false
  return seen.every((one) => one.kind !== 'member' || isBefore(node, one))
}

/** Its daemon runs, and its server is a standby that answers. */
function watches({ daemon, server, data, off }: WorldNode): boolean {
  return daemon.active && !off && server === 'up' && data?.signal === true
}

function isVoter(one: WorldNode, { upstream }: WorldNode): boolean {
  return one.kind === 'witness' || (one.data?.signal === true && one.upstream === upstream)
}

function seesUpstream(sim: Sim, node: WorldNode): boolean {
  const from = upstreamOf(sim, node)
  return from !== undefined && from.server === 'up' && linked(sim.world, node, from)
}

/** The one that has more of the log is elected; of two that have the same, the one with the lower number. */
function isBefore(node: WorldNode, other: WorldNode): boolean {
  const more = (node.data?.log.length ?? 0) - (other.data?.log.length ?? 0)
  return more > 0 || (more === 0 && node.id < other.id)
}

function failOver(sim: Sim, node: WorldNode): void {
  const { world } = sim
  const old = node.upstream
  promote(node)
  delete node.upstream
  for (const one of dataNodes(world)) {
    if (one === node || !watches(one) || one.upstream !== old || !linked(world, one, node)) continue
    one.upstream = node.host
    one.slotted = true
    node.slots.set(one.host, 'reserved')
  }
  for (const row of world.rows ?? []) {
    if (row.name === node.host) {
      Object.assign(row, { type: 'primary', active: true })
      delete row.upstream
    } else if (row.name === old) row.active = false
    else if (world.nodes.some(({ host, upstream }) => host === row.name && upstream === node.host))
      row.upstream = node.id
  }
}

/** repmgrd begins only where its own server and its upstream answer; one that cannot is begun again and again. */
export function daemonStarts(sim: Sim, node: WorldNode): boolean {
  node.daemon = { active: true, enabled: true }
  if (node.server !== 'up') return false
  return node.kind === 'witness' || isWriter(node) || seesUpstream(sim, node)
}
