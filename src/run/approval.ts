import type { Plan } from '../model/plan.ts'
import type { Decision } from '../plan/decide.ts'
import type { Survey } from './survey.ts'

/**
 * Gives the reason why some decisions of a host may not be carried out, or nothing when they may. `stale`: the host was
 * found other than it was looked at, before anything of the phase was done there.
 */
export type Approve = (host: string, todo: readonly Decision[], stale: boolean) => string | undefined

/**
 * An approval approves targets, not pre-states: steps that are decided again are within it when their task was planned,
 * or marked "may move", with the very target that was shown. Anything else is refused: the next plan shows it.
 */
export function approvalOf(plan: Plan, survey: Survey): Approve {
  const keys = new Set([...plan.changes, ...plan.mayMove].map(({ host, key }) => `${host}\0${key}`))
  const approved = new Set([
    // Of a step of a cluster, the key is the target.
    ...keys,
    ...survey.phases.flatMap(({ host, tasks }) =>
      tasks.filter(({ key }) => keys.has(`${host}\0${key}`)).map((task) => `${host}\0${task.target}`),
    ),
  ])
  return (host, todo) => {
    const beyond = todo.filter(({ task }) => !approved.has(`${host}\0${task.target}`))
    if (beyond.length === 0) return undefined
    return `${beyond.map(({ task }) => task.label).join(', ')} was not in the approved plan: plan again to see it`
  }
}

/** The approval of a saved plan: as above, and the host must be as it was looked at when its work begins. */
export function savedApprovalOf(plan: Plan, survey: Survey): Approve {
  const approve = approvalOf(plan, survey)
  return (host, todo, stale) =>
    stale ? 'the host changed since it was compared with the saved plan: plan again' : approve(host, todo, stale)
}

/** The approval of `--yes`: whatever the playbook wants. */
export const approveAll: Approve = () => undefined
