import { contenders, endOfNode, lineageOfNode } from './contenders.ts'
import { type Lineage, placeOf } from './lineage.ts'
import { compareLsn } from './lsn.ts'
import type { Loss } from './model.ts'
import { behindParting, type Stretch } from './parting.ts'
import { hasData, isLive, lineageOfPrimary, type Node, type View } from './view.ts'

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
  const stretches = place && disk && behindParting(lineage, disk, place.timeline)
  const [first, ...more] = stretches ?? []
  if (!place || !first) return []
  // A server that streams from the primary was only asked a moment later.
  const isAsked = more.length === 0 && first.timeline === place.timeline && compareLsn(place.lsn, first.from) <= 0
  return isAsked && isLive(node) ? [] : [first, ...more]
}

/** For people, e.g. `3 commits, from … to …, in notes.public.note`. */
export function lossWords({ commits, first, last, tables, more }: Loss): string {
  const least = more ? 'at least ' : ''
  if (commits === 0) return more ? 'what it wrote could not be read to its end' : 'no commit'
  const time = first === last ? `at ${first}` : `from ${first} to ${last}`
  const where = tables.length > 0 ? `, in ${tables.slice(0, 8).join(', ')}${tables.length > 8 ? ', …' : ''}` : ''
  return `${least}${commits} ${commits === 1 ? 'commit' : 'commits'}, ${time}${where}`
}
