import fc from 'fast-check'
import { destroy, failover } from './histories.ts'
import { OTHER } from './surveys.ts'
import {
  begins,
  commit,
  crash,
  dataNodes,
  fresh,
  healthy,
  noise,
  promote,
  type Shape,
  settle,
  start,
  stop,
  type World,
  type WorldNode,
  write,
  writers,
} from './world.ts'

/** Something that happens to a node; `by`: another one that has to do with it. */
type Event = (world: World, node: WorldNode, by: WorldNode) => void

/** Whatever may befall a cluster, by accident, by repmgr, or by a hand. */
export const EVENTS: Readonly<Record<string, Event>> = {
  'commits that arrive': (world, node) => {
    if (writers(world).includes(node)) write(node)
    settle(world)
  },
  'commits that do not arrive': (world, node) => {
    if (writers(world).includes(node)) write(node, [commit(), noise()])
  },
  'noise that does not arrive': (world, node) => {
    if (writers(world).includes(node)) write(node, [noise()])
  },
  'a commit arrives on one only': (world, node, by) => {
    if (!writers(world).includes(by) || node.upstream !== by.host || !node.data?.signal) return
    if (!begins(by.data?.log ?? [], node.data.log) || node.data.system !== by.data?.system) return
    write(by)
    node.data.log = [...(by.data?.log ?? [])]
    Object.assign(node.data, { timeline: by.data?.timeline, forks: structuredClone(by.data?.forks ?? []) })
  },
  'power is lost': (_, node) => crash(node),
  'a server is stopped': (_, node) => stop(node),
  'a server starts': (_, node) => start(node),
  'a server hangs': (_, node) => {
    if (node.server === 'up') node.server = 'hung'
  },
  'a standby is promoted': (_, node) => {
    if (node.data?.signal && node.server === 'up') promote(node)
  },
  'a failover': (world, node, by) => {
    if (writers(world).includes(by) && node.data?.signal && node.server === 'up') failover(world, by.host, node.host)
  },
  'a checkpoint': (_, { data }) => {
    if (data) data.checkpoint = Math.max(data.checkpoint, data.log.length - 1)
  },
  'it is told to follow': (_, node, by) => {
    // One that is down does not tell.
    if (node === by || !node.data?.signal || node.server !== 'up') return
    node.upstream = by.host
    by.slots.set(node.host, 'reserved')
  },
  'it is told to follow nobody': (_, node) => {
    delete node.upstream
  },
  'a slot is dropped': (_, node, by) => by.slots.delete(node.host),
  'a slot is lost': (_, node, by) => {
    if (by.slots.has(node.host)) by.slots.set(node.host, 'lost')
  },
  'data is deleted': (world, node) => {
    if (node.data) destroy(world, node.host)
  },
  'data is deleted in part': (world, node) => {
    destroy(world, node.host)
    node.remains = true
  },
  'another system': (_, node) => {
    Object.assign(node, { data: fresh(OTHER), server: 'up', remains: false })
  },
  'it cannot be reached': (_, node) => {
    node.reachable = !node.reachable
  },
  'its log cannot be read': (_, node) => {
    node.readable = false
  },
  // A server that runs does not notice.
  'standby.signal is removed': (_, { data, server }) => {
    if (data && server === 'down') data.signal = false
  },
  'repmgrd stops': (_, { daemon }) => {
    daemon.active = false
  },
  'repmgrd is disabled': (_, { daemon }) => {
    daemon.enabled = false
  },
  'pgbouncer points elsewhere': (_, { pooler }, by) => {
    pooler.target = by.host
  },
  'pgbouncer is down': (_, { pooler }) => {
    pooler.answers = false
  },
  'a row is wrong': (world, node, by) => {
    for (const row of world.rows ?? [])
      if (row.name === node.host) Object.assign(row, { type: 'primary', upstream: by.id })
  },
  'a row is missing': (world, node) => {
    world.rows = world.rows?.filter(({ name }) => name !== node.host)
  },
  'a stale setting': (_, node) => {
    node.stale = true
  },
  'a setting that needs a restart': (_, node) => {
    if (node.server === 'up') node.differing = [{ name: 'max_connections', running: '60', wanted: '100' }]
  },
}

/** Those after which no data is at stake, on a standby. */
export const HARMLESS = [
  ...[
    'commits that arrive',
    'power is lost',
    'a server is stopped',
    'a checkpoint',
    'a slot is dropped',
    'a slot is lost',
  ],
  ...['data is deleted', 'data is deleted in part', 'repmgrd stops', 'repmgrd is disabled', 'pgbouncer is down'],
  ...['pgbouncer points elsewhere', 'a row is wrong', 'a row is missing', 'it is told to follow'],
] as const

const shapes: readonly Shape[] = [
  { nodes: 2 },
  { nodes: 3 },
  { nodes: 3, durability: 'sync' },
  { nodes: 2, replicas: 1 },
  { nodes: 2, witness: true },
  { nodes: 4 },
]

export interface History {
  readonly shape: Shape
  readonly events: readonly (readonly [string, number, number])[]
}

export function histories(names: readonly string[], length: number): fc.Arbitrary<History> {
  const event = fc.tuple(fc.constantFrom(...names), fc.nat(4), fc.nat(4))
  return fc.record({ shape: fc.constantFrom(...shapes), events: fc.array(event, { maxLength: length }) })
}

/** A whole cluster, and what happened to it. `standbys`: only to those. */
export function lived({ shape, events }: History, standbys = false): World {
  const world = healthy(shape)
  for (const [name, which, other] of events) {
    const nodes = dataNodes(world).filter(({ host }) => !standbys || host !== 'app1')
    const node = nodes[which % nodes.length]
    const by = dataNodes(world)[other % dataNodes(world).length]
    if (node && by) EVENTS[name]?.(world, node, by)
  }
  settle(world)
  return world
}
