import type { Cluster, ClusterState, NodeAnswer } from '../model/cluster.ts'
import { type Probe, probeId } from '../model/probe.ts'
import type { Pieces } from '../shell/probe-script.ts'
import { askHost } from './ask-probes.ts'
import type { Context } from './context.ts'
import type { Pool } from './pool.ts'
import { HostLost } from './session.ts'

/** A cluster as it was surveyed. */
export interface SurveyedCluster {
  readonly cluster: Cluster
  readonly state: ClusterState
  /** Nodes that could not be asked. */
  readonly lost: readonly string[]
}

/** What is asked of a host on behalf of its clusters. */
export function clusterProbes(clusters: ReadonlyMap<number, Cluster>, host: string): readonly Probe[] {
  return [...clusters.values()].filter(({ nodes }) => nodes.includes(host)).map((cluster) => cluster.survey(host))
}

/** What the answers of all nodes, each with a reason where there are none, say of a cluster; and of whom more has to be asked. */
export async function surveyed(
  { goal = {}, pool }: Pick<Context, 'goal' | 'pool'>,
  cluster: Cluster,
  answered: ReadonlyMap<string, Pieces | HostLost>,
): Promise<SurveyedCluster> {
  const answers = new Map(cluster.nodes.map((node) => [node, answerOf(cluster.survey(node), answered.get(node))]))
  const questions = [...(cluster.further?.(answers, goal) ?? [])]
  const more = await Promise.all(
    questions.map(async ([node, probe]) => [node, answerOf(probe, await askNode(pool, node, probe))] as const),
  )
  return {
    cluster,
    state: cluster.assess(answers, goal, new Map(more)),
    lost: cluster.nodes.filter((node) => !(answered.get(node) instanceof Map)),
  }
}

/** What a node said to one question, as text, or why there is nothing. */
export function answerOf(probe: Probe<{ readonly output: string }>, answer: Pieces | HostLost | undefined): NodeAnswer {
  if (!answer || answer instanceof HostLost)
    return { state: 'unreadable', reason: answer?.message ?? 'it was not asked' }
  const piece = answer.get(probeId(probe))
  if (!piece) return { state: 'unreadable', reason: 'no answer came' }
  const parsed = probe.reader.parse(piece, probe.key)
  return parsed.state === 'value' ? { state: 'value', value: parsed.value.output } : parsed
}

/**
 * Surveys a cluster again: one trip to each node. One that could not be asked before is not waited for again, but for those
 * of `anew`; a link that died since is made anew once.
 */
export async function surveyAgain(
  context: Context,
  { cluster, lost }: SurveyedCluster,
  anew: readonly string[] = [],
): Promise<SurveyedCluster> {
  const nodes = cluster.nodes.filter((node) => !lost.includes(node) || anew.includes(node))
  const answered = await Promise.all(nodes.map(async (node) => [node, await askTwice(context, cluster, node)] as const))
  return surveyed(context, cluster, new Map(answered))
}

async function askTwice({ pool }: Context, cluster: Cluster, node: string): Promise<Pieces | HostLost> {
  const probe = cluster.survey(node)
  const first = await askNode(pool, node, probe)
  if (!(first instanceof HostLost)) return first
  pool.reopen(node)
  return askNode(pool, node, probe)
}

/** One question to one node, which may be away. */
export async function askNode(pool: Pool, node: string, probe: Probe): Promise<Pieces | HostLost> {
  return askHost(pool, node, [probe]).catch((error: unknown) => {
    if (error instanceof HostLost) return error
    throw error
  })
}
