import type { Content } from '../model/content.ts'
import { sha256 } from '../model/json.ts'
import type { Probe } from '../model/probe.ts'
import type { PutStep, ShellStep, Step } from '../model/step.ts'
import { askProbes, defineReaders, printAnswers } from './probe-script.ts'
import { PROGRAM_FUNCTIONS } from './program-functions.ts'
import { DEFINE_WATCHER, REVERT_FUNCTIONS } from './revert.ts'
import { ENVIRONMENT, FOLDERS } from './session.ts'
import { quote } from './sh.ts'

/** Questions whose answers must still be those the plan was decided on. */
export interface Guarded {
  readonly probes: readonly Probe[]
  /** SHA-256 of the answers to `probes`. */
  readonly guard: string
  /** Further questions, answered by a proof that the thing is not there, as tests of the shell that still hold then. */
  readonly absences: readonly string[]
}

/**
 * One planned task as the host program needs it. Its probes are its own, and behind a task that may move others also
 * those of the tasks between that need nothing: when one of them was moved, it has its turn before this one.
 */
export interface ProgramTask extends Guarded {
  /** Its place among all tasks of this host's phase; names it in marks and kept files. */
  readonly index: number
  readonly key: string
  readonly steps: readonly Step[]
  /** Ids of the handlers it owes when it changes something. */
  readonly notify: readonly string[]
  /** Seconds for each foreign command. */
  readonly timeout: number
  /** What it changes may cut off the host: what was there before is kept, and put back unless a login confirms it. */
  readonly revert?: ProgramRevert
  /** Handlers whose set of files is whole before this task, or with it, and is judged there. */
  readonly judgesBefore: readonly string[]
  readonly judgesAfter: readonly string[]
}

export interface ProgramRevert {
  readonly paths: readonly string[]
  /** Scripts that keep what is live, and make it live again. */
  readonly save: string
  readonly restore: string
}

export interface ProgramHandler {
  readonly id: string
  readonly name: string
  readonly script: string
  readonly validate: string | undefined
  readonly restarts: string | undefined
  readonly timeout: number
  /** The indexes of the phase's tasks that notify it; the files they write are its set. */
  readonly tasks: readonly number[]
}

/** A handler that an earlier run owes. `as`: the handler of this phase that has its name and another body. */
export interface OwedHere {
  readonly id: string
  readonly name: string
  readonly as?: string
}

/** Everything one host program does, as plain data. */
export interface ProgramInput {
  readonly nonce: string
  readonly run: string
  /** The fence that was raised when this run took the lock of the host. */
  readonly fence: number
  /** Where the previous content of files is kept, apart from other phases of the run. */
  readonly phase: number
  /** Who asks, for the host's own journal. */
  readonly who: string
  readonly tasks: readonly ProgramTask[]
  /** The answers of all planned tasks together. */
  readonly before: Guarded
  /** In the order of first notification; each runs only if it is owed. */
  readonly handlers: readonly ProgramHandler[]
  /** Owed by runs before this one and unknown to this phase: their stored scripts run. */
  readonly owed: readonly OwedHere[]
  /** The tasks behind the last planned one, where an earlier one may move them. */
  readonly after: Guarded | undefined
  /** All probes of the host's phase, for the check after the last step and for the answers of a program that stops. */
  readonly probes: readonly Probe[]
}

/** Contents above this many bytes are staged on the host's disk, not in memory. */
export const SMALL_FILE = 1 << 20

/**
 * The script of one host's part of a phase. It compares the answers of all planned tasks first (a mismatch is `stale`,
 * nothing was touched), then takes the tasks in order, comparing each again just before its steps (a mismatch is
 * `moved`); then handlers, then all checks again. Marks go to its journal file; the last one is `end WORD`.
 */
export function hostProgram(input: ProgramInput): string {
  const guarded = [input.before, ...input.tasks, ...(input.after ? [input.after] : [])]
  const ids = input.handlers.map((handler) => handler.id)
  const arms = input.tasks.some(({ revert }) => revert)
  return [
    `P=$1 LOG=$2\n${ENVIRONMENT}\n${FOLDERS}`,
    `N=${input.nonce} RUN=${quote(input.run)} FENCE=${input.fence} PHASE=${input.phase} WHO=${quote(input.who)}`,
    PROGRAM_FUNCTIONS,
    ...(arms ? [DEFINE_WATCHER, REVERT_FUNCTIONS] : []),
    defineReaders([...input.probes, ...guarded.flatMap(({ probes }) => probes)]),
    `answers() {\n:\n${askProbes(input.probes)}} >&3 2>/dev/null 9>&-`,
    ...input.handlers.map(defineHandler),
    'open_program',
    comparison(input.before, 'stale'),
    ...input.owed.flatMap(({ id, as }) => (as ? [`supersede ${id} ${as}`] : [])),
    ...input.tasks.map((task) => runTask(task, input.nonce)),
    input.after ? ifActed(input.after, 'moved') : '',
    ...input.handlers.map(({ id }) => `run_handler ${id}`),
    ...input.owed.filter(({ id, as }) => !as && !ids.includes(id)).map(({ id }) => `run_owed ${id}`),
    'say verify\nanswers',
    'finish ok',
    '',
  ].join('\n')
}

