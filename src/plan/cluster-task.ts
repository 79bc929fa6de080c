import { ACTION_KEY, type Cluster, type ClusterAction, type ClusterState, type ClusterStep } from '../model/cluster.ts'
import type { PlannedChange, PlannedCluster, PlannedClusterStep } from '../model/plan.ts'
import type { Phase } from '../model/playbook.ts'
import type { Task } from '../model/task.ts'
import { bytesContent, shellStep } from '../tasks/steps.ts'
import type { CompiledTask } from './compile.ts'
import type { Decision } from './decide.ts'

/** An action of a cluster's step as a task of its host: so it runs, is written down and is told of like any other. */
export function actionDecision(phase: Phase, step: ClusterStep, action: ClusterAction): Decision {
  const content = action.input && bytesContent(action.input)
  const run = shellStep({ shell: action.script }, { foreign: true, ...(content && { content }) })
  const changes = [{ field: 'run', from: null, to: action.title, steps: [run] }]
  return { task: actionTask(phase, step, action), now: undefined, changes, unreadable: undefined }
}

function actionTask(phase: Phase, step: ClusterStep, action: ClusterAction): CompiledTask {
  const key = actionKey(phase, step, action)
  const label = action.title
  const kind: Task['kind'] = {
    key: () => key,
    label: () => label,
    resolve: (want) => want,
    check: () => ({}),
    read: () => undefined,
    apply: () => [],
    honesty: () => 'opaque',
    leaves: false,
  }
  return {
    index: 0,
    task: {
      type: 'cluster',
      kind,
      want: {},
      options: { ...(action.timeout !== undefined && { timeout: action.timeout }) },
      where: phase.where,
    },
    key,
    label,
    want: {},
    probes: {},
    honesty: 'opaque',
    notify: [],
    target: key,
  }
}

/** A cluster as a plan shows it. */
export function presentCluster({ kind }: Cluster, { nodes, findings, decision }: ClusterState): PlannedCluster {
  const { primary, steps, refusal } = decision
  return {
    kind,
    nodes,
    findings,
    ...(primary && { primary }),
    steps: steps.map(presentStep),
    ...(refusal && { refusal }),
  }
}

export function presentStep({ name, about, reason, effect, stages }: ClusterStep): PlannedClusterStep {
  return { name, about, reason, effect, actions: stages.flat().map(({ host, title }) => ({ host, title })) }
}

/** The steps of a decision as changes of a plan: one for each action. */
export function stepChanges(phase: Phase, steps: readonly ClusterStep[]): readonly PlannedChange[] {
  return steps.flatMap((step) =>
    step.stages.flat().map((action) => ({
      phase: phase.name,
      host: action.host,
      task: action.title,
      key: actionKey(phase, step, action),
      where: phase.where,
      action: 'run' as const,
      fields: [],
      notes: [],
      // Decided by a survey, and judged by another one behind it.
      honesty: 'probed' as const,
      notify: [],
    })),
  )
}

/** Identifies an action of a step on its host: an approval is of this. */
function actionKey(phase: Phase, step: ClusterStep, { title }: ClusterAction): string {
  // Not whom the step is about: of several nodes one may be well meanwhile.
  return `${ACTION_KEY}${phase.name}:${step.name}:${title}`
}
