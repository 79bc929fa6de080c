import type { ClusterStep } from '../../../../src/model/cluster.ts'
import { isBlank } from './surveys.ts'
import {
  at,
  become,
  crash,
  dataNodes,
  fresh,
  noise,
  promote,
  register,
  restarted,
  settle,
  start,
  stop,
  type World,
  type WorldNode,
  watch,
  writers,
} from './world.ts'

/** A step did what must never be done. */
export class Harm extends Error {}

/**
 * What a step does to a world. It goes by the names of steps, and by what is really so: a step that would lose a commit, or
 * make a second primary, throws `Harm`.
 */
export function act(world: World, step: ClusterStep): void {
  const hosts = [...new Set(step.stages.flat().map(({ host }) => host))].map((host) => at(world, host))
  const unseen = hosts.find(({ reachable }) => !reachable)
  if (unseen) throw new Harm(`${step.name} acts on ${unseen.host}, which nobody can see`)
  const effect =
    EFFECTS[step.name] ?? EFFECTS[step.name.split(' ').slice(0, 2).join(' ')] ?? EFFECTS[step.name.split(' ')[0] ?? '']
  if (!effect) throw new Error(`no effect of ${step.name}`)
  const holders = () => writers(world).filter(({ data }) => data && !isBlank(data))
  const before = new Set(holders())
  effect(world, hosts, step)
  settle(world)
  const all = holders()
  const added = all.filter((node) => !before.has(node))
  if (all.length > 1 && added.some(({ data }) => all.filter((one) => one.data?.system === data?.system).length > 1))
    throw new Harm(`${step.name} made two primaries: ${all.map(({ host }) => host).join(', ')}`)
}

type Effect = (world: World, hosts: readonly WorldNode[], step: ClusterStep) => void

const EFFECTS: Readonly<Record<string, Effect>> = {
  'create primary': (world, [node]) => {
    if (!node || dataNodes(world).some(({ data, remains }) => (data && !isBlank(data)) || remains))
      throw new Harm('there is data already')
    node.data = fresh('7000000000000000001')
    node.server = 'up'
    world.access = true
    register(world, node)
  },
  'clone standby': (world, hosts, step) => {
    for (const node of hosts) replace(world, node, step)
  },
  'clone standby anew': (world, hosts, step) => {
    for (const node of hosts) replace(world, node, step)
  },
  'rejoin standby': (world, hosts, step) => {
    for (const node of hosts) replace(world, node, step)
  },
  'start server': ({ rows = [] }, [node]) => {
    if (!node) return
    start(node)
    for (const row of rows) if (row.id === node.id && node.daemon.active) row.active = true
  },
  'start primary': (world, _, { about }) => {
    const node = at(world, about)
    const gun = world.nodes.find(
      ({ reachable, server, daemon, data }) => reachable && server === 'up' && data?.signal && daemon.active,
    )
    if (gun) throw new Harm(`${gun.host} may promote itself meanwhile`)
    const ahead = dataNodes(world).find(
      ({ data }) => data?.system === node.data?.system && !holds(node, data?.log ?? []),
    )
    if (ahead) throw new Harm(`${ahead.host} has more than ${node.host}`)
    start(node)
  },
  'start standbys': (_, hosts) => {
    for (const node of hosts) {
      if (!node.data?.signal) throw new Harm(`${node.host} is no standby`)
      start(node)
    }
  },
  'promote standby': (world, hosts, step) => {
    const node = at(world, step.about)
    if (node.server !== 'up' || !node.data?.signal || node.kind !== 'member') throw new Harm('it is no standby')
    const gun = world.nodes.find(
      (one) => one !== node && one.reachable && one.server === 'up' && one.data?.signal && one.daemon.active,
    )
    if (gun) throw new Harm(`${gun.host} may promote itself meanwhile`)
    promote(node)
    delete node.upstream
    register(world, node)
    for (const row of world.rows ?? []) if (row.type === 'primary' && row.id !== node.id) row.active = false
    for (const one of hosts) if (one.kind === 'witness') watch(world, one, node)
  },
  'stop server': (world, _, { stages }) => {
    for (const { host, title } of stages.flat()) {
      const node = at(world, host)
      node.daemon.active = title === 'start repmgrd'
      if (title !== 'stop the server') continue
      if (node.server === 'hung') crash(node)
      else stop(node)
    }
  },
  'follow primary': (world, [node], step) => {
    const primary = thePrimary(world, step)
    if (!node?.data?.signal || node.server !== 'up') throw new Harm('it is no standby')
    Object.assign(node, { upstream: primary.host, slotted: true })
    primary.slots.set(node.host, 'reserved')
    register(world, node, primary)
  },
  'reset wal_retrieve_retry_interval': (_, [node]) => {
    if (node) node.stale = false
  },
  'register witness': (world, [node], step) => {
    if (node?.kind !== 'witness') throw new Harm('it is no witness')
    watch(world, node, thePrimary(world, step))
  },
  'repair registration': (world, hosts) => {
    const [primary] = hosts
    for (const node of hosts) {
      if (node.server !== 'up') throw new Harm(`${node.host} does not run`)
      register(world, node, node === primary ? undefined : primary)
      node.daemon = { active: true, enabled: true }
    }
  },
  'stop repmgrd': (_, hosts) => {
    for (const { daemon } of hosts) daemon.active = false
  },
  'start repmgrd': (world, hosts) => {
    thePrimary(world)
    for (const node of hosts) node.daemon = { active: true, enabled: true }
  },
  'point pgbouncer': (world, hosts, step) => {
    const target = thePrimary(world, step).host
    for (const node of hosts) node.pooler = { answers: true, target, paused: false, follower: true }
  },
  'set access': (world) => {
    world.access = true
    world.rows ??= []
  },
  'refresh package lists': (_, hosts) => {
    for (const { software } of hosts) if (software) Object.assign(software, { listed: software.newest, age: 0 })
  },
  'upgrade packages': (_, [node]) => install(node),
  'upgrade server': (world, [node]) => {
    if (!node || (node.kind !== 'witness' && !node.data?.signal)) throw new Harm('a primary restarts beside the others')
    const down = dataNodes(world).find(({ server }) => server !== 'up')
    if (down) throw new Harm(`${down.host} is down already`)
    install(node)
    restarted(node)
  },
  'restart server': (_, [node]) => {
    if (!node?.data?.signal) throw new Harm('a primary restarts beside the others')
    node.differing = []
  },
  'restart primary': (_, hosts, step) => {
    const primary = hosts.find(({ host }) => host === step.about)
    if (!primary?.data || primary.data.signal) throw new Harm('it is no primary')
    primary.differing = []
    restarted(primary)
    primary.data.log.push(noise())
    for (const { daemon } of hosts) daemon.active = true
  },
  'switch over': (world, hosts, step) => {
    const [from, to] = step.about.split(' to ').map((host) => at(world, host))
    if (!from?.data || !to?.data || to.kind !== 'member') throw new Harm('nobody can take over')
    const free = world.nodes.find(
      ({ daemon, host, kind }) => kind !== 'witness' && daemon.active && !hosts.some((one) => one.host === host),
    )
    if (free) throw new Harm(`${free.host} may take it for a failure`)
    stop(from)
    settle({ ...world })
    if (to.server !== 'up') throw new Harm(`${to.host} does not run`)
    to.data = { ...to.data, log: [...from.data.log] }
    promote(to)
    for (const node of hosts) {
      if (node.kind === 'witness') watch(world, node, to)
      else if (node !== to) replaceWith(world, node, to)
      node.daemon.active = true
      if (node.pooler.follower) node.pooler.target = to.host
    }
    Object.assign(to, { upstream: undefined, slotted: true })
    register(world, to)
  },
  drop: (world, [node], step) => {
    const slot = step.name.split(' ').at(-1)
    const owner = world.nodes.find(({ id }) => `repmgr_slot_${id}` === slot)
    if (owner) node?.slots.delete(owner.host)
  },
  'remove node': (world, hosts, step) => {
    const primary = thePrimary(world)
    const gone = world.nodes.find(({ host }) => host === step.about)
    world.rows = world.rows?.filter(({ name }) => name !== step.about)
    primary.slots.delete(step.about)
    if (!gone || !hosts.includes(gone)) return
    stop(gone)
    Object.assign(gone, { daemon: { active: false, enabled: false } })
    Object.assign(gone.pooler, { answers: false, follower: false })
  },
}