function defineHandler(handler: ProgramHandler): string {
  const { id, validate } = handler
  return [
    `script_${id}=${quote(handler.script)}`,
    `validate_${id}=${quote(validate ?? '')}`,
    `unit_${id}=${quote(handler.restarts ?? '')}`,
    `timeout_${id}=${handler.timeout}`,
    `name_${id}=${quote(handler.name)}`,
    `tasks_${id}=${quote(handler.tasks.join(' '))}`,
  ].join('\n')
}

/** Shell that stops the program with `word` unless the host still answers as it did for the plan. */
function comparison({ probes, guard, absences }: Guarded, word: string): string {
  const gone = absences.map((test) => `${test} || stop ${word}`)
  const same = `{\n${printAnswers(probes)}} >"$P/asked" 2>/dev/null 9>&-\nmatches ${guard} || stop ${word}`
  return [...gone, ...(probes.length > 0 ? [same] : [])].join('\n')
}

/** Once something was done, the tasks from here on may have been moved by it. */
function ifActed(guarded: Guarded, word: string): string {
  return `if [ -n "$acted" ]; then\n:\n${comparison(guarded, word)}\nfi`
}

function runTask(task: ProgramTask, nonce: string): string {
  const last = task.steps.some((step) => step.kind === 'shell' && step.reboots)
  return [
    `begin ${task.index} ${quote(task.key)}`,
    ifActed(task, `moved ${task.index}`),
    ...task.judgesBefore.map((id) => `judge ${id}`),
    // A host that goes down ends its programs; this one has its last words still to say.
    ...(last ? ["trap '' TERM"] : []),
    `( set -e; owes=${quote(task.notify.join(' '))}`,
    ...(task.revert ? [arm(task.index, task.revert)] : []),
    ...task.steps.map((step) => runStep(step, task, nonce)),
    `) </dev/null >&3 2>&1 9>&-; done_with $? ${task.index} ${quote(task.key)}`,
    ...task.steps.flatMap((step) =>
      'starts' in step && step.starts ? [`started ${quote(step.starts)} ${restartId(step.starts)}`] : [],
    ),
    ...task.notify.map((id) => `notified ${id}`),
    ...task.judgesAfter.map((id) => `judge ${id}`),
    ...(last ? ['finish rebooting'] : []),
  ].join('\n')
}

function arm(index: number, { save, restore, paths }: ProgramRevert): string {
  return ['arm', index, ...[save, restore, ...paths].map(quote)].join(' ')
}

function runStep(step: Step, task: ProgramTask, nonce: string): string {
  return step.kind === 'put' ? put(step, nonce) : runShell(step, task, nonce)
}

function put(step: PutStep, nonce: string): string {
  const { sha256: hash } = step.content
  const restart = step.restarts === undefined ? [] : [step.restarts, restartId(step.restarts)]
  const words = [hash, step.owner ?? '', step.group ?? '', step.mode, step.validate ?? '', ...restart].map(quote)
  const hidden = step.content.secret ? `hidden ${quote(step.path)}\n` : ''
  return `${hidden}put ${quote(step.path)} ${arrived(step.content, nonce)} ${words.join(' ')}`
}

/** Where a content is once it arrived. */
function arrived({ size, sha256: hash }: Content, nonce: string): string {
  return `"${size > SMALL_FILE ? '$D' : '$F'}/${arrivedName(nonce, hash)}"`
}

/** The name of a content on the host. Everybody sees it in command lines there, so its hash alone would tell too much. */
export function arrivedName(nonce: string, hash: string): string {
  return sha256(`${nonce} ${hash}`).slice(0, 32)
}

function runShell(step: ShellStep, task: ProgramTask, nonce: string): string {
  const open = step.content && !step.foreign
  const keep = `${open ? `exec 4<${arrived(step.content, nonce)}\n` : ''}${step.keeps ? `keep ${quote(step.keeps)}\n` : ''}${task.notify.length > 0 ? 'owing\n' : ''}${step.reboots ? 'say rebooting\n' : ''}`
  if (!step.foreign) return `${keep}${step.script}`
  const input = step.content ? `input=${arrived(step.content, nonce)}\n` : ''
  return `${keep}${input}foreign ${task.timeout} ${quote(step.as ?? '')} ${quote(step.script)}`
}

/** Under this a host remembers that a unit is to be restarted, as it does handlers. */
function restartId(unit: string): string {
  return sha256(`restart ${unit}`).slice(0, 16)
}
