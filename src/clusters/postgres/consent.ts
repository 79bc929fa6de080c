import type { ClusterGoal } from '../../model/cluster.ts'

/** What may be lost, by node. */
export type Given = NonNullable<ClusterGoal['acceptLoss']>

/** The command by which somebody agrees to lose that. */
export function consentWords(given: Given): string {
  const options = Object.entries(given).map(([host, bytes]) => `--accept-data-loss ${host}=${bytes}`)
  return ['deploy repair-db ENVIRONMENT', ...options].join(' ')
}
