import type { Health } from '../model/rolling.ts'
import { type HealthQuestion, healthScript, readHealth, WITHIN } from '../shell/health.ts'
import type { Pool } from './pool.ts'
import { HostLost } from './session.ts'

/** Seconds beyond those of the conditions in which the answer must have come. */
const SPARE = 60

/** Why a node is not healthy, or nothing when it is. A link that is lost meanwhile is opened again once. */
export async function askHealth(pool: Pool, host: string, question: HealthQuestion): Promise<string | undefined> {
  const within = Math.max(0, ...question.health.map(longest)) + question.settle + SPARE
  const ask = async () => readHealth(await pool.ask(host, { script: healthScript(question), within }))
  try {
    return await ask()
  } catch (error) {
    if (!(error instanceof HostLost)) throw error
    pool.reopen(host)
    return await ask()
  }
}

function longest({ within = WITHIN }: Health): number {
  return within
}
