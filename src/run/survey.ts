import { DeployError, DeployErrors, exitCodes } from '../model/error.ts'
import type { PlanProblem } from '../model/plan.ts'
import { type CompiledTask, compileTasks, probesOf } from '../plan/compile.ts'
import { type Decision, decideAll } from '../plan/decide.ts'
import { expandHost, factHosts, phaseHosts } from '../plan/expand.ts'
import type { Pieces } from '../shell/probe-script.ts'
import { askHost } from './ask-probes.ts'
import type { Context } from './context.ts'
import { factTable, gatherFacts } from './facts.ts'
import type { Hello } from './hello.ts'
import { HostLost } from './session.ts'

/** One host's part of a phase, as it stands on the host now. */
export interface HostPhase {
  readonly host: string
  /** The phase's place in the playbook. */
  readonly phase: number
  readonly tasks: readonly CompiledTask[]
  readonly pieces: Pieces
  readonly decisions: readonly Decision[]
}

/** What the hosts of some phases look like now. */
export interface Survey {
  readonly phases: readonly HostPhase[]
  readonly hellos: ReadonlyMap<string, Hello>
  /** Hosts that could not be reached. */
  readonly lost: readonly HostLost[]
  /** What could not be decided, and why. */
  readonly problems: readonly PlanProblem[]
}

/** All hosts that surveying some phases contacts. */
export function hostsToContact(context: Context, phases: readonly number[]): readonly string[] {
  const names = new Set<string>()
  for (const phase of phases.map((index) => context.playbook.phases[index]).filter((phase) => phase !== undefined)) {
    for (const host of phaseHosts(phase, context.inventory, context.limit)) names.add(host)
    if (Object.keys(phase.facts).length > 0) for (const host of factHosts(phase, context.inventory)) names.add(host)
  }
  return context.inventory.hosts.map(({ name }) => name).filter((name) => names.has(name))
}

/**
 * Looks at all hosts of some phases in one trip each (two when facts are declared) and decides every task.
 *
 * @throws DeployErrors (exit 64) when tasks cannot be made or compiled: nothing can be said before that is mended.
 */
export async function survey(context: Context, indexes: readonly number[]): Promise<Survey> {
  const hosts = hostsToContact(context, indexes)
  context.pool.open(hosts)
  const phases = indexes.flatMap((index) => context.playbook.phases[index] ?? [])
  const { values, problems } = await gatherFacts(context, phases)
  const compiled: { host: string; phase: number; tasks: readonly CompiledTask[] }[] = []
  const stopped: PlanProblem[] = []
  const errors: DeployError[] = []
  indexes.forEach((phase, position) => {
    const definition = phases[position]
    if (!definition) return
    const table = factTable(context, definition, values)
    const own = (host: string) => (Object.keys(definition.facts).length === 0 ? true : table.has(host))
    for (const host of phaseHosts(definition, context.inventory, context.limit).filter(own)) {
      try {
        const tasks = expandHost(definition, host, context.inventory, table).map((task) => ({
          ...task,
          where: shownWhere(context, task.where),
        }))
        compiled.push({ host, phase, tasks: compileTasks(host, tasks, context.sources) })
      } catch (error) {
        if (error instanceof DeployError && error.exit === exitCodes.unreachable)
          stopped.push(problemOf(host, definition.name, error))
        else errors.push(...(error instanceof DeployErrors ? error.errors : [error as DeployError]))
      }
    }
  })
  if (errors.length > 0) throw errors.length === 1 ? errors[0] : new DeployErrors(errors)

  const ready = compiled.filter(
    ({ phase }) => !stopped.some((problem) => problem.phase === phases[indexes.indexOf(phase)]?.name),
  )
  const answers = await Promise.all(
    hosts.map((host) =>
      lookAt(
        context,
        host,
        ready.filter((part) => part.host === host),
      ),
    ),
  )
  const decided = answers.flatMap(({ parts }) => parts)
  const undecided = decided.flatMap((part) => unreadableTasks(part, phases[indexes.indexOf(part.phase)]?.name ?? ''))
  return {
    phases: decided.sort((a, b) => a.phase - b.phase),
    hellos: new Map(answers.flatMap(({ host, hello }) => (hello ? [[host, hello] as const] : []))),
    lost: answers.flatMap(({ lost }) => lost ?? []),
    problems: [...problems, ...stopped, ...undecided],
  }
}

/** A place in the project's files, as a user would name it. */
function shownWhere({ root }: Context, where: string): string {
  return where.startsWith(`${root}/`) ? where.slice(root.length + 1) : where
}

async function lookAt(
  context: Context,
  host: string,
  parts: readonly { phase: number; tasks: readonly CompiledTask[] }[],
) {
  try {
    const probes = probesOf(parts.flatMap(({ tasks }) => tasks))
    const pieces = probes.length > 0 ? await askHost(context.pool, host, probes) : new Map()
    const hello = await context.pool.hello(host)
    const decided = parts.map(
      ({ phase, tasks }): HostPhase => ({ host, phase, tasks, pieces, decisions: decideAll(tasks, pieces) }),
    )
    return { host, hello, parts: decided, lost: undefined }
  } catch (error) {
    if (error instanceof HostLost) return { host, hello: undefined, parts: [], lost: error }
    throw error
  }
}

function unreadableTasks({ host, decisions }: HostPhase, phase: string): readonly PlanProblem[] {
  return decisions.flatMap(({ task, unreadable }) =>
    unreadable
      ? [
          {
            host,
            phase,
            task: task.label,
            where: task.task.where,
            message: `cannot be read: ${unreadable}`,
            hint: 'reading it may need root: become: sudo in the inventory',
          },
        ]
      : [],
  )
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
