import type { ClusterStep } from '../model/cluster.ts'
import { actionDecision } from '../plan/cluster-task.ts'
import type { Approve } from './approval.ts'
import type { ClusterJob } from './cluster-phase.ts'

/** Asks a person whether a step of this cluster may be done; false where the answer is no. */
export type StepAsk = (cluster: string, step: ClusterStep) => Promise<boolean>

/** What a person agrees to of a cluster's steps while the run is under way, beside the plan. */
export interface StepAgreement {
  /** The run's approval, and what was agreed to here. */
  readonly approve: Approve
  /**
   * Asks about a step that the approved plan could not show, because what it showed had to be done first. `within`: it is
   * in what was approved, or nobody can be asked; then the approval refuses it.
   */
  ask(step: ClusterStep): Promise<'within' | 'yes' | 'no'>
}

export function stepAgreement({ run, phase, parts }: Pick<ClusterJob, 'run' | 'phase' | 'parts'>): StepAgreement {
  const agreed = new Set<string>()
  const approve: Approve = (host, todo, stale) => {
    const left = todo.filter(({ task }) => !agreed.has(`${host}\0${task.target}`))
    return left.length === 0 ? undefined : run.approve(host, left, stale)
  }
  return {
    approve,
    async ask(step) {
      const all = step.stages
        .flat()
        .map((action) => ({ host: action.host, decision: actionDecision(phase, step, action) }))
      const within = all.every(({ host, decision }) => approve(host, [decision], false) === undefined)
      if (within || !run.askStep) return 'within'
      // A live view of the phase would draw over the question.
      const about = { phase: phase.name, hosts: parts.map(({ host }) => host) }
      run.emit({ type: 'phase', state: 'end', ...about })
      const yes = await run.askStep(phase.name, step)
      if (!yes) return 'no'
      run.emit({ type: 'phase', state: 'start', ...about })
      for (const { host, decision } of all) agreed.add(`${host}\0${decision.task.target}`)
      return 'yes'
    },
  }
}
