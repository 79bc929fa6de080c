/** Write numbers. Never changed in place: who writes makes another one. */
export type Keys = ReadonlySet<number>

export const NOTHING: Keys = new Set()

/** A server that runs. */
export interface Server {
  runId: string
  began: number
  role: 'master' | 'replica'
  keys: Keys
  changes: number
  replId: string
  offset: number
  before?: { replId: string; upTo: number } | undefined
  /** The address that it follows. */
  follows?: string | undefined
  link: boolean
  /** When it heard from its master last. */
  heardFrom: number
  /** When its link broke; undefined: it never was up. */
  brokeAt?: number | undefined
  /** When the full copy that it gets just now will be there. */
  copyAt?: number | undefined
  /** Its link is up, and it takes nothing before. */
  lagsUntil?: number | undefined
  /** Sentinel made it a master, not we. */
  elected: boolean
  /** Since when it says what it says of its role. */
  roleSince: number
  /** It runs with a setting of before, that only a restart changes. */
  old: boolean
  /** It runs, and the operator cannot ask it. One that hangs answers nobody; of another password only he knows nothing. */
  mute?: 'hung' | 'wrong password' | undefined
}

export interface Sentinel {
  began: number
  master?: string | undefined
  epoch: number
  /** When each was heard last, by its address. */
  replicas: Map<string, number>
  others: Map<string, number>
  lastOk: number
  /** When the failover that it leads does its next thing. */
  failover?: { to: string; at: number } | undefined
  /** It does not try again before. */
  triedAt: number
}

export interface Disk {
  dump?: Keys | undefined
  /** Of a durable set: all that its server acknowledged. */
  log?: Keys | undefined
  aside: Keys[]
  /** What redis.conf says; undefined: it is none of ours. */
  conf?: { follows?: string | undefined; elected?: boolean } | undefined
  /** What sentinel.conf says. */
  watches?: { master?: string | undefined; epoch: number } | undefined
}

export interface Machine {
  readonly host: string
  readonly address: string
  on: boolean
  /** Those of one number hear each other. The operator is on 0. */
  island: number
  /** Since when it hears those that it hears. */
  heardAt: number
  disk: Disk
  server?: Server | undefined
  sentinel?: Sentinel | undefined
  /** When systemd begins its server again. */
  restartAt?: number | undefined
  /** It never comes back as it was. */
  gone: boolean
}

export interface Shape {
  readonly nodes: number
  readonly persistence: 'cache' | 'durable'
  /** Its unit begins a server that crashed at once, before Sentinel notices. */
  readonly hasty: boolean
}

export interface Sim {
  readonly shape: Shape
  readonly machines: Machine[]
  now: number
  /** Of writes, run ids and replication ids. */
  last: number
  /** Writes that somebody agreed to lose, or that Sentinel gave up. */
  readonly surrendered: Set<number>
  /** How often Sentinel made somebody a master. */
  elections: number
}

export const DOWN_AFTER = 3
export const FAILOVER_TIMEOUT = 20
/** Seconds until systemd begins a server again: longer than Sentinel takes to notice. */
export const RESTART = 9
/** Seconds until a replica notices that its master is silent. */
export const REPL_TIMEOUT = 60
/** Seconds that a full copy takes to begin. */
export const COPY = 5

export function fresh(sim: Sim, what: string): string {
  sim.last++
  return `${what}${sim.last}`
}

export function machineAt({ machines }: Sim, address: string | undefined): Machine | undefined {
  return machines.find((one) => one.address === address)
}

/** Whether two machines hear each other. */
export function hear(one: Machine, other: Machine): boolean {
  return one.on && other.on && (one === other || one.island === other.island)
}

/** A server that hangs does nothing, and says nothing. */
export function isHung(server: Server | undefined): boolean {
  return server?.mute === 'hung'
}

/** Its server, where that does what it is told. */
export function awake({ on, server }: Machine): Server | undefined {
  return on && !isHung(server) ? server : undefined
}

