import { lsnText } from '../../../../src/clusters/postgres/lsn.ts'
import type { DiskSeen, NodeSurvey, SeenNode, ServerSeen } from '../../../../src/clusters/postgres/model.ts'
import type { Packages } from '../../../../src/clusters/postgres/parse-packages.ts'
import { verifier } from '../../../../src/clusters/postgres/scram.ts'
import { at, type Data, streams, type World, type WorldNode } from './world.ts'

/** Where a record of a log begins. All of them are as long as the one of a checkpoint. */
export function place(index: number): string {
  if (index > 60) throw new Error('a log longer than a page')
  return lsnText(BigInt(0x3000028 + index * 120))
}

/** What the nodes of a world answer. */
export function surveysOf(world: World): NodeSurvey[] {
  return world.nodes.map((node) => answerOf(world, node))
}

/** What one of them answers now. */
export function answerOf(world: World, node: WorldNode): NodeSurvey {
  return node.reachable ? surveyOf(world, node) : { host: node.host, unreachable: 'no route to host' }
}

function surveyOf(world: World, node: WorldNode): SeenNode {
  const { host, data, server, daemon, pooler } = node
  const on = (active: boolean, enabled = true) => ({ active: active ? 'active' : 'inactive', enabled })
  return {
    host,
    prepared: node.prepared,
    missing: node.prepared ? [] : ['/usr/bin/repmgr'],
    units: {
      postgresql: on(server === 'up' && !node.forgotten),
      repmgrd: on(daemon.active, daemon.enabled),
      pgbouncer: on(pooler.answers),
      follower: on(pooler.follower),
    },
    ...(data && { disk: diskOf(node, data) }),
    remains: node.remains,
    running: server !== 'down',
    ...(data && server === 'up' && { server: serverOf(world, node, data) }),
    ...(pooler.answers && { pgbouncer: targets(world, node) }),
    certificate: { ends: '2030-01-01T00:00:00.000Z', daysLeft: node.daysLeft },
    space: { free: node.free, data: 50e6, wal: 16e6 },
    aside: node.aside.map((_, index) => ({ path: `/var/lib/postgresql/15/main.aside-${index}`, bytes: 50e6 })),
    ...(node.software && { installed: full(node.software.installed) }),
    log: node.lines,
  }
}

/** As a server says it. */
function full(version: string): string {
  return `${version.split('-')[0]} (Debian ${version})`
}

/** What apt on the nodes says. */
export function packagesOf({ nodes }: World): ReadonlyMap<string, Packages> {
  const known = nodes.flatMap(({ host, reachable, software }) => (reachable && software ? [{ host, software }] : []))
  return new Map(
    known.map(({ host, software: { runs: _, installed, listed, newest: __, age, pooler, ...rest } }) => [
      host,
      {
        ...rest,
        offered: [
          ...(listed === installed ? [] : [{ name: 'postgresql-15', from: installed, to: listed }]),
          ...(pooler ? [{ name: 'pgbouncer', from: '1.18.0-1', to: '1.18.0-2' }] : []),
        ],
        ...(age !== undefined && { listsAge: age }),
        replaced: false,
      },
    ]),
  )
}

function diskOf({ server, readable, unreplayed, rewinding = false }: WorldNode, data: Data): DiskSeen {
  const { log, signal, clean, checkpoint, timeline, forks } = data
  const fork = forks.at(-1)
  // One that was promoted tells of it by its minimum recovery end, until its first checkpoint.
  const promoted = !signal && fork && checkpoint < fork.at ? place(fork.at + 1) : undefined
  const from = signal ? log.length - unreplayed : checkpoint
  const lastCommit = log.findLastIndex((record, index) => record > 0 && index >= from)
  return {
    systemId: data.system,
    state: stateOf(server, signal, clean),
    timeline,
    checkpoint: place(checkpoint),
    recoveryEnd: signal ? place(Math.max(0, log.length - unreplayed)) : (promoted ?? '0/0'),
    recoveryTimeline: signal || promoted ? timeline : 0,
    standbySignal: signal,
    blank: isBlank(data),
    promoted: false,
    rewinding: rewinding && !signal,
    history: forks.map((each) => ({ timeline: each.timeline, forkedAt: place(each.at) })),
    newestTimeline: fork?.timeline ?? 1,
    ...(server === 'down' &&
      readable && { log: { end: place(log.length), ...(lastCommit >= 0 && { lastCommit: place(lastCommit) }) } }),
  }
}

