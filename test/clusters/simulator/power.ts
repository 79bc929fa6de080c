import { crash, type Data, noise, type WorldNode } from '../postgres/support/world.ts'
import type { Luck } from './random.ts'
import { type Sim, writersSeenBy } from './sim.ts'

/** A server ends without having written all down. `lies`: what its disk took for written may be gone. */
export function serverDies(sim: Sim, node: WorldNode, luck: Luck): void {
  const { data, server } = node
  if (server === 'down') return
  crash(node)
  if (!data) return
  node.readable = luck.chance(0.8)
  if (data.signal) node.unreplayed = luck.int(2)
  if (sim.lies && luck.chance(0.5)) loseEnd(sim, data, luck)
}

function loseEnd({ torn }: Sim, data: Data, luck: Luck): void {
  const lost = luck.int(data.log.length - Math.max(data.checkpoint + 1, data.forks.at(-1)?.at ?? 0))
  if (lost <= 0) return
  data.log.length -= lost
  torn.add(data)
}

export function powerGoes(sim: Sim, node: WorldNode, luck: Luck): void {
  serverDies(sim, node, luck)
  node.off = true
  node.reachable = false
}

/** A host boots: its services begin by themselves, a server where its guard lets it. */
export function powerComes(sim: Sim, node: WorldNode, begins = true): void {
  if (!node.off || sim.gone.has(node.host)) return
  node.off = false
  node.reachable = true
  node.pooler.answers = true
  node.pooler.follower = true
  node.daemon.active = node.daemon.enabled
  delete node.forgotten
  if (begins) serverStarts(sim, node)
}

/**
 * A server is started as systemd does it: the guard is asked first. Where disks lie there is a known gap, with a case of its
 * own in the test: a primary that lost its end and goes on from there has other things in the same places.
 */
export function serverStarts(sim: Sim, node: WorldNode, byUs = false): boolean {
  const { data } = node
  if (!data || node.server !== 'down') return node.server === 'up'
  if (sim.full.has(node.host)) return false
  if (node.kind !== 'witness' && !isLet(sim, node)) return false
  if (!data.signal && sim.torn.has(data) && !byUs && !sim.strict) return false
  if (sim.torn.delete(data) && !data.signal) sim.rewritten = true
  if (!data.clean && !data.signal) {
    data.log.push(noise())
    data.checkpoint = data.log.length - 1
  }
  data.clean = false
  Object.assign(node, { server: 'up', readable: true, unreplayed: 0 })
  return true
}

/** templates/postgres/guard.sh.hbs: what is no standby's data stays down while another node takes writes, and from then on. */
function isLet(sim: Sim, node: WorldNode): boolean {
  if (node.data?.signal) {
    for (const sign of ['superseded', 'rewinding'] as const) delete node[sign]
    return true
  }
  if (node.rewinding) return false
  if (writersSeenBy(sim, node).some(({ data }) => data?.system === node.data?.system)) node.superseded = true
  return !node.superseded
}
