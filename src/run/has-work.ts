import type { Context } from './context.ts'
import { hasEnded } from './holder.ts'
import { outOf } from './out.ts'
import type { Survey } from './survey.ts'

/**
 * Whether there is something to do: a change, an entry to forget, a handler an earlier run owes, a node that is to rejoin, or the lock of a run that
 * died here, or of the one to be taken over.
 */
export function hasWork(context: Context, survey: Survey, instead?: string): boolean {
  const { playbook } = context
  const { phases, hellos, rolling } = survey
  if (phases.some(({ phase }) => playbook.phases[phase]?.prunes)) return true
  if (phases.some(({ decisions }) => decisions.some(({ changes }) => changes.length > 0))) return true
  if (
    [...rolling.keys()].some((index) =>
      phases.some((part) => part.phase === index && outOf(context, survey, index).has(part.host)),
    )
  )
    return true
  return [...hellos.values()].some(
    ({ owed, holder }) => owed.length > 0 || (holder && (holder.run === instead || hasEnded(holder))),
  )
}
