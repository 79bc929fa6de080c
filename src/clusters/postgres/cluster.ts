import type { Cluster } from '../../model/cluster.ts'
import type { Desired } from './model.ts'

export function postgresCluster(_desired: Desired): Cluster {
  throw new Error('not there yet')
}
