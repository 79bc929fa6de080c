import { DeployError, exitCodes } from '../model/error.ts'
import type { HostPhaseResult } from './host-phase.ts'

/** What goes wrong on one host in a way nobody foresaw is that host's failure: the others have their own work to end. */
export function failedPart(error: unknown): HostPhaseResult {
  const lost = error instanceof DeployError && error.exit === exitCodes.unreachable
  return { outcome: lost ? 'unknown' : 'failed', message: error instanceof Error ? error.message : String(error) }
}
