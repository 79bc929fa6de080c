import { DeployError, exitCodes } from '../model/error.ts'
import type { ManifestScope } from '../model/manifest.ts'
import type { Playbook } from '../model/playbook.ts'
import { rollbackPlaybook } from '../plan/rollback.ts'
import { keptRuns, LIST_RUNS, listKept, readKept } from '../shell/kept.ts'
import { type Holder, readOwner, shownHolder } from './holder.ts'
import type { Pool } from './pool.ts'
import { HostLost } from './session.ts'

/** What a rollback is about. */
export interface Rollback {
  readonly run: string
  /** Who made it, from where, when and by which command, for people. */
  readonly holder: string
  readonly playbook: Playbook
  /** The hosts that keep something of the run. */
  readonly hosts: readonly string[]
  /** Hosts that could not be asked. */
  readonly lost: readonly HostLost[]
}

/** Runs that are named when one is asked for that nobody keeps. */
const NAMED = 5

/** As much of a run's name as says when it started. */
const SECOND = 'YYYYMMDD-HHMMSS'.length

/**
 * Makes the playbook that puts back what a run replaced on these hosts, and runs the handlers that the run owed. `named`:
 * the run; omitted: the last one of this project and environment of which a host keeps something. Runs of others, who use
 * the same hosts, are theirs.
 *
 * @throws DeployError `E_NO_RUN` (exit 64) when no host that answers keeps anything of it.
 */
export async function rollbackOf(
  pool: Pool,
  { project, environment }: Pick<ManifestScope, 'project' | 'environment'>,
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
  const runs = await Promise.all(
    hosts.map(async (host) => {
      const kept = keptRuns(await ask(host, LIST_RUNS)).map(({ run, owner }) => ({ run, owner: readOwner(owner) }))
      return kept.filter(({ owner }) => owner?.project === project && owner.environment === environment)
    }),
  )
  const known = inOrder([...new Map(runs.flat().map((one) => [one.run, one])).values()])
  const chosen = named === undefined ? known.at(-1) : known.find(({ run }) => run === named)
  if (!chosen) throw noRun(environment, named, known)
  const { run } = chosen
  const keepers = hosts.filter((_host, index) => runs[index]?.some((one) => one.run === run))
  const kept = await Promise.all(
    keepers.map(async (host) => [host, readKept(run, await ask(host, listKept(run)))] as const),
  )
  return { run, holder: shownHolder(chosen), playbook: rollbackPlaybook(run, new Map(kept)), hosts: keepers, lost }
}

/** Oldest first. Names tell whole seconds only: of two runs in one second the owners tell. */
export function inOrder<Run extends Pick<Holder, 'run' | 'owner'>>(runs: readonly Run[]): readonly Run[] {
  const started = ({ run, owner }: Run) => `${run.slice(0, SECOND)} ${owner?.since ?? ''}`
  return runs.toSorted((a, b) => (started(a) < started(b) ? -1 : 1))
}

function noRun(environment: string, named: string | undefined, known: readonly Pick<Holder, 'run' | 'owner'>[]) {
  const last = known.slice(-NAMED).map(shownHolder)
  return new DeployError({
    code: 'E_NO_RUN',
    message:
      named === undefined
        ? `no host of ${environment} keeps anything of a run of this project`
        : `nothing is kept of run ${named}`,
    exit: exitCodes.usage,
    ...(last.length > 0 && { hint: `the last runs of which something is kept:\n    ${last.join('\n    ')}` }),
  })
}
