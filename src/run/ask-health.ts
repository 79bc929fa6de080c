import { type HealthQuestion, healthScript, healthSeconds, readHealth } from '../shell/health.ts'
import type { Pool } from './pool.ts'
import { HostLost } from './session.ts'

/** Seconds beyond those of the script in which the answer must have come. */
const SPARE = 60

/** Why a node is not healthy, or nothing when it is. A link that is lost meanwhile is opened again once. */
export async function askHealth(pool: Pool, host: string, question: HealthQuestion): Promise<string | undefined> {
  const within = healthSeconds(question) + SPARE
  const ask = async () => readHealth(await pool.ask(host, { script: healthScript(question), within }))
  try {
    return await ask()
  } catch (error) {
    if (!(error instanceof HostLost)) throw error
    pool.reopen(host)
    return await ask()
  }
}
