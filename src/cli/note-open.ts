import type { Hello } from '../run/hello.ts'
import type { Pool } from '../run/pool.ts'

type Hellos = ReadonlyMap<string, Hello>

/** Says which clocks are wrong. */
export async function noteClocks(hellos: Hellos): Promise<void> {
  const { clockText } = await import('../report/clock-text.ts')
  const skews = [...hellos].flatMap(([host, { skew }]) => (skew ? [[host, skew] as const] : []))
  process.stderr.write(clockText(skews))
}

/** Says which changes were not confirmed by a new login. */
export async function noteReverts(hellos: Hellos): Promise<void> {
  const { revertText } = await import('../report/revert-text.ts')
  const reverts = [...hellos].flatMap(([host, { revert }]) => (revert ? [[host, revert] as const] : []))
  process.stderr.write(revertText(reverts))
}

/** Says what is open on hosts: wrong clocks, changes that are not confirmed, and runs that hold them, but for the one that is taken over. */
export async function noteHellos(hellos: Hellos, environment: string, instead?: string): Promise<void> {
  const { unfinishedRuns } = await import('../run/unfinished.ts')
  const { unfinishedText } = await import('../report/unfinished-text.ts')
  await noteClocks(hellos)
  await noteReverts(hellos)
  const runs = unfinishedRuns(hellos).filter(({ run }) => run !== instead)
  process.stderr.write(unfinishedText(runs, environment))
}

/** The same of hosts all of which have been asked something already. */
export async function noteHosts(pool: Pool, hosts: readonly string[], environment: string): Promise<Hellos> {
  const { hellosOf } = await import('../run/unfinished.ts')
  const hellos = await hellosOf(pool, hosts)
  await noteHellos(hellos, environment)
  return hellos
}

/** The same for verbs that read no playbook, and do not show owed handlers as changes. */
export async function noteOpen(pool: Pool, hosts: readonly string[], environment: string): Promise<void> {
  const { owedText } = await import('../report/unfinished-text.ts')
  const hellos = await noteHosts(pool, hosts, environment)
  const owed = [...hellos].flatMap(([host, hello]) => hello.owed.map(({ name, run }) => ({ host, handler: name, run })))
  process.stderr.write(owedText(owed, environment))
}
