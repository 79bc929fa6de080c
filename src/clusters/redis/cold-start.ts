import type { Intent } from './intents.ts'
import type { RedisNode } from './model.ts'
import { hasDataOnDisk, isDown, runsUnasked } from './stake.ts'
import {
  isAt,
  isGivenUp,
  isLive,
  isWatching,
  type Live,
  most,
  type Node,
  type Unseen,
  type View,
  watchedBy,
} from './view.ts'

/** What is down, and is to be started before anything else is judged. */
export interface Start {
  readonly becomes?: Node
  readonly why: string
  readonly intents: readonly Intent[]
}

/**
 * What is to be started where nobody is a master: the one that was it last, with what it kept on its disk; else the replicas,
 * by which nobody's data is changed, so that they can be asked what they have. Nothing, where that does not help.
 */
export function coldStart(view: View, lost: readonly Unseen[]): Start | undefined {
  const down = view.nodes.filter((node) => isStartable(view, node))
  const withData = down.filter(({ seen }) => hasDataOnDisk(view, seen))
  if (withData.length > 0) return lastMaster(view, withData, lost) ?? replicas(withData)
  return view.live.length === 0 ? anyMaster(view, down, lost) : undefined
}

function isStartable(view: View, node: Node): boolean {
  const { seen } = node
  return !isLive(node) && isDown(seen) && seen.disk.configured.redis && !isGivenUp(view, node)
}

/** The node that most Sentinels name, those that are down by their files. */
export function namedByMost<N extends RedisNode>(view: View, nodes: readonly N[]): N | undefined {
  return nodes.find((node) => {
    const voters = view.nodes.filter((one) =>
      isAt(node, isWatching(one) ? watchedBy(view, one) : one.seen.disk.monitors),
    )
    return voters.length >= most(view.desired)
  })
}

/** By its own file it follows nobody, and nobody else can have been made the master since. */
function lastMaster(view: View, withData: readonly Node[], lost: readonly Unseen[]): Start | undefined {
  const former = withData.filter(({ seen }) => !seen.disk.follows)
  const named = namedByMost(
    view,
    view.desired.nodes.filter((one) => !isGivenUp(view, one)),
  )
  const node =
    former.find(({ host }) => host === named?.host) ?? (former.length === 1 && !named ? former[0] : undefined)
  // One that nobody sees may have been made the master by hand.
  if (!node || lost.length > 0 || !view.live.every((one) => isOf(one, node))) return undefined
  // One that runs and does not answer as ours may be the master.
  if (view.nodes.some((one) => runsUnasked(one.seen) && !isGivenUp(view, one))) return undefined
  // By the files of others somebody else was the master at last.
  const rivals = named ? former : view.desired.nodes
  if (withData.some(({ seen }) => rivals.some((one) => one.host !== node.host && isAt(one, seen.disk.follows))))
    return undefined
  const why = named
    ? 'it was the master by its own file, and most Sentinels name it'
    : 'it alone was a master by its own file'
  return { becomes: node, why, intents: [{ do: 'start server', node, why }] }
}

/** Whether a replica has nothing but what it got from this one. */
function isOf({ seen }: Live, master: Node): boolean {
  return seen.redis.keys === 0 || isAt(master, seen.redis.master)
}

function replicas(withData: readonly Node[]): Start | undefined {
  const followers = withData.filter(({ seen }) => seen.disk.follows)
  if (followers.length === 0) return undefined
  const why = 'it is down, and was a replica: nobody can ask it what it has'
  return { why, intents: followers.map((node) => ({ do: 'start server', node, why })) }
}

/** Nothing is left anywhere: whom most Sentinels name, or who was a master, or the first one. */
function anyMaster(view: View, down: readonly Node[], lost: readonly Unseen[]): Start | undefined {
  // One that nobody sees may hold the keys in its memory.
  if (lost.length > 0) return undefined
  const named = namedByMost(view, view.desired.nodes)
  const others = view.nodes.filter((node) => !down.includes(node) && !isDown(node.seen) && !isGivenUp(view, node))
  if (others.some(({ seen }) => seen.trouble.redis && seen.trouble.redis !== 'plain')) return undefined
  const node = down.find(({ host }) => host === named?.host) ?? down.find(({ seen }) => !seen.disk.follows) ?? down[0]
  if (!node) return undefined
  const why = 'no node has data any more: it begins as the master'
  const stale: readonly Intent[] = node.seen.disk.dump
    ? [{ do: 'move aside', node, why: 'a dump that a copy left behind would come back as old keys' }]
    : []
  return { becomes: node, why, intents: [...stale, { do: 'start server', node, why }] }
}
