import type { Intent } from '../../../src/clusters/redis/intents.ts'
import type { RedisNode, RedisSeen } from '../../../src/clusters/redis/model.ts'
import type { Live } from '../../../src/clusters/redis/view.ts'
import { beginSentinel, beginServer, killServer, pass, tick } from './daemons.ts'
import { type Given, giveWay, Harm, isDeposed, reigns } from './promises.ts'
import { follow, isReached, type Machine, machineAt, NOTHING, promote, type Server, type Sim, tell } from './sim.ts'

/** A step, or a stage of it, that its own checks refused: nothing was done. */
export class Refused extends Error {}

/** Stages: each is done, or ends the step with `Refused`. Killed behind any of them, all is to be safe. */
export type Stage = () => void

type Of<D extends Intent['do']> = Extract<Intent, { do: D }>

/** What a step does, in the stages of its script, with the checks that it makes right before it acts. */
export function stagesOf(sim: Sim, intent: Intent, given: Given): readonly Stage[] {
  switch (intent.do) {
    case 'wait for sentinel':
      return [() => waits(sim)]
    case 'create set':
      return create(sim, intent)
    case 'join set':
      return [() => join(sim, intent, given)]
    case 'start server':
      return [() => start(sim, intent, given)]
    case 'end server':
      return [() => endServer(sim, intent, given)]
    case 'start sentinel':
      return [() => beginSentinel(sim, at(sim, intent.node))]
    case 'move aside':
      return [() => putAside(at(sim, intent.node))]
    case 'follow master':
      return [() => followMaster(sim, intent, given)]
    case 'promote replica':
      return promoteReplica(sim, intent, given)
    case 'watch master':
      return watch(sim, intent)
    case 'reset sentinel':
      return [() => reset(sim, intent)]
    case 'fail over':
      return [() => failOver(sim, intent)]
    case 'restart server':
      return [() => restart(sim, intent)]
    case 'restart sentinel':
    case 'set settings':
    case 'rotate password':
      return []
    case 'remove node':
      throw new Error('no repair removes a node')
  }
}

type Running = Machine & { server: Server }

function at({ machines }: Sim, { host }: RedisNode): Machine {
  const machine = machines.find((one) => one.host === host)
  if (!machine || !isReached(machine)) throw new Refused(`${host} cannot be reached`)
  return machine
}

function running(sim: Sim, node: RedisNode): Running {
  const machine = at(sim, node)
  if (!answering(machine)) throw new Refused(`the server of ${node.host} does not answer`)
  return machine as Running
}

/** Its server, where that can be asked. */
function answering({ server }: Machine): Server | undefined {
  return server?.mute ? undefined : server
}

function isMaster(sim: Sim, { host, seen }: Live): Running {
  const machine = running(sim, { host, address: '' })
  const { role, runId } = machine.server
  if (role !== 'master' || runId !== seen.redis.runId) throw new Refused(`${host} is not the master that was looked at`)
  return machine
}

function isAsSeen({ server }: { server: Server }, { runId, replId }: RedisSeen): void {
  if (server.runId !== runId || server.replId !== replId) throw new Refused('it is not as it was seen')
}

function waits(sim: Sim): void {
  const shape = () =>
    sim.machines
      .map(({ server, sentinel }) => [server?.role, server?.follows, server?.link, sentinel?.master].join())
      .join(';')
  const before = shape()
  for (let second = 0; second < 60 && !isSettled(sim); second++) tick(sim)
  if (!isSettled(sim) && shape() === before) throw new Refused('nothing has changed for a minute')
}

function isSettled({ machines }: Sim): boolean {
  const seen = machines.filter(isReached)
  if (seen.some(({ sentinel }) => sentinel?.failover)) return false
  const named = new Set(seen.flatMap(({ sentinel }) => sentinel?.master ?? []))
  const [master] = named
  if (named.size !== 1 || !seen.some((one) => one.address === master && answering(one)?.role === 'master')) return false
  const replId = seen.find(({ address }) => address === master)?.server?.replId
  return seen.every((one) => {
    const server = answering(one)
    if (!server || one.address === master) return true
    return server.link && server.follows === master && server.replId === replId
  })
}

function create(sim: Sim, { master, others }: Of<'create set'>): readonly Stage[] {
  const all = [master, ...others].map((node) => at(sim, node))
  const first = at(sim, master)
  return [
    () => {
      if (all.some(({ server }) => server && (server.mute || server.keys.size > 0))) throw new Refused('it holds keys')
      for (const one of all) {
        if (one.disk.conf) continue
        putAside(one)
        one.disk.conf = one === first ? {} : { follows: first.address }
        one.disk.watches = { master: first.address, epoch: 0 }
      }
    },
    () => {
      for (const one of all) beginServer(sim, one)
      reigns(sim, first, {})
    },
    () => {
      for (const one of all) beginSentinel(sim, one)
      pass(sim, 15)
    },
  ]
}

/** Nothing of it is deleted. */
function putAside({ disk }: Machine): void {
  for (const keys of [disk.dump, disk.log]) if (keys) disk.aside.push(keys)
  disk.dump = undefined
  disk.log = undefined
}

