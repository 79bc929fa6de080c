import type { ClusterStep, Finding } from '../../../model/cluster.ts'

/** What is wrong with a part of a cluster, and the steps that mend it. */
export interface Upkeep {
  readonly findings: readonly Finding[]
  readonly steps: readonly ClusterStep[]
}

export const NOTHING: Upkeep = { findings: [], steps: [] }
