import { approveAll } from './approval.ts'
import { rollbackOf } from './rollback.ts'
import type { RollingJob } from './rolling.ts'
import { runTasks } from './run-tasks.ts'
import { type HostPhase, survey } from './survey.ts'
import { never } from './turn.ts'

/** Puts back on a node what this run replaced there, and runs the handlers again. Gives why that failed, where it did. */
export async function putNodeBack({ run }: RollingJob, { host }: HostPhase): Promise<string | undefined> {
  const { context } = run
  const { playbook } = await rollbackOf(context.pool, context.scope, [host], run.id)
  const [phase] = playbook.phases
  if (!phase) return 'nothing of this run is kept there'
  // A phase behind the playbook's own: programs are named after its place.
  const phases = [...context.playbook.phases, phase]
  const back = { ...context, playbook: { ...context.playbook, phases }, limit: new Set([host]) }
  const { phases: parts, problems, lost } = await survey(back, [phases.length - 1])
  const why = problems[0] ?? lost[0]
  if (why) return why.message
  if (parts.length === 0) return 'nothing of this run is kept there'
  for (const part of parts) {
    // Who asked for the rollback has approved it.
    const { outcome, message } = await runTasks(run, phase, part, { stop: never, owed: [], approve: approveAll })
    if (outcome !== 'ok' && outcome !== 'changed') return message ?? 'a step failed'
  }
  return undefined
}
