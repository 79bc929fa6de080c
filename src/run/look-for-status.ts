import type { HostStatus, Progress, Status } from '../model/status.ts'
import type { Mark } from '../shell/frames.ts'
import { PRINT_PROGRESS, printProgressOf, readProgress } from '../shell/host-journal.ts'
import type { Hello } from './hello.ts'
import type { Pool } from './pool.ts'
import { HostLost } from './session.ts'
import { unfinishedRuns } from './unfinished.ts'

/** The status of an environment, and what the hosts themselves said. */
export interface LookedStatus {
  readonly status: Status
  readonly hellos: ReadonlyMap<string, Hello>
}

/** Asks hosts what is open on them: one trip each. Changes nothing and takes no lock. */
export async function lookForStatus(pool: Pool, environment: string, hosts: readonly string[]): Promise<LookedStatus> {
  pool.open(hosts)
  const looked = await Promise.all(hosts.map((host) => lookAt(pool, host)))
  const hellos = new Map(looked.flatMap(({ status, hello }) => (hello ? [[status.host, hello] as const] : [])))
  return { status: { environment, hosts: looked.map(({ status }) => status), runs: unfinishedRuns(hellos) }, hellos }
}

/** The keys of the tasks that a run has done, by host: also on hosts that it has given back. */
export async function doneBy(
  pool: Pool,
  run: string,
  hosts: readonly string[],
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const done = await Promise.all(
    hosts.map(async (host) => {
      const marks = await pool.ask(host, { script: printProgressOf(run) }).catch(lostOnly)
      return [host, new Set(progressIn(marks, run).done)] as const
    }),
  )
  return new Map(done)
}

/** What a run has done, in the answer of a host that was asked for its progress. */
function progressIn(marks: readonly Mark[], run: string): Progress {
  const said = marks[marks.findIndex(({ words }) => words[0] === 'progress') + 1]?.before
  return readProgress(run, said?.toString('utf8') ?? '')
}

/** A host that cannot be asked is left out of what follows anyway. */
function lostOnly(error: unknown): readonly Mark[] {
  if (error instanceof HostLost) return []
  throw error
}

async function lookAt(pool: Pool, host: string): Promise<{ readonly status: HostStatus; readonly hello?: Hello }> {
  try {
    const marks = await pool.ask(host, { script: PRINT_PROGRESS })
    const hello = await pool.hello(host)
    const { holder, owed } = hello
    const held = holder && { run: holder.run, working: holder.working, progress: progressIn(marks, holder.run) }
    const out = hello.out.map(({ balancer, run, since, why, playbook }) => ({ balancer, run, since, why, playbook }))
    const status = {
      host,
      owed: owed.map(({ name, run }) => ({ handler: name, run })),
      ...(held && { held }),
      ...(out.length > 0 && { out }),
    }
    return { status, hello }
  } catch (error) {
    if (error instanceof HostLost) return { status: { host, owed: [], unreachable: error.message } }
    throw error
  }
}
