import type { ClusterGoal } from '../../model/cluster.ts'
import type { Desired } from './model.ts'

/** What may be lost, by node. */
export type Given = NonNullable<ClusterGoal['acceptLoss']>

/** The options by which somebody agrees to lose that. */
export function consentOptions(given: Given): string {
  return Object.entries(given)
    .map(([host, bytes]) => `--accept-data-loss ${host}=${bytes}`)
    .join(' ')
}

/** The whole command of it, which is right also where a playbook has several clusters. */
export function consentWords({ environment, name }: Pick<Desired, 'environment' | 'name'>, given: Given): string {
  return `deploy repair-db ${environment} --cluster ${name} ${consentOptions(given)}`
}

/** What somebody said of a node, e.g. `552 were accepted`. */
export function agreedWords(given: Given, { host }: { readonly host: string }): string {
  return given[host] === 'unknown' ? 'it was given up unseen' : `${given[host]} were accepted`
}
