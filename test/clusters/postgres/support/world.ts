import type { Desired, PostgresNode } from '../../../../src/clusters/postgres/model.ts'
import { Secret } from '../../../../src/model/secret.ts'

/** Data of a server: the records of its log tell what is in it. */
export interface Data {
  system: string
  /** A record is a number that no other record has; below 0: nothing was committed by it. */
  log: number[]
  timeline: number
  forks: { timeline: number; at: number }[]
  /** standby.signal is there. */
  signal: boolean
  /** Its server was stopped in order. */
  clean: boolean
  /** The records before this one are in the last checkpoint. */
  checkpoint: number
}

/** What of PostgreSQL there is on a host, by version. */
export interface Software {
  runs: string
  installed: string
  /** What the lists of packages say. */
  listed: string
  /** What they would say if they were refreshed. */
  newest: string
  /** Seconds since that. */
  age?: number
  /** pgbouncer has another version listed as well. */
  pooler: boolean
  held: string[]
  unfinished: string[]
  /** Apt says nothing of these. */
  unknown: string[]
}

export interface WorldNode extends PostgresNode {
  /** Nobody asks where it is missing. */
  software?: Software
  reachable: boolean
  prepared: boolean
  data?: Data
  remains: boolean
  server: 'up' | 'down' | 'hung'
  /** The host it is told to follow. */
  upstream?: string
  /** It streams through its own slot. */
  slotted: boolean
  /** Slots on it, by the host that they are of. */
  slots: Map<string, 'reserved' | 'lost'>
  daemon: { active: boolean; enabled: boolean }
  pooler: { answers: boolean; target?: string; paused: boolean; follower: boolean }
  /** wal_retrieve_retry_interval is a day. */
  stale: boolean
  differing: { name: string; running: string; wanted: string }[]
  aside: Data[]
  daysLeft: number
  free: number
  lines: string[]
  /** The log of its crashed server can be read. */
  readable: boolean
  /** Records that a standby received, and its control file does not know of. */
  unreplayed: number
  /** Without power, it reaches nobody. */
  off?: boolean
  /** The guard kept it down once: another node was the primary. */
  superseded?: boolean
  /** A rewind of its data was cut off: what lies there is neither the old nor the new. */
  rewinding?: boolean
  /** systemd takes its server, which runs, for one that does not. */
  forgotten?: boolean
}

export interface Row {
  id: number
  name: string
  type: string
  upstream?: number
  active: boolean
  address: string
}

/** A cluster as it really is, of which surveys see a part. */
export interface World {
  desired: Desired
  nodes: WorldNode[]
  /** What repmgr's table says; undefined: there is none. */
  rows: Row[] | undefined
  /** Roles and databases of the primary are as the playbook says. */
  access: boolean
  /** Pairs of nodes that do not reach each other. */
  cuts?: Set<string>
}

export interface Shape {
  nodes?: number
  replicas?: number
  witness?: boolean
  durability?: Desired['durability']
}

let records = 0

/** A record of a commit. */
export function commit(): number {
  records += 1
  return records
}

/** A record that nobody misses. */
export function noise(): number {
  return -commit()
}

/** The desired state of app1, app2, … and replicas off1, …. */
export function wanted({ nodes = 3, replicas = 0, witness = false, durability = 'async' }: Shape = {}): Desired {
  const named = (count: number, name: string, kind: PostgresNode['kind']) =>
    Array.from({ length: count }, (_, index) => ({ host: `${name}${index + 1}`, kind }))
  const all = [
    ...named(nodes, 'app', 'member'),
    ...named(replicas, 'off', 'replica'),
    ...named(witness ? 1 : 0, 'vote', 'witness'),
  ]
  return {
    name: 'main',
    environment: 'prod',
    durability,
    nodes: all.map((node, index) => ({ ...node, address: `10.0.0.${index + 1}`, id: index + 1 })),
    restartSettings: { shared_buffers: '128MB', max_connections: '60' },
    users: [
      { name: 'repmgr', password: new Secret('repmgr', 'between nodes'), superuser: true },
      { name: 'evenkeel', password: new Secret('evenkeel', 'for probes') },
      { name: 'notes', password: new Secret('notes', 'of notes') },
    ],
    databases: [{ name: 'notes', owner: 'notes', extensions: ['pgcrypto'] }],
  }
}

/** Machines with nothing on them but what the first phase leaves. */
export function bare(shape: Shape = {}): World {
  const desired = wanted(shape)
  return { desired, rows: undefined, access: true, nodes: desired.nodes.map(empty) }
}

function empty(node: PostgresNode): WorldNode {
  return {
    ...node,
    ...{ reachable: true, prepared: true, remains: false, server: 'down', slotted: true, slots: new Map() },
    daemon: { active: false, enabled: true },
    pooler: { answers: true, paused: false, follower: true },
    ...{ stale: false, differing: [], aside: [], daysLeft: 1000, free: 1e11, lines: [], readable: true, unreplayed: 0 },
  }
}

/** A whole cluster: app1 is the primary, on timeline 1. */
export function healthy(shape: Shape = {}): World {
  const world = bare(shape)
  const [primary, ...others] = dataNodes(world)
  if (!primary) throw new Error('a world without nodes')
  primary.data = fresh('7000000000000000001')
  primary.data.log = [noise(), commit(), commit(), commit()]
  primary.data.checkpoint = 1
  primary.server = 'up'
  world.rows = []
  register(world, primary)
  for (const node of others) become(world, node, primary)
  for (const node of world.nodes) {
    if (node.kind === 'witness') watch(world, node, primary)
    node.daemon.active = true
    node.pooler.target = primary.host
  }
  return world
}

