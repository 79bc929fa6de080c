import type { Given } from './consent.ts'
import type { Excess } from './excess.ts'
import { isWriter, type Node, type View } from './view.ts'

/**
 * What somebody agreed to lose, as far as there is something to lose by now, and no more of it than there is: a figure that
 * was agreed to once is not to be good for what was written since. Of nodes that nobody sees it stays as it was said.
 *
 * @param excess what a node holds that the one that is kept does not
 */
export function stillGiven(
  { nodes, acceptLoss }: Pick<View, 'nodes' | 'acceptLoss'>,
  excess: (node: Node) => Excess | undefined,
): Given {
  const given = Object.entries(acceptLoss).flatMap(([host, agreed]): (readonly [string, Given[string]])[] => {
    const node = nodes.find((one) => one.host === host)
    if (!node) return [[host, agreed]]
    const more = excess(node)
    // One that takes writes is to stop, whatever it has.
    if (!more) return isWriter(node) ? [[host, 0]] : []
    return [[host, more.bytes ?? 'unknown']]
  })
  return Object.fromEntries(given)
}
