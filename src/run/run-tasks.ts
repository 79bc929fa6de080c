import type { Phase } from '../model/playbook.ts'
import type { OwedHere } from '../shell/program.ts'
import type { Approve } from './approval.ts'
import { failedPart } from './failed-part.ts'
import { type HostPhaseResult, runHostPhase } from './host-phase.ts'
import { notLocked } from './lock.ts'
import { isHere, rebootsUs } from './reboot.ts'
import type { HostPhase } from './survey.ts'
import type { Run } from './walk-phases.ts'

interface TaskOrder {
  readonly stop: AbortSignal
  readonly owed: readonly OwedHere[]
  /** Default: the run's. */
  readonly approve?: Approve
  /** Names its programs within the run. Default: by the phase. */
  readonly program?: string
}

/** The tasks of one host's part of a phase. */
export async function runTasks(
  run: Run,
  phase: Phase,
  part: HostPhase,
  { stop, owed, approve = run.approve, program }: TaskOrder,
): Promise<HostPhaseResult> {
  const pruned = phase.prunes?.get(part.host)
  const lock = run.locks.held.get(part.host)
  if (!lock) return notLocked(run.locks, part.host)
  return runHostPhase(run.context.pool, {
    run: run.id,
    fence: lock.fence,
    guards: !isHere(run.context, part.host),
    stop,
    redactor: run.context.redactor,
    part,
    ...(program !== undefined && { program }),
    phaseName: phase.name,
    owed,
    approve: (host, todo, stale) => {
      const refused = todo.flatMap((decision) => rebootsUs(run.context, host, decision) ?? [])
      return refused[0] ?? approve(host, todo, stale)
    },
    emit: run.emit,
    converged: (now) => {
      if (phase.unrecorded) return
      run.converged.set(part.host, [...(run.converged.get(part.host) ?? []), { ...now, ...(pruned && { pruned }) }])
    },
    record: (event, detail) => run.journal.append({ event, ...detail }),
  }).catch(failedPart)
}