function join(sim: Sim, { node, master }: Of<'join set'>, given: Given): void {
  const above = isMaster(sim, master)
  const machine = at(sim, node)
  const { server } = machine
  const answers = answering(machine)
  if (!(answers?.link && answers.follows === above.address)) {
    // It answers by now: what is to be done is decided anew.
    if (answers && answers.keys.size > 0) return
    if (answers && node.seen.redis) throw new Harm(`the server of ${node.host}, which answers, is stopped`)
    const hangs = server?.mute && leadsTo(sim, machine, above)
    if (server && !hangs) giveWay(sim, machine, server.keys, above.server.keys, given)
    machine.server = undefined
    // Where Sentinel made somebody else the master, what the former one had is given up by that; it stays beside.
    if (!hangs && !above.server.elected && machine.disk.log)
      giveWay(sim, machine, machine.disk.log, above.server.keys, given)
    putAside(machine)
    machine.disk.conf = { follows: above.address }
    beginServer(sim, machine)
  }
  machine.disk.watches ??= { master: above.address, epoch: 0 }
  beginSentinel(sim, machine)
  if (machine.sentinel && machine.sentinel.master !== above.address) tell(machine, above.address, 0)
  pass(sim, 8)
}

/** By its file it gets what this master has, by way of others or not, as soon as it goes on: its own keys give way then. */
function leadsTo(sim: Sim, { disk }: Machine, master: Machine): boolean {
  let above = machineAt(sim, disk.conf?.follows)
  for (let step = 0; step < sim.machines.length && above && above !== master; step++)
    above = machineAt(sim, above.server?.follows)
  return above === master
}

/** What lies on its disk stays. */
function endServer(sim: Sim, { node }: Of<'end server'>, given: Given): void {
  const machine = at(sim, node)
  if (!machine.server?.mute) throw new Refused('it answers by now')
  giveWay(sim, machine, machine.server.keys, machine.disk.log ?? NOTHING, given)
  killServer(sim, machine, false)
}

function start(sim: Sim, { node }: Of<'start server'>, given: Given): void {
  const machine = at(sim, node)
  if (answering(machine)) return
  const { disk } = machine
  if (!disk.conf) throw new Refused('its redis.conf is none of ours')
  if (!disk.conf.follows) {
    const other = sim.machines.find(
      (one) => one !== machine && isReached(one) && (one.server?.role === 'master' || one.server?.mute),
    )
    if (other) throw new Refused(`${other.host} is the master by now, or may be`)
  }
  if (machine.server?.mute === 'wrong password') throw new Refused('the server does not answer')
  // A process that was stopped by a signal goes on.
  if (machine.server) {
    machine.server.mute = undefined
    machine.heardAt = sim.now
  }
  beginServer(sim, machine)
  if (machine.server && !disk.conf.follows) reigns(sim, machine, given)
  if (sim.shape.persistence === 'cache' && machine.server && (machine.server as Server).keys.size > 0)
    throw new Harm(`old keys come back on ${node.host}`)
  pass(sim, 3)
}

function followMaster(sim: Sim, { node, master, given: saved }: Of<'follow master'>, given: Given): void {
  const above = isMaster(sim, master)
  const machine = running(sim, node)
  const { server } = machine
  if (server.link && server.follows === above.address) {
    pass(sim, 8)
    return
  }
  if (saved && server.keys.size > saved.keys) throw new Refused('it holds more keys by now')
  if (!saved) getsAll(sim, machine, above)
  giveWay(sim, machine, server.keys, above.server.keys, given)
  if (saved && server.keys.size > 0) machine.disk.aside.push(server.keys)
  follow(sim, machine, above.address)
  pass(sim, 8)
}

/** Clients write nothing meanwhile: of one history, the other one gets all of it in a moment. */
function getsAll(sim: Sim, { server }: Running, other: Running): void {
  if (server.keys.size === 0) return
  const { replId, offset } = server
  const { before } = other.server
  if (other.server.replId !== replId) {
    if (before?.replId === replId && offset <= before.upTo) return
    throw new Refused('it holds keys of another history')
  }
  const has = () => other.server.offset >= offset
  for (let second = 0; second < 10 && !has(); second++) tick(sim)
  if (!has()) throw new Refused(`${other.host} does not get what was written last`)
}

