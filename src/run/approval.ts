import type { Plan, PlannedChange } from '../model/plan.ts'
import type { Decision } from '../plan/decide.ts'
import type { HostPhase, Survey } from './survey.ts'

/** Asks whether changes outside the approval may be made; gives the reason when not. */
export type Approve = (part: HostPhase, todo: readonly Decision[]) => Promise<string | undefined>

/** Shows changes that were not approved yet and asks for them. */
export type Ask = (host: string, decisions: readonly Decision[]) => Promise<boolean>

/**
 * An approval approves targets, not pre-states: steps that are decided again are within it when their task was planned,
 * or marked "may move", with the very target that was shown. Anything else is asked for.
 */
export function approvalOf(plan: Plan, survey: Survey, ask: Ask): Approve {
  const keys = new Set(
    [...plan.changes, ...plan.mayMove].map((item: Pick<PlannedChange, 'host' | 'key'>) => `${item.host}\0${item.key}`),
  )
  const approved = new Set(
    survey.phases.flatMap(({ host, tasks }) =>
      tasks.filter(({ key }) => keys.has(`${host}\0${key}`)).map((task) => `${host}\0${task.target}`),
    ),
  )
  return async ({ host }, todo) => {
    const beyond = todo.filter(({ task }) => !approved.has(`${host}\0${task.target}`))
    if (beyond.length === 0) return undefined
    if (!(await ask(host, beyond)))
      return `${beyond.map(({ task }) => task.label).join(', ')} was not in the approved plan: plan again to see it`
    for (const { task } of beyond) approved.add(`${host}\0${task.target}`)
    return undefined
  }
}
