import { compareLsn, greater, lsnBytes, lsnDifference, lsnText } from './lsn.ts'
import type { DiskSeen, SeenNode } from './model.ts'

/** A place in the history of a cluster: how far a node is, on which timeline. */
export interface Place {
  readonly timeline: number
  readonly lsn: string
}

/** The timelines that led to where a primary writes now. */
export interface Lineage {
  readonly now: Place
  /** Where each timeline was left for the next one. */
  readonly left: ReadonlyMap<number, string>
  /** Where each timeline began. */
  readonly began: ReadonlyMap<number, string>
}

/**
 * The lineage that ends with a timeline, from the history that a disk keeps of it. A history that does not tell of that
 * timeline is another one's: nothing is known then but the timeline itself.
 */
export function lineageOf({ history }: Pick<DiskSeen, 'history'>, now: Place): Lineage {
  const left = new Map<number, string>()
  const began = new Map<number, string>()
  if (!history.some(({ timeline }) => timeline === now.timeline)) return { now, left, began }
  let parent = 1
  for (const { timeline, forkedAt } of history) {
    if (timeline > now.timeline) break
    left.set(parent, forkedAt)
    began.set(timeline, forkedAt)
    parent = timeline
  }
  return { now, left, began }
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

/** Whether what a disk tells of the timelines up to its own is what a lineage tells of them: two may have one number. */
export function agrees({ began }: Lineage, { history }: Pick<DiskSeen, 'history'>, timeline: number): boolean {
  return history.every((each) => each.timeline > timeline || began.get(each.timeline) === each.forkedAt)
}

/** Where a node's log ends, as far as its server or its disk tells. */
export function placeOf({ server, disk }: Pick<SeenNode, 'server' | 'disk'>): Place | undefined {
  if (server) return { timeline: server.timeline, lsn: server.lsn }
  if (!disk) return undefined
  if (!wasPrimary(disk) && compareLsn(disk.recoveryEnd, '0/0') > 0)
    return { timeline: disk.recoveryTimeline || disk.timeline, lsn: greater(disk.log?.end ?? '0/0', disk.recoveryEnd) }
  return { timeline: timelineOf(disk), lsn: disk.log ? greater(disk.log.end, disk.checkpoint) : disk.checkpoint }
}

/** The timeline a stopped primary wrote on: one that was promoted and crashed before its first checkpoint tells by a history only. */
function timelineOf({ timeline, newestTimeline }: DiskSeen): number {
  return Math.max(timeline, newestTimeline)
}

/**
 * Whether data is of a server that took writes last. One that was rewound, and cut off before it was made a standby, was in
 * recovery last, although its signal is missing.
 */
export function wasPrimary({ standbySignal, state }: DiskSeen): boolean {
  return !standbySignal && !state.endsWith('in archive recovery') && state !== 'shut down in recovery'
}

/**
 * Whether a stopped primary's disk tells exactly where its log ends. One that crashed wrote on behind its last checkpoint:
 * its log has to be read.
 */
export function endIsKnown(disk: DiskSeen): boolean {
  return disk.state === 'shut down' || (disk.log !== undefined && timelineOf(disk) === disk.timeline)
}

/** Where the log of a stopped primary ends, as far as its disk tells. */
export function endOfPrimary(disk: DiskSeen): Place {
  const { checkpoint, state, log } = disk
  const lsn = state === 'shut down' ? behindCheckpoint(checkpoint) : checkpoint
  return { timeline: timelineOf(disk), lsn: log ? greater(log.end, lsn) : lsn }
}

const [PAGE, SEGMENT, CHECKPOINT] = [8192n, 16n * 1024n ** 2n, 120n]

/** Behind the record of a checkpoint, which the control file names by its beginning. A record that begins a page goes around its header. */
function behindCheckpoint(checkpoint: string): string {
  const start = lsnBytes(checkpoint)
  const next = (start / PAGE + 1n) * PAGE
  if (start + CHECKPOINT <= next) return lsnText(start + CHECKPOINT)
  return lsnText(start + CHECKPOINT + (next % SEGMENT === 0n ? 40n : 24n))
}
