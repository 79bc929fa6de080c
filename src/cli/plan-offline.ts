import { exitCodes } from '../model/error.ts'
import type { Facts } from '../model/fact.ts'
import type { OpenedRun } from './open-run.ts'
import type { Output } from './output.ts'

/** Compiles a playbook without a host, and lists its tasks; phases whose facts are not known are named, not expanded. */
export async function planOffline(
  { context, checked }: OpenedRun,
  output: Output,
  factsFile: string | undefined,
): Promise<number> {
  const shipped: Facts = await import('../facts/shipped.ts')
  const { compilePhases, requireSame } = await import('../plan/compile-phases.ts')
  const { compileRolling } = await import('../plan/compile-rolling.ts')
  const { factsFromFile } = await import('../load/facts-file.ts')
  const { offlineDocument, offlineText } = await import('../report/offline.ts')
  const facts = factsFromFile(factsFile, shipped, context.playbook, context.inventory)
  await checked
  const ready = [...context.playbook.phases.keys()].filter((phase) => !facts.missing.has(phase))
  const { parts, waiting } = compilePhases(context, ready, facts.table)
  compileRolling(context, ready, facts.table)
  requireSame(parts, compilePhases(context, ready, facts.table).parts)
  const offline = { context, parts, waiting, missing: facts.missing }
  output.print(offlineText(offline, output.paint))
  output.document(offlineDocument(offline))
  return exitCodes.done
}
