import { setTimeout as delay } from 'node:timers/promises'
import type { CompiledTask } from '../plan/compile.ts'
import { confirmChange, REVERT_AFTER } from '../shell/revert.ts'
import type { LinkFailure } from '../transport/link.ts'
import { type Telling, taskEvent } from './host-events.ts'
import type { Pool } from './pool.ts'
import { HostLost } from './session.ts'

/** Seconds for which a host that may have been cut off is tried: until it has put the change back, and some more. */
const PATIENCE = REVERT_AFTER + 60
/** Seconds between two tries. */
const BETWEEN = 2

/** What became of a change that may have cut off its host. */
type Confirmation =
  | { readonly state: 'confirmed' }
  /** The host has put it back, as a whole or not (`stuck`), or cannot be reached. `why`: what kept us out. */
  | { readonly state: 'reverted' | 'stuck' | 'unreachable'; readonly why: string }
  /** Another run has taken the host over meanwhile. */
  | { readonly state: 'fenced' }

/** Why what tasks changed is not what is there now. */
export interface Undone {
  readonly outcome: 'failed' | 'unknown'
  readonly message: string
}

/** Why what tasks changed on a host is not what is there now; `undefined` when a new login has confirmed it. */
export async function confirmTasks(
  pool: Pool,
  job: Telling & { readonly run: string },
  tasks: readonly CompiledTask[],
): Promise<Undone | undefined> {
  const { run, emit, part } = job
  const { host, phase } = part
  const names = tasks.map(({ label }) => label).join(', ')
  emit({ type: 'host', host, state: 'confirming', message: `a new login must work, or ${names} is put back` })
  const ended = await confirmByLogin(pool, host, run, phase)
  if (ended.state === 'confirmed') return undefined
  if (ended.state === 'fenced')
    return { outcome: 'failed', message: `another run has taken over; whether ${names} was put back is not known here` }
  const cut = `no new login came through (${ended.why})`
  if (ended.state === 'unreachable')
    return {
      outcome: 'unknown',
      message: `${cut}; the host puts ${names} back, and cannot be reached: look at its console`,
    }
  const whole = ended.state === 'reverted'
  for (const task of tasks)
    emit({ ...taskEvent(job, task), state: 'failed', note: whole ? 'put back by the host' : 'not put back as a whole' })
  if (whole) return { outcome: 'failed', message: `${cut}: the host has put back ${names}` }
  const where = `/var/lib/deploy/revert/${run}.${phase}`
  return {
    outcome: 'failed',
    message: `the host could not put back ${names} as a whole; look at ${where} there: ${ended.why}`,
  }
}

/**
 * Proves by a new login that a host can still be reached, and so keeps what this phase of the run changed there. Where none
 * comes through in time the host puts it back by itself; this waits for that, to say how it ended.
 */
async function confirmByLogin(pool: Pool, host: string, run: string, phase: number): Promise<Confirmation> {
  const began = performance.now()
  const spent = () => (performance.now() - began) / 1000
  let why = 'the login came too late'
  while (spent() < PATIENCE) {
    pool.reopen(host)
    let wait = BETWEEN
    try {
      const marks = await pool.ask(host, { script: confirmChange(run, phase), within: 30 })
      const said = marks.find(({ words }) => STATES.has(words[0] ?? ''))
      const output = said && marks[marks.indexOf(said) + 1]?.before.toString('utf8').trim()
      switch (said?.words[0]) {
        // Nothing is left to confirm, and nobody else was there: the answer to an earlier try was lost.
        case 'confirmed':
        case 'none':
          return { state: 'confirmed' }
        case 'fenced':
          return { state: 'fenced' }
        case 'stuck':
          return { state: 'stuck', why: output || why }
        case 'reverted':
          return { state: 'reverted', why }
      }
    } catch (error) {
      if (!(error instanceof HostLost)) throw error
      why = error.failure.message
      // Who is turned away again and again is banned in the end; nothing changes before the host has put it back.
      if (isDenial(error.failure)) wait = Math.max(BETWEEN, REVERT_AFTER + 5 - spent(), 10)
    }
    await delay(wait * 1000)
  }
  return { state: 'unreachable', why }
}

const STATES = new Set(['confirmed', 'reverting', 'reverted', 'stuck', 'none', 'fenced'])

/** Whether the host answered, and did not let us in. */
export function isDenial({ kind }: LinkFailure): boolean {
  return !['refused', 'timeout', 'lost', 'dropped', 'no-route', 'dns'].includes(kind)
}
