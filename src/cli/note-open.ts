import type { Pool } from '../run/pool.ts'

/** Says which runs hold these hosts, all of which have been asked something already, and have not ended. */
export async function noteUnfinished(pool: Pool, hosts: readonly string[], environment: string): Promise<void> {
  const { hellosOf, unfinishedRuns } = await import('../run/unfinished.ts')
  const { unfinishedText } = await import('../report/unfinished-text.ts')
  process.stderr.write(unfinishedText(unfinishedRuns(await hellosOf(pool, hosts)), environment))
}

/** The same for verbs that read no playbook, and do not show owed handlers as changes. */
export async function noteOpen(pool: Pool, hosts: readonly string[], environment: string): Promise<void> {
  const { hellosOf } = await import('../run/unfinished.ts')
  const { owedText } = await import('../report/unfinished-text.ts')
  await noteUnfinished(pool, hosts, environment)
  const owed = [...(await hellosOf(pool, hosts))].flatMap(([host, hello]) =>
    hello.owed.map(({ name, run }) => ({ host, handler: name, run })),
  )
  process.stderr.write(owedText(owed, environment))
}
