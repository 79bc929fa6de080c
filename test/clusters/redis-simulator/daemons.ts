import {
  awake,
  COPY,
  DOWN_AFTER,
  FAILOVER_TIMEOUT,
  follow,
  hear,
  hold,
  isHung,
  type Machine,
  machineAt,
  NOTHING,
  newSentinel,
  newServer,
  promote,
  quorum,
  REPL_TIMEOUT,
  RESTART,
  type Sentinel,
  type Server,
  type Sim,
  tell,
} from './sim.ts'

/** One second passes. */
export function tick(sim: Sim): void {
  sim.now++
  for (const machine of sim.machines)
    if (machine.restartAt !== undefined && machine.restartAt <= sim.now) beginServer(sim, machine)
  for (const machine of sim.machines) replicate(sim, machine)
  for (const machine of sim.machines) {
    const server = awake(machine)
    if (server?.role === 'master') server.offset += 10
  }
  for (const machine of sim.machines) if (machine.on && machine.sentinel) watch(sim, machine, machine.sentinel)
}

export function pass(sim: Sim, seconds: number): void {
  for (let second = 0; second < seconds; second++) tick(sim)
}

/** A server begins with what lies on its disk. */
export function beginServer(sim: Sim, machine: Machine): void {
  const { disk } = machine
  machine.restartAt = undefined
  if (!machine.on || machine.server || !disk.conf) return
  const keys = (sim.shape.persistence === 'durable' ? disk.log : disk.dump) ?? NOTHING
  machine.server = newServer(sim, keys, disk.conf.follows)
  machine.server.elected = disk.conf.elected ?? false
  hold(sim, machine, keys)
}

export function beginSentinel(sim: Sim, machine: Machine): void {
  if (machine.on && machine.disk.watches) machine.sentinel ??= newSentinel(sim, machine.disk.watches)
}

export function killServer(sim: Sim, machine: Machine, again: boolean): void {
  if (!machine.server) return
  machine.server = undefined
  machine.restartAt = again ? sim.now + (sim.shape.hasty ? 1 : RESTART) : undefined
}

/** A replica gets what its master has: by and by, or as a whole when its history is another one. */
function replicate(sim: Sim, machine: Machine): void {
  const server = awake(machine)
  if (server?.role !== 'replica') return
  const above = machineAt(sim, server.follows)
  const heard = above && hear(machine, above) && above !== machine && !isHung(above.server)
  const from = heard ? above.server : undefined
  if (heard) server.heardFrom = sim.now
  else if (sim.now - server.heardFrom < REPL_TIMEOUT) return
  // A replica passes on what it gets.
  const serves = from && (from.role === 'master' || from.link) && (opens(from) || server.link || server.copyAt)
  if (!from || !serves) {
    unlink(sim, server)
    return
  }
  if (server.link && server.replId === from.replId && (server.lagsUntil ?? 0) > sim.now) return
  if (continuesAt(from, server)) {
    take(sim, machine, server, from)
    return
  }
  if (server.link) unlink(sim, server)
  server.copyAt ??= sim.now + COPY
  if (server.copyAt <= sim.now) take(sim, machine, server, from)
}

/** To connections that are made anew. */
function opens({ mute }: Server): boolean {
  return mute === undefined
}

function unlink(sim: Sim, server: Server): void {
  if (server.link) server.brokeAt = sim.now
  Object.assign(server, { link: false, copyAt: undefined })
}

function continuesAt(from: Server, server: Server): boolean {
  if (from.replId === server.replId) return server.offset <= from.offset
  return from.before?.replId === server.replId && server.offset <= from.before.upTo
}

function take(sim: Sim, machine: Machine, server: Server, from: Server): void {
  if (server.keys !== from.keys) {
    server.changes++
    hold(sim, machine, from.keys)
  }
  const { replId, offset, before } = from
  Object.assign(server, { replId, offset, before, link: true, copyAt: undefined, brokeAt: undefined })
}

/** What Sentinel sees and does in a second. */
function watch(sim: Sim, machine: Machine, sentinel: Sentinel): void {
  const seen = machineAt(sim, sentinel.master)
  const server = seen && hear(machine, seen) ? awake(seen) : undefined
  if (server) sentinel.lastOk = sim.now
  look(sim, machine, sentinel, server)
  hello(sim, machine, sentinel)
  if (sentinel.failover) lead(sim, machine, sentinel)
  else if (server && !isDown(sim, sentinel)) heal(sim, machine, sentinel, server)
  else takeOver(sim, machine, sentinel)
}

function takeOver(sim: Sim, machine: Machine, sentinel: Sentinel): void {
  if (sentinel.master === undefined) return
  if (votes(sim, machine, sentinel) < quorum(sim) || sim.now < sentinel.triedAt + 2 * FAILOVER_TIMEOUT) return
  sentinel.triedAt = sim.now
  const to = candidate(sim, machine, sentinel)
  if (to) sentinel.failover = { to: to.address, at: sim.now + 2 }
}

