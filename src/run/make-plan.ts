import type { Plan, PlannedChange, PlanProblem } from '../model/plan.ts'
import type { Detail } from '../model/task.ts'
import { presentCluster, stepChanges } from '../plan/cluster-task.ts'
import { type CompiledTask, revertOf } from '../plan/compile.ts'
import { type Decision, readValues } from '../plan/decide.ts'
import { phaseHosts } from '../plan/expand.ts'
import { presentChange, presentMayMove } from '../plan/present.ts'
import { REVERT_AFTER } from '../shell/revert.ts'
import { askHost } from './ask-probes.ts'
import type { Context } from './context.ts'
import { handlerOf } from './handler-of.ts'
import { planRolling, rejoins } from './plan-rolling.ts'
import { isHere, rebootsUs } from './reboot.ts'
import { HostLost } from './session.ts'
import type { HostPhase, Survey } from './survey.ts'

interface Described {
  readonly changes: readonly PlannedChange[]
  readonly problems: readonly PlanProblem[]
}

/** Makes the plan of a survey: what would change, with diffs and details, which cost one more trip where there are any. */
export async function makePlan(context: Context, survey: Survey): Promise<Plan> {
  const [described, rolling] = await Promise.all([
    Promise.all(survey.phases.map((part) => describe(context, part))),
    planRolling(context, survey),
  ])
  const owed = [...owedChanges(context, survey), ...rejoins(context, survey)]
  const found = described.flatMap((part) => part.changes)
  const steps = clusterChanges(context, survey)
  const tasks = survey.phases.reduce((sum, part) => sum + part.tasks.length, 0)
  return {
    environment: context.inventory.environment,
    playbook: context.playbook.name,
    phases: context.playbook.phases.map((phase, index) => ({
      name: phase.name,
      strategy: phase.strategy,
      hosts: phaseHosts(phase, context.inventory, context.limit),
      ...rolling.phases.get(index),
      ...plannedCluster(survey, index),
    })),
    changes: [...owed, ...found, ...steps],
    mayMove: survey.phases.flatMap((part) => presentMayMove(phaseName(context, part), part.host, part.decisions)),
    unreachable: survey.lost.map(({ message, hint, host }) => ({ host, message, ...(hint && { hint }) })),
    problems: [...survey.problems, ...rolling.problems, ...described.flatMap((part) => part.problems)],
    summary: {
      hosts: new Set(survey.phases.map(({ host }) => host)).size,
      tasks,
      changes: owed.length + found.length + steps.length,
      unchanged: tasks - found.length,
      unreachable: survey.lost.length,
    },
  }
}

function plannedCluster({ clusters }: Survey, index: number) {
  const found = clusters.get(index)
  return found && { cluster: presentCluster(found.cluster, found.state) }
}

function clusterChanges({ playbook }: Context, { clusters }: Survey): readonly PlannedChange[] {
  return [...clusters].flatMap(([index, { state }]) => {
    const phase = playbook.phases[index]
    return phase ? stepChanges(phase, state.decision.steps) : []
  })
}

/** The changes of one host's phase, each with its detail. */
export async function describe(context: Context, part: HostPhase): Promise<Described> {
  const phase = phaseName(context, part)
  const changing = part.decisions.filter(({ changes }) => changes.length > 0)
  const details = await readDetails(context, part.host, changing)
  const problems = changing.flatMap((decision, index) => {
    const { task } = decision
    const refuse = details[index]?.refuse ?? rebootsUs(context, part.host, decision)
    return refuse ? [{ host: part.host, phase, task: task.label, where: task.task.where, message: refuse }] : []
  })
  return {
    changes: changing.flatMap(
      (decision, index) => presentChange(phase, part.host, decision, details[index] ?? {}) ?? [],
    ),
    problems,
  }
}

async function readDetails(context: Context, host: string, decisions: readonly Decision[]): Promise<readonly Detail[]> {
  const asked = decisions.map(({ task, now }) => task.task.kind.detailProbes?.(task.want, now) ?? {})
  const probes = asked.flatMap((group) => Object.values(group))
  try {
    const pieces = probes.length > 0 ? await askHost(context.pool, host, probes) : new Map()
    return decisions.map(({ task, now }, index) => {
      const { values } = readValues(asked[index] ?? {}, pieces)
      return withRevert(task, isHere(context, host), task.task.kind.detail?.(task.want, now, values) ?? {})
    })
  } catch (error) {
    if (error instanceof HostLost) return []
    throw error
  }
}

/** A change that may cut off the host says what happens then. */
function withRevert(task: CompiledTask, here: boolean, detail: Detail): Detail {
  if (!revertOf(task)) return detail
  const note = here
    ? 'may cut off this machine, and is not put back by itself: no login to it is made that could prove anything'
    : `put back by the host after ${REVERT_AFTER} s unless a new login works`
  return { ...detail, notes: [...(detail.notes ?? []), note] }
}

function owedChanges(context: Context, survey: Survey): readonly PlannedChange[] {
  return [...survey.hellos].flatMap(([host, { owed }]) => {
    const first = survey.phases.find((part) => part.host === host)
    if (!first) return []
    return owed.map(({ id, name, run }) => ({
      phase: phaseName(
        context,
        survey.phases.find((part) => part.host === host && handlerOf(part, { id, name })) ?? first,
      ),
      host,
      task: `handler ${name}`,
      key: `handler:${id}`,
      where: '',
      action: 'handler' as const,
      fields: [{ name: 'owed', from: `since run ${run}`, to: null }],
      notes: [],
      honesty: 'opaque' as const,
      notify: [],
    }))
  })
}

function phaseName(context: Context, part: HostPhase): string {
  return context.playbook.phases[part.phase]?.name ?? ''
}
