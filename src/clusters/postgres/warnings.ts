import type { Finding } from '../../model/cluster.ts'
import { unsavedWords } from './consent.ts'
import { nobodyWrites } from './fencing.ts'
import { SEGMENT } from './lsn.ts'
import type { Desired, NodeSurvey } from './model.ts'
import { slotName } from './node-id.ts'
import { MOVE_AWAY } from './refusals.ts'
import { versionsDiffer, versionWords } from './versions.ts'
import { hasData, isLive, type Live, type Node, type Unseen, type View } from './view.ts'

/** Days before its end from which a certificate is told of; and from which it is a fault: an expired one looks like death. */
const [SOON, TOO_SOON] = [30, 7]

/** What works, and what somebody should look at; and what only the tasks of the cluster mend. */
export function warnings(view: View, surveys: readonly NodeSurvey[], primary: Live | undefined): readonly Finding[] {
  const { desired, nodes, witnesses, unreachable } = view
  return [
    ...unreachable.map((unseen) => ofUnseen(view, unseen)),
    ...ofWitness(desired, surveys),
    ...ofVersions(desired, [...nodes, ...witnesses]),
    ...nodes.flatMap((node) => [
      // Hosts that are all bare are no fault: their first phase comes yet.
      ...(nodes.some(({ seen }) => seen.prepared) ? ofPreparation(desired, node) : []),
      ...ofCertificate(desired, node),
      ...ofDisk(desired, node),
      ...ofAside(node),
      ...ofSettings(node),
      ...ofReadOnly(node),
    ]),
    ...(primary
      ? [
          ...ofKind(desired, primary),
          ...ofSlots(desired, primary),
          ...ofRows(desired, primary),
          ...ofDurability(desired, primary),
        ]
      : []),
  ]
}

/** Servers that are down where no steps are decided on them one by one. */
export function refusedWarnings(view: View, primary: Live | undefined): readonly Finding[] {
  const { nodes } = view
  const down = nodes.filter((node) => hasData(node) && !isLive(node))
  const none = nodes.some(hasData) && !nodes.some((node) => node.seen.server?.inRecovery === false)
  return [
    ...(none && !primary ? [fault('no primary', undefined, nobodyWrites(view), [])] : []),
    ...down.map(({ host, seen: { disk, log } }) =>
      fault('server down', host, 'its server does not answer', [`control file: ${disk?.state}`, ...log.slice(-3)]),
    ),
  ]
}

function fault(name: string, host: string | undefined, message: string, evidence: readonly string[]): Finding {
  return { name, ...(host !== undefined && { host }), severity: 'fault', message, evidence }
}

function warning(name: string, host: string, message: string, evidence: readonly string[] = []): Finding {
  return { name, host, severity: 'warning', message, evidence }
}

function ofUnseen(view: View, { node, why, answered }: Unseen): Finding {
  const { host } = node
  const unsaved = unsavedWords({ ...view, nodes: [], unreachable: [{ node, why }] }, view.acceptLoss)
  if (!answered) return ofUnreachable(host, why, unsaved)
  const message = `nobody can tell what is on it, so nothing is done to it; when nobody needs what lies there, move it away: ${MOVE_AWAY}; then repair again`
  return fault('unreadable', host, message, [why])
}

function ofUnreachable(host: string, why: string, more?: string): Finding {
  const message = `its host cannot be reached; nothing of it is dropped${more ? `; ${more}` : ''}`
  return fault('unreachable', host, message, [why])
}

/** An upgrade is under way, or was not ended: also where a server was not restarted since. */
function ofVersions({ environment }: Desired, nodes: readonly Node[]): readonly Finding[] {
  if (!versionsDiffer(nodes)) return []
  const message = `nodes run different versions of PostgreSQL, or others than are installed: deploy db upgrade ${environment}`
  return [{ name: 'versions differ', severity: 'warning', message, evidence: nodes.map(versionWords) }]
}

/** It is not among the nodes: it has no data of the cluster. */
function ofWitness({ nodes }: Desired, surveys: readonly NodeSurvey[]): readonly Finding[] {
  return nodes
    .filter(({ kind }) => kind === 'witness')
    .flatMap(({ host }) => {
      const seen = surveys.find((survey) => survey.host === host)
      if (seen && seen.unreachable === undefined) return []
      return [ofUnreachable(host, seen?.unreachable ?? 'it was not asked')]
    })
}

function ofPreparation({ environment }: Desired, { host, seen: { prepared, missing } }: Node): readonly Finding[] {
  return prepared
    ? []
    : [
        fault(
          'not prepared',
          host,
          `packages or files are not there: deploy repair-db ${environment} brings them`,
          missing,
        ),
      ]
}

