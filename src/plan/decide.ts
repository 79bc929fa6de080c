import type { Change } from '../model/change.ts'
import { DeployError, exitCodes } from '../model/error.ts'
import { sha256 } from '../model/json.ts'
import { type Probe, type Probes, probeId } from '../model/probe.ts'
import { answerBytes, type Pieces } from '../shell/probe-script.ts'
import type { CompiledTask } from './compile.ts'

/** What the answers of a host mean for one task. */
export interface Decision {
  readonly task: CompiledTask
  /** The state read from the host; `undefined` when a probe was unreadable. */
  readonly now: unknown
  readonly changes: readonly Change[]
  /** Why it cannot be decided: what was asked, and the reason it could not be read. */
  readonly unreadable: string | undefined
}

/**
 * Decides every task from the same answers. Pure: the same answers give the same decisions. `ran`: keys of tasks that the
 * run taken over has done; a command without a guard among them is not run twice.
 */
export function decideAll(
  tasks: readonly CompiledTask[],
  pieces: Pieces,
  ran: ReadonlySet<string> = new Set(),
): readonly Decision[] {
  return tasks.map((task) => {
    const decision = decide(task, pieces)
    return task.honesty === 'opaque' && ran.has(task.key) ? { ...decision, changes: [] } : decision
  })
}

function decide(task: CompiledTask, pieces: Pieces): Decision {
  const { values, unreadable } = readValues(task.probes, pieces)
  if (unreadable) return { task, now: undefined, changes: [], unreadable }
  const { kind } = task.task
  try {
    const now = kind.read(values, task.want)
    return { task, now, changes: kind.apply(task.want, now).flat(), unreadable: undefined }
  } catch (error) {
    throw misread(task, error)
  }
}

/** Parameters of a wrong type pass only where the type check was left out. */
function misread({ label, task }: CompiledTask, error: unknown): DeployError {
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof DeployError) {
    const { code, hint, exit, cause } = error
    return new DeployError({
      code,
      message: `${label}: ${message}`,
      where: task.where,
      exit,
      cause,
      ...(hint && { hint }),
    })
  }
  return new DeployError({
    code: 'E_TASK',
    message: `${label}: its parameters make no sense: ${message}`,
    where: task.where,
    hint: 'the type check tells which: deploy plan, without --no-check',
    exit: exitCodes.usage,
    cause: error,
  })
}

/** The values of probes by their names, or the first one that could not be read. */
export function readValues(
  probes: Probes,
  pieces: Pieces,
): { values: Record<string, unknown>; unreadable: string | undefined } {
  const values: Record<string, unknown> = {}
  let unreadable: string | undefined
  for (const [name, probe] of Object.entries(probes)) {
    const piece = pieces.get(probeId(probe))
    const answer = piece
      ? probe.reader.parse(piece, probe.key)
      : ({ state: 'unreadable', reason: 'no answer came' } as const)
    if (answer.state === 'value') values[name] = answer.value
    if (answer.state === 'unreadable')
      unreadable ??= `${probe.reader.kind} ${probe.key.split('\n').at(-1)}: ${answer.reason}`
  }
  return { values, unreadable }
}

/** The hash by which a host knows that the answers of these probes are still those of the plan. */
export function guardOf(probes: readonly Probe[], pieces: Pieces): string {
  return sha256(answerBytes(probes, pieces))
}
