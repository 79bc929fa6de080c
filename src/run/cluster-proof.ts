import { randomBytes } from 'node:crypto'
import type { Cluster, NodeAnswer } from '../model/cluster.ts'
import { script } from '../shell/readers/script.ts'
import type { Context } from './context.ts'
import { answerOf, askNode } from './survey-clusters.ts'

/**
 * Proves a cluster from the clients' side: all nodes at once write through their own access and wait for the rows of all
 * others. Gives what does not hold, line by line. `lost`: nodes that cannot be asked. Nor is one that was to leave.
 */
export async function prove(
  { pool, goal }: Pick<Context, 'pool' | 'goal'>,
  cluster: Cluster,
  lost: readonly string[],
): Promise<readonly string[]> {
  const token = randomBytes(8).toString('hex')
  const scripts = [...cluster.proof(token, askedOf(cluster, lost, goal))]
  const answers = await Promise.all(
    scripts.map(async ([node, text]): Promise<readonly [string, NodeAnswer]> => {
      const probe = script({ shell: text })
      return [node, answerOf(probe, await askNode(pool, node, probe))]
    }),
  )
  return cluster.judge(new Map(answers))
}

function askedOf({ nodes }: Cluster, lost: readonly string[], goal: Context['goal']): readonly string[] {
  return nodes.filter((node) => !lost.includes(node) && node !== goal?.remove)
}

/** What a proof that holds has shown, for people: nothing is said of nodes that were not asked. */
export function provenWords(cluster: Cluster, lost: readonly string[], goal?: Context['goal']): string {
  const missing = lost.filter((node) => node !== goal?.remove)
  if (missing.length === 0) return 'a client of every node can write, and every node has it'
  const asked = askedOf(cluster, lost, goal)
  const all = asked.length + missing.length
  return `a client of ${asked.length} of ${all} nodes can write, and ${asked.join(', ')} ${asked.length === 1 ? 'has' : 'have'} it; nothing is known of ${missing.join(', ')}, which could not be reached`
}