export function fresh(system: string): Data {
  return { system, log: [noise()], timeline: 1, forks: [], signal: false, clean: false, checkpoint: 0 }
}

/** A witness has a server of its own, and is registered. */
export function watch(world: World, node: WorldNode, primary: WorldNode): void {
  node.data ??= fresh('7000000000000000003')
  node.server = 'up'
  register(world, node, primary)
  for (const row of world.rows ?? []) if (row.id === node.id) row.type = 'witness'
}

/** A node becomes a standby with the data of another one. */
export function become(world: World, node: WorldNode, primary: WorldNode): void {
  if (!primary.data) throw new Error(`${primary.host} has no data`)
  node.data = { ...structuredClone(primary.data), signal: true, clean: false, checkpoint: 0 }
  Object.assign(node, {
    server: 'up',
    upstream: primary.host,
    slotted: true,
    stale: false,
    differing: [],
    remains: false,
  })
  node.slots.clear()
  node.lines = []
  restarted(node)
  for (const sign of ['superseded', 'rewinding'] as const) delete node[sign]
  primary.slots.set(node.host, 'reserved')
  register(world, node, primary)
}

export function register(world: World, node: WorldNode, upstream?: WorldNode): void {
  world.rows ??= []
  const { id, host, address } = node
  const row: Row = {
    ...{ id, name: host, type: upstream ? 'standby' : 'primary', active: true, address },
    ...(upstream && { upstream: upstream.id }),
  }
  world.rows = [...world.rows.filter((one) => one.id !== id), row].toSorted((a, b) => a.id - b.id)
}

export function at(world: World, host: string): WorldNode {
  const node = world.nodes.find((one) => one.host === host)
  if (!node) throw new Error(`no node ${host}`)
  return node
}

export function dataNodes(world: World): WorldNode[] {
  return world.nodes.filter(({ kind }) => kind !== 'witness')
}

export function writers(world: World): WorldNode[] {
  return dataNodes(world).filter(({ server, data }) => server === 'up' && data && !data.signal)
}

export function begins(log: readonly number[], prefix: readonly number[]): boolean {
  return prefix.every((record, index) => log[index] === record)
}

/** Whether two nodes reach each other. */
export function linked({ cuts }: World, a: WorldNode, b: WorldNode): boolean {
  return a === b || (!a.off && !b.off && !(cuts && cuts.size > 0 && cuts.has(pairOf(a, b))))
}

export function pairOf(a: WorldNode, b: WorldNode): string {
  return a.host < b.host ? `${a.host} ${b.host}` : `${b.host} ${a.host}`
}

/** Whether the log of a node comes in from another one now. */
export function streams(world: World, node: WorldNode): boolean {
  const from = node.upstream === undefined ? undefined : at(world, node.upstream)
  if (from && !linked(world, node, from)) return false
  if (!node.data?.signal || node.server !== 'up' || node.stale || !from?.data || from.server !== 'up') return false
  if (from.data.system !== node.data.system || !begins(from.data.log, node.data.log)) return false
  return node.slotted ? from.slots.get(node.host) === 'reserved' : true
}

/** Behind a step: what streams arrives, and followers find the one primary. */
export function settle(world: World): void {
  for (let round = 0; round < world.nodes.length; round++)
    for (const node of world.nodes) {
      const from = node.upstream === undefined ? undefined : at(world, node.upstream)
      if (!node.data || !from?.data || !streams(world, node)) continue
      Object.assign(node.data, { log: [...from.data.log], timeline: from.data.timeline })
      node.data.forks = structuredClone(from.data.forks)
    }
}

/** A client commits on a node. */
export function write(node: WorldNode, records: readonly number[] = [commit()]): void {
  node.data?.log.push(...records)
}

/** A server is stopped in order: a primary writes so. */
export function stop(node: WorldNode): void {
  if (!node.data || node.server !== 'up') return
  if (!node.data.signal) node.data.log.push(noise())
  node.data.checkpoint = node.data.log.length - 1
  node.data.clean = true
  node.server = 'down'
}

/** Power is lost. */
export function crash(node: WorldNode): void {
  if (node.data) node.data.clean = false
  node.server = 'down'
}

export function start(node: WorldNode): void {
  if (!node.data) return
  if (!node.data.clean && !node.data.signal) node.data.log.push(noise())
  node.data.clean = false
  node.server = 'up'
  restarted(node)
}

/** Its server runs what is installed. */
export function restarted({ software }: WorldNode): void {
  if (software) software.runs = software.installed
}

/** A standby becomes a primary, on the next timeline that its disk does not know. */
export function promote(node: WorldNode): void {
  if (!node.data) return
  node.data.timeline += 1
  node.data.forks.push({ timeline: node.data.timeline, at: node.data.log.length })
  node.data.log.push(noise())
  node.data.checkpoint = node.data.log.length
  node.data.signal = false
}

/** The same world again, to be changed by itself. */
export function copy({ desired, ...rest }: World): World {
  return { desired, ...structuredClone(rest) }
}
