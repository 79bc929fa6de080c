import { crash, type WorldNode } from '../postgres/support/world.ts'
import { serverDies } from './power.ts'
import type { Luck } from './random.ts'
import { commitsOf, type Sim } from './sim.ts'

/** Its data is gone, and what only it had: that is remembered, for somebody may say that nothing was lost by it. */
export function destroyed(sim: Sim, node: WorldNode): void {
  if (node.data) sim.destroyed.set(node.host, commitsOf(node))
}

/** A host that never comes back, with all its disks. */
export function lostForGood(sim: Sim, node: WorldNode): void {
  destroyed(sim, node)
  crash(node)
  delete node.data
  Object.assign(node, { aside: [], off: true, reachable: false })
  sim.gone.add(node.host)
}

/** A machine of the same name, with packages and files, and without data: no server of ours ever ran there. */
export function replaced(sim: Sim, node: WorldNode): void {
  if (!sim.gone.delete(node.host)) return
  for (const sign of ['superseded', 'rewinding', 'forgotten', 'upstream'] as const) delete node[sign]
  Object.assign(node, { off: false, reachable: true, server: 'down', remains: false, lines: [], stale: false })
  Object.assign(node, { differing: [], slots: new Map(), daemon: { active: false, enabled: true } })
  node.pooler = { answers: true, paused: false, follower: true }
}

/** A server dies of a disk that is full, and does not start before there is room again. */
export function diskIsFull(sim: Sim, node: WorldNode, luck: Luck): void {
  if (node.server !== 'up') return
  serverDies(sim, node, luck)
  sim.full.add(node.host)
}
