import type { ClockSkew } from '../model/clock-skew.ts'
import type { OutRecord } from '../model/out-record.ts'
import { type HostRevert, REVERT_STATES } from '../model/revert.ts'
import type { Mark } from '../shell/frames.ts'
import { readOut } from '../shell/out-record.ts'
import { type Holder, readOwner } from './holder.ts'

/** A handler that an earlier run owes to a host. */
export interface OwedHandler {
  readonly id: string
  readonly name: string
  /** The run that owes it. */
  readonly run: string
}

/** What a host says first on every link. */
export interface Hello {
  /** Another one means: rebooted meanwhile. */
  readonly bootId: string
  readonly machineId: string
  readonly owed: readonly OwedHandler[]
  /** Who holds the host's lock. */
  readonly holder: Holder | undefined
  /** Balancers that it is out of by our hand. */
  readonly out: readonly OutRecord[]
  /** A change that might cut the host off: it waits for a login that confirms it, or was put back for want of one. */
  readonly revert?: HostRevert
  /** Missing where the host's clock and ours agree within a minute. */
  readonly skew?: ClockSkew
}

/** Seconds by which a clock may be off without a word: what was said may have been on its way for some time. */
const SKEW = 60

/**
 * Reads the answer to `HELLO` (src/shell/wire.ts), which was asked at the time `asked` and has come at `came`, both in
 * seconds since 1970. Only well-formed ids are taken: the host is not trusted.
 */
export function readHello(marks: readonly Mark[], asked: number, came: number): Hello {
  const [, bootId = '', machineId = '', clock] = marks.find(({ words }) => words[0] === 'host')?.words ?? []
  const owed = marks.flatMap(({ words: [word, id = ''] }, index) => {
    if (word !== 'owed' || !/^[0-9a-f]{16}$/.test(id)) return []
    const [name = '', run = ''] = (marks[index + 1]?.before.toString('utf8') ?? '').split('\n')
    return [{ id, name, run }]
  })
  const owner = marks.findIndex(({ words }) => words[0] === 'owner')
  const [, run = '', working] = marks[owner]?.words ?? []
  const holder = { run, working: working === 'working', owner: readOwner(marks[owner + 1]?.before) }
  const skew = skewOf(Number(clock), asked, came)
  const revert = revertOf(marks.find(({ words }) => words[0] === 'revert')?.words ?? [])
  const optional = { ...(revert && { revert }), ...(skew && { skew }) }
  return { bootId, machineId, owed, out: readOut(marks), holder: owner < 0 ? undefined : holder, ...optional }
}

function revertOf([, state, run = '']: readonly string[]): HostRevert | undefined {
  const known = REVERT_STATES.find((one) => one === state)
  return known && { state: known, run }
}

/** The host looked at its clock at some time between question and answer. */
function skewOf(clock: number, asked: number, came: number): ClockSkew | undefined {
  if (!Number.isSafeInteger(clock)) return undefined
  if (clock < asked - SKEW) return { seconds: clock - asked, there: clock, here: asked }
  return clock > came + SKEW ? { seconds: clock - came, there: clock, here: came } : undefined
}
