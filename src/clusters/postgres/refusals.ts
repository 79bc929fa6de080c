import type { ClusterRefusal } from '../../model/cluster.ts'
import { endIsKnown, endOf, placeOf } from './lineage.ts'
import { lsnDifference } from './lsn.ts'
import { beyondPrimary, hasData, isLive, type Live, lineageOfPrimary, type Node, type View } from './view.ts'

/**
 * Why a cluster is left alone: somebody would have to choose between two histories, or to trust what nobody can see. Nothing
 * where no data is at stake.
 */
export function refusalOf(view: View): ClusterRefusal | undefined {
  const { primaries } = view
  const [primary] = primaries
  if (primaries.length > 1) return splitBrain(primaries)
  return strangerWithData(view) ?? (primary ? diverged(view, primary) : undefined)
}

function splitBrain(primaries: readonly Live[]): ClusterRefusal {
  return {
    why: `${names(primaries)} take writes at the same time (split brain): what was written to one of them is not in the other`,
    sides: primaries.map(side),
    hint: 'find out which one clients used (deploy status shows where pgbouncers send them), and stop the server of the other: systemctl stop postgresql@15-main repmgrd; then repair again',
  }
}

/** One whose server runs and has nothing in it can be cloned over; of one that is down nobody knows. */
function strangerWithData({ strangers, nodes }: View): ClusterRefusal | undefined {
  const held = strangers.filter((node) => !isBlank(node))
  if (held.length === 0) return undefined
  const others = nodes.filter((node) => hasData(node) && !strangers.includes(node))
  return {
    why: `${names(held)} ${held.length > 1 ? 'have' : 'has'} data of another database cluster than ${names(others)}`,
    sides: [...held, ...others].map(side),
    hint: 'if nobody needs it, move its data directory away by hand, then repair again: it is cloned then',
  }
}

/** Whether a server of another system holds nothing of anybody's. */
export function isBlank({ seen }: Node): boolean {
  return seen.server?.databases.every(({ name }) => ['postgres', 'repmgr', 'evenkeel'].includes(name)) ?? false
}

function diverged({ nodes, strangers }: View, primary: Live): ClusterRefusal | undefined {
  const past = nodes.filter((node) => node !== primary && !strangers.includes(node) && isPast(primary, node))
  if (past.length === 0) return undefined
  const bytes = past.map((node) => {
    const more = beyondPrimary(primary, node)
    return `${node.host} ${more === undefined || !ends(node) ? 'an unknown number of' : more} bytes`
  })
  return {
    why: `${names(past)} ${past.length > 1 ? 'hold' : 'holds'} changes that the primary ${primary.host} does not have: ${bytes.join(', ')}`,
    sides: [primary, ...past].map(side),
    hint: 'nothing of it is thrown away here: look at what it is, and move the data directory away by hand when nobody needs it; then repair again',
  }
}

/** Whether a node may hold a commit that the primary does not have. What is no commit is no loss. */
function isPast(primary: Live, node: Node): boolean {
  const more = beyondPrimary(primary, node)
  if (more === 0) return !ends(node)
  const disk = node.seen.server ? undefined : node.seen.disk
  if (more === undefined || !disk?.log) return true
  const end = endOf(lineageOfPrimary(primary), disk.timeline)
  const { lastCommit } = disk.log
  // A commit begins where it is named: one that begins at the fork is behind it.
  return end === undefined || lsnDifference(lastCommit ?? disk.checkpoint, end) >= (lastCommit ? 0 : 1)
}

function ends({ seen }: Node): boolean {
  return seen.server !== undefined || seen.disk === undefined || endIsKnown(seen.disk)
}

/** What was seen of one side. */
export function side(node: Node): ClusterRefusal['sides'][number] {
  const { server, disk } = node.seen
  const place = placeOf(node.seen)
  const system = server?.systemId ?? disk?.systemId
  return {
    host: node.host,
    evidence: [
      ...(system ? [`system ${system}`] : ['no data']),
      ...(place ? [`timeline ${place.timeline}, at ${place.lsn}`] : []),
      ...(disk?.history.map(({ timeline, forkedAt }) => `timeline ${timeline} began at ${forkedAt}`) ?? []),
      ...(disk?.log?.lastCommit ? [`its last commit is at ${disk.log.lastCommit}`] : []),
      ...(isLive(node)
        ? liveEvidence(node)
        : [`its server does not answer; its disk says: ${disk?.state ?? 'nothing'}`]),
      ...sentBy(node),
    ],
  }
}

function liveEvidence({ seen: { server } }: Live): readonly string[] {
  if (server.inRecovery)
    return [server.receiver ? `a standby of ${server.receiver.sender}` : 'a standby that follows nobody']
  const standbys = server.standbys.map(({ name, state, sync }) => `${name} (${state}, ${sync})`)
  return ['takes writes', standbys.length > 0 ? `streams to ${standbys.join(', ')}` : 'nobody streams from it']
}

function sentBy({ seen }: Node): readonly string[] {
  const targets = [...new Set(seen.pgbouncer?.map(({ host }) => host))]
  return targets.length > 0 ? [`its pgbouncer sends clients to ${targets.join(', ')}`] : []
}

export function names(nodes: readonly { readonly host: string }[]): string {
  const hosts = nodes.map(({ host }) => host)
  return hosts.length < 2 ? (hosts[0] ?? '') : `${hosts.slice(0, -1).join(', ')} and ${hosts.at(-1)}`
}
