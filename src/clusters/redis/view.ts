import type { ClusterGoal } from '../../model/cluster.ts'
import type {
  Desired,
  NodeSurvey,
  Place,
  RedisNode,
  RedisSeen,
  SeenNode,
  SentinelSeen,
  WatchedMaster,
} from './model.ts'

/** A node of the playbook with what was seen of it. */
export interface Node extends RedisNode {
  readonly seen: SeenNode
}

/** A node whose server answers. */
export interface Live extends Node {
  readonly seen: SeenNode & { readonly redis: RedisSeen }
}

/** A node whose Sentinel answers. */
export interface Watching extends Node {
  readonly seen: SeenNode & { readonly sentinel: SentinelSeen }
}

/** A node of which nothing is known. `answered`: its host can be reached, and its answer tells nothing. */
export interface Unseen extends RedisNode {
  readonly why: string
  readonly answered?: true
}

/** A survey of a whole set, sorted by what nodes are. Every list is in the order of the playbook. */
export interface View {
  readonly desired: Desired
  /** Those that could be asked. */
  readonly nodes: readonly Node[]
  readonly unseen: readonly Unseen[]
  readonly live: readonly Live[]
  /** Servers that say they are a master. */
  readonly masters: readonly Live[]
  readonly sentinels: readonly Watching[]
  /** What somebody agreed to give up, by node. */
  readonly acceptLoss: NonNullable<ClusterGoal['acceptLoss']>
}

export function viewOf(desired: Desired, surveys: readonly NodeSurvey[], { acceptLoss = {} }: ClusterGoal = {}): View {
  const known = new Map(surveys.map((survey) => [survey.host, survey]))
  const nodes = desired.nodes.flatMap((node): Node[] => {
    const seen = known.get(node.host)
    return seen && seen.unreachable === undefined ? [{ ...node, seen }] : []
  })
  const unseen = desired.nodes.flatMap((node): Unseen[] => {
    const seen = known.get(node.host) ?? { host: node.host, unreachable: 'it was not asked' }
    if (seen.unreachable === undefined) return []
    return [{ ...node, why: seen.unreachable, ...(seen.answered && { answered: seen.answered }) }]
  })
  const live = nodes.filter(isLive)
  const masters = live.filter(({ seen }) => seen.redis.role === 'master')
  return { desired, nodes, unseen, live, masters, sentinels: nodes.filter(isWatching), acceptLoss }
}

export function isLive(node: Node): node is Live {
  return node.seen.redis !== undefined
}

export function isWatching(node: Node): node is Watching {
  return node.seen.sentinel !== undefined
}

/** How many are most of the nodes of a set: of all of its nodes, seen or not. */
export function most({ nodes }: Pick<Desired, 'nodes'>): number {
  return Math.floor(nodes.length / 2) + 1
}

/** The node at an address; undefined: it is none of the playbook. */
export function nodeAt<N extends RedisNode>(
  nodes: readonly N[],
  place: Pick<Place, 'address'> | undefined,
): N | undefined {
  return nodes.find(({ host, address }) => place?.address === address || place?.address === host)
}

export function isAt(node: RedisNode, place: Pick<Place, 'address'> | undefined): boolean {
  return nodeAt([node], place) !== undefined
}

/** What a Sentinel says of the set's master; undefined: it does not watch the set. */
export function watchedBy({ desired }: Pick<View, 'desired'>, { seen }: Watching): WatchedMaster | undefined {
  return seen.sentinel.masters.find(({ name }) => name === desired.name)
}

/** The Sentinels that name this node as the master. */
export function votersFor(view: View, node: RedisNode): readonly Watching[] {
  return view.sentinels.filter((one) => isAt(node, watchedBy(view, one)))
}

/** Whether most Sentinels of the set, silent ones counted, name this node as the master. */
export function isAgreedOn(view: View, node: RedisNode): boolean {
  return votersFor(view, node).length >= most(view.desired)
}

/** Whether a replica gets what this one writes, directly. */
export function follows({ seen }: Live, master: RedisNode): boolean {
  return seen.redis.role === 'replica' && isAt(master, seen.redis.master)
}

/**
 * Whether a replica has what this one writes. A link says `up` until somebody notices: of a master that came back meanwhile
 * with another history it tells nothing.
 */
export function isLinked(node: Live, master: Live): boolean {
  const { redis } = node.seen
  return follows(node, master) && redis.master?.link === 'up' && redis.replId === master.seen.redis.replId
}

/** Whether somebody agreed to lose something of what a node has, or may have. */
export function isGivenUp({ acceptLoss }: Pick<View, 'acceptLoss'>, { host }: Pick<RedisNode, 'host'>): boolean {
  return Object.hasOwn(acceptLoss, host)
}

/** Whether somebody agreed to lose whatever a node has that nobody can see. */
export function isWrittenOff({ acceptLoss }: Pick<View, 'acceptLoss'>, { host }: Pick<RedisNode, 'host'>): boolean {
  return acceptLoss[host] === 'unknown'
}
