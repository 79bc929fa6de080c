import type {
  Desired,
  NodeSurvey,
  RedisSeen,
  ReportedRole,
  SentinelSeen,
  WatchedMaster,
} from '../../../src/clusters/redis/model.ts'
import { Secret } from '../../../src/model/secret.ts'
import { isDown } from './daemons.ts'
import {
  DOWN_AFTER,
  FAILOVER_TIMEOUT,
  hear,
  isHung,
  isReached,
  type Keys,
  type Machine,
  machineAt,
  quorum,
  REPL_TIMEOUT,
  type Sentinel,
  type Server,
  type Sim,
} from './sim.ts'

const PORT = 6379

export function desiredOf({ shape, machines }: Sim): Desired {
  return {
    name: 'cache',
    environment: 'prod',
    nodes: machines.map(({ host, address }) => ({ host, address })),
    persistence: shape.persistence,
    settings: {},
    quorum: Math.floor(shape.nodes / 2) + 1,
    downAfter: DOWN_AFTER * 1000,
    failoverTimeout: FAILOVER_TIMEOUT * 1000,
    password: new Secret('password', 'x'),
    sentinelPassword: new Secret('sentinel', 'x'),
  }
}

/** What the operator sees, of one moment. */
export function surveysOf(sim: Sim): readonly NodeSurvey[] {
  return sim.machines.map((machine) => surveyOf(sim, machine))
}

/** What he sees where hosts answer one behind the other, in any order, and the world goes on meanwhile. */
export function surveysOneByOne(sim: Sim, order: readonly Machine[], meanwhile: () => void): readonly NodeSurvey[] {
  const surveys = order.map((machine) => {
    const survey = surveyOf(sim, machine)
    meanwhile()
    return survey
  })
  return sim.machines.flatMap(({ host }) => surveys.find((one) => one.host === host) ?? [])
}

function surveyOf(sim: Sim, machine: Machine): NodeSurvey {
  const { host, server, sentinel, disk } = machine
  if (!isReached(machine)) return { host, unreachable: 'connect: timed out' }
  return {
    host,
    prepared: true,
    units: { redis: 'active', sentinel: 'active' },
    ...(server && !server.mute && { redis: redisOf(sim, server) }),
    ...(sentinel && { sentinel: sentinelOf(sim, machine, sentinel) }),
    trouble: {
      ...(server ? server.mute && { redis: server.mute } : { redis: 'down' as const }),
      ...(!sentinel && { sentinel: 'down' as const }),
    },
    disk: {
      ...(disk.dump && { dump: file(disk.dump) }),
      ...(disk.log && { appendOnly: file(disk.log) }),
      aside: [],
      fileDiffers: [],
      configured: { redis: disk.conf !== undefined, sentinel: disk.watches !== undefined },
      ...(disk.conf?.follows !== undefined && { follows: place(disk.conf.follows) }),
      ...(disk.watches?.master !== undefined && { monitors: place(disk.watches.master) }),
    },
    log: [],
  }
}

function place(address: string): { address: string; port: number } {
  return { address, port: PORT }
}

function file(keys: Keys): { bytes: number; age: number } {
  return { bytes: keys.size > 0 ? 100 + keys.size : 0, age: 10 }
}

function redisOf(sim: Sim, server: Server): RedisSeen {
  const lag = (one: Server) => sim.now - one.heardFrom
  // One that hangs is taken for one that is there, until it was silent for long.
  const linked = sim.machines
    .filter(({ server: one }) => one?.link && machineAt(sim, one.follows)?.server === server)
    .flatMap(({ address, server: one }) =>
      one && (lag(one) === 0 || (isHung(one) && one.replId === server.replId && lag(one) < REPL_TIMEOUT))
        ? [{ ...place(address), state: 'online', offset: one.offset, lag: lag(one) }]
        : [],
    )
  return {
    runId: server.runId,
    uptime: sim.now - server.began,
    outdated: false,
    role: server.role,
    keys: server.keys.size,
    changes: server.changes,
    replId: server.replId,
    offset: server.offset,
    ...(server.before && { before: server.before }),
    ...(server.follows !== undefined && {
      master: {
        ...place(server.follows),
        link: server.link ? 'up' : 'down',
        downFor: server.link ? 0 : server.brokeAt === undefined ? -1 : sim.now - server.brokeAt,
        syncing: server.copyAt !== undefined,
      },
    }),
    replicas: linked,
    takesWrites: linked.some((one) => one.lag < 10),
    differing: server.old ? [{ name: 'databases', running: '16', wanted: '4' }] : [],
    passwords: { own: true, forMaster: true, others: 0 },
    unsaved: [],
  }
}

function sentinelOf(sim: Sim, machine: Machine, sentinel: Sentinel): SentinelSeen {
  return {
    uptime: sim.now - sentinel.began,
    outdated: false,
    masters: sentinel.master === undefined ? [] : [watchedOf(sim, machine, sentinel, sentinel.master)],
    differing: [],
  }
}

/** Of a server that nobody sees, what it was at last. */
function reportedOf(sim: Sim, machine: Machine | undefined, since: number): ReportedRole {
  return { role: machine?.server?.role ?? 'master', for: (sim.now - since) * 1000 }
}

function watchedOf(sim: Sim, machine: Machine, sentinel: Sentinel, master: string): WatchedMaster {
  const down = isDown(sim, sentinel)
  const known = ([address, lastOk]: readonly [string, number]) => {
    const other = machineAt(sim, address)
    const since = Math.max(other?.server?.roleSince ?? 0, other?.heardAt ?? 0)
    const heard = other !== undefined && hear(machine, other) && sim.now - lastOk <= DOWN_AFTER
    return {
      ...place(address),
      flags: heard ? ['slave'] : ['slave', 's_down'],
      reported: reportedOf(sim, other, since),
    }
  }
  const seen = machineAt(sim, master)
  return {
    name: 'cache',
    ...place(master),
    runId: seen?.server?.runId ?? '',
    flags: ['master', ...(down ? ['s_down'] : []), ...(sentinel.failover ? ['failover_in_progress'] : [])],
    quorum: quorum(sim),
    configEpoch: sentinel.epoch,
    lastOk: (sim.now - sentinel.lastOk) * 1000,
    downAfter: DOWN_AFTER * 1000,
    failoverTimeout: FAILOVER_TIMEOUT * 1000,
    // It says so whatever it watches.
    usable: true,
    reported: reportedOf(sim, seen, seen?.server?.roleSince ?? 0),
    replicas: [...sentinel.replicas].map((one) => ({ ...known(one), runId: '' })),
    sentinels: [...sentinel.others].map((one) => ({ ...known(one) })),
  }
}
