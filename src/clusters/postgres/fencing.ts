import type { ClusterStep } from '../../model/cluster.ts'
import { follows } from './contenders.ts'
import { isArmed } from './mend.ts'
import { stopServers } from './steps.ts'
import { isGivenUp, isLive, isWriter, type Live, type Node, streamsFrom, type View } from './view.ts'

/** Servers that somebody agreed to give up, and that take writes, or may. */
export interface Fencing {
  readonly steps: readonly ClusterStep[]
  /** Nodes whose repmgrd may not run behind it. */
  readonly stopped: readonly Node[]
}

/**
 * They stop before anything else is done, and nobody may promote itself meanwhile. Behind that repmgrd watches again where the
 * primary is not among them: what comes then may be refused.
 */
export function fencing(view: View, primary?: Live): Fencing {
  const fenced = view.nodes.filter((node) => isGivenUp(view, node) && mayWrite(view, node))
  if (fenced.length === 0) return { steps: [], stopped: [] }
  const armed = view.nodes.filter(isArmed)
  const watching = armed.filter((node) => primary && streamsFrom(node, primary))
  const step = stopServers(fenced, { armed, ...(primary && { again: { primary, nodes: watching } }) })
  return { steps: [step], stopped: armed }
}

/** Where no server is seen to take writes. */
export function nobodyWrites(view: View): string {
  return view.nodes.some((node) => mayWrite(view, node))
    ? 'no server that answers takes writes'
    : 'no server takes writes'
}

/** Of one that runs and does not answer nobody knows, unless its data follows another one's. */
function mayWrite({ primaries }: View, node: Node): boolean {
  if (isLive(node)) return isWriter(node) && !primaries.includes(node)
  return node.seen.running && !follows(node)
}
