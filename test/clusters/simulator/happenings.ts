import { EVENTS } from '../postgres/support/events.ts'
import { REMOVED } from '../postgres/support/histories.ts'
import { dataNodes, pairOf, stop, streams, type WorldNode } from '../postgres/support/world.ts'
import { clientWrites, flow, flowAll, followersLook, serverWrites } from './clients.ts'
import { destroyed, diskIsFull, lostForGood, replaced } from './machines.ts'
import { powerComes, powerGoes, serverDies, serverStarts } from './power.ts'
import type { Luck } from './random.ts'
import { daemonsLook } from './repmgrd.ts'
import { isWriter, LONG, type Sim } from './sim.ts'

/** Something that happens to a node; `by`: another one that has to do with it. */
type Happening = (sim: Sim, node: WorldNode, by: WorldNode, luck: Luck) => void

/** What nobody of us does, by how often it comes. */
export const HAPPENINGS: Readonly<Record<string, { readonly often: number; readonly happen: Happening }>> = {
  'a client commits': { often: 14, happen: (sim, node, _, luck) => clientWrites(sim, node, luck) },
  'several clients commit': {
    often: 4,
    happen: (sim, node, by, luck) => {
      for (const from of [node, by, node]) clientWrites(sim, from, luck)
    },
  },
  'a server writes by itself': {
    often: 3,
    happen: (_, node) => {
      if (isWriter(node)) serverWrites(node)
    },
  },
  'log arrives': { often: 4, happen: (sim, _node, _by, luck) => flow(sim, luck, 0.7) },
  'time passes': { often: 14, happen: (sim) => timePasses(sim) },
  'a server dies': { often: 4, happen: (sim, node, _, luck) => serverDies(sim, node, luck) },
  'power goes': { often: 6, happen: (sim, node, _, luck) => powerGoes(sim, node, luck) },
  'power goes everywhere': {
    often: 1,
    happen: (sim, _node, _by, luck) => {
      for (const node of sim.world.nodes) powerGoes(sim, node, luck)
    },
  },
  'power comes back': { often: 9, happen: (sim, node) => powerComes(sim, node) },
  'hosts come back, servers do not': {
    often: 2,
    happen: (sim) => {
      for (const one of sim.world.nodes) powerComes(sim, one, false)
    },
  },
  'servers die everywhere': {
    often: 1,
    happen: (sim, _node, _by, luck) => {
      for (const node of luck.shuffled(sim.world.nodes)) if (luck.chance(0.8)) serverDies(sim, node, luck)
    },
  },
  'a standby dies': { often: 2, happen: (sim, node, _, luck) => serverDies(sim, node, luck) },
  'repmgrd stops everywhere': {
    often: 1,
    happen: ({ world }) => {
      for (const { daemon } of world.nodes) daemon.active = false
    },
  },
  'a split, and we are on one side': { often: 3, happen: (sim, node, _, luck) => split(sim, node, luck) },
  'power comes back everywhere': {
    often: 3,
    happen: (sim, node) => {
      for (const one of [node, ...sim.world.nodes]) powerComes(sim, one)
    },
  },
  'a server is started': { often: 3, happen: (sim, node) => void serverStarts(sim, node) },
  'a server is started by hand, past its guard': {
    often: 2,
    happen: (sim, node) => {
      delete node.superseded
      const { cuts } = sim.world
      sim.world.cuts = new Set(sim.world.nodes.map((other) => pairOf(node, other)))
      if (node.data) serverStarts(sim, node)
      if (cuts) sim.world.cuts = cuts
    },
  },
  'a node is alone': { often: 5, happen: (sim, node) => isolate(sim, node) },
  'two do not reach each other': { often: 2, happen: ({ world }, node, by) => void world.cuts?.add(pairOf(node, by)) },
  'cables are mended': {
    often: 5,
    happen: ({ world }) => {
      world.cuts?.clear()
      for (const node of world.nodes) node.reachable = !node.off
    },
  },
  'we do not reach it': {
    often: 3,
    happen: (_, node) => {
      node.reachable = false
    },
  },
  'we reach it again': {
    often: 3,
    happen: (_, node) => {
      node.reachable = !node.off
    },
  },
  'a server that hung goes on': {
    often: 2,
    happen: (_, node) => {
      if (node.server === 'hung') node.server = 'up'
    },
  },
  'what it needs is not kept': {
    often: 1,
    happen: ({ world }, node) => {
      if (node.data?.signal && !streams(world, node)) node.lines = [REMOVED]
    },
  },
  'systemd loses its server': {
    often: 1,
    happen: (_, node) => {
      if (node.server === 'up') node.forgotten = true
    },
  },
  'a host is lost for good': { often: 1, happen: (sim, node) => lostForGood(sim, node) },
  'an empty machine takes its place': {
    often: 2,
    happen: (sim) => {
      for (const node of sim.world.nodes) replaced(sim, node)
    },
  },
  'a disk is full': { often: 1, happen: (sim, node, _, luck) => diskIsFull(sim, node, luck) },
  'disks have room again': { often: 2, happen: (sim) => sim.full.clear() },
  'a server is stopped': { often: 2, happen: (_, node) => stop(node) },
  ...hands({
    'a server hangs': 1,
    'a checkpoint': 4,
    'it is told to follow': 2,
    'it is told to follow nobody': 1,
    'a slot is dropped': 1,
    'a slot is lost': 1,
    'data is deleted': 1,
    'data is deleted in part': 0.5,
    'another system': 0.3,
    'its log cannot be read': 1,
    'standby.signal is removed': 0.3,
    'repmgrd stops': 2,
    'repmgrd is disabled': 1,
    'pgbouncer is down': 1,
    'pgbouncer points elsewhere': 1,
    'a row is wrong': 1,
    'a row is missing': 1,
    'a stale setting': 1,
    'a setting that needs a restart': 1,
  }),
}

const DESTROYS: readonly string[] = ['data is deleted', 'data is deleted in part', 'another system']

/** Those that the model of a cluster has already. Who has no power does nothing. */
function hands(names: Readonly<Record<string, number>>): typeof HAPPENINGS {
  return Object.fromEntries(
    Object.entries(names).map(([name, often]) => [
      name,
      {
        often,
        happen: (sim: Sim, node: WorldNode, by: WorldNode) => {
          const { world } = sim
          if (!dataNodes(world).includes(node) || !dataNodes(world).includes(by) || node.off) return
          if (DESTROYS.includes(name)) destroyed(sim, node)
          EVENTS[name]?.(world, node, by)
        },
      },
    ]),
  )
}

/** Log arrives, daemons look, and then those of pgbouncers. */
export function timePasses(sim: Sim): void {
  flowAll(sim)
  daemonsLook(sim)
  followersLook(sim)
  flowAll(sim)
}

/** The others do not reach it any more; whether we do is another matter. */
function isolate({ world }: Sim, node: WorldNode): void {
  for (const other of world.nodes) if (other !== node) world.cuts?.add(pairOf(node, other))
}

/** Two sides that do not reach each other, and we the other one neither. */
function split({ world }: Sim, node: WorldNode, luck: Luck): void {
  const ours = world.nodes.filter((one) => one === node || luck.chance(0.4))
  for (const there of world.nodes.filter((one) => !ours.includes(one))) {
    there.reachable = false
    for (const one of ours) world.cuts?.add(pairOf(one, there))
  }
}

/** A log that is too long for the model: nothing that writes happens any more. */
export function isFull({ world }: Sim): boolean {
  return dataNodes(world).some(({ data }) => (data?.log.length ?? 0) > LONG + 8)
}
