import { DeployError, exitCodes } from '../model/error.ts'
import type { Inventory } from '../model/inventory.ts'
import type { Playbook } from '../model/playbook.ts'
import { rollbackPlaybook } from '../plan/rollback.ts'
import { keptRuns, LIST_RUNS, listKept, readKept } from '../shell/kept.ts'
import type { Pool } from './pool.ts'
import { HostLost } from './session.ts'

/** What a rollback is about. */
export interface Rollback {
  readonly run: string
  readonly playbook: Playbook
  /** The hosts that keep something of the run. */
  readonly hosts: readonly string[]
  /** Hosts that could not be asked. */
  readonly lost: readonly HostLost[]
}

/** Runs that are named when one is asked for that nobody keeps. */
const NAMED = 5

/**
 * Makes the playbook that puts back what a run replaced on these hosts, and runs the handlers that the run owed. `named`:
 * the run; omitted: the last one of which a host keeps something.
 *
 * @throws DeployError `E_NO_RUN` (exit 64) when no host that answers keeps anything of it.
 */
export async function rollbackOf(
  pool: Pool,
  { environment }: Pick<Inventory, 'environment'>,
  hosts: readonly string[],
  named: string | undefined,
): Promise<Rollback> {
  pool.open(hosts)
  const lost: HostLost[] = []
  const ask = async (host: string, script: string) =>
    pool.ask(host, { script }).catch((error: unknown) => {
      if (!(error instanceof HostLost)) throw error
      if (!lost.some((one) => one.host === host)) lost.push(error)
      return []
    })
  const runs = await Promise.all(hosts.map(async (host) => keptRuns(await ask(host, LIST_RUNS))))
  const known = [...new Set(runs.flat())].sort()
  const run = named ?? known.at(-1)
  if (run === undefined || !known.includes(run)) throw noRun(environment, named, known)
  const keepers = hosts.filter((_host, index) => runs[index]?.includes(run))
  const kept = await Promise.all(
    keepers.map(async (host) => [host, readKept(run, await ask(host, listKept(run)))] as const),
  )
  return { run, playbook: rollbackPlaybook(run, new Map(kept)), hosts: keepers, lost }
}

function noRun(environment: string, named: string | undefined, known: readonly string[]): DeployError {
  const last = known.slice(-NAMED)
  return new DeployError({
    code: 'E_NO_RUN',
    message:
      named === undefined ? `no host of ${environment} keeps anything of a run` : `nothing is kept of run ${named}`,
    exit: exitCodes.usage,
    ...(last.length > 0 && { hint: `the last runs of which something is kept: ${last.join(', ')}` }),
  })
}
