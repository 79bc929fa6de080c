import type { ClusterStep, Finding } from '../../model/cluster.ts'
import type { Ailment } from './mend.ts'
import { disarmed } from './mend.ts'
import { names } from './refusals.ts'
import { matches } from './scram.ts'
import {
  dropSlot,
  pointPgbouncer,
  repairRegistration,
  resetSetting,
  restartServer,
  setAccess,
  startDaemon,
  switchover,
} from './steps.ts'
import { isLive, type Live, type Node, streamsFrom, type View } from './view.ts'

/** A finding and the steps that mend it. */
export interface Upkeep {
  readonly findings: readonly Finding[]
  readonly steps: readonly ClusterStep[]
}

const NOTHING: Upkeep = { findings: [], steps: [] }

/** repmgr sets this one for the length of a failover, and leaves it when it ends meanwhile: the node never reconnects. */
const STALE = { name: 'wal_retrieve_retry_interval', value: '86401000' }

/** These may be lowered on a standby only when its primary has the lower value already. */
const LIMITS: ReadonlySet<string> = new Set([
  ...['max_connections', 'max_worker_processes', 'max_wal_senders', 'max_prepared_transactions'],
  'max_locks_per_transaction',
])

/** All that is looked after around a primary, once its standbys are cared for: in the order in which it is done. */
export function upkeep(view: View, primary: Live, found: readonly Ailment[]): readonly Upkeep[] {
  return [
    staleSettings(view),
    access(view, primary),
    registration(view, primary, found),
    settings(view, primary, found),
    leftSlots(view, primary, found),
    daemons(view, primary, found),
    pgbouncers(view, primary),
  ]
}

function staleSettings({ nodes }: View): Upkeep {
  const stale = nodes.filter(({ seen }) =>
    seen.server?.autoConf.some(({ name, value }) => name === STALE.name && value.startsWith(STALE.value)),
  )
  return {
    findings: stale.map(({ host }) => ({
      ...{ name: 'stale setting', host, severity: 'fault' },
      message: 'a failover left it waiting for a day before it connects again',
      evidence: [`${STALE.name} = ${STALE.value} in postgresql.auto.conf`],
    })),
    steps: stale.map((node) =>
      resetSetting(node, STALE.name, 'a failover left it there: the node would not connect again'),
    ),
  }
}

/** Roles, databases and extensions are asked of the primary; the names of what differs, and nothing of the passwords. */
function access({ desired }: View, primary: Live): Upkeep {
  const { roles, databases, registered } = primary.seen.server
  const wrong = [
    ...desired.users.flatMap(({ name, password, superuser = false }) => {
      const role = roles.find((one) => one.name === name)
      if (!role) return [`role ${name} is not there`]
      if (!matches(role.verifier, password)) return [`role ${name} has another password`]
      return role.superuser === superuser ? [] : [`role ${name} ${superuser ? 'is no superuser' : 'is a superuser'}`]
    }),
    ...['repmgr', 'evenkeel'].flatMap((name) =>
      databases.some((one) => one.name === name) ? [] : [`database ${name} is not there`],
    ),
    ...desired.databases.flatMap(({ name, owner, extensions }) => {
      const database = databases.find((one) => one.name === name)
      if (!database) return [`database ${name} is not there`]
      const missing = extensions.filter((extension) => !database.extensions.includes(extension))
      return [
        ...(database.owner === owner ? [] : [`database ${name} belongs to ${database.owner}, not ${owner}`]),
        ...missing.map((extension) => `extension ${extension} of database ${name} is not there`),
      ]
    }),
    ...(registered === undefined ? ['extension repmgr is not there'] : []),
  ]
  if (wrong.length === 0) return NOTHING
  const message = 'roles or databases are not as the playbook says'
  return {
    findings: [{ name: 'access', host: primary.host, severity: 'fault', message, evidence: wrong }],
    steps: [setAccess(desired, primary, wrong.join('; '))],
  }
}

/** repmgr's table against what nodes are: of the primary, and of those that stream from it. */
function registration({ nodes, desired }: View, primary: Live, found: readonly Ailment[]): Upkeep {
  const standbys = nodes.filter(
    (node) => node !== primary && streamsFrom(node, primary) && !found.some((one) => one.node === node),
  )
  const rows = new Map(primary.seen.server.registered?.map((row) => [row.id, row]))
  const evidence = [primary, ...standbys].flatMap((node) => {
    const row = rows.get(node.id)
    const type = node === primary ? 'primary' : 'standby'
    if (!row) return [`${node.host} is not registered`]
    if (row.type !== type || !row.active)
      return [`${node.host} is registered as ${row.active ? '' : 'inactive '}${row.type}`]
    if (node !== primary && row.upstream !== primary.id)
      return [`${node.host} is registered as following node ${row.upstream ?? 'none'}`]
    return row.conninfo.split(' ').includes(`host=${node.address}`)
      ? []
      : [`${node.host} is registered at another address`]
  })
  const others = [...rows.values()].filter(
    ({ id, type }) => type === 'primary' && !desired.nodes.some((node) => node.id === id),
  )
  if (evidence.length === 0) return { findings: others.map(strayPrimary), steps: [] }
  const why = evidence.join('; ')
  return {
    findings: [{ name: 'registration', severity: 'fault', message: 'repmgr has it otherwise than it is', evidence }],
    steps: [repairRegistration(desired, primary, standbys, why)],
  }
}

function strayPrimary({ name }: { readonly name: string }): Finding {
  const message = `repmgr knows a primary that the playbook does not name: ${name}`
  return { name: 'registration', severity: 'warning', message, evidence: [] }
}

