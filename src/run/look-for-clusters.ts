import type { StatusCluster } from '../model/status.ts'
import { presentCluster } from '../plan/cluster-task.ts'
import type { Context } from './context.ts'
import { survey } from './survey.ts'

/** Surveys the clusters of a playbook, one trip to each of their nodes; changes nothing. */
export async function lookForClusters(context: Context): Promise<readonly StatusCluster[]> {
  const phases = context.playbook.phases.filter((phase) => phase.cluster)
  if (phases.length === 0) return []
  const narrow = { ...context, playbook: { ...context.playbook, phases } }
  const { clusters } = await survey(narrow, [...phases.keys()])
  return [...clusters].map(([index, { cluster, state }]) => ({
    name: phases[index]?.name ?? '',
    ...presentCluster(cluster, state),
  }))
}
