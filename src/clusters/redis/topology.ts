import type { ClusterNode } from '../../model/cluster.ts'
import type { Desired, NodeSurvey, RedisSeen } from './model.ts'
import { isBlank } from './stake.ts'
import { isLive, isWatching, type Node, nodeAt, type View, viewOf, watchedBy } from './view.ts'
import { keysWords } from './words.ts'

/**
 * The nodes of a set for people, in the order of the playbook: what each of them says of itself. A master is the primary, a
 * replica a standby. A node that was not surveyed counts as unreachable.
 */
export function topology(desired: Desired, surveys: readonly NodeSurvey[]): ClusterNode[] {
  const view = viewOf(desired, surveys)
  return desired.nodes.map(({ host }): ClusterNode => {
    const node = view.nodes.find((one) => one.host === host)
    if (node) return { host, ...nodeWords(view, node) }
    const why = view.unseen.find((one) => one.host === host)?.why
    return { host, role: 'unreachable', state: why === undefined ? [] : [why] }
  })
}

function nodeWords(view: View, node: Node): Omit<ClusterNode, 'host'> {
  const { seen } = node
  const sentinel = sentinelWords(view, node)
  if (!isLive(node)) {
    if (isBlank(seen)) return { role: 'empty', state: [...(seen.prepared ? [] : ['not prepared']), ...sentinel] }
    const { disk, trouble } = seen
    const files = disk.appendOnly ?? disk.dump
    return {
      role: trouble.redis === 'down' ? 'down' : 'unknown',
      state: [trouble.redis ?? 'unreadable', ...(files ? [`${files.bytes} bytes on disk`] : []), ...sentinel],
    }
  }
  const { redis } = node.seen
  const upstream = redis.master && (nodeAt(view.desired.nodes, redis.master)?.host ?? redis.master.address)
  return {
    role: redis.role === 'master' ? 'primary' : 'standby',
    ...(upstream !== undefined && redis.role === 'replica' && { upstream }),
    state: [...roleWords(redis), keysWords(redis.keys), ...sentinel],
  }
}

function roleWords({ role, master, takesWrites }: RedisSeen): readonly string[] {
  if (role === 'master') return [takesWrites ? 'takes writes' : 'refuses writes']
  return [master?.syncing ? 'copying' : `link ${master?.link ?? 'down'}`]
}

/** What its Sentinel says, where that is not as it is on a whole set. */
function sentinelWords(view: View, node: Node): readonly string[] {
  if (!isWatching(node)) return node.seen.disk.configured.sentinel ? ['Sentinel down'] : ['no Sentinel']
  const watched = watchedBy(view, node)
  if (!watched) return ['Sentinel watches nothing']
  const there = nodeAt(view.masters, watched)
  return there ? [] : [`Sentinel names ${watched.address}`]
}
