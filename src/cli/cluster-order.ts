import { CLUSTER_KINDS, type ClusterGoal, type ClusterKind } from '../model/cluster.ts'

/** What is to be done with one cluster of an environment. */
export interface ClusterOrder {
  readonly environment: string
  /** Its name in the playbook. Omitted: the only one of its kind, or the only one at all. */
  readonly cluster?: string | undefined
  /** Omitted: whatever the cluster is. */
  readonly kind?: ClusterKind
  readonly goal?: ClusterGoal
  /** A node that has joined the inventory: all nodes are prepared first, for they are to know it. */
  readonly adds?: string
  /** Only the plan is shown. */
  readonly dryRun?: boolean | undefined
}

/** What is asked of a cluster that is whole, of PostgreSQL or of Redis. */
export const DB_VERBS = {
  switchover: {
    description:
      'make another node the primary, or the master: clients wait for some seconds, and nothing that was confirmed is lost',
    order: (host: string) => ({ goal: { primary: host } }),
  },
  'add-node': {
    description: 'bring a node that the inventory has got into the cluster: packages, files, data',
    order: (host: string) => ({ adds: host }),
  },
  'remove-node': {
    description: 'take a node out of the cluster for good; what is on its disk stays there',
    order: (host: string) => ({ goal: { remove: host } }),
  },
} as const

/** The same of no node in particular. */
export const UPGRADE = {
  description: 'bring all nodes of a PostgreSQL cluster to its newest minor version, one by one',
  order: { goal: { upgrade: true } },
} as const

export type DbVerb = keyof typeof DB_VERBS

/** The order of `deploy repair-db` and its like. */
export function repairOrder(kind: ClusterKind, environment: string, cluster: string | undefined): ClusterOrder {
  return { environment, cluster, kind }
}

/** The order of `deploy db VERB`. */
export function dbOrder(verb: DbVerb, environment: string, host: string, cluster: string | undefined): ClusterOrder {
  return { environment, cluster, ...DB_VERBS[verb].order(host) }
}

/** The order of `deploy db upgrade`. */
export function upgradeOrder(environment: string, cluster: string | undefined): ClusterOrder {
  return { environment, cluster, ...UPGRADE.order }
}

/** The command line of an order, without `deploy`: a run that is cut off is known by it. */
export function commandOf(words: readonly string[], cluster: string | undefined): string {
  return [...words, ...(cluster === undefined ? [] : ['--cluster', cluster])].join(' ')
}

const KINDS = Object.keys(CLUSTER_KINDS) as readonly ClusterKind[]

/** The order behind the command of a run that was cut off; undefined: it was no order for a cluster. */
export function orderOf(command: string): ClusterOrder | undefined {
  const [words = '', cluster] = command.split(' --cluster ')
  const [verb, second = '', environment, host] = words.split(' ')
  const repaired = KINDS.find((kind) => CLUSTER_KINDS[kind].repair === verb)
  if (repaired) return repairOrder(repaired, second, cluster)
  if (verb === 'db' && second === 'upgrade' && environment) return upgradeOrder(environment, cluster)
  if (verb !== 'db' || !Object.hasOwn(DB_VERBS, second) || !environment || !host) return undefined
  return dbOrder(second as DbVerb, environment, host, cluster)
}
