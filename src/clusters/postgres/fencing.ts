import type { ClusterStep } from '../../model/cluster.ts'
import { tookWrites } from './contenders.ts'
import { isArmed } from './mend.ts'
import { stopDaemon, stopServers } from './steps.ts'
import { isGivenUp, isLive, isWriter, type Node, type View } from './view.ts'

/** Servers that somebody agreed to give up, and that take writes, or may. */
export interface Fencing {
  readonly steps: readonly ClusterStep[]
  /** Nodes whose repmgrd is stopped before. */
  readonly stopped: readonly Node[]
}

/** They stop before anything else is done, and nobody may promote itself meanwhile. */
export function fencing(view: View): Fencing {
  const fenced = view.nodes.filter((node) => isGivenUp(view, node) && mayWrite(view, node))
  if (fenced.length === 0) return { steps: [], stopped: [] }
  const armed = view.nodes.filter(isArmed)
  const why = 'a server that takes writes is to be stopped, and nobody may promote itself for that'
  return { steps: [...(armed.length > 0 ? [stopDaemon(armed, why)] : []), stopServers(fenced)], stopped: armed }
}

function mayWrite({ primaries }: View, node: Node): boolean {
  if (isLive(node)) return isWriter(node) && !primaries.includes(node)
  return node.seen.running && tookWrites(node)
}
