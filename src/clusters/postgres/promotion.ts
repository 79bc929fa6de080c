import type { ClusterDecision } from '../../model/cluster.ts'
import { holdNoMore } from '../names.ts'
import { sayingUnsaved } from './consent.ts'
import { follows, otherFormers } from './contenders.ts'
import { fencing } from './fencing.ts'
import { placeOf } from './lineage.ts'
import { disarming, isArmed } from './mend.ts'
import type { PostgresNode } from './model.ts'
import { promoteStandby, startStandbys } from './steps.ts'
import { supposingPromoted } from './supposed.ts'
import { hasData, isLive, keptNodes, type Node, type View } from './view.ts'
import { wholeSteps } from './whole.ts'

/**
 * A standby becomes the primary, while nobody may promote itself. Before, the servers of other standbys that are down
 * start: only then it is known for certain how far each of them is.
 */
export function promotion(view: View, best: Node): ClusterDecision {
  const { nodes, witnesses, unreachable } = view
  const kept = keptNodes(view)
  const down = kept.filter((node) => follows(node) && !isLive(node))
  const fenced = fencing(view)
  const armed = nodes.filter(isArmed)
  const others = kept.filter((node) => node !== best && follows(node))
  const off = [...otherFormers(view, best), ...answering(view)]
  const rest = nodes.filter((node) => node !== best && hasData(node) && ![...others, ...off].includes(node))
  const supposed = supposingPromoted(view, best, down)
  const end = placeOf(best.seen)?.lsn ?? '0/0'
  return {
    primary: { host: best.host, why: whyBest(best, kept) },
    steps: [
      ...(fenced.steps.length > 0 ? fenced.steps : disarming(armed)),
      ...(down.length > 0 ? [startStandbys(down, kept.filter(follows))] : []),
      sayingUnsaved(
        view,
        promoteStandby(best, {
          ...{ others, end, off, rest },
          witnesses: witnesses.filter(isLive),
          absent: unreachable.filter(({ answered }) => !answered).map(({ node }) => node),
        }),
      ),
      ...wholeSteps(supposed.view, supposed.primary, { guessed: true, stopped: armed }).steps,
    ],
  }
}

/** Hosts that can be asked, and tell nothing that can be read: whether a server runs there is seen at last. */
function answering({ unreachable }: View): readonly PostgresNode[] {
  return unreachable.filter(({ answered }) => answered).map(({ node }) => node)
}

function whyBest(best: Node, kept: readonly Node[]): string {
  const place = placeOf(best.seen)
  const others = kept.filter((node) => node !== best)
  const more = others.length > 0 ? holdNoMore(others) : 'no other node is left that has data'
  const which = kept.filter(follows).length > 1 ? 'the furthest of its standbys' : 'the only standby that is left'
  return `no primary is left, and it is ${which}, on timeline ${place?.timeline} at ${place?.lsn}; ${more}`
}
