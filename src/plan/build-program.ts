import type { Content } from '../model/content.ts'
import type { Step } from '../model/step.ts'
import type { Pieces } from '../shell/probe-script.ts'
import type { ProgramHandler, ProgramInput, ProgramTask } from '../shell/program.ts'
import { type CompiledTask, probesOf } from './compile.ts'
import { type Decision, guardOf } from './decide.ts'

/** Seconds a foreign command may take when its task does not say. */
const TIMEOUT = 600

export interface ProgramHead {
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
  return {
    ...head,
    tasks: todo.map((decision) => programTask(decision, pieces)),
    guard: guardOf(probesOf(todo.map(({ task }) => task)), pieces),
    handlers: programHandlers(tasks),
    owed,
    probes: probesOf(tasks),
  }
}

/** The contents a program writes, each once. */
export function programContents(todo: readonly Decision[]): readonly Content[] {
  const contents = todo.flatMap(stepsOf).flatMap((step) => (step.kind === 'put' ? [step.content] : []))
  return [...new Map(contents.map((content) => [content.sha256, content])).values()]
}

function programTask(decision: Decision, pieces: Pieces): ProgramTask {
  const { task } = decision
  const probes = Object.values(task.probes)
  return {
    index: task.index,
    key: task.key,
    probes,
    guard: guardOf(probes, pieces),
    steps: stepsOf(decision),
    notify: task.notify.map((handler) => handler.id),
    timeout: task.task.options.timeout ?? TIMEOUT,
  }
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
