import type { Sources } from '../model/content.ts'
import { DeployError, DeployErrors, exitCodes } from '../model/error.ts'
import type { Inventory } from '../model/inventory.ts'
import { ownMessage } from '../model/own-message.ts'
import type { PlanProblem } from '../model/plan.ts'
import type { Playbook } from '../model/playbook.ts'
import { type CompiledTask, compileTasks } from './compile.ts'
import { expandHost, type FactTable, phaseHosts } from './expand.ts'

/** What a playbook is compiled with. */
export interface CompileInput {
  /** The project's folder: places in it are named without it. */
  readonly root: string
  readonly inventory: Inventory
  readonly playbook: Playbook
  readonly sources: Sources
  readonly limit: ReadonlySet<string>
}

/** One host's part of a phase, compiled. */
export interface CompiledPart {
  readonly host: string
  /** The phase's place in the playbook. */
  readonly phase: number
  readonly tasks: readonly CompiledTask[]
}

export interface CompiledPhases {
  readonly parts: readonly CompiledPart[]
  /** Phases that wait for the facts of an unreachable peer: they have no parts. */
  readonly waiting: readonly PlanProblem[]
}

/**
 * The tasks of all hosts of some phases. `factsOf` gives the facts that a phase sees; a host whose own facts are declared
 * and missing has no part.
 *
 * @throws DeployErrors or DeployError (exit 64) when tasks cannot be made or compiled.
 */
export function compilePhases(
  input: CompileInput,
  indexes: readonly number[],
  factsOf: (phase: number) => FactTable,
): CompiledPhases {
  const parts: CompiledPart[] = []
  const waiting: PlanProblem[] = []
  const errors: HostError[] = []
  for (const index of indexes) {
    const phase = input.playbook.phases[index]
    if (!phase) continue
    const table = factsOf(index)
    const known = (host: string) => Object.keys(phase.facts).length === 0 || table.has(host)
    for (const host of phaseHosts(phase, input.inventory, input.limit).filter(known)) {
      try {
        const tasks = expandHost(phase, host, input.inventory, table).map((task) => ({
          ...task,
          where: shownWhere(input.root, task.where),
        }))
        parts.push({ host, phase: index, tasks: compileTasks(host, tasks, input.sources) })
      } catch (error) {
        if (error instanceof DeployError && error.exit === exitCodes.unreachable)
          waiting.push(problemOf(host, phase.name, error))
        else
          errors.push(...(error instanceof DeployErrors ? error.errors : [error]).map((one) => ({ host, error: one })))
      }
    }
  }
  const told = onePerCause(input.root, errors)
  if (told.length > 0) throw told.length === 1 ? told[0] : new DeployErrors(told)
  const waits = new Set(waiting.map((problem) => problem.phase))
  return { parts: parts.filter(({ phase }) => !waits.has(input.playbook.phases[phase]?.name)), waiting }
}

interface HostError {
  readonly host: string
  readonly error: unknown
}

/** A mistake that is the same on several hosts is told once, with their names. */
function onePerCause(root: string, errors: readonly HostError[]): readonly DeployError[] {
  const causes = Map.groupBy(errors, ({ host, error }) =>
    error instanceof DeployError ? `${error.where}\0${causeOf(host, error)}` : error,
  )
  return [...causes.values()].map((group) => {
    const [{ host = '', error } = {}] = group
    if (!(error instanceof DeployError)) return error as DeployError
    const { code, where, hint, exit, cause } = error
    return new DeployError({
      code,
      message: `${[...new Set(group.map((one) => one.host))].join(', ')}: ${ownMessage(host, error.message)}`,
      ...(where && { where: shownWhere(root, where) }),
      ...(hint && { hint }),
      exit,
      cause,
    })
  })
}

/** A cluster is two phases of one place in the playbook: what is wrong with it is wrong in both, whose names differ. */
function causeOf(host: string, { code, message, cause }: DeployError): string {
  return code === 'E_TASKS' && cause instanceof Error ? cause.message : ownMessage(host, message)
}

/**
 * Compares two compilations of one playbook with the same facts.
 *
 * @throws DeployError `E_UNSTEADY` (exit 64) naming the first task that differs: a plan of such a playbook would be of no
 * use, for the apply compiles it once more.
 */
export function requireSame(first: readonly CompiledPart[], second: readonly CompiledPart[]): void {
  const flat = (parts: readonly CompiledPart[]) =>
    parts.flatMap(({ host, phase, tasks }) =>
      tasks.map((task) => ({ host, task, id: `${phase} ${host} ${task.target}` })),
    )
  const [one, other] = [flat(first), flat(second)]
  const at = [...(one.length > other.length ? one : other).keys()].find((index) => one[index]?.id !== other[index]?.id)
  const found = at === undefined ? undefined : (one[at] ?? other[at])
  if (!found) return
  throw new DeployError({
    code: 'E_UNSTEADY',
    message: `${found.host}: ${found.task.label} is another one each time the playbook is read`,
    where: found.task.task.where,
    hint: 'a clock or random values do this: take them out, or make them variables of the inventory',
    exit: exitCodes.usage,
  })
}

/** A place in the project's files, as a user would name it. */
function shownWhere(root: string, where: string): string {
  return where.startsWith(`${root}/`) ? where.slice(root.length + 1) : where
}

function problemOf(host: string, phase: string, error: DeployError): PlanProblem {
  return {
    host,
    phase,
    message: error.message,
    waits: true,
    ...(error.hint && { hint: error.hint }),
    ...(error.where && { where: error.where }),
  }
}