/** Its packages are the ones that are listed. */
function install(node: WorldNode | undefined): void {
  if (!node?.software) throw new Harm('nothing is known of its packages')
  Object.assign(node.software, { installed: node.software.listed, pooler: false, unfinished: [], unknown: [] })
}

/** Whether a node has every commit of a log. */
function holds(node: WorldNode | undefined, log: readonly number[]): boolean {
  return log.every((record, index) => record < 0 || node?.data?.log[index] === record)
}

/** The one that a step names, or the one that there is. */
function thePrimary(world: World, step?: ClusterStep): WorldNode {
  const named = step?.stages.flat().map(({ title }) => title.split(' ').at(-1))
  const all = writers(world)
  // Nodes reach it, whether or not we still do.
  const primary = all.find(({ host }) => named?.includes(host)) ?? all.find(({ reachable }) => reachable)
  if (!primary) throw new Harm('there is no primary')
  return primary
}

function replace(world: World, node: WorldNode, step: ClusterStep): void {
  const rewinds = step.name === 'rejoin standby' && !node.rewinding
  replaceWith(world, node, thePrimary(world, step), !rewinds)
}

/** A node gets the data of the primary: none of its commits may be lost by that. */
function replaceWith(world: World, node: WorldNode, primary: WorldNode, keeps = false): void {
  if (node === primary) throw new Harm('the primary itself')
  const { data } = node
  if (data) {
    const lost = data.log.filter((record, index) => record > 0 && primary.data?.log[index] !== record)
    if (lost.length > 0) throw new Harm(`${node.host} had ${lost.length} commits that ${primary.host} has not`)
    // What is rewound leaves no copy.
    if (keeps) node.aside.push(data)
  }
  crash(node)
  become(world, node, primary)
  node.daemon.active = false
}
