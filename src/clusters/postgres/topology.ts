import type { ClusterNode } from '../../model/cluster.ts'
import { lsnDifference } from './lsn.ts'
import type { Desired, NodeSurvey, PostgresNode, SeenNode, ServerSeen } from './model.ts'
import { isBlank, viewOf } from './view.ts'

/** Days before its end from which a certificate is worth a word. */
const SOON = 30

/**
 * The nodes of a cluster for people, in the order of the playbook: what each of them says of itself, and of a standby what
 * the node says that it streams from. A node that was not surveyed counts as unreachable.
 */
export function topology(desired: Desired, surveys: readonly NodeSurvey[]): ClusterNode[] {
  const seen = new Map(surveys.map((survey) => [survey.host, survey]))
  const strangers = new Set(viewOf(desired, surveys).strangers.map(({ host }) => host))
  return desired.nodes.map((node) => {
    const survey = seen.get(node.host) ?? { host: node.host, unreachable: 'it was not asked' }
    if (survey.unreachable !== undefined) return { host: node.host, role: 'unreachable', state: [survey.unreachable] }
    const { server } = survey
    const odd = services(node, survey)
    if (node.kind !== 'witness' && isBlank(survey))
      return { host: node.host, role: 'empty', state: ['a database cluster with nothing in it', ...odd] }
    if (!server) return { host: node.host, ...withoutServer(survey), state: [...down(survey), ...odd] }
    if (strangers.has(node.host))
      return { host: node.host, role: 'unknown', state: ['data of another cluster', ...odd] }
    const upstream = upstreamOf(desired, server)
    const role = node.kind === 'witness' ? 'witness' : server.inRecovery ? 'standby' : 'primary'
    const position = server.inRecovery ? standbyWords(node, server, seen.get(upstream ?? '')) : primaryWords(server)
    return {
      host: node.host,
      role,
      ...(upstream !== undefined && { upstream }),
      state: [...position, `timeline ${server.timeline}`, ...odd],
    }
  })
}

function withoutServer({ disk, running, remains }: SeenNode): Pick<ClusterNode, 'role'> {
  return { role: disk || running || remains ? 'down' : 'empty' }
}

/** What is left to say of a node without a server that answers. */
function down({ disk, running, remains, prepared }: SeenNode): readonly string[] {
  if (running && !disk) return ['runs without a data directory']
  if (remains) return ['remains of a data directory']
  if (!disk) return prepared ? [] : ['not prepared']
  const was = disk.standbySignal ? 'was a standby' : 'was a primary'
  const how = running ? 'does not answer' : disk.state.startsWith('shut down') ? 'stopped' : 'crashed'
  return [how, was, `timeline ${disk.timeline}`]
}

function primaryWords({ readOnly, differing }: ServerSeen): readonly string[] {
  return [readOnly ? 'read-only' : 'writable', ...(differing.length > 0 ? ['restart needed'] : [])]
}

function standbyWords(node: PostgresNode, server: ServerSeen, upstream: NodeSurvey | undefined): readonly string[] {
  const above = upstream?.unreachable === undefined ? upstream?.server : undefined
  const there = above?.standbys.find(({ name }) => name === node.host)
  const lag = there?.lag ?? behind(server, above)
  return [
    ...(node.kind === 'replica' ? ['replica'] : []),
    server.receiver?.status === 'streaming' ? 'streaming' : 'does not stream',
    ...(there && ['sync', 'quorum'].includes(there.sync) ? ['sync'] : []),
    ...(lag === undefined ? [] : [`lag ${size(lag)}`]),
    ...(server.differing.length > 0 ? ['restart needed'] : []),
  ]
}

/** Of a node that its upstream does not see. Places of other timelines and clusters cannot be compared with its own. */
function behind(server: ServerSeen, above: ServerSeen | undefined): number | undefined {
  if (above?.systemId !== server.systemId || above.timeline !== server.timeline) return undefined
  return Math.max(0, lsnDifference(above.lsn, server.lsn))
}

/** Whom it follows, or is told to. An address of none of the nodes is shown as it is. */
function upstreamOf(desired: Desired, { receiver, upstream, inRecovery }: ServerSeen): string | undefined {
  const where = inRecovery ? receiver?.sender || upstream?.host : undefined
  return desired.nodes.find(({ host, address }) => where === host || where === address)?.host ?? where
}

/** What beside the server is not as it is on a whole node. */
function services(
  { kind }: PostgresNode,
  { units, pgbouncer, certificate, prepared, disk }: SeenNode,
): readonly string[] {
  if (!prepared && !disk) return []
  const off = (name: 'repmgrd' | 'follower') => (units[name].active === 'active' ? [] : [`${name} off`])
  return [
    ...(disk ? off('repmgrd') : []),
    ...(kind === 'witness' ? [] : off('follower')),
    ...(kind === 'witness' || pgbouncer ? [] : ['pgbouncer off']),
    ...(pgbouncer?.some(({ paused }) => paused) ? ['clients held'] : []),
    ...(certificate ? ending(certificate.daysLeft) : ['no certificate']),
  ]
}

function ending(days: number): readonly string[] {
  if (days < 0) return ['certificate expired']
  return days < SOON ? [`certificate ${days} ${days === 1 ? 'day' : 'days'}`] : []
}

function size(bytes: number): string {
  const units = ['bytes', 'KB', 'MB', 'GB', 'TB']
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10))
  return `${Math.floor(bytes / 1024 ** power)} ${units[power]}`
}
