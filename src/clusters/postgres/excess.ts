import { agrees, beyond, endIsKnown, endOf, type Lineage, placeOf, wasPrimary } from './lineage.ts'
import { lsnDifference } from './lsn.ts'
import type { DiskSeen, SeenNode } from './model.ts'

/** What a node holds, or may hold, that is not in a primary's history. `bytes` missing: nobody can tell how much. */
export interface Excess {
  readonly bytes?: number
}

/**
 * What of a node's log is not in a lineage; undefined: all of it is. Whatever cannot be known counts as excess: only what is
 * contained for certain may be rewound, or cloned over.
 */
export function excessOf({ server, disk, running }: SeenNode, lineage: Lineage): Excess | undefined {
  const place = placeOf({ ...(server && { server }), ...(disk && { disk }) })
  if (!place) return undefined
  if (disk && !agrees(lineage, disk, place.timeline)) return {}
  if (!server && disk && wasPrimary(disk)) return running ? {} : excessOfPrimary(disk, lineage)
  // Of a standby that crashed on a timeline that was left, nobody can tell what it received but by its log.
  if (!server && disk && !running && place.timeline !== lineage.now.timeline && !endIsSeen(disk)) return {}
  const bytes = beyond(lineage, place)
  return bytes === 0 ? undefined : counted(bytes)
}

function endIsSeen({ state, log }: DiskSeen): boolean {
  return log !== undefined || state === 'shut down in recovery'
}

/** Of a former primary what counts are commits: it always wrote something more that nobody misses. */
function excessOfPrimary(disk: DiskSeen, lineage: Lineage): Excess | undefined {
  // Two that wrote on one timeline were promoted apart from each other: their logs have the same places, and other content.
  if (disk.timeline === lineage.now.timeline || !endIsKnown(disk)) return {}
  const end = endOf(lineage, disk.timeline)
  if (end === undefined) return {}
  const { log, checkpoint } = disk
  const behind = lsnDifference(checkpoint, end)
  if (behind > 0) return counted(lsnDifference(log?.end ?? checkpoint, end))
  // A commit begins where it is named: one that begins at the fork is behind it.
  return log?.lastCommit !== undefined && lsnDifference(log.lastCommit, end) >= 0
    ? counted(lsnDifference(log.end, end))
    : undefined
}

function counted(bytes: number | undefined): Excess {
  return bytes === undefined ? {} : { bytes }
}
