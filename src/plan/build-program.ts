import type { Content } from '../model/content.ts'
import { type Probe, probeId } from '../model/probe.ts'
import type { Step } from '../model/step.ts'
import type { Pieces } from '../shell/probe-script.ts'
import type { Guarded, ProgramHandler, ProgramInput } from '../shell/program.ts'
import { type CompiledTask, probesOf, revertOf } from './compile.ts'
import { type Decision, guardOf } from './decide.ts'

/** Seconds a foreign command may take when its task does not say. */
const TIMEOUT = 600

export interface ProgramHead {
  /** Whether a login proves something: changes that may cut off the host are put back without one. */
  readonly guards: boolean
  readonly nonce: string
  readonly run: string
  readonly fence: number
  readonly phase: number
  readonly who: string
}

/** The host program that carries out some decisions of a host's phase, as plain data. */
export function buildProgram(
  head: ProgramHead,
  tasks: readonly CompiledTask[],
  pieces: Pieces,
  todo: readonly Decision[],
  owed: ProgramInput['owed'],
): ProgramInput {
  const indexes = todo.map(({ task }) => task.index)
  const mover =
    todo.find(({ task, changes }) => task.task.kind.moves?.(task.want, changes))?.task.index ?? Number.POSITIVE_INFINITY
  const between = (from: number, to: number) =>
    probesOf(tasks.filter(({ index }) => index > Math.max(from, mover) && index < to))
  const handlers = programHandlers(tasks)
  const asked = todo.map(({ task }, at) => [
    ...between(indexes[at - 1] ?? -1, task.index),
    ...Object.values(task.probes),
  ])
  const { guards, ...named } = head
  return {
    ...named,
    tasks: todo.map((decision, at) => ({
      ...programTask(decision, guards),
      ...guarded(asked[at] ?? [], pieces),
      ...judges(handlers, indexes, at, mover),
    })),
    before: guarded(asked.flat(), pieces),
    handlers,
    owed,
    probes: probesOf(tasks),
    after:
      mover < Number.POSITIVE_INFINITY
        ? guarded(between(indexes.at(-1) ?? -1, Number.POSITIVE_INFINITY), pieces)
        : undefined,
  }
}

/** What is not there is guarded by a test of the shell where its reader has one: most of a first converge is that. */
function guarded(probes: readonly Probe[], pieces: Pieces): Guarded {
  const absences = new Map<Probe, string>()
  for (const probe of probes) {
    const piece = pieces.get(probeId(probe))
    const test = piece && probe.reader.parse(piece, probe.key).state === 'absent' && probe.reader.absence?.(probe.key)
    if (test) absences.set(probe, test)
  }
  const hashed = probes.filter((probe) => !absences.has(probe))
  return { probes: hashed, guard: guardOf(hashed, pieces), absences: [...new Set(absences.values())] }
}

/**
 * Where sets of files are judged: with the last planned task that notifies; behind a task that may move others with the
 * last of all that notify, for it may get its turn yet. What is not judged by a task is judged before its handler.
 */
function judges(handlers: readonly ProgramHandler[], indexes: readonly number[], at: number, mover: number) {
  const here = indexes[at] ?? -1
  const before = indexes[at - 1] ?? -1
  const judged = handlers.filter(({ validate }) => validate)
  const ends = judged.map(({ id, tasks: notifiers }) => {
    const planned = notifiers.filter((index) => indexes.includes(index))
    const last = planned.at(-1) ?? -1
    return { id, first: planned[0] ?? Number.POSITIVE_INFINITY, end: last > mover ? (notifiers.at(-1) ?? -1) : last }
  })
  return {
    judgesBefore: ends.filter(({ first, end }) => first < here && end > before && end < here).map(({ id }) => id),
    judgesAfter: ends.filter(({ first, end }) => first <= here && end === here).map(({ id }) => id),
  }
}

/** What one program does of it: all up to the first task that reboots the host. */
export function upToReboot(todo: readonly Decision[]): readonly Decision[] {
  const at = todo.findIndex(reboots)
  return at < 0 ? todo : todo.slice(0, at + 1)
}

/** Whether a decision reboots its host. */
export function reboots(decision: Decision): boolean {
  return stepsOf(decision).some((step) => step.kind === 'shell' && step.reboots)
}

/** The contents a program writes, each once. */
export function programContents(todo: readonly Decision[]): readonly Content[] {
  const contents = todo.flatMap(stepsOf).flatMap((step) => step.content ?? [])
  return [...new Map(contents.map((content) => [content.sha256, content])).values()]
}

function programTask(decision: Decision, guards: boolean) {
  const { task } = decision
  const steps = stepsOf(decision)
  const revert = guards && revertOf(task)
  return {
    index: task.index,
    key: task.key,
    steps,
    ...(revert && {
      revert: { paths: pathsOf(steps), save: revert.save?.shell ?? ':', restore: revert.restore.shell },
    }),
    notify: task.notify.map((handler) => handler.id),
    timeout: task.task.options.timeout ?? TIMEOUT,
  }
}

/** The files that steps write or remove. */
function pathsOf(steps: readonly Step[]): readonly string[] {
  return [...new Set(steps.flatMap((step) => (step.kind === 'put' ? step.path : (step.keeps ?? []))))]
}

/** The steps of all changes of a task, in order; several fields may be mended by one step. */
function stepsOf({ changes }: Decision): readonly Step[] {
  return [...new Set(changes.flatMap(({ steps }) => steps))]
}

/** All handlers of a host's phase, in the order of first notification, each with the tasks that notify it. */
function programHandlers(tasks: readonly CompiledTask[]): readonly ProgramHandler[] {
  const handlers = new Map(tasks.flatMap((task) => task.notify.map((handler) => [handler.id, handler] as const)))
  return [...handlers.values()].map((handler) => ({
    ...handler,
    validate: handler.validate,
    restarts: handler.restarts,
    tasks: tasks.filter((task) => task.notify.some(({ id }) => id === handler.id)).map((task) => task.index),
  }))
}
