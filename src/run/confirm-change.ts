import { setTimeout as delay } from 'node:timers/promises'
import { confirmChange, REVERT_AFTER } from '../shell/revert.ts'
import type { Pool } from './pool.ts'
import { HostLost } from './session.ts'

/** Seconds for which a host that may have been cut off is tried: until it has put the change back, and some more. */
const PATIENCE = REVERT_AFTER + 60
const BETWEEN = 2

/** What became of a change that may have cut off its host. */
export type Confirmation =
  | { readonly state: 'confirmed' }
  /** The host has put it back, as a whole or not (`stuck`), or cannot be reached at all. `why`: what kept us out. */
  | { readonly state: 'reverted' | 'stuck' | 'unreachable'; readonly why: string }

/**
 * Proves by a new login that a host can still be reached, and so keeps what this run changed there. Where none comes
 * through in time the host puts it back by itself; this waits for that, to say how it ended.
 */
export async function confirmByLogin(pool: Pool, host: string, run: string): Promise<Confirmation> {
  const began = performance.now()
  let why = 'the login came too late'
  while (performance.now() - began < PATIENCE * 1000) {
    pool.reopen(host)
    try {
      const marks = await pool.ask(host, { script: confirmChange(run), within: 30 })
      const said = marks.find(({ words }) => STATES.has(words[0] ?? ''))
      const [word] = said?.words ?? []
      // What was put back says so until the next run: nothing left means that an answer to us was lost.
      if (word === 'confirmed' || word === 'none') return { state: 'confirmed' }
      const output = said && marks[marks.indexOf(said) + 1]?.before.toString('utf8').trim()
      if (word === 'stuck') return { state: 'stuck', why: output || why }
      if (word !== 'reverting') return { state: 'reverted', why }
    } catch (error) {
      if (!(error instanceof HostLost)) throw error
      why = error.failure.message
    }
    await delay(BETWEEN * 1000)
  }
  return { state: 'unreachable', why }
}

const STATES = new Set(['confirmed', 'reverting', 'reverted', 'stuck', 'none'])
