import { agrees, beyond, endIsKnown, endOf, type Lineage, type Place, placeOf, wasPrimary } from './lineage.ts'
import { lsnDifference } from './lsn.ts'
import type { DiskSeen, SeenNode } from './model.ts'
import { behindParting } from './parting.ts'

/** What a node holds, or may hold, that is not in a primary's history. `bytes` missing: nobody can tell how much. */
export interface Excess {
  readonly bytes?: number
}

export function amount({ bytes }: Excess): string {
  return bytes === undefined ? 'an unknown number of bytes' : `${bytes} bytes`
}

/**
 * What of a node's log is not in a lineage; undefined: all of it is. Whatever cannot be known counts as excess: only what is
 * contained for certain may be rewound, or cloned over.
 */
export function excessOf(seen: SeenNode, lineage: Lineage): Excess | undefined {
  const excess = atLeast(seen, lineage)
  return excess && !seen.server && seen.disk && !isRead(seen.disk, seen.running) ? {} : excess
}

/** Of a server that is down: whether where its log ends was seen. It has at least what is seen. */
function isRead(disk: DiskSeen, running: boolean): boolean {
  return !running && (wasPrimary(disk) ? endIsKnown(disk) : endIsSeen(disk))
}

function atLeast({ server, disk, running }: SeenNode, lineage: Lineage): Excess | undefined {
  const place = placeOf({ ...(server && { server }), ...(disk && { disk }) })
  if (!place || (!server && disk?.rewinding)) return undefined
  if (disk && !agrees(lineage, disk, place.timeline)) return counted(behindOwnFork(lineage, disk, place))
  // Of two that write on one timeline the places are the same, and the content is another one.
  if (server && !server.inRecovery && place.timeline === lineage.now.timeline) return {}
  if (!server && disk && wasPrimary(disk)) return running ? {} : excessOfPrimary(disk, lineage)
  // Of a standby that crashed on a timeline that was left, nobody can tell what it received but by its log.
  if (!server && disk && !running && place.timeline !== lineage.now.timeline && !endIsSeen(disk)) return {}
  const bytes = beyond(lineage, place)
  return bytes === 0 ? undefined : counted(bytes ?? behindOwnFork(lineage, disk, place))
}

/** Whether it is known where the log of a standby ends that is down. */
export function endIsSeen({ state, log }: DiskSeen): boolean {
  return log !== undefined || state === 'shut down in recovery'
}

/** Of a former primary what counts are commits: it always wrote something more that nobody misses. */
function excessOfPrimary(disk: DiskSeen, lineage: Lineage): Excess | undefined {
  // Two that wrote on one timeline were promoted apart from each other: their logs have the same places, and other content.
  if (disk.timeline === lineage.now.timeline || !endIsKnown(disk)) return {}
  const end = endOf(lineage, disk.timeline)
  const { log, checkpoint } = disk
  if (end === undefined)
    return counted(behindOwnFork(lineage, disk, { timeline: disk.timeline, lsn: log?.end ?? checkpoint }))
  const behind = lsnDifference(checkpoint, end)
  if (behind > 0) return counted(lsnDifference(log?.end ?? checkpoint, end))
  // A commit begins where it is named: one that begins at the fork is behind it.
  return log?.lastCommit !== undefined && lsnDifference(log.lastCommit, end) >= 0
    ? counted(lsnDifference(log.end, end))
    : undefined
}

/** What was written behind the place where a node's own history left a lineage; undefined: its history does not tell. */
function behindOwnFork(lineage: Lineage, disk: DiskSeen | undefined, { timeline, lsn }: Place): number | undefined {
  const own = (disk && behindParting(lineage, disk, timeline)) ?? []
  const [first] = own
  return first && own.at(-1)?.timeline === timeline ? lsnDifference(lsn, first.from) : undefined
}

function counted(bytes: number | undefined): Excess {
  return bytes !== undefined && bytes > 0 ? { bytes } : {}
}
