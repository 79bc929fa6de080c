import { hostname, userInfo } from 'node:os'
import type { PartOutcome } from '../model/event.ts'
import { buildProgram, programContents, reboots, upToReboot } from '../plan/build-program.ts'
import { type CompiledTask, probesOf } from '../plan/compile.ts'
import { type Decision, decideAll } from '../plan/decide.ts'
import type { Converged } from '../plan/manifest.ts'
import { type Pieces, readPieces } from '../shell/probe-script.ts'
import { hostProgram } from '../shell/program.ts'
import type { Approve } from './approval.ts'
import { askHost } from './ask-probes.ts'
import { confirmTasks } from './confirm-change.ts'
import { report, reportCutOff, type Telling, taskEvent } from './host-events.ts'
import type { Pool } from './pool.ts'
import { newNonce, type ProgramResult, runProgram } from './program-run.ts'
import { awaitReboot } from './reboot.ts'

/** How one host's part of a phase ended. */
export interface HostPhaseResult {
  readonly outcome: PartOutcome
  /** Why, where it did not end well. */
  readonly message?: string
  /** Nothing was done on it: it did not begin. */
  readonly untouched?: true
  /** The balancer that it was left out of. */
  readonly leftOut?: string
}

export interface HostResult extends HostPhaseResult {
  readonly host: string
  readonly phase: string
}

export interface HostPhaseJob extends Telling {
  readonly run: string
  readonly fence: number
  /** Names the programs within the run. Default: the number of the phase. */
  readonly program?: string
  /** Whether a new login proves something: not on the machine the command runs on. */
  readonly guards: boolean
  readonly approve: Approve
  /** Aborted when nothing more shall be begun. */
  readonly stop: AbortSignal
  /** Takes what was asked and answered last, where all is as wanted. */
  readonly converged: (part: Converged) => void
  /** Writes the controller's journal. */
  readonly record: (event: string, detail: Readonly<Record<string, unknown>>) => void
}

/** Corrections after a whole program before we admit that two tasks fight. */
const CORRECTIONS = 2
/** Seconds a host may be away for a reboot when its task does not say. */
const REBOOT_LIMIT = 600
const NOTHING = Buffer.alloc(0)
/** Programs in a row that did nothing before we admit that something else keeps changing the host. */
const IDLE_ROUNDS = 5

/**
 * Brings one host's part of a phase to what is wanted: one program, and another where the host moved under it, decided
 * again from what the host looks like then. At the end every check is asked again and must say: as wanted. What may have
 * cut off the host stays only if a new login comes through, however the programs have ended.
 */
export async function runHostPhase(pool: Pool, job: HostPhaseJob): Promise<HostPhaseResult> {
  const armed = new Map<string, CompiledTask>()
  let converged: Converged | undefined
  const result = await converge(pool, {
    ...job,
    onArmed: (task) => void armed.set(task.key, task),
    converged: (part) => {
      converged = part
    },
  }).catch((error: unknown) => ({ error }))
  const undone = armed.size > 0 ? await confirmTasks(pool, job, [...armed.values()]) : undefined
  if (undone) {
    const before = 'error' in result ? String(result.error) : result.message
    return { ...undone, message: [before, undone.message].filter(Boolean).join('; ') }
  }
  if ('error' in result) throw result.error
  if (converged) job.converged(converged)
  return result
}

async function converge(
  pool: Pool,
  job: HostPhaseJob & { readonly onArmed: (task: CompiledTask) => void },
): Promise<HostPhaseResult> {
  const { part } = job
  const planned = new Set(part.decisions.filter(({ changes }) => changes.length > 0).map(({ task }) => task.key))
  const done = new Map<string, number>()
  let { pieces, decisions } = part
  // Handlers owed by earlier runs, and by tasks done here whose program did not come to its end.
  let owing = job.owed.length > 0
  let corrections = 0
  let idle = 0
  let stale = false
  let lastDone: CompiledTask | undefined

  for (let round = 1; idle <= IDLE_ROUNDS; round++) {
    const unreadable = decisions.find((decision) => decision.unreadable)
    if (unreadable)
      return { outcome: 'failed', message: `${unreadable.task.label}: cannot be read: ${unreadable.unreadable}` }
    const unmet = decisions.find(
      ({ task, changes }) => changes.length > 0 && task.honesty === 'probed' && done.has(task.key),
    )
    if (unmet) return guardUnmet(unmet.task)
    const todo = decisions.filter(
      (decision) => decision.changes.length > 0 && !(decision.task.honesty === 'opaque' && done.has(decision.task.key)),
    )
    reportAlreadySo(job, decisions, planned, done, lastDone)
    if (todo.length === 0 && !owing) {
      job.converged({ decisions, pieces })
      return { outcome: done.size > 0 || job.owed.length > 0 ? 'changed' : 'ok' }
    }
    const refusal = job.approve(part.host, todo, stale)
    if (refusal) return { outcome: 'refused', message: refusal, ...(round === 1 && { untouched: true }) }

    if (job.stop.aborted) return stopped(todo, done)
    const { bootId } = await pool.hello(part.host)
    const result = await sendProgram(pool, job, { round, pieces, todo: upToReboot(todo) })
    for (const index of marked(result, 'armed')) if (part.tasks[index]) job.onArmed(part.tasks[index])
    const tasksDone = marked(result, 'done').flatMap((index) => part.tasks[index] ?? [])
    for (const task of tasksDone) done.set(task.key, (done.get(task.key) ?? 0) + 1)
    lastDone = tasksDone.at(-1) ?? lastDone
    idle = tasksDone.length > 0 ? 0 : idle + 1
    stale = result.end === 'stale' && done.size === 0
    if (result.end === 'unknown') return reportUnknown(job, result)
    if (result.end === 'stopped' && job.stop.aborted) return stopped(todo, done)
    if (result.end === 'fenced' || result.end === 'stopped')
      return { outcome: 'failed', message: 'another run has taken over the lock of this host; nothing more was done' }
    if (result.end === 'failed') return { outcome: 'failed' }
    if (result.end === 'rebooting') {
      const { task } = todo.find(reboots) ?? {}
      if (task && !tasksDone.includes(task)) report(job, { words: ['done', String(task.index)], before: NOTHING })
      if (task) done.set(task.key, 1)
      await awaitReboot(pool, part.host, bootId, task?.task.options.timeout ?? REBOOT_LIMIT, job)
      pieces = await askHost(pool, part.host, probesOf(part.tasks))
    } else pieces = readPieces(result.marks, probesOf(part.tasks))
    decisions = decideAll(part.tasks, pieces, part.ran)
    owing = result.end !== 'ok' && (owing || tasksDone.some(({ notify }) => notify.length > 0))
    if (result.end === 'ok') {
      const wrong = stillWrong(decisions, done)
      if (wrong.length > 0 && ++corrections > CORRECTIONS) return notConverged(wrong, done)
    }
  }
  return {
    outcome: 'failed',
    message: `something else keeps changing this host: each program found it other than it was looked at`,
  }
}

