import { at, crash, dataNodes, healthy, promote, type Shape, settle, type World, write } from './world.ts'

/** A world, with something done to it. */
export function made(shape: Shape, change: (world: World) => void, from: (shape: Shape) => World = healthy): World {
  const world = from(shape)
  change(world)
  settle(world)
  return world
}

/** A primary loses power, and another node takes over, as repmgr does it. */
export function failover(world: World, from = 'app1', to = 'app2'): void {
  crash(at(world, from))
  promote(at(world, to))
  const promoted = at(world, to)
  for (const node of dataNodes(world).filter(({ server, host }) => server === 'up' && host !== to)) {
    Object.assign(node, { upstream: to })
    promoted.slots.set(node.host, 'reserved')
  }
  for (const row of world.rows ?? []) {
    if (row.name === from) row.active = false
    if (row.name === to) {
      row.type = 'primary'
      delete row.upstream
    } else if (row.name !== from) row.upstream = promoted.id
  }
  for (const { pooler } of world.nodes) pooler.target = to
  settle(world)
}

/** What a standby says when its upstream has not kept what it needs. */
export const REMOVED =
  'FATAL:  could not receive data from WAL stream: ERROR:  requested WAL segment 000000010000000000000006 has already been removed'

/** The data of a standby is gone. */
export function destroy(world: World, host: string): void {
  const node = at(world, host)
  delete node.data
  Object.assign(node, { server: 'down', daemon: { active: false, enabled: true } })
  at(world, 'app1').slots.delete(host)
}

/** The primary has not kept what a standby needs. */
export function lose(world: World, host: string): void {
  at(world, 'app1').slots.set(host, 'lost')
  write(at(world, 'app1'))
}

/** repmgr's table takes app2 for the primary. */
export function swapRows(world: World): void {
  for (const row of world.rows ?? []) {
    if (row.name === 'app1') Object.assign(row, { type: 'standby' })
    if (row.name === 'app2') Object.assign(row, { type: 'primary', upstream: undefined })
  }
}
