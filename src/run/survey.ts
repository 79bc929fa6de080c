import type { Cluster } from '../model/cluster.ts'
import type { PlanProblem } from '../model/plan.ts'
import { type CompiledTask, probesOf } from '../plan/compile.ts'
import { compileClusters } from '../plan/compile-clusters.ts'
import { type CompiledPart, compilePhases, requireSame } from '../plan/compile-phases.ts'
import { type CompiledRolling, compileRolling } from '../plan/compile-rolling.ts'
import { type Decision, decideAll } from '../plan/decide.ts'
import { factHosts, groupMembers, phaseHosts } from '../plan/expand.ts'
import type { Pieces } from '../shell/probe-script.ts'
import { askHost } from './ask-probes.ts'
import type { Context } from './context.ts'
import { factTable, gatherFacts } from './facts.ts'
import type { Hello } from './hello.ts'
import { HostLost } from './session.ts'
import { clusterProbes, type SurveyedCluster, surveyed } from './survey-clusters.ts'

/** One host's part of a phase, as it stands on the host now. */
export interface HostPhase {
  readonly host: string
  /** The phase's place in the playbook. */
  readonly phase: number
  readonly tasks: readonly CompiledTask[]
  readonly pieces: Pieces
  readonly decisions: readonly Decision[]
  /** Keys of tasks that the run taken over has done here. */
  readonly ran: ReadonlySet<string>
}

/** What the hosts of some phases look like now. */
export interface Survey {
  readonly phases: readonly HostPhase[]
  /** The rolling phases among them, by their place in the playbook. */
  readonly rolling: ReadonlyMap<number, CompiledRolling>
  /** The clusters among them, by their place in the playbook. */
  readonly clusters: ReadonlyMap<number, SurveyedCluster>
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
    const own = phaseHosts(phase, context.inventory, context.limit)
    for (const host of own) names.add(host)
    // A cluster is judged by all of its nodes, whatever is limited.
    if (phase.cluster && own.length > 0) for (const host of groupMembers(phase.on, context.inventory)) names.add(host)
    if (Object.keys(phase.facts).length > 0) for (const host of factHosts(phase, context.inventory)) names.add(host)
  }
  return context.inventory.hosts.map(({ name }) => name).filter((name) => names.has(name))
}

/**
 * Looks at all hosts of some phases in one trip each (two when facts are declared) and decides every task. `twice`: the
 * playbook is compiled once more and must give the same tasks.
 *
 * @throws DeployErrors (exit 64) when tasks cannot be made or compiled: nothing can be said before that is mended.
 */
export async function survey(context: Context, indexes: readonly number[], { twice = false } = {}): Promise<Survey> {
  const hosts = hostsToContact(context, indexes)
  context.pool.open(hosts)
  const phases = indexes.flatMap((index) => context.playbook.phases[index] ?? [])
  const { values, problems } = await gatherFacts(context, phases)
  const factsOf = (index: number) => {
    const phase = context.playbook.phases[index]
    return phase ? factTable(context, phase, values) : new Map()
  }
  const { parts, waiting } = compilePhases(context, indexes, factsOf)
  if (twice) requireSame(parts, compilePhases(context, indexes, factsOf).parts)
  const rolling = compileRolling(context, indexes, factsOf)
  const clusters = compileClusters(context, indexes, factsOf)
  const answers = await Promise.all(
    hosts.map((host) =>
      lookAt(
        context,
        host,
        parts.filter((part) => part.host === host),
        clusters,
      ),
    ),
  )
  const decided = answers.flatMap((answer) => answer.parts)
  const pieces = new Map(answers.map(({ host, pieces: own, lost }) => [host, lost ?? own] as const))
  const undecided = decided.flatMap((part) => unreadableTasks(part, context.playbook.phases[part.phase]?.name ?? ''))
  return {
    phases: decided.sort((a, b) => a.phase - b.phase),
    rolling,
    clusters: new Map(
      await Promise.all(
        [...clusters].map(async ([index, cluster]) => [index, await surveyed(context, cluster, pieces)] as const),
      ),
    ),
    hellos: new Map(answers.flatMap(({ host, hello }) => (hello ? [[host, hello] as const] : []))),
    lost: answers.flatMap(({ lost }) => lost ?? []),
    problems: [...problems, ...waiting, ...undecided],
  }
}

async function lookAt(
  context: Context,
  host: string,
  parts: readonly CompiledPart[],
  clusters: ReadonlyMap<number, Cluster>,
) {
  try {
    const probes = [...probesOf(parts.flatMap(({ tasks }) => tasks)), ...clusterProbes(clusters, host)]
    const pieces: Pieces = probes.length > 0 ? await askHost(context.pool, host, probes) : new Map()
    const hello = await context.pool.hello(host)
    const ran = context.ran?.get(host) ?? new Set()
    const decided = parts.map(
      ({ phase, tasks }): HostPhase => ({ host, phase, tasks, pieces, ran, decisions: decideAll(tasks, pieces, ran) }),
    )
    return { host, hello, pieces, parts: decided, lost: undefined }
  } catch (error) {
    if (error instanceof HostLost)
      return { host, hello: undefined, pieces: new Map() as Pieces, parts: [], lost: error }
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
