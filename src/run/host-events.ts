import type { Emit, HandlerEvent, TaskEvent } from '../model/event.ts'
import type { Redactor } from '../model/redaction.ts'
import type { CompiledTask } from '../plan/compile.ts'
import type { Mark } from '../shell/frames.ts'
import type { OwedHere } from '../shell/program.ts'
import type { HostPhase } from './survey.ts'

/** One host's part of a phase, and who is told what happens there. */
export interface Telling {
  readonly part: HostPhase
  readonly phaseName: string
  /** Handlers of earlier runs to pay here. */
  readonly owed: readonly OwedHere[]
  readonly emit: Emit
  readonly redactor: Redactor
}

/** Tells of a mark; false when what the host sent for it could not be kept here. */
export function report(job: Telling, { words, before }: Mark): boolean {
  const [word = '', id = '', rest] = words
  const task = job.part.tasks[Number(id)]
  if (word === 'start' && task) job.emit({ ...taskEvent(job, task), state: 'start' })
  if (word === 'done' && task) return reportDone(job, task, before)
  const output = job.redactor.bytes(before)
  if (word === 'failed' && task) job.emit({ ...taskEvent(job, task), state: 'failed', output, code: Number(rest) })
  const state = HANDLER_STATES[word]
  if (state === 'invalid') job.emit({ ...handlerEvent(job, id), state, output, putBack: asPutBack(rest) })
  else if (state) job.emit({ ...handlerEvent(job, id), state, output, ...(rest && { code: Number(rest) }) })
  return true
}

function reportDone(job: Telling, task: CompiledTask, output: Buffer): boolean {
  const { received } = task.task.kind
  try {
    received?.(task.want, output)
    job.emit({ ...taskEvent(job, task), state: 'changed', ...(!received && { output: job.redactor.bytes(output) }) })
    return true
  } catch (error) {
    job.emit({ ...taskEvent(job, task), state: 'failed', output: Buffer.from(`${(error as Error).message}\n`) })
    return false
  }
}

/** Tells of the task or handler that was at work when the word of a program broke off: nobody knows how it ended. */
export function reportCutOff(job: Telling, marks: readonly Mark[], reason: string): void {
  const last = marks.findLast(({ words: [word = ''] }) => /^(start|done|failed|handler|handled|unhandled)$/.test(word))
  const [word, id = ''] = last?.words ?? []
  const task = job.part.tasks[Number(id)]
  if (word === 'start' && task) job.emit({ ...taskEvent(job, task), state: 'unknown', note: reason })
  if (word === 'handler') job.emit({ ...handlerEvent(job, id), state: 'unknown', note: reason })
}

function asPutBack(word: string | undefined): 'all' | 'some' | 'none' {
  return word === 'all' || word === 'some' ? word : 'none'
}

const HANDLER_STATES: Readonly<Record<string, HandlerEvent['state']>> = {
  handler: 'start',
  handled: 'changed',
  unhandled: 'failed',
  invalid: 'invalid',
  dropped: 'dropped',
}

export function taskEvent({ part, phaseName }: Telling, task: CompiledTask): Omit<TaskEvent, 'state'> {
  return { type: 'task', phase: phaseName, host: part.host, task: task.label, key: task.key, where: task.task.where }
}

function handlerEvent({ part, phaseName, owed }: Telling, id: string): Omit<HandlerEvent, 'state'> {
  const notifier = part.tasks.find((task) => task.notify.some((handler) => handler.id === id))
  const known = notifier?.notify.find((handler) => handler.id === id)
  const handler = known?.name ?? owed.find((item) => item.id === id)?.name ?? id
  return { type: 'handler', phase: phaseName, host: part.host, handler, where: notifier?.task.where ?? '' }
}
