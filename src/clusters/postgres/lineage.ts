import { compareLsn, greater, lsnDifference } from './lsn.ts'
import type { DiskSeen, SeenNode } from './model.ts'

/** A place in the history of a cluster: how far a node is, on which timeline. */
export interface Place {
  readonly timeline: number
  readonly lsn: string
}

/** The timelines that led to where a primary writes now: each with where it was left for the next one. */
export interface Lineage {
  readonly now: Place
  readonly left: ReadonlyMap<number, string>
}

/** The lineage that ends with a timeline, from the history that a disk keeps of it. */
export function lineageOf({ history }: Pick<DiskSeen, 'history'>, now: Place): Lineage {
  const left = new Map<number, string>()
  let parent = 1
  for (const { timeline, forkedAt } of history) {
    if (timeline > now.timeline) break
    left.set(parent, forkedAt)
    parent = timeline
  }
  return { now, left }
}

/**
 * How many bytes of a node's log are not in a lineage: 0 where all of it is; undefined where its timeline is none of it, so
 * that nobody can tell.
 */
export function beyond(lineage: Lineage, { timeline, lsn }: Place): number | undefined {
  const end = endOf(lineage, timeline)
  return end === undefined ? undefined : Math.max(0, lsnDifference(lsn, end))
}

/** How far a timeline of a lineage counts: to where it was left, or to where it is now. Undefined: it is none of it. */
export function endOf({ now, left }: Lineage, timeline: number): string | undefined {
  return timeline === now.timeline ? now.lsn : left.get(timeline)
}

/** Where a node's log ends, as far as its server or its disk tells. */
export function placeOf({ server, disk }: Pick<SeenNode, 'server' | 'disk'>): Place | undefined {
  if (server) return { timeline: server.timeline, lsn: server.lsn }
  if (!disk) return undefined
  if (disk.standbySignal && compareLsn(disk.recoveryEnd, '0/0') > 0)
    return { timeline: disk.recoveryTimeline || disk.timeline, lsn: disk.recoveryEnd }
  return { timeline: disk.timeline, lsn: disk.log ? greater(disk.log.end, disk.checkpoint) : disk.checkpoint }
}

/**
 * Whether a stopped node's disk tells exactly where its log ends. One that crashed wrote on behind its last checkpoint: its
 * log has to be read.
 */
export function endIsKnown({ state, standbySignal, log }: DiskSeen): boolean {
  return standbySignal || state === 'shut down' || state === 'shut down in recovery' || log !== undefined
}
