import type { ClusterRefusal } from '../../model/cluster.ts'
import { endOf, placeOf } from './lineage.ts'
import { lossWords } from './loss.ts'
import { isLive, type Live, lineageOfPrimary, type Node, type Unseen, type View } from './view.ts'

/** What was seen of one side; `primary`: where its history left the one of the primary. */
export function side(node: Node, primary?: Live, losses?: View['losses']): ClusterRefusal['sides'][number] {
  const { server, disk } = node.seen
  const place = placeOf(node.seen)
  const system = server?.systemId ?? disk?.systemId
  const fork = place && primary && endOf(lineageOfPrimary(primary), place.timeline)
  const loss = losses?.get(node.host)
  return {
    host: node.host,
    evidence: [
      ...(system ? [`system ${system}`] : ['no data']),
      ...(place ? [`timeline ${place.timeline}, at ${place.lsn}`] : []),
      ...(place && primary ? [forkWords(place.timeline, fork, primary)] : []),
      ...(disk?.history.map(({ timeline, forkedAt }) => `timeline ${timeline} began at ${forkedAt}`) ?? []),
      ...(disk?.log?.lastCommit ? [`its last commit is at ${disk.log.lastCommit}`] : []),
      ...(isLive(node) ? liveEvidence(node) : stoppedEvidence(node)),
      ...sentBy(node),
      ...(loss ? [`only here: ${lossWords(loss)}`] : []),
    ],
  }
}

export function unseenSide({ node, why, answered }: Unseen): ClusterRefusal['sides'][number] {
  return { host: node.host, evidence: [answered ? why : `it cannot be asked: ${why}`] }
}

function forkWords(timeline: number, fork: string | undefined, { host, seen: { server } }: Live): string {
  if (timeline === server.timeline) return `${host} is on this timeline, at ${server.lsn}`
  return fork === undefined
    ? `${host} never was on timeline ${timeline}`
    : `${host} left timeline ${timeline} at ${fork}`
}

function stoppedEvidence({ seen: { disk, running, remains } }: Node): readonly string[] {
  if (!disk && remains) return ['what lies in the place of its data cannot be read']
  const unread = disk && !running && !disk.log && !disk.state.startsWith('shut down')
  return [
    `its server ${running ? 'runs and ' : ''}does not answer; its disk says: ${disk?.state ?? 'nothing'}`,
    ...(unread ? ['its log behind that place cannot be read: nobody knows what is in it'] : []),
  ]
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
