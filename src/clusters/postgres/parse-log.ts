import { Unreadable } from '../read-answer.ts'
import { isLsn, lsnText, SEGMENT } from './lsn.ts'
import type { DiskSeen } from './model.ts'

/**
 * Reads what pg_waldump said of the log of a server that is down: its last commit and the complaint with which it ended.
 * Undefined when it did not come to the end.
 *
 * @param from timeline and place where it began to read
 * @throws Unreadable for nonsense.
 */
export function parseLog(from: string | undefined, lines: readonly string[]): DiskSeen['log'] {
  if (from === undefined) return undefined
  const [timeline = '', start = ''] = from.split(' ')
  if (!/^\d+$/.test(timeline) || !isLsn(start)) throw new Unreadable(`no place to read a log from: '${from}'`)
  const end = lines.map((line) => endOf(line, start)).findLast((each) => each !== undefined)
  if (end === undefined) return undefined
  const commit = lines.findLast((line) => /desc: (COMMIT|PREPARE)/.test(line))
  const [, lastCommit] = / lsn: ([0-9A-F]+\/[0-9A-F]+),/.exec(commit ?? '') ?? []
  if (!isLsn(end) || (lastCommit !== undefined && !isLsn(lastCommit))) throw new Unreadable('its log ends nowhere')
  return { end, ...(lastCommit !== undefined && { lastCommit }) }
}

/** Where the complaint says that there is no record any more: at a place, on a page of a segment, in a segment, anywhere. */
function endOf(line: string, start: string): string | undefined {
  const [, wrong] = /^pg_waldump: error: (.*)$/.exec(line) ?? []
  if (wrong === undefined) return undefined
  if (wrong.startsWith('could not find a valid record after')) return start
  const [, missing] = /^could not find file "([0-9A-F]{24})"/.exec(wrong) ?? []
  if (missing !== undefined) return placeIn(missing, 0)
  const [, segment = '', offset] = / in log segment ([0-9A-F]{24}), offset (\d+)/.exec(wrong) ?? []
  if (offset !== undefined) return placeIn(segment, Number(offset))
  const [, at] = /^error in WAL record at .*: .* at ([0-9A-F]+\/[0-9A-F]+)(?:: .*)?$/.exec(wrong) ?? []
  return at
}

/** The name of a segment tells its timeline, and in two parts its number. */
function placeIn(segment: string, offset: number): string {
  const [high, low] = [BigInt(`0x${segment.slice(8, 16)}`), BigInt(`0x${segment.slice(16)}`)]
  return lsnText((high << 32n) + low * SEGMENT + BigInt(offset))
}