/** One round: what is to be done now, and what it was decided on. */
interface Round {
  readonly round: number
  readonly pieces: Pieces
  readonly todo: readonly Decision[]
}

async function sendProgram(pool: Pool, job: HostPhaseJob, { round, pieces, todo }: Round): Promise<ProgramResult> {
  const { run, fence, guards, emit, part, stop } = job
  const { host, phase } = part
  const program = `${job.program ?? phase}.${round}`
  const nonce = newNonce()
  const head = { nonce, run, fence, phase, guards, who: `${userInfo().username}@${hostname()}` }
  job.record('program', { host, phase, program, tasks: todo.map(({ task }) => task.key) })
  let kept = true
  const result = await runProgram(pool, {
    host,
    run,
    name: program,
    nonce,
    script: hostProgram(buildProgram(head, part.tasks, pieces, todo, job.owed)),
    contents: programContents(todo),
    onMark: (mark) => {
      kept = report(job, mark) && kept
    },
    emit,
    stop,
  })
  job.record('program-end', { host, phase, program, end: result.end })
  return kept ? result : { ...result, end: 'failed' }
}

/** What was not begun, and which handlers wait for it. */
function stopped(todo: readonly Decision[], done: ReadonlyMap<string, number>): HostPhaseResult {
  const next = todo.find(({ task }) => !done.has(task.key))
  const owed = new Set(todo.flatMap(({ task }) => (done.has(task.key) ? task.notify : [])).map(({ name }) => name))
  const before = next ? `stopped before ${next.task.label}` : 'stopped behind its last task'
  return { outcome: 'stopped', message: owed.size > 0 ? `${before}; owes ${[...owed].join(', ')}` : before }
}

/** A command may not be safe to run twice: when its guard is not satisfied by it, that is for a person to see. */
function guardUnmet({ label, task }: CompiledTask): HostPhaseResult {
  return { outcome: 'failed', message: `${label} (${task.where}) ran, and its guard says that it is still to be run` }
}

/** Tasks that are not as wanted though the program came to its end. Opaque commands cannot be judged. */
function stillWrong(decisions: readonly Decision[], done: ReadonlyMap<string, number>): readonly Decision[] {
  return decisions.filter(
    ({ task, changes }) => changes.length > 0 && !(task.honesty === 'opaque' && done.has(task.key)),
  )
}

function notConverged(wrong: readonly Decision[], done: ReadonlyMap<string, number>): HostPhaseResult {
  const labels = wrong.map(
    ({ task, changes }) =>
      `${task.label} (${changes.map(({ field, from, to }) => `${field}: ${from}, wanted ${to}`).join('; ')})`,
  )
  const repeated = [...done].filter(([, times]) => times > 1).map(([key]) => key)
  const fight = repeated.length > 1 ? `; ${repeated.slice(0, 2).join(' and ')} undo each other` : ''
  return { outcome: 'failed', message: `not as wanted although every step succeeded: ${labels.join(', ')}${fight}` }
}

function marked(result: ProgramResult, word: string): readonly number[] {
  return result.marks.filter(({ words }) => words[0] === word).map(({ words }) => Number(words[1]))
}

/**
 * Tells of planned tasks that need no step any more. `last`: the task behind which that was seen. Any one before it may have
 * brought it about, for a task is asked again only when it is its turn.
 */
function reportAlreadySo(
  job: HostPhaseJob,
  decisions: readonly Decision[],
  planned: Set<string>,
  done: ReadonlyMap<string, number>,
  last: CompiledTask | undefined,
): void {
  for (const { task, changes } of decisions) {
    if (!planned.has(task.key) || changes.length > 0) continue
    planned.delete(task.key)
    if (!done.has(task.key)) {
      job.emit({ ...taskEvent(job, task), state: 'ok', note: last ? `already so (after ${last.label})` : 'already so' })
    }
  }
}

function reportUnknown(
  job: HostPhaseJob,
  { marks, reason = 'no word of the program' }: ProgramResult,
): HostPhaseResult {
  reportCutOff(job, marks, reason)
  job.emit({ type: 'host', host: job.part.host, state: 'unknown', message: reason })
  return { outcome: 'unknown', message: reason }
}
