import type { ClusterAction, ClusterGoal, ClusterState, ClusterStep } from '../model/cluster.ts'
import type { HostPhaseResult } from './host-phase.ts'

/** How a step that was not done ended, and the hosts on which it did not end well. */
export interface Failure {
  readonly end: HostPhaseResult
  readonly hosts: readonly string[]
}

/**
 * The step to be done; behind failures one that is alone, without what it does on hosts where one failed: a repmgrd that was
 * stopped because its node is stale stays off while that is so. Where nobody is the primary any more, none is alone.
 */
export function nextStep({ nodes, decision }: ClusterState, failures: readonly Failure[]): ClusterStep | undefined {
  const { steps, primary } = decision
  if (failures.length === 0) return steps[0]
  if (!nodes.some(({ host, role }) => role === 'primary' && host === primary?.host)) return undefined
  const failed = new Set(failures.flatMap(({ hosts }) => hosts))
  return steps
    .filter(({ alone }) => alone)
    .map((step) => ({ ...step, stages: step.stages.map((stage) => stage.filter(({ host }) => !failed.has(host))) }))
    .find(({ stages }) => stages.every((stage) => stage.length > 0))
}

/** What the actions of a stage came to; undefined: all was done. What nobody knows the end of weighs more than a failure. */
export function failureOf(
  stage: readonly ClusterAction[],
  results: readonly HostPhaseResult[],
  what: string,
): Failure | undefined {
  const ended = stage.flatMap(({ host }, index) => {
    const end = results[index]
    return end && end.outcome !== 'changed' ? [{ host, end }] : []
  })
  const worst = ended.find(({ end }) => end.outcome !== 'failed') ?? ended[0]
  if (!worst) return undefined
  const { host, end } = worst
  const message = `${host}: ${what}${end.message ? `: ${end.message}` : ''}`
  return { end: { ...end, message }, hosts: ended.map((one) => one.host) }
}

/** A failure, with the hosts of the stages behind it: what was to be done there is not done either. */
export function withRest({ end, hosts }: Failure, rest: ClusterStep['stages']): Failure {
  return { end, hosts: [...new Set([...hosts, ...rest.flat().map(({ host }) => host)])] }
}

/** What is wanted behind a step that was done: what was agreed to be given up is gone with the data that it was of. */
export function goalBehind(goal: ClusterGoal, { replaces = [] }: ClusterStep): ClusterGoal {
  const { acceptLoss } = goal
  if (!acceptLoss) return goal
  const left = Object.entries(acceptLoss).filter(([host]) => !replaces.includes(host))
  return { ...goal, acceptLoss: Object.fromEntries(left) }
}

/**
 * Whether what a step took away for its time comes back behind a stage. While nobody knows what became of an action, its
 * program may still be at work, e.g. promote a node: what comes back could meet it there.
 */
export function comesBack(stage: number, { end }: Failure): boolean {
  return stage > 0 && end.outcome === 'failed'
}
