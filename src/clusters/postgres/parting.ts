import { endOf, type Lineage } from './lineage.ts'
import { compareLsn } from './lsn.ts'
import type { DiskSeen } from './model.ts'

/** A part of a node's log, on one timeline. `to` missing: to its end. */
export interface Stretch {
  readonly timeline: number
  readonly from: string
  readonly to?: string
}

/** Where the first timeline began. */
const BEGINNING = '0/0'

/**
 * What of the timelines that led to one of a disk's is behind the place where they leave a lineage; on the last timeline that
 * both have, it begins where the first of them left that one. Undefined: they have none in common.
 */
export function behindParting(lineage: Lineage, disk: DiskSeen, timeline: number): readonly Stretch[] | undefined {
  const path = pathOf(disk, timeline)
  const common = path.findLastIndex((stretch) => isShared(lineage, stretch))
  const last = path[common]
  const end = last && endOf(lineage, last.timeline)
  if (!last || end === undefined) return undefined
  const from = last.to !== undefined && compareLsn(last.to, end) < 0 ? last.to : end
  const rest = path.slice(common + 1)
  return from === last.to ? rest : [{ ...last, from }, ...rest]
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
