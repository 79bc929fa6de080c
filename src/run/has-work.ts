import type { Context } from './context.ts'
import { owedHere } from './handler-of.ts'
import { hasEnded } from './holder.ts'
import { rejoining } from './out.ts'
import type { HostPhase, Survey } from './survey.ts'

/** Whether there is something to do in a host's part of a phase: a change, or a handler that an earlier run owes there. */
export function hasTurn(first: Survey, part: HostPhase): boolean {
  return part.decisions.some(({ changes }) => changes.length > 0) || owedHere(first, part).length > 0
}

/**
 * Whether there is something to do: a change, an entry to forget, a handler an earlier run owes, a node that is to rejoin,
 * a step of a cluster, or the lock of a run that died here, or of the one to be taken over.
 */
export function hasWork(context: Context, survey: Survey, instead?: string): boolean {
  const { playbook } = context
  const { phases, hellos, rolling, clusters } = survey
  if (phases.some(({ phase }) => playbook.phases[phase]?.prunes)) return true
  if (phases.some(({ decisions }) => decisions.some(({ changes }) => changes.length > 0))) return true
  if ([...clusters.values()].some(({ state }) => state.decision.steps.length > 0)) return true
  if ([...rolling.keys()].some((index) => rejoining(context, survey, index).size > 0)) return true
  return [...hellos.values()].some(
    ({ owed, holder }) => owed.length > 0 || (holder && (holder.run === instead || hasEnded(holder))),
  )
}
