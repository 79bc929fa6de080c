import { randomBytes } from 'node:crypto'
import type { Cluster, NodeAnswer } from '../model/cluster.ts'
import { script } from '../shell/readers/script.ts'
import { askHost } from './ask-probes.ts'
import type { Context } from './context.ts'
import { HostLost } from './session.ts'
import { answerOf } from './survey-clusters.ts'

/** Names the rows of one proof. */
export function proofToken(): string {
  return randomBytes(8).toString('hex')
}

/**
 * Proves a cluster from the clients' side: all nodes at once write through their own access and wait for the rows of all
 * others. Gives what does not hold, line by line. `lost`: nodes that cannot be asked. Nor is one that was to leave.
 */
export async function prove(
  { pool, goal }: Pick<Context, 'pool' | 'goal'>,
  cluster: Cluster,
  lost: readonly string[],
  token: string,
): Promise<readonly string[]> {
  const scripts = [...cluster.proof(token)].filter(([node]) => !lost.includes(node) && node !== goal?.remove)
  const answers = await Promise.all(
    scripts.map(async ([node, text]): Promise<readonly [string, NodeAnswer]> => {
      const probe = script({ shell: text })
      const answer = await askHost(pool, node, [probe]).catch((error: unknown) => {
        if (error instanceof HostLost) return error
        throw error
      })
      return [node, answerOf(probe, answer)]
    }),
  )
  return cluster.judge(new Map(answers))
}
