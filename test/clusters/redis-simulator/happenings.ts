import type { Luck } from '../simulator/random.ts'
import { beginSentinel, beginServer, killServer, pass } from './daemons.ts'
import {
  awake,
  follow,
  hear,
  hold,
  isReached,
  type Machine,
  machineAt,
  promote,
  type Server,
  type Sim,
  tell,
} from './sim.ts'

type Happen = (sim: Sim, machine: Machine, other: Machine, luck: Luck) => void

/** What happens to a set, and how often. */
export const HAPPENINGS: Readonly<Record<string, { readonly often: number; readonly happen: Happen }>> = {
  'a client writes': { often: 14, happen: (sim, machine, _, luck) => write(sim, machine, 1 + luck.int(3)) },
  'some seconds pass': { often: 10, happen: (sim, _machine, _other, luck) => pass(sim, 1 + luck.int(8)) },
  'a minute passes': { often: 10, happen: (sim, _machine, _other, luck) => pass(sim, 30 + luck.int(60)) },
  'a server crashes': { often: 6, happen: (sim, machine) => killServer(sim, machine, true) },
  'the master crashes': { often: 6, happen: (sim) => theMaster(sim, (one) => killServer(sim, one, true)) },
  'a server crashes for good': { often: 3, happen: (sim, machine) => killServer(sim, machine, false) },
  'a replica lags': { often: 4, happen: (sim, machine, _, luck) => lags(sim, machine, 5 + luck.int(40)) },
  'all replicas lag': {
    often: 2,
    happen: (sim, _machine, _other, luck) =>
      sim.machines.forEach((one) => {
        lags(sim, one, 5 + luck.int(40))
      }),
  },
  'a server hangs': { often: 4, happen: (_, machine) => mutes(machine, 'hung') },
  'the master hangs': {
    often: 3,
    happen: (sim) =>
      theMaster(sim, (one) => {
        mutes(one, 'hung')
      }),
  },
  'a password is changed by hand': { often: 3, happen: (_, machine) => mutes(machine, 'wrong password') },
  'what hangs goes on': { often: 4, happen: goesOn },
  'a server is started': { often: 3, happen: (sim, machine) => beginServer(sim, machine) },
  'a Sentinel crashes': { often: 4, happen: (_, machine) => endSentinel(machine) },
  'a Sentinel is started': { often: 4, happen: (sim, machine) => beginSentinel(sim, machine) },
  'power goes': { often: 5, happen: (sim, machine) => powerGoes(sim, machine) },
  'power comes back': { often: 5, happen: (sim, machine, _, luck) => powerComes(sim, machine, luck.chance(0.8)) },
  'power goes everywhere': {
    often: 1,
    happen: (sim) =>
      sim.machines.forEach((one) => {
        powerGoes(sim, one)
      }),
  },
  'all hosts come back': { often: 2, happen: (sim, _machine, _other, luck) => allBack(sim, luck) },
  'a node is alone': { often: 6, happen: (sim, machine) => alone(sim, machine, 1 + sim.machines.indexOf(machine)) },
  'the master is alone': {
    often: 4,
    happen: (sim) => theMaster(sim, (one) => alone(sim, one, 1 + sim.machines.indexOf(one))),
  },
  'cables are mended': {
    often: 6,
    happen: (sim) =>
      sim.machines.forEach((one) => {
        alone(sim, one, 0)
      }),
  },
  'a setting is changed': {
    often: 3,
    happen: (sim) => {
      for (const { server } of sim.machines) if (server) server.old = true
    },
  },
  'a machine is lost for good': { often: 2, happen: (sim, machine) => lost(sim, machine) },
  'Sentinels crash on most nodes': {
    often: 4,
    happen: (sim, machine) => {
      for (const one of sim.machines) if (one !== machine) endSentinel(one)
    },
  },
  'a machine is wiped': { often: 2, happen: (_, machine) => wiped(machine) },
  'somebody makes a replica a master': {
    often: 2,
    happen: (sim, machine) => {
      if (awake(machine)?.role === 'replica') promote(sim, machine, false)
    },
  },
  'somebody makes it follow another one': {
    often: 3,
    happen: (sim, machine, other) => {
      if (machine !== other && awake(machine)) follow(sim, machine, other.address)
    },
  },
  'somebody makes it follow a dead address': {
    often: 2,
    happen: (sim, machine) => {
      if (awake(machine)) follow(sim, machine, '10.9.9.9')
    },
  },
  'replicas follow each other in a row': { often: 5, happen: row },
  'all follow in a circle': { often: 1, happen: circle },
  'a Sentinel is told a dead address': { often: 2, happen: (_, machine) => confused(machine, '10.9.9.9') },
  'a Sentinel is told another node': { often: 2, happen: (_, machine, other) => confused(machine, other.address) },
  'all Sentinels are told a dead address': {
    often: 1,
    happen: (sim) =>
      sim.machines.forEach((one) => {
        confused(one, '10.9.9.9')
      }),
  },
  'a Sentinel forgets': {
    often: 2,
    happen: (_, machine) => {
      machine.sentinel?.replicas.clear()
      machine.sentinel?.others.clear()
    },
  },
  'a Sentinel watches nothing': {
    often: 1,
    happen: (_, machine) => {
      if (machine.on && machine.sentinel) tell(machine, undefined, 0)
    },
  },
  'a copy leaves its dump': {
    often: 6,
    happen: (sim, machine) => {
      const server = awake(machine)
      if (server && sim.shape.persistence === 'cache') machine.disk.dump = server.keys
    },
  },
}

