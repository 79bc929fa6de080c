import { contenders, endOfNode, lineageOfNode } from './contenders.ts'
import { endOf, type Lineage, placeOf } from './lineage.ts'
import { compareLsn } from './lsn.ts'
import type { DiskSeen, Loss } from './model.ts'
import { hasData, isLive, lineageOfPrimary, type Node, type View } from './view.ts'

/** A part of a node's log, on one timeline. `to` missing: to its end. */
export interface Stretch {
  readonly timeline: number
  readonly from: string
  readonly to?: string
}

/** Where the first timeline began. */
const BEGINNING = '0/0'

/** Nodes whose log has to be read, each with what of it another one does not have. */
export function apart(view: View): ReadonlyMap<string, readonly Stretch[]> {
  return new Map(
    sides(view).flatMap(([node, lineage]) => {
      const stretches = behindCommon(node, lineage)
      return stretches.length > 0 ? [[node.host, stretches] as const] : []
    }),
  )
}

/** Who is compared with whom: all with the one primary; several primaries, or contenders without one, each with the next one. */
function sides(view: View): readonly (readonly [Node, Lineage])[] {
  const { nodes, primaries, strangers } = view
  const [primary] = primaries
  if (primary && primaries.length === 1)
    return nodes
      .filter((node) => node !== primary && hasData(node) && !strangers.includes(node))
      .map((node) => [node, lineageOfPrimary(primary)])
  const several = primary ? primaries : contenders(view)
  return several.flatMap((node, index) => {
    const next = several[(index + 1) % several.length]
    const end = next && endOfNode(next)
    return end && next !== node ? [[node, lineageOfNode(next, end)] as const] : []
  })
}

/** What a node wrote, or got, behind the place where its history and a lineage part. */
function behindCommon(node: Node, lineage: Lineage): readonly Stretch[] {
  const place = placeOf(node.seen)
  const { disk } = node.seen
  if (!place || !disk) return []
  const path = pathOf(disk, place.timeline)
  const common = path.findLastIndex((stretch) => isShared(lineage, stretch))
  const last = path[common]
  const end = last && endOf(lineage, last.timeline)
  if (!last || end === undefined) return []
  const from = last.to !== undefined && compareLsn(last.to, end) < 0 ? last.to : end
  const rest = path.slice(common + 1)
  const stretches = from === last.to ? rest : [{ ...last, from }, ...rest]
  // A server that streams from the primary was only asked a moment later.
  return rest.length === 0 && compareLsn(place.lsn, from) <= 0 && isLive(node) ? [] : stretches
}

/** The timelines that led to where a node is, each with where it began and was left. */
function pathOf({ history }: DiskSeen, now: number): readonly Stretch[] {
  const own = history.filter(({ timeline }) => timeline <= now)
  const began = [{ timeline: 1, forkedAt: BEGINNING }, ...own]
  return began.map(({ timeline, forkedAt }, index) => {
    const to = began[index + 1]?.forkedAt
    return { timeline, from: forkedAt, ...(to !== undefined && { to }) }
  })
}

/** Whether a timeline is one of a lineage, and began there at the same place: two may have one number. */
function isShared(lineage: Lineage, { timeline, from }: Stretch): boolean {
  return endOf(lineage, timeline) !== undefined && (lineage.began.get(timeline) ?? BEGINNING) === from
}

/** For people, e.g. `3 commits, from … to …, in notes.public.note`. */
export function lossWords({ commits, first, last, tables, more }: Loss): string {
  const least = more ? 'at least ' : ''
  if (commits === 0) return more ? 'what it wrote could not be read to its end' : 'no commit'
  const time = first === last ? `at ${first}` : `from ${first} to ${last}`
  const where = tables.length > 0 ? `, in ${tables.slice(0, 8).join(', ')}${tables.length > 8 ? ', …' : ''}` : ''
  return `${least}${commits} ${commits === 1 ? 'commit' : 'commits'}, ${time}${where}`
}