/** Replicas and other Sentinels are found by way of the master. */
function look(sim: Sim, machine: Machine, sentinel: Sentinel, server: Server | undefined): void {
  for (const other of sim.machines) {
    if (other === machine) {
      const own = awake(other)
      if (server && own?.link && own.follows === sentinel.master) know(sim, sentinel.replicas, other)
      continue
    }
    if (!hear(machine, other)) continue
    const of = awake(other)
    if (of && (sentinel.replicas.has(other.address) || (server && of.link && of.follows === sentinel.master)))
      know(sim, sentinel.replicas, other)
    if (other.sentinel && (sentinel.others.has(other.address) || (server && other.sentinel.master === sentinel.master)))
      know(sim, sentinel.others, other)
  }
  if (awake(machine) && sentinel.replicas.has(machine.address)) know(sim, sentinel.replicas, machine)
}

function know({ now }: Sim, known: Sentinel['replicas'], { address }: Machine): void {
  known.set(address, now)
}

/** The newer word of where the master is counts, among those that know each other. */
function hello(sim: Sim, machine: Machine, sentinel: Sentinel): void {
  for (const other of sim.machines) {
    if (other === machine || !hear(machine, other) || !sentinel.others.has(other.address)) continue
    const word = other.sentinel
    if (!word?.master || word.epoch <= sentinel.epoch) continue
    moved(machine, sentinel, word.master, word.epoch)
    sentinel.lastOk = sim.now
  }
}

function moved(machine: Machine, sentinel: Sentinel, master: string, epoch: number): void {
  if (sentinel.master && sentinel.master !== master) sentinel.replicas.set(sentinel.master, sentinel.lastOk)
  sentinel.replicas.delete(master)
  sentinel.failover = undefined
  tell(machine, master, epoch)
}

export function isDown(sim: Sim, sentinel: Sentinel): boolean {
  if (sim.now - sentinel.lastOk > DOWN_AFTER) return true
  const server = machineAt(sim, sentinel.master)?.server
  return server?.role === 'replica' && sim.now - server.roleSince > DOWN_AFTER + 20
}

function votes(sim: Sim, machine: Machine, sentinel: Sentinel): number {
  if (!isDown(sim, sentinel)) return 0
  return sim.machines.filter((one) => {
    const other = one.sentinel
    if (!other || !hear(machine, one) || other.master !== sentinel.master || other.failover) return false
    return (one === machine || sentinel.others.has(one.address)) && isDown(sim, other)
  }).length
}

function candidate(sim: Sim, machine: Machine, sentinel: Sentinel): Machine | undefined {
  const since = sim.now - sentinel.lastOk
  const fit = sim.machines.filter((one) => {
    const server = awake(one)
    if (server?.role !== 'replica' || !hear(machine, one) || one.address === sentinel.master) return false
    // One that never had a link is as good as any.
    const broken = server.link || server.brokeAt === undefined ? 0 : sim.now - server.brokeAt
    return sentinel.replicas.has(one.address) && broken <= 10 * DOWN_AFTER + since
  })
  return fit.toSorted((a, b) => (b.server?.offset ?? 0) - (a.server?.offset ?? 0))[0]
}

function lead(sim: Sim, machine: Machine, sentinel: Sentinel): void {
  const { failover } = sentinel
  if (!failover || failover.at > sim.now) return
  sentinel.failover = undefined
  const to = machineAt(sim, failover.to)
  if (!to || awake(to)?.role !== 'replica' || !hear(machine, to)) return
  promote(sim, to, true)
  moved(machine, sentinel, to.address, sentinel.epoch + 1)
  sentinel.lastOk = sim.now
  for (const one of sim.machines)
    if (one !== to && awake(one)?.role === 'replica' && hear(machine, one) && sentinel.replicas.has(one.address))
      follow(sim, one, to.address)
}

/** Replicas that say that they are masters, or that follow somebody else. */
function heal(sim: Sim, machine: Machine, sentinel: Sentinel, server: Server): void {
  if (server.role !== 'master' || !sentinel.master) return
  for (const address of sentinel.replicas.keys()) {
    const one = machineAt(sim, address)
    if (
      !one?.server ||
      isHung(one.server) ||
      !hear(machine, one) ||
      address === sentinel.master ||
      one.server.follows === sentinel.master
    )
      continue
    const patience = one.server.role === 'master' ? 8 : 15
    if (sim.now - Math.max(one.server.roleSince, one.heardAt) <= patience) continue
    // What it has is given up by that.
    if (one.server.keys.size > 0) sim.elections++
    follow(sim, one, sentinel.master)
  }
}
