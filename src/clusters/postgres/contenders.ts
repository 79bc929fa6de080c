import { type Excess, excessOf } from './excess.ts'
import { endIsKnown, endOf, endOfPrimary, type Lineage, lineageOf, type Place, placeOf, wasPrimary } from './lineage.ts'
import { lsnDifference } from './lsn.ts'
import type { DiskSeen, SeenNode } from './model.ts'
import { hasData, isLive, type Node, type View } from './view.ts'

/** Whether a node took writes last, and its server is down. What a rewind left that was cut off, is nobody's. */
export function tookWrites({ seen: { disk } }: Node): boolean {
  return disk !== undefined && !disk.rewinding && wasPrimary(disk)
}

/** Those that took writes last, beside the one that is to: each of them may be started by somebody meanwhile. */
export function otherFormers({ nodes }: Pick<View, 'nodes'>, but: Node): readonly Node[] {
  return nodes.filter((node) => node !== but && !isLive(node) && tookWrites(node))
}

/** Whether a node's data follows another one's, and can go on. */
export function follows({ seen: { server, disk } }: Node): boolean {
  return server ? server.inRecovery : disk !== undefined && !disk.rewinding && !wasPrimary(disk)
}

/** Where a node's own history ends, as far as its server or its disk tells. */
export function endOfNode(node: Node): Place | undefined {
  const { disk } = node.seen
  return disk && !isLive(node) && tookWrites(node) ? endOfPrimary(disk) : placeOf(node.seen)
}

type Sides = Pick<View, 'strangers' | 'unreachable'>

/** Who wrote the timeline that a node is on: itself, or the one it followed, where nobody sees that one. */
function writerOf({ unreachable }: Sides, node: Node): string | undefined {
  if (!isLive(node)) return tookWrites(node) ? node.host : undefined
  const from = node.seen.server.upstream?.host ?? ''
  return unreachable.find((one) => [one.node.host, one.node.address].includes(from))?.node.host
}

/** Whether two nodes have the log of one timeline from two nodes: both of these may have written on it. */
function haveTwoWriters(view: Sides, node: Node, other: Node): boolean {
  const [one, two] = [writerOf(view, node), writerOf(view, other)]
  const known = one !== undefined && two !== undefined && one !== two
  return known && endOfNode(node)?.timeline === endOfNode(other)?.timeline
}

/** What a node holds, or may hold, that another one of which no server takes writes does not; undefined: nothing. */
export function excessBehind(view: Sides, node: Node, other: Node): Excess | undefined {
  const end = endOfNode(other)
  if (!end) return {}
  // It has nothing of anybody's, or all would have been refused before.
  if (view.strangers.includes(node)) return undefined
  if (haveTwoWriters(view, node, other)) return {}
  const lineage = lineageOfNode(other, end)
  return isOutrun(node, other, lineage) ? {} : excessOf(within(node, other, end), lineage)
}

/** Where a page begins, it has a header: nobody wrote that. */
const HEADER = 40

/**
 * Nobody is ahead of the primary that a log comes from, on its timeline, unless that one's disk lied. One that is has got it
 * from another one that wrote on a timeline of the same number: where that primary ended in order, or who is ahead follows
 * somebody else.
 */
function isOutrun(node: Node, other: Node, lineage: Lineage): boolean {
  const { disk } = node.seen
  if (!disk || isLive(node) || !tookWrites(node) || !endIsKnown(disk)) return false
  const { timeline, lsn } = endOfPrimary(disk)
  const left = endOf(lineage, timeline)
  if (left === undefined || lsnDifference(left, lsn) <= HEADER) return false
  const from = other.seen.server?.upstream?.host
  const elsewhere = from !== undefined && ![node.host, node.address].includes(from)
  return disk.state === 'shut down' || (elsewhere && placeOf(other.seen)?.timeline === timeline)
}

/** No disk has a timeline of that number. */
const NEXT = 2 ** 32

/**
 * The timelines that led to where a node ends. One that follows leaves its own for the next one when it is promoted, so what
 * others have of that timeline is compared up to its end.
 */
export function lineageOfNode(node: Node, end: Place): Lineage {
  const history = node.seen.disk?.history ?? []
  const known = end.timeline === 1 || history.some(({ timeline }) => timeline === end.timeline)
  if (!known || !follows(node)) return lineageOf({ history }, end)
  const own = history.filter(({ timeline }) => timeline <= end.timeline)
  return lineageOf({ history: [...own, { timeline: NEXT, forkedAt: end.lsn }] }, { timeline: NEXT, lsn: end.lsn })
}

/** Whether all of a node's log is in the history of another one. */
export function isBehind(view: Sides, node: Node, other: Node): boolean {
  return excessBehind(view, node, other) === undefined
}

/**
 * A primary's log is on its disk before a standby gets it. So where nobody could read the end of a crashed one's log, its
 * standbys are not ahead of it, unless its disk lied: that is looked at before it starts.
 */
function within({ seen }: Node, other: Node, end: Lineage['now']): SeenNode {
  const { disk } = other.seen
  if (!disk || !tookWrites(other) || endIsKnown(disk) || placeOf(seen)?.timeline !== end.timeline) return seen
  if (!(seen.server?.inRecovery ?? seen.disk?.standbySignal)) return seen
  return endingAt(seen, disk, end.lsn)
}

function endingAt(seen: SeenNode, disk: DiskSeen, lsn: string): SeenNode {
  if (seen.server) return { ...seen, server: { ...seen.server, lsn } }
  const { log: _, ...rest } = seen.disk ?? disk
  return { ...seen, disk: { ...rest, recoveryEnd: lsn } }
}

/** Nodes whose data is in no other one's history: each may hold what the others do not. */
export function contenders(view: View, among: readonly Node[] = view.nodes.filter(hasData)): readonly Node[] {
  const real = among.filter((node) => !view.strangers.includes(node) && !node.seen.disk?.rewinding)
  return real.filter((node, place) =>
    real.every((other, index) => {
      if (other === node || !isBehind(view, node, other)) return true
      // Of those that hold the same, the first one.
      return isBehind(view, other, node) && place < index
    }),
  )
}
