import type { Action, MayMove, PlannedChange } from '../model/plan.ts'
import type { Detail } from '../model/task.ts'
import type { Decision } from './decide.ts'

/** A decision as people and JSON see it. Nothing where the task is as wanted. */
export function presentChange(
  phase: string,
  host: string,
  { task, changes }: Decision,
  detail: Detail,
): PlannedChange | undefined {
  if (changes.length === 0) return undefined
  const { name } = task.task.options
  return {
    phase,
    host,
    task: task.label,
    ...(name && { name }),
    key: task.key,
    where: task.task.where,
    action: actionOf(task.honesty === 'opaque', changes),
    fields: changes.map(({ field, from, to }) => ({ name: field, from, to })),
    ...(detail.diff && { diff: detail.diff }),
    notes: detail.notes ?? [],
    honesty: task.honesty,
    notify: task.notify.map((handler) => handler.name),
  }
}

function actionOf(opaque: boolean, changes: Decision['changes']): Action {
  if (opaque) return 'run'
  if (changes.every(({ to }) => to === null)) return 'remove'
  return changes.every(({ from }) => from === null) ? 'create' : 'change'
}

/** The tasks that are right now and stand behind a planned task that may move them. */
export function presentMayMove(phase: string, host: string, decisions: readonly Decision[]): readonly MayMove[] {
  const mover = decisions.find(({ task, changes }) => changes.length > 0 && task.task.kind.moves?.(task.want, changes))
  if (!mover) return []
  return decisions
    .filter(({ task, changes }) => task.index > mover.task.index && changes.length === 0)
    .map(({ task }) => ({ phase, host, task: task.label, key: task.key, after: mover.task.label }))
}
