import { isBlank, OTHER } from '../postgres/support/surveys.ts'
import { begins, type Data, dataNodes, type WorldNode } from '../postgres/support/world.ts'
import { commitsOf, isWriter, type Sim } from './sim.ts'

/**
 * Whether nothing can be lost whatever is done in order: one branch holds all that lies anywhere, and everybody can see that
 * it does. Said of the world as it is, and not by what decisions look at. It claims less than is true rather than more.
 */
export function nothingAtStake({ world, full }: Sim): boolean {
  if (full.size > 0) return false
  const nodes = dataNodes(world).filter(({ data }) => data && !(data.system === OTHER && isBlank(data)))
  if (world.nodes.some((node) => !node.reachable)) return false
  if (dataNodes(world).some(({ data, server }) => data?.system === OTHER && server !== 'up')) return false
  if (nodes.some(({ data }) => data?.system === OTHER)) return false
  const writers = nodes.filter(isWriter)
  const [primary] = writers
  if (writers.length > 1) return false
  if (primary) return nodes.every((node) => node === primary || isContained(node, primary))
  return lastPrimaryHasAll(nodes) && !dataNodes(world).some(({ remains, data }) => remains && !data)
}

/** No server takes writes, and one of them did last, which is down. What was being rewound counts for nothing. */
function lastPrimaryHasAll(nodes: readonly WorldNode[]): boolean {
  const whole = nodes.filter(({ rewinding }) => !rewinding)
  const [last, second] = whole.filter(({ data }) => !data?.signal)
  if (!last?.data || second || last.server !== 'down' || !isTold(last) || last.kind !== 'member') return false
  const { log } = last.data
  if (nodes.some((node) => node.rewinding && !commitsOf(node).every((record) => log.includes(record)))) return false
  return whole.every((node) => node === last || (isTold(node) && begins(log, node.data?.log ?? [])))
}

/** How far its log goes can be told. */
function isTold({ server, data, readable }: WorldNode): boolean {
  return server === 'up' || (server === 'down' && (data?.clean === true || readable))
}

function isContained(node: WorldNode, primary: WorldNode): boolean {
  const { data } = node
  if (!data || !primary.data) return true
  if (data.signal)
    return (
      begins(primary.data.log, data.log) &&
      (isTold(node) || (node.server !== 'hung' && data.timeline === primary.data.timeline))
    )
  if (node.server !== 'down' || data.timeline >= primary.data.timeline || !isTold(node)) return false
  return node.rewinding === true || isBehindFork(data, primary.data)
}

/** Of a former primary, what it wrote behind the place where it was left is nothing that anybody misses. */
function isBehindFork(data: Data, primary: Data): boolean {
  const known = data.forks.every((fork) =>
    primary.forks.some((one) => one.timeline === fork.timeline && one.at === fork.at),
  )
  const next = primary.forks.find((fork) => fork.timeline > data.timeline)
  if (!known || !next || data.checkpoint > next.at) return false
  return begins(primary.log, data.log.slice(0, next.at)) && data.log.slice(next.at).every((record) => record < 0)
}
