import { names } from '../names.ts'
import { endOfNode } from './contenders.ts'
import { compareLsn } from './lsn.ts'
import { isLive, type Node, streamsFrom, type View } from './view.ts'

/** Which of several histories is most likely the one that clients were told of, and what tells so. */
export interface Winner<N extends Node> {
  readonly node: N
  readonly why: string
}

interface Evidence {
  /** Whether it tells anything of these. */
  readonly known?: (view: View, nodes: readonly Node[]) => boolean
  readonly of: (view: View, node: Node) => number
  readonly words: (value: number, others: string) => string
}

/**
 * In this order. A timeline with a high number tells nothing: a stale standby that promotes itself has the highest one, and
 * none of the commits since.
 */
const EVIDENCE: readonly Evidence[] = [
  {
    of: (view, node) => streaming(view, node, ['sync', 'quorum']),
    words: (value, others) => `synchronous standbys that stream from it: ${value}, from ${others} fewer`,
  },
  {
    of: (view, node) => streaming(view, node, ['sync', 'quorum', 'async', 'potential']),
    words: (value, others) => `standbys that stream from it: ${value}, from ${others} fewer`,
  },
  {
    // Of a log that was not read to its end nobody knows that it has fewer.
    known: ({ losses }, nodes) => nodes.every(({ host }) => losses.get(host)?.more === false),
    of: ({ losses }, { host }) => losses.get(host)?.commits ?? 0,
    words: (value, others) => `commits that only it has: ${value}, on ${others} fewer`,
  },
  {
    of: ({ nodes, witnesses }, { host, address }) =>
      [...nodes, ...witnesses].filter(({ seen }) => seen.pgbouncer?.some((one) => [host, address].includes(one.host)))
        .length,
    words: (value, others) => `pgbouncers that send clients there: ${value}, to ${others} fewer`,
  },
]

/** The one of several nodes whose history is to be kept rather than the others', by what was seen. */
export function likeliest<N extends Node>(view: View, nodes: readonly [N, ...N[]]): Winner<N> {
  let left: readonly N[] = nodes
  let why = 'nothing that was seen tells them apart, and its log is the furthest'
  for (const { known, of, words } of EVIDENCE) {
    if (known && !known(view, left)) continue
    const most = Math.max(...left.map((node) => of(view, node)))
    const best = left.filter((node) => of(view, node) === most)
    if (best.length < left.length) why = words(most, names(left.filter((node) => !best.includes(node))))
    left = best
  }
  const node = left.reduce((a, b) => (furthest(a, b) < 0 ? b : a))
  return { node, why }
}

function furthest(a: Node, b: Node): number {
  return compareLsn(endOfNode(a)?.lsn ?? '0/0', endOfNode(b)?.lsn ?? '0/0')
}

/** A primary that was cut off goes on to list its standbys for a minute: those that we see have to say the same. */
function streaming({ nodes }: View, node: Node, kinds: readonly string[]): number {
  if (!isLive(node)) return 0
  const listed = node.seen.server.standbys.filter(({ state, sync }) => state === 'streaming' && kinds.includes(sync))
  const other = (name: string) => nodes.find(({ host }) => host === name)
  return listed.filter(({ name }) => {
    const standby = other(name)
    return standby === undefined || streamsFrom(standby, node)
  }).length
}
