import { type PostgresDesired, postgresNodes, type Site } from 'evenkeel'
import type { Postgres } from '../postgres.ts'

type Node = PostgresDesired['nodes'][number]

/** The groups of the nodes, each with the kind of those in it. */
export function groupsOf<V, G extends string, S extends string>(input: Postgres<V, G, S>) {
  const { on, replicas = [], witness = [] } = input
  const of = (groups: G | readonly G[], kind: Node['kind']) =>
    [groups].flat().map((group) => ({ group: group as G, kind }))
  return [...of(on, 'member'), ...of(replicas, 'replica'), ...of(witness, 'witness')]
}

/**
 * The nodes of a cluster, in the order of the inventory.
 *
 * @throws Error when a group or a host is of two kinds, and when these cannot be the nodes of one cluster.
 */
export function clusterNodes<V, G extends string, S extends string>(
  input: Postgres<V, G, S>,
  site: Site<V, G, unknown, S>,
  name: string,
): readonly Node[] {
  const { address = (peer) => peer.address } = input
  const groups = groupsOf(input)
  const kindsOf = (wanted: G) => groups.filter(({ group }) => group === wanted).map(({ kind }) => kind)
  for (const { group } of groups) requireOne(`the group ${group}`, kindsOf(group), name)
  return postgresNodes(
    site.hosts.flatMap((peer) =>
      requireOne(peer.name, peer.groups.flatMap(kindsOf), name).map((kind) => ({
        ...{ host: peer.name, address: address(peer), kind },
      })),
    ),
  )
}

/** None or one. */
function requireOne(what: string, all: readonly Node['kind'][], cluster: string): readonly Node['kind'][] {
  const kinds = [...new Set(all)]
  if (kinds.length > 1) throw new Error(`${what} cannot be a ${kinds.join(' and a ')} of the cluster ${cluster}`)
  return kinds
}