function theMaster(sim: Sim, act: (machine: Machine) => void): void {
  const machine = sim.machines.find(({ on, server }) => on && server?.role === 'master')
  if (machine) act(machine)
}

function mutes({ on, server }: Machine, how: NonNullable<Server['mute']>): void {
  if (on && server && !server.mute) server.mute = how
}

/** Sentinel counts anew from the first answer. */
function goesOn(sim: Sim): void {
  for (const machine of sim.machines) {
    if (!machine.server?.mute) continue
    machine.server.mute = undefined
    machine.heardAt = sim.now
  }
}

function lags(sim: Sim, { server }: Machine, seconds: number): void {
  if (server?.role === 'replica' && server.link) server.lagsUntil = sim.now + seconds
}

function endSentinel(machine: Machine): void {
  machine.sentinel = undefined
}

function powerGoes(sim: Sim, machine: Machine): void {
  killServer(sim, machine, false)
  endSentinel(machine)
  machine.on = false
}

export function powerComes(sim: Sim, machine: Machine, begins: boolean): void {
  if (machine.on || machine.gone) return
  machine.on = true
  machine.heardAt = sim.now
  if (!begins) return
  beginServer(sim, machine)
  beginSentinel(sim, machine)
}

function allBack(sim: Sim, luck: Luck): void {
  for (const one of luck.shuffled(sim.machines)) {
    powerComes(sim, one, luck.chance(0.7))
    pass(sim, luck.int(4))
  }
}

export function alone(sim: Sim, machine: Machine, island: number): void {
  if (machine.island === island) return
  machine.island = island
  machine.heardAt = sim.now
}

/** Most are there all the same. */
function lost(sim: Sim, machine: Machine): void {
  if (sim.machines.some(({ gone }) => gone)) return
  powerGoes(sim, machine)
  machine.gone = true
}

/** The disk is a new one; a machine of the same name is there, with nothing on it. */
function wiped(machine: Machine): void {
  machine.server = undefined
  machine.sentinel = undefined
  machine.restartAt = undefined
  machine.disk = { aside: [] }
}

/** A client asks the Sentinel that it reaches, and writes there; too few replicas, and it is refused. */
export function write(sim: Sim, machine: Machine, times: number): void {
  const told = machine.on ? machineAt(sim, machine.sentinel?.master) : undefined
  const server = told && hear(machine, told) ? awake(told) : undefined
  if (!told || server?.role !== 'master') return
  const good = sim.machines.some(
    ({ server: one }) => one?.link && one.follows === told.address && sim.now - one.heardFrom < 10,
  )
  const lately = sim.machines.some(
    ({ server: one }) => one?.follows === told.address && one.brokeAt !== undefined && sim.now - one.brokeAt < 10,
  )
  if (!good && !lately) return
  const numbers = Array.from({ length: times }, () => ++sim.last)
  hold(sim, told, new Set([...server.keys, ...numbers]))
  server.changes += times
  server.offset += 100 * times
}

function row(sim: Sim): void {
  theMaster(sim, (master) => {
    let above = master
    for (const one of sim.machines) {
      if (one === master || awake(one)?.role !== 'replica') continue
      follow(sim, one, above.address)
      above = one
    }
  })
}

/** Links stay up, and there is one history: nobody notices. */
function circle(sim: Sim): void {
  const all = sim.machines.filter((one) => isReached(one) && one.server && !one.server.mute)
  const [newest] = all.toSorted((a, b) => (b.server?.offset ?? 0) - (a.server?.offset ?? 0))
  if (all.length < 3 || !newest?.server || !all.every(({ server }) => server?.replId === newest.server?.replId)) return
  const { keys, offset } = newest.server
  for (const [index, one] of all.entries()) {
    follow(sim, one, all[(index + 1) % all.length]?.address ?? '')
    hold(sim, one, keys)
    if (one.server) Object.assign(one.server, { offset, link: true })
  }
}

function confused(machine: Machine, address: string): void {
  if (!machine.sentinel) return
  machine.sentinel.replicas.clear()
  machine.sentinel.others.clear()
  tell(machine, address, machine.sentinel.epoch)
}
