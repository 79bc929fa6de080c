import type { ClusterDecision, ClusterRefusal } from '../../model/cluster.ts'
import { beyond, endIsKnown, lineageOf, placeOf } from './lineage.ts'
import { names, side } from './refusals.ts'
import { cloneStandbys, createPrimary, pointPgbouncer, startDaemon, startServer } from './steps.ts'
import { hasData, type Node, type View } from './view.ts'

/**
 * What is to be done where no server takes writes. Nobody is promoted here: a node that nobody can see, or one that is
 * behind, may be the one that clients were told of.
 */
export function withoutPrimary(view: View): ClusterDecision {
  const { nodes, unreachable } = view
  if (unreachable.length > 0)
    return refused(view, `${names(unreachable.map(({ node }) => node))} cannot be asked, and may hold the newest data`)
  if (!nodes.some((node) => hasData(node) || node.seen.running)) return fresh(view)
  const former = nodes.filter(
    ({ seen, kind }) => kind === 'member' && seen.disk && !seen.disk.standbySignal && !seen.server,
  )
  const [first] = former
  if (!first)
    return refused(view, 'no node takes writes, and none of them was the primary: one would have to be promoted')
  const last = former.length === 1 ? first : newest(former)
  if (!last) return refused(view, `${names(former)} were primaries, and none of them holds all that the others have`)
  const ahead = nodes.filter((node) => node !== last && hasData(node) && !isBehind(node, last))
  if (ahead.length > 0)
    return refused(view, `${names(ahead)} may hold what the last primary ${last.host} does not have`)
  return {
    primary: { host: last.host, why: whyLast(view, last) },
    steps: [
      startServer(last, 'no server takes writes, and this node was the last primary: it holds all that others have'),
    ],
  }
}

/** A cluster that is yet to be: its first member becomes the primary. */
function fresh({ desired, nodes }: View): ClusterDecision {
  const [first, ...others] = nodes.toSorted((a, b) => Number(a.kind !== 'member') - Number(b.kind !== 'member'))
  if (first?.kind !== 'member') return { steps: [] }
  const all = [first, ...others]
  return {
    primary: { host: first.host, why: 'no node has data, and it is the first one of the inventory' },
    steps: [
      createPrimary(desired, first),
      ...(others.length > 0 ? [cloneStandbys(desired, others, first)] : []),
      startDaemon(all, 'it does not run there yet'),
      pointPgbouncer(desired, all, first, 'they know no primary yet'),
    ],
  }
}

/** The one whose history holds the ends of all others. */
function newest(former: readonly Node[]): Node | undefined {
  return former.find((node) => former.every((other) => other === node || isBehind(other, node)))
}

/** Whether all of a node's log is in the history of another one that is down. */
function isBehind(node: Node, last: Node): boolean {
  const [place, end, disk] = [placeOf(node.seen), placeOf(last.seen), last.seen.disk]
  if (!place || !end || !disk) return false
  const own = node.seen.disk
  if (own && !own.standbySignal && !node.seen.server && !endIsKnown(own)) return false
  const more = beyond(lineageOf(disk, end), place)
  if (more === 0) return true
  // A standby has nothing that its primary had not written: on one timeline only the end of a crashed one is not known.
  const follows = own?.standbySignal || node.seen.server?.inRecovery
  return Boolean(follows) && place.timeline === end.timeline && !endIsKnown(disk)
}

function whyLast({ nodes }: View, last: Node): string {
  const others = nodes.filter((node) => node !== last && hasData(node))
  const at = placeOf(last.seen)
  const end = endIsKnown(last.seen.disk ?? ({} as never)) ? ` at ${at?.lsn}` : ''
  return `it was the last primary, on timeline ${at?.timeline}${end}; ${others.length > 0 ? `${names(others)} ${others.length > 1 ? 'hold' : 'holds'} nothing that it does not` : 'no other node has data'}`
}

function refused(view: View, why: string): ClusterDecision {
  const refusal: ClusterRefusal = {
    why: `no server takes writes, and ${why.replace('no node takes writes, and ', '')}`,
    sides: [
      ...view.nodes.map(side),
      ...view.unreachable.map(({ node, why: reason }) => ({ host: node.host, evidence: [reason] })),
    ],
    hint:
      view.unreachable.length > 0
        ? 'bring the node back (power, network), then repair again'
        : 'bring back the node that was the primary, with its disk, then repair again',
  }
  return { steps: [], refusal }
}
