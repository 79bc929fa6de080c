import type { ClusterDecision } from '../../model/cluster.ts'
import { holdNoMore } from '../names.ts'
import { sayingUnsaved } from './consent.ts'
import { otherFormers } from './contenders.ts'
import { fencing } from './fencing.ts'
import { endIsKnown, endOfPrimary, type Place, placeOf } from './lineage.ts'
import { greater } from './lsn.ts'
import { disarming, isArmed } from './mend.ts'
import { startPrimary } from './steps.ts'
import { supposingStarted } from './supposed.ts'
import { isLive, keptNodes, type Node, type View } from './view.ts'
import { wholeSteps } from './whole.ts'

/**
 * The last primary starts, while nobody may promote itself; what else is to be done then is known as far as it is seen.
 *
 * @param otherwise what helps when it does not start
 */
export function revive(view: View, last: Node, otherwise: string): ClusterDecision {
  const standbys = view.nodes.filter((node) => node !== last && isLive(node))
  const fenced = fencing(view)
  const armed = fenced.steps.length > 0 ? fenced.stopped : standbys.filter(isArmed)
  const supposed = supposingStarted(view, last)
  return {
    primary: { host: last.host, why: whyLast(view, last) },
    steps: [
      ...(fenced.steps.length > 0 ? fenced.steps : disarming(armed)),
      sayingUnsaved(
        view,
        startPrimary(last, {
          ...{ standbys, off: otherFormers(view, last), otherwise, newest: newest(view, last) },
          others: view.desired.nodes.filter(({ host, kind }) => host !== last.host && kind !== 'witness'),
        }),
      ),
      ...wholeSteps(supposed.view, supposed.primary, { guessed: true, stopped: armed }).steps,
    ],
  }
}

/** How far the others are, where nobody could read how far the last primary is. */
function newest(view: View, last: Node): Place | undefined {
  const { disk } = last.seen
  if (!disk || endIsKnown(disk)) return undefined
  const { timeline, lsn } = endOfPrimary(disk)
  const places = others(view, last).flatMap(({ seen }) => placeOf(seen) ?? [])
  const there = places.filter((place) => place.timeline === timeline).map((place) => place.lsn)
  const most = there.reduce(greater, lsn)
  return most === lsn ? undefined : { timeline, lsn: most }
}

function others(view: View, last: Node): readonly Node[] {
  return keptNodes(view).filter((node) => node !== last)
}

function whyLast(view: View, last: Node): string {
  const { disk } = last.seen
  const nodes = others(view, last)
  const at = disk && endOfPrimary(disk)
  const end = disk && endIsKnown(disk) ? ` at ${at?.lsn}` : ''
  return `it was the last primary, on timeline ${at?.timeline}${end}; ${nodes.length > 0 ? holdNoMore(nodes) : 'no other node has data'}`
}