function promoteReplica(
  sim: Sim,
  { node, others, watchers, stopped, fenced }: Of<'promote replica'>,
  given: Given,
): readonly Stage[] {
  const masters = fenced.map((one) => one.node)
  // Of those that were seen each has to answer.
  const noOther = (seen: readonly RedisNode[], but: readonly RedisNode[]) => {
    const isOf = (nodes: readonly RedisNode[], one: Machine) => nodes.some(({ host }) => host === one.host)
    const found = sim.machines.find((one) => {
      if (isOf([node, ...but], one)) return false
      if (isOf(seen, one) && (!isReached(one) || one.server?.mute)) return true
      return isReached(one) && answering(one)?.role === 'master'
    })
    if (found) throw new Refused(`${found.host} is a master, or cannot be asked`)
  }
  const ends = () => {
    const candidate = running(sim, node)
    for (const one of stopped) {
      const machine = at(sim, one)
      if (machine.server) giveWay(sim, machine, machine.server.keys, candidate.server.keys, given)
      machine.server = undefined
      machine.restartAt = undefined
    }
  }
  const watches = () => {
    const machine = isMaster(sim, node)
    for (const one of watchers) {
      const watcher = at(sim, one)
      if (watcher.sentinel && watcher.sentinel.master !== machine.address) tell(watcher, machine.address, 0)
    }
  }
  return [
    () => {
      const machine = running(sim, node)
      isAsSeen(machine, node.seen.redis)
      noOther(others, masters)
      for (const one of fenced) if (!one.given) isDeposed(running(sim, one.node), machine)
    },
    () => {
      if (sim.machines.some((one) => isReached(one) && one.sentinel?.failover))
        throw new Refused('a failover is under way')
      for (const one of watchers) {
        const machine = at(sim, one)
        if (machine.sentinel) Object.assign(machine.sentinel, { replicas: new Map(), others: new Map() })
        tell(machine, undefined, 0)
      }
    },
    ...(stopped.length > 0 ? [ends] : []),
    ...fenced.map((one) => () => {
      const machine = running(sim, one.node)
      const candidate = running(sim, node)
      if (one.given && machine.server.keys.size > one.keys) throw new Refused('it holds more keys by now')
      if (!one.given) getsAll(sim, machine, candidate)
      giveWay(sim, machine, machine.server.keys, candidate.server.keys, given)
      if (one.given) machine.disk.aside.push(machine.server.keys)
      follow(sim, machine, candidate.address)
    }),
    () => {
      noOther([...others, ...masters], [])
      const machine = running(sim, node)
      isAsSeen(machine, node.seen.redis)
      promote(sim, machine, false)
      reigns(sim, machine, given)
    },
    watches,
    () => {
      const machine = isMaster(sim, node)
      for (const one of others) {
        if (!answering(at(sim, one))) continue
        const other = running(sim, one)
        if (other.server.follows === machine.address) continue
        getsAll(sim, other, machine)
        giveWay(sim, other, other.server.keys, machine.server.keys, given)
        follow(sim, other, machine.address)
      }
      pass(sim, 8)
    },
  ]
}

function watch(sim: Sim, { nodes, master }: Of<'watch master'>): readonly Stage[] {
  const each = (act: (machine: Machine, above: Machine) => void) => () => {
    const above = isMaster(sim, master)
    for (const node of nodes) act(at(sim, node), above)
  }
  return [
    each((machine, above) => {
      if (machine.sentinel && machine.sentinel.master !== above.address) {
        Object.assign(machine.sentinel, { replicas: new Map(), others: new Map() })
        tell(machine, undefined, 0)
      }
    }),
    each((machine, above) => {
      machine.disk.watches ??= { epoch: 0 }
      beginSentinel(sim, machine)
      if (machine.sentinel && machine.sentinel.master !== above.address) tell(machine, above.address, 0)
      if (machine.sentinel) machine.sentinel.lastOk = sim.now
    }),
    () => pass(sim, 12),
  ]
}

function reset(sim: Sim, { node }: Of<'reset sentinel'>): void {
  const { sentinel } = at(sim, node)
  if (!sentinel) throw new Refused('its Sentinel does not answer')
  if (sentinel.failover) throw new Refused('a failover is under way')
  sentinel.replicas.clear()
  sentinel.others.clear()
  pass(sim, 12)
}

function failOver(sim: Sim, { from, to }: Of<'fail over'>): void {
  const [former, next] = [isMaster(sim, from), running(sim, to)]
  if (!next.server.link || next.server.follows !== former.address) throw new Refused('it does not follow the master')
  // Writes are held until it has all of them.
  const { offset } = former.server
  for (let second = 0; second < 3 && next.server.offset < offset; second++) tick(sim)
  if (next.server.offset < offset) throw new Refused(`${next.host} does not catch up`)
  giveWay(sim, former, former.server.keys, next.server.keys, {})
  promote(sim, next, true)
  follow(sim, former, next.address)
  for (const one of sim.machines) if (one.sentinel) tell(one, next.address, one.sentinel.epoch + 1)
}

function restart(sim: Sim, { node }: Of<'restart server'>): void {
  const machine = running(sim, node)
  const seen = node.seen.redis
  if (seen.role !== 'replica') throw new Harm(`a master is restarted: ${node.host}`)
  if (machine.server.role !== 'replica') throw new Refused('it is no replica')
  const above = machineAt(sim, machine.server.follows)
  if (above?.server?.role !== 'master') throw new Refused('whom it follows is no master')
  // A link says that it is up until somebody notices.
  if (seen.master?.link === 'up' && seen.replId === above.server.replId && seen.differing.length === 0)
    throw new Harm(`a replica that is well is restarted: ${node.host}`)
  giveWay(sim, machine, machine.server.keys, above.server.keys, {})
  machine.server = undefined as never
  beginServer(sim, machine)
  pass(sim, 8)
}
