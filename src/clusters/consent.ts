import type { ClusterGoal } from '../model/cluster.ts'

/** What may be lost, by node. */
export type Given = NonNullable<ClusterGoal['acceptLoss']>

/** The options by which somebody agrees to lose that. */
export function consentOptions(given: Given): string {
  return Object.entries(given)
    .map(([host, amount]) => `--accept-data-loss ${host}=${amount}`)
    .join(' ')
}

/** What somebody said of a node, e.g. `552 were accepted`. */
export function agreedWords(given: Given, { host }: { readonly host: string }): string {
  return given[host] === 'unknown' ? 'it was given up unseen' : `${given[host]} were accepted`
}
