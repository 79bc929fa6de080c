import { DeployError, exitCodes } from '../model/error.ts'
import type { OutRecord } from '../model/out-record.ts'
import type { HostStatus, Status } from '../model/status.ts'
import type { UnfinishedRun } from '../model/unfinished.ts'
import type { LookedStatus } from '../run/look-for-status.ts'
import type { Owner } from '../shell/wire.ts'

/** An unfinished run that a verb is about. */
export interface Chosen {
  readonly run: UnfinishedRun
  /** What it says of itself; undefined when no host holds it in a form that can be read. */
  readonly owner: Owner | undefined
  /** The hosts that it holds. */
  readonly hosts: readonly HostStatus[]
}

/**
 * The run that is named, or the only one; `undefined` when none is unfinished, or the one that is named has only left nodes
 * out of their balancers.
 *
 * @throws DeployError (exit 64) when there are several and none of them is named.
 */
export async function chooseRun(
  { status, hellos }: LookedStatus,
  named: string | undefined,
  verb: string,
): Promise<Chosen | undefined> {
  const { runs, hosts, environment } = status
  const run = runs.find((one) => one.run === named) ?? (named === undefined && runs.length === 1 ? runs[0] : undefined)
  const left = named !== undefined && [...hellos.values()].some(({ out }) => out.some((record) => record.run === named))
  if (!run && (runs.length === 0 || left)) return undefined
  if (!run) {
    throw new DeployError({
      code: 'E_WHICH_RUN',
      message: `${named === undefined ? 'several runs are unfinished' : `no unfinished run ${named}`}: ${runs.map((one) => one.run).join(', ')}`,
      hint: `deploy ${verb} ${environment} ${runs[0]?.run}`,
      exit: exitCodes.usage,
    })
  }
  const { speaking } = await import('../run/unfinished.ts')
  const holders = run.hosts.flatMap((host) => hellos.get(host)?.holder ?? [])
  return { run, owner: speaking(holders).owner, hosts: hosts.filter(({ host }) => run.hosts.includes(host)) }
}

/**
 * A node's word about the run that left it out of its balancer: the run that is named, or the last one of this project and
 * environment; `undefined` when none did.
 */
export function leftOutBy(
  { hellos, status }: LookedStatus,
  project: string,
  named: string | undefined,
): OutRecord | undefined {
  const records = [...hellos.values()]
    .flatMap(({ out }) => out)
    .filter((record) => record.project === project && record.environment === status.environment)
  return records
    .filter(({ run }) => named === undefined || run === named)
    .toSorted((a, b) => (a.since < b.since ? -1 : 1))
    .at(-1)
}

/** What is said where no run is unfinished; the exit code tells of hosts that could not be asked. */
export async function nothingOpen({ hosts, environment }: Status): Promise<{ text: string; exit: number }> {
  const { safeLine } = await import('../report/safe.ts')
  const lost = hosts.filter(({ unreachable }) => unreachable !== undefined)
  const said = lost.map(({ unreachable = '' }) => `${safeLine(unreachable)}\n`).join('')
  const where = lost.length > 0 ? ' on the hosts that answer' : ''
  return {
    text: `${said}no run is unfinished in ${environment}${where}\n`,
    exit: lost.length > 0 ? exitCodes.unreachable : exitCodes.done,
  }
}