function ofCertificate({ environment }: Desired, { host, seen: { certificate, disk } }: Node): readonly Finding[] {
  if (!disk) return []
  if (!certificate)
    return [fault('certificate', host, `it has no certificate: deploy repair-db ${environment} brings it`, [])]
  const { daysLeft, ends } = certificate
  if (daysLeft > SOON) return []
  const severity = daysLeft <= TOO_SOON ? 'fault' : 'warning'
  const message =
    daysLeft < 0
      ? `its certificate has expired, and a server like that looks dead to others: deploy repair-db ${environment} renews it`
      : `its certificate ends in ${daysLeft} days: deploy repair-db ${environment} renews it`
  return [{ name: 'certificate', host, severity, message, evidence: [`it ends ${ends}`] }]
}

/** A reclone needs as much as the data takes. */
function ofDisk({ environment }: Desired, { host, seen: { space, disk, aside, server } }: Node): readonly Finding[] {
  if (!disk || space.free > Math.max(space.data, 512 * 1024 ** 2)) return []
  const evidence = [`${space.free} bytes free, ${space.data} bytes of data, ${space.wal} of them WAL`]
  // It ends when there is no room for the next file of its log.
  if (space.free < 2n * SEGMENT) {
    const message = `its disk is full: a server that cannot write ends, and does not start. Make room for it, and never by deleting files of pg_wal; then deploy repair-db ${environment}`
    const kept = aside.map(
      ({ path, bytes }) => `${path}: ${bytes} bytes, which somebody may delete when nobody needs it`,
    )
    const slots = server?.slots.filter(({ active }) => !active) ?? []
    return [
      fault('disk full', host, message, [
        ...evidence,
        ...kept,
        ...slots.map(({ name, kept }) => `slot ${name} keeps back ${kept} bytes of WAL, and nobody uses it`),
      ]),
    ]
  }
  return [warning('little space', host, 'its disk has too little room to clone its data anew', evidence)]
}

function ofAside({ host, seen: { aside } }: Node): readonly Finding[] {
  if (aside.length === 0) return []
  const evidence = aside.map(({ path, bytes }) => `${path}: ${bytes} bytes`)
  return [warning('old data', host, 'data that was moved aside is kept until somebody deletes it', evidence)]
}

function ofSettings({ host, seen: { server } }: Node): readonly Finding[] {
  const own = server?.autoConf.filter(({ name }) => name !== 'wal_retrieve_retry_interval') ?? []
  if (own.length === 0) return []
  const evidence = own.map(({ name, value }) => `${name} = ${value}`)
  return [warning('foreign setting', host, 'ALTER SYSTEM overrides the playbook', evidence)]
}

function ofReadOnly({ host, seen: { server } }: Node): readonly Finding[] {
  if (!server?.readOnly || server.inRecovery) return []
  return [fault('read-only', host, 'the primary refuses to write: default_transaction_read_only is on', [])]
}

function ofKind({ environment }: Desired, { host, kind }: Live): readonly Finding[] {
  if (kind === 'member') return []
  return [
    warning(
      'replica is primary',
      host,
      `a replica is the primary: let a member become it, deploy db switchover ${environment}`,
    ),
  ]
}

/** A slot goes from whole to lost almost at once: what it may still keep is the figure to look at. */
function ofSlots({ nodes, environment }: Desired, { host, seen: { server } }: Live): readonly Finding[] {
  const owner = (name: string) => nodes.find((node) => slotName(node) === name)?.host
  return server.slots.flatMap(({ name, active, kept, safe }) => {
    const words = [`slot ${name}: ${active ? 'active' : 'inactive'}, keeps ${kept} bytes, ${safe ?? 'no'} bytes left`]
    if (!owner(name) && !active)
      return [
        warning(
          'unknown slot',
          host,
          `slot ${name} is of no node: deploy db remove-node ${environment}, or drop it by hand`,
          words,
        ),
      ]
    if (safe === undefined || kept <= safe) return []
    return [warning('slot bloat', host, `much WAL is kept back for ${owner(name) ?? name}`, words)]
  })
}

function ofRows({ nodes, environment }: Desired, { host, seen: { server } }: Live): readonly Finding[] {
  const unknown = server.registered?.filter(({ id }) => !nodes.some((node) => node.id === id)) ?? []
  return unknown.map(({ id, name, type }) =>
    warning(
      'unknown node',
      host,
      `repmgr knows ${name}, which the playbook does not name: deploy db remove-node ${environment} ${name}`,
      [`node ${id}, registered as ${type}`],
    ),
  )
}

function ofDurability({ durability }: Desired, { host, seen: { server } }: Live): readonly Finding[] {
  const synced = server.standbys.some(({ sync, state }) => state === 'streaming' && ['sync', 'quorum'].includes(sync))
  if (durability === 'async' || synced) return []
  const evidence = server.standbys.map(({ name, state, sync }) => `${name}: ${state}, ${sync}`)
  const message = server.waits
    ? 'no standby confirms commits: writing waits'
    : 'commits wait for no standby yet, as durability sync asks for'
  return [fault('no sync standby', host, message, evidence)]
}
