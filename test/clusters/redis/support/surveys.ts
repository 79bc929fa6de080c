import type {
  Desired,
  MasterLink,
  NodeSurvey,
  RedisSeen,
  ReportedRole,
  SeenNode,
  SentinelSeen,
  WatchedMaster,
} from '../../../../src/clusters/redis/model.ts'
import { Secret } from '../../../../src/model/secret.ts'

export const PORT = 6379

export function desired(nodes = 3, persistence: Desired['persistence'] = 'cache'): Desired {
  return {
    name: 'cache',
    environment: 'prod',
    nodes: Array.from({ length: nodes }, (_, index) => ({ host: `app${index + 1}`, address: `10.0.0.${index + 1}` })),
    persistence,
    settings: {},
    quorum: Math.floor(nodes / 2) + 1,
    downAfter: 3000,
    failoverTimeout: 20_000,
    password: new Secret('password', 'x'),
    sentinelPassword: new Secret('sentinel', 'y'),
  }
}

export type Redis = Partial<RedisSeen>
export type Change = {
  readonly redis?: Redis | null
  readonly sentinel?: Partial<WatchedMaster> | null
  readonly seen?: Partial<SeenNode>
  readonly disk?: Partial<SeenNode['disk']>
  readonly gone?: true
}

export const at = (number: number) => ({ address: `10.0.0.${number}`, port: PORT })

export function linkTo(number: number, more: Partial<MasterLink> = {}): MasterLink {
  return { ...at(number), link: 'up', downFor: 0, syncing: false, ...more }
}

/** A whole set of three whose master is app1, with what differs by node. */
export function set(changes: Readonly<Record<number, Change>> = {}, nodes = 3): readonly NodeSurvey[] {
  return Array.from({ length: nodes }, (_, index) => node(index + 1, nodes, changes[index + 1] ?? {}))
}

function node(number: number, nodes: number, change: Change): NodeSurvey {
  const host = `app${number}`
  if (change.gone) return { host, unreachable: 'connect: timed out' }
  const redis = change.redis === null ? undefined : { ...whole(number, nodes), ...change.redis }
  const sentinel = change.sentinel === null ? undefined : watching(number, nodes, change.sentinel ?? {})
  return {
    host,
    prepared: true,
    units: { redis: 'active', sentinel: 'active' },
    ...(redis && { redis }),
    ...(sentinel && { sentinel }),
    trouble: { ...(!redis && { redis: 'down' as const }), ...(!sentinel && { sentinel: 'down' as const }) },
    log: [],
    ...change.seen,
    disk: {
      aside: [],
      fileDiffers: [],
      configured: { redis: true, sentinel: true },
      ...(number !== 1 && { follows: at(1) }),
      monitors: at(1),
      ...change.disk,
    },
  }
}

function whole(number: number, nodes: number): RedisSeen {
  const others = Array.from({ length: nodes }, (_, index) => index + 1).filter((one) => one !== number)
  return {
    runId: `run${number}`,
    uptime: 5000,
    outdated: false,
    role: number === 1 ? 'master' : 'replica',
    keys: 12,
    changes: 12,
    replId: 'r1',
    offset: 1000,
    ...(number !== 1 && { master: linkTo(1) }),
    replicas: number === 1 ? others.map((one) => ({ ...at(one), state: 'online', offset: 1000, lag: 0 })) : [],
    takesWrites: true,
    differing: [],
    passwords: { own: true, forMaster: true, others: 0 },
    unsaved: [],
  }
}

function watching(number: number, nodes: number, change: Partial<WatchedMaster>): SentinelSeen {
  const all = Array.from({ length: nodes }, (_, index) => index + 1)
  const master: WatchedMaster = {
    name: 'cache',
    ...at(1),
    runId: `run${(change.address ?? at(1).address).split('.').at(-1)}`,
    flags: ['master'],
    reported: { role: 'master', for: 5_000_000 },
    quorum: 2,
    configEpoch: 0,
    lastOk: 300,
    downAfter: 3000,
    failoverTimeout: 20_000,
    usable: true,
    replicas: all.filter((one) => one !== 1).map((one) => known(one)),
    sentinels: all.filter((one) => one !== number).map((one) => ({ ...at(one), flags: ['sentinel'] })),
    ...change,
  }
  return { uptime: 5000, outdated: false, masters: [master], differing: [] }
}

/** A replica as a Sentinel knows it. */
export function known(number: number, reported: ReportedRole = { role: 'replica', for: 5_000_000 }) {
  return { ...at(number), flags: ['slave'], runId: `run${number}`, reported }
}

/** A server that nobody ever made a node of a set. */
export const BARE: Change = {
  redis: null,
  sentinel: null,
  disk: { configured: { redis: false, sentinel: false }, follows: undefined as never, monitors: undefined as never },
}

/** All Sentinels say the same. */
export function sentinels(
  change: Partial<WatchedMaster>,
  others: Readonly<Record<number, Change>> = {},
): Readonly<Record<number, Change>> {
  return Object.fromEntries([1, 2, 3].map((one) => [one, { sentinel: change, ...others[one] }]))
}