/** Standbys one by one; then another node becomes the primary, and the old one gets its settings as it rejoins. */
function settings({ desired, nodes }: View, primary: Live, found: readonly Ailment[]): Upkeep {
  const whole = nodes
    .filter(isLive)
    .filter((node) => node === primary || (streamsFrom(node, primary) && !found.some((one) => one.node === node)))
  const differing = whole.filter(({ seen }) => seen.server.differing.length > 0)
  const findings = differing.map(
    ({ host, seen }): Finding => ({
      ...{
        name: 'restart needed',
        host,
        severity: 'warning',
        message: 'some of its settings are in force after a restart only',
      },
      evidence: seen.server.differing.map(({ name, running, wanted }) => `${name}: ${running} → ${wanted}`),
    }),
  )
  const standbys = differing.filter((node) => node !== primary)
  const waiting = standbys.map((node) => restartServer(node, primary, reasonOf(node)))
  if (!differing.includes(primary)) return { findings, steps: waiting }
  const next = whole.find((node) => node !== primary && node.kind === 'member')
  const lowers = primary.seen.server.differing.some(
    ({ name, running, wanted }) => LIMITS.has(name) && Number(wanted) < Number(running),
  )
  const inPlace = restartServer(primary, undefined, reasonOf(primary))
  if (lowers) return { findings, steps: [inPlace, ...waiting] }
  if (!next || found.length > 0) return { findings, steps: [...waiting, inPlace] }
  const others = whole.filter((node) => node !== primary && node !== next)
  return { findings, steps: [...waiting, switchover(desired, primary, next, others, reasonOf(primary))] }
}

function reasonOf({ seen }: Live): string {
  return `it runs with other values of ${seen.server.differing.map(({ name }) => name).join(', ')}`
}

/** Slots that a failover left on standbys: nobody streams from there, and they keep WAL back. */
function leftSlots({ nodes, desired }: View, primary: Live, found: readonly Ailment[]): Upkeep {
  if (found.length > 0) return NOTHING
  const left = nodes
    .filter(isLive)
    .filter((node) => node !== primary)
    .flatMap((node) =>
      node.seen.server.slots
        .filter(({ name, active }) => !active && /^repmgr_slot_\d+$/.test(name))
        .map(({ name }) => ({ node, name })),
    )
  const known = new Set(desired.nodes.map(({ id }) => `repmgr_slot_${id}`))
  return {
    findings: left.map(({ node: { host }, name }) => ({
      ...{ name: 'left slot', host, severity: 'warning', message: 'a slot of an earlier primary keeps WAL back on it' },
      evidence: [`slot ${name}${known.has(name) ? '' : ', of no node of the playbook'}`],
    })),
    steps: left.map(({ node, name }) => dropSlot(node, name, 'it is left of a time when this node was the primary')),
  }
}

function daemons({ nodes, strangers }: View, primary: Live, found: readonly Ailment[]): Upkeep {
  const off = nodes.filter((node) => node.seen.units.repmgrd.active !== 'active' || !node.seen.units.repmgrd.enabled)
  const reachable = off.filter((node) => !strangers.includes(node) || found.some((one) => one.node === node))
  const stopped = disarmed(found)
  const all = nodes.filter((node) => reachable.includes(node) || stopped.includes(node))
  if (all.length === 0) return NOTHING
  const told = reachable.filter((node) => node === primary || !stopped.includes(node))
  return {
    findings: told.map(({ host, seen: { units } }) => ({
      ...{ name: 'repmgrd', host, severity: 'fault', message: 'nobody on it notices a lost primary' },
      evidence: [`repmgrd is ${units.repmgrd.active}${units.repmgrd.enabled ? '' : ', and does not start at boot'}`],
    })),
    steps: [startDaemon(all, `repmgrd does not run on ${names(all)}`)],
  }
}

function pgbouncers({ nodes, desired }: View, primary: Live): Upkeep {
  const wanted = [...desired.databases.map(({ name }) => name), 'evenkeel']
  const wrong = nodes.filter(
    ({ seen }) =>
      wanted.some((name) => !isPointed(seen, name, primary)) ||
      seen.units.follower.active !== 'active' ||
      !seen.units.pgbouncer.enabled ||
      !seen.units.follower.enabled,
  )
  if (wrong.length === 0) return NOTHING
  return {
    findings: wrong.map((node) => ({
      ...{
        name: 'pgbouncer',
        host: node.host,
        severity: 'fault',
        message: 'its pgbouncer does not send clients to the primary',
      },
      evidence: pgbouncerEvidence(node),
    })),
    steps: [pointPgbouncer(desired, wrong, primary, `they do not send clients to ${primary.host}`)],
  }
}

function isPointed({ pgbouncer }: Node['seen'], name: string, { address }: Live): boolean {
  const target = pgbouncer?.find(({ database }) => database === name)
  return target?.host === address && !target.paused
}

function pgbouncerEvidence({ seen: { pgbouncer, units } }: Node): readonly string[] {
  const off = [
    ...(units.pgbouncer.enabled ? [] : ['pgbouncer does not start at boot']),
    ...(units.follower.active === 'active' ? [] : [`pgbouncer-follow is ${units.follower.active}`]),
    ...(units.follower.enabled ? [] : ['pgbouncer-follow does not start at boot']),
  ]
  if (!pgbouncer) return [`pgbouncer does not answer (${units.pgbouncer.active})`, ...off]
  return [
    ...pgbouncer.map(({ database, host, paused }) => `${database}: ${host || 'nowhere'}${paused ? ', paused' : ''}`),
    ...off,
  ]
}