/** Whether the operator reaches it. */
export function isReached({ on, island }: Machine): boolean {
  return on && island === 0
}

export function quorum({ machines }: Sim): number {
  return Math.floor(machines.length / 2) + 1
}

export function masters({ machines }: Sim): Machine[] {
  return machines.filter(({ on, server }) => on && server?.role === 'master')
}

export function newServer(sim: Sim, keys: Keys, follows?: string): Server {
  return {
    runId: fresh(sim, 'run'),
    began: sim.now,
    role: follows === undefined ? 'master' : 'replica',
    keys,
    changes: 0,
    replId: fresh(sim, 'id'),
    offset: 0,
    follows,
    link: false,
    heardFrom: sim.now,
    elected: false,
    roleSince: sim.now,
    old: false,
  }
}

export function newSentinel(sim: Sim, { master, epoch }: { master?: string | undefined; epoch: number }): Sentinel {
  return {
    ...{ began: sim.now, master, epoch, lastOk: sim.now, triedAt: Number.NEGATIVE_INFINITY },
    replicas: new Map(),
    others: new Map(),
  }
}

/** A whole set that has some keys. */
export function begin(shape: Shape): Sim {
  const machines = Array.from({ length: shape.nodes }, (_, index): Machine => {
    const disk: Disk = { aside: [], conf: {}, watches: { master: '10.0.0.1', epoch: 0 } }
    return {
      host: `app${index + 1}`,
      address: `10.0.0.${index + 1}`,
      on: true,
      island: 0,
      heardAt: 0,
      disk,
      gone: false,
    }
  })
  const sim: Sim = { shape, machines, now: 1000, last: 0, surrendered: new Set(), elections: 0 }
  const first = machines[0]?.address
  for (const machine of machines) {
    const follows = machine.address === first ? undefined : first
    machine.server = newServer(sim, NOTHING, follows)
    machine.sentinel = newSentinel(sim, { master: first, epoch: 0 })
    machine.disk.conf = { follows }
  }
  // Nobody is young any more.
  sim.now += 60
  return sim
}

/** What a server has lies on its disk as well, where the set is durable. */
export function hold({ shape }: Pick<Sim, 'shape'>, machine: Machine, keys: Keys): void {
  if (machine.server) machine.server.keys = keys
  if (shape.persistence === 'durable') machine.disk.log = keys
}

/** A server does what it is told, and writes it down. */
export function follow(sim: Sim, machine: Machine, address: string): void {
  const { server, disk } = machine
  if (!server || server.follows === address) return
  Object.assign(server, { role: 'replica', follows: address, link: false, brokeAt: undefined, copyAt: undefined })
  Object.assign(server, { lagsUntil: undefined, elected: false, roleSince: sim.now })
  disk.conf = { follows: address }
}

export function promote(sim: Sim, machine: Machine, elected: boolean): void {
  const { server, disk } = machine
  if (!server) return
  if (elected) overrule(sim, server.keys)
  server.before = { replId: server.replId, upTo: server.offset }
  Object.assign(server, {
    role: 'master',
    replId: fresh(sim, 'id'),
    follows: undefined,
    link: false,
    copyAt: undefined,
  })
  Object.assign(server, { elected, roleSince: sim.now, brokeAt: undefined })
  disk.conf = { elected }
}

/** What others have is given up by Sentinel then. */
function overrule(sim: Sim, kept: Keys): void {
  sim.elections++
  for (const { server, disk } of sim.machines)
    for (const key of [...(server?.keys ?? []), ...(disk.log ?? [])]) if (!kept.has(key)) sim.surrendered.add(key)
}

export function tell(machine: Machine, master: string | undefined, epoch: number): void {
  const { sentinel, disk } = machine
  if (sentinel) Object.assign(sentinel, { master, epoch, failover: undefined })
  disk.watches = { master, epoch }
}
