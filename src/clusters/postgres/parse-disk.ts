import { Unreadable } from '../read-answer.ts'
import { DATA } from './layout.ts'
import { isLsn } from './lsn.ts'
import type { DiskSeen, SeenNode } from './model.ts'
import { parseLog } from './parse-log.ts'

type Lines = (word: string) => readonly string[]

/**
 * What lies on the disk of a node, from the lines of its survey.
 *
 * @throws Unreadable when the disk did not tell.
 */
export function parseDisk(lines: readonly string[], of: Lines): Pick<SeenNode, 'disk' | 'remains' | 'space' | 'aside'> {
  const control = new Map(of('control').map(entry))
  const found = lines.includes('disk')
  // It may be the newest data there is: it must not count as none.
  if (found && control.size === 0) throw new Unreadable('its data directory has no control file that can be read')
  const remains = lines.includes('remains')
  return {
    ...(found && { disk: diskSeen(control, lines, of) }),
    remains,
    space: spaceSeen(of, found || remains),
    aside: of('aside').map(sized),
  }
}

function entry(line: string): readonly [string, string] {
  const at = line.indexOf(':')
  return [line.slice(0, at), line.slice(at + 1).trim()]
}

function diskSeen(control: ReadonlyMap<string, string>, lines: readonly string[], of: Lines): DiskSeen {
  const read = (name: string, fits: (value: string) => boolean) => {
    const value = control.get(name) ?? ''
    if (!fits(value)) throw new Unreadable(`the control file: ${name} is '${value.slice(0, 40)}'`)
    return value
  }
  const [newest] = of('newest')
  const newestTimeline = newest === undefined ? 1 : Number.parseInt(newest, 16)
  if (!Number.isInteger(newestTimeline)) throw new Unreadable(`no timeline has the number '${newest?.slice(0, 8)}'`)
  const recoveryTimeline = Number(read("Min recovery ending loc's timeline", isNumber))
  const log = parseLog(of('log-from')[0], of('log-read'))
  return {
    systemId: read('Database system identifier', isNumber),
    state: read('Database cluster state', (state) => /^[a-z ]+$/.test(state)),
    timeline: Math.max(recoveryTimeline, Number(read("Latest checkpoint's TimeLineID", isNumber))),
    checkpoint: read('Latest checkpoint location', isLsn),
    recoveryEnd: read('Minimum recovery ending location', isLsn),
    recoveryTimeline,
    standbySignal: lines.includes('standby.signal'),
    blank: lines.includes('blank'),
    promoted: lines.includes('promote'),
    // The signal is there only when all was done.
    rewinding: lines.includes('rewind') && !lines.includes('standby.signal'),
    history: forks(of('fork'), newestTimeline),
    newestTimeline,
    ...(log && { log }),
  }
}

const isNumber = (text: string) => /^\d+$/.test(text)

/** A line tells where a timeline was left; the one that began there is in the next line. */
function forks(lines: readonly string[], newest: number): DiskSeen['history'] {
  const left = lines
    .map((line) => line.split(' '))
    .filter(([parent]) => /^\d+$/.test(parent ?? ''))
    .map(([parent, at = '']) => ({ parent: Number(parent), at }))
  if (left.some(({ at }) => !isLsn(at))) throw new Unreadable('the history of its timelines is not whole')
  return left.map(({ at }, index) => ({ timeline: left[index + 1]?.parent ?? newest, forkedAt: at }))
}

/** A data directory too large to be measured in time may be as large as all that lies on the disk. */
function spaceSeen(of: Lines, something: boolean): SeenNode['space'] {
  const [free, used] = (of('space').at(-1) ?? '').trim().split(/\s+/).map(Number)
  if (free === undefined || used === undefined || Number.isNaN(free + used))
    throw new Unreadable('its disk does not tell how full it is')
  const sizes = new Map(
    of('size')
      .map(sized)
      .map(({ path, bytes }) => [path, bytes]),
  )
  return {
    free,
    data: sizes.get(DATA) ?? (something ? used : 0),
    wal: sizes.get(`${DATA}/pg_wal`) ?? 0,
  }
}

function sized(line: string): { readonly path: string; readonly bytes: number } {
  const [, bytes, path] = /^(\d+)\t(\/.+)$/.exec(line) ?? []
  if (bytes === undefined || path === undefined) throw new Unreadable(`no size: '${line.slice(0, 80)}'`)
  return { path, bytes: Number(bytes) }
}