function stateOf(server: WorldNode['server'], signal: boolean, clean: boolean): string {
  if (server === 'down' && clean) return signal ? 'shut down in recovery' : 'shut down'
  return signal ? 'in archive recovery' : 'in production'
}

function serverOf(world: World, node: WorldNode, data: Data): ServerSeen {
  const { desired } = world
  const from = node.upstream === undefined ? undefined : at(world, node.upstream)
  const slot = node.slotted ? `repmgr_slot_${node.id}` : ''
  const followers = world.nodes.filter((one) => one.upstream === node.host && streams(world, one))
  return {
    inRecovery: data.signal,
    systemId: data.system,
    ...(node.software && { version: full(node.software.runs) }),
    timeline: data.timeline,
    lsn: place(data.log.length),
    ...(streams(world, node) && from && { receiver: { status: 'streaming', sender: from.address, slot } }),
    ...(data.signal && from && { upstream: { host: from.address, slot } }),
    standbys: followers.map(({ host, address, kind }) => ({
      ...{ name: host, address, state: 'streaming', ssl: true, lag: 0 },
      sync: desired.durability === 'sync' && kind === 'member' ? 'quorum' : 'async',
    })),
    slots: [...node.slots].map(([host, walStatus]) => ({
      name: host.startsWith('app') || host.startsWith('off') ? `repmgr_slot_${idOf(world, host)}` : host,
      active: followers.some((one) => one.host === host && one.slotted),
      ...{ walStatus, kept: 0, ...(walStatus !== 'lost' && { safe: 2e9 }) },
    })),
    readOnly: false,
    waits: desired.durability === 'sync',
    differing: node.differing,
    autoConf: node.stale ? [{ name: 'wal_retrieve_retry_interval', value: '86401000' }] : [],
    ...(data.system === OTHER ? others(data) : own(world)),
  }
}

/** Of a system that is not the cluster's. */
export const OTHER = '7000000000000000002'

/** Nobody ever made anything in it. */
export function isBlank({ system, log }: Data): boolean {
  return system === OTHER && !log.some((record) => record > 0)
}

function others(data: Data): Pick<ServerSeen, 'databases' | 'roles'> {
  const names = data.log.some((record) => record > 0) ? ['postgres', 'shop'] : ['postgres']
  return { databases: names.map(databaseOf), roles: [] }
}

function own({ desired, rows, access }: World): Pick<ServerSeen, 'databases' | 'roles' | 'registered'> {
  return {
    databases: ['postgres', 'repmgr', 'evenkeel', ...(access ? ['notes'] : [])].map(databaseOf),
    roles: desired.users.map(({ name, superuser = false }) => ({
      name,
      superuser,
      verifier: verifierOf(desired, name),
    })),
    ...(rows && {
      registered: rows.map(({ address, ...row }) => ({
        ...row,
        conninfo: `host=${address} user=repmgr dbname=repmgr`,
      })),
    }),
  }
}

function databaseOf(name: string): ServerSeen['databases'][number] {
  const extensions = name === 'notes' ? ['pgcrypto', 'plpgsql'] : ['plpgsql']
  return { name, owner: name, extensions }
}

function verifierOf({ users }: World['desired'], role: string): string {
  const password = users.find(({ name }) => name === role)?.password
  return password ? verifier(role, password).reveal() : ''
}

function targets({ desired, nodes }: World, { pooler }: WorldNode): NonNullable<SeenNode['pgbouncer']> {
  const host = nodes.find((node) => node.host === pooler.target)?.address ?? ''
  return [...desired.databases.map(({ name }) => name), 'evenkeel'].map((database) => ({
    ...{ database, host, paused: pooler.paused },
  }))
}

function idOf({ nodes }: World, host: string): number {
  return nodes.find((node) => node.host === host)?.id ?? 99
}
