import { callSite } from './call-site.ts'
import type { Cluster, ClusterKind } from './cluster.ts'
import { DeployError, exitCodes } from './error.ts'
import type { Facts } from './fact.ts'
import type { Rolling } from './rolling.ts'
import type { Secret } from './secret.ts'
import type { TaskTree } from './task.ts'

/** A host as the phases of other hosts see it: its facts may be missing, for it may be unreachable. */
export interface Peer<V, G extends string, F> {
  readonly name: string
  readonly address: string
  readonly groups: readonly G[]
  readonly vars: V
  readonly facts: F | undefined
}

/** The host a phase's tasks are made for. Its own facts are always there. */
export interface Host<V, G extends string, F> extends Peer<V, G, F> {
  readonly facts: F
}

/** The whole environment: all hosts of the inventory, whatever is limited, unreachable or in another phase. */
export interface Site<V, G extends string, F, S extends string = never> {
  readonly environment: string
  /** The secrets of the environment, by the names of the schema. */
  readonly secrets: Readonly<Record<S, Secret>>
  readonly hosts: readonly Peer<V, G, F>[]
  group(name: G): readonly Peer<V, G, F>[]
}

/**
 * `parallel`: all hosts at once. `once`: the first host of the group only. `rolling`: wave by wave, each out of its
 * balancer while it is changed. `cluster`: all hosts at once, then what makes the cluster whole.
 */
export type Strategy = 'parallel' | 'once' | 'rolling' | 'cluster'

/** Tasks for a group with one strategy. */
export interface Phase {
  readonly name: string
  readonly strategy: Strategy
  /** Groups, or `all`. */
  readonly on: readonly string[]
  readonly facts: Facts
  /** Groups whose facts are gathered as well, though this phase has no tasks for them. */
  readonly reads: readonly string[]
  readonly tasks: (host: Host<unknown, string, unknown>, site: Site<unknown, string, unknown, string>) => TaskTree
  readonly where: string
  /** How a rolling phase leaves and rejoins its balancer. */
  readonly rolling?: Rolling
  /** Of what kind the cluster of a cluster phase is: known before one is made. */
  readonly kind?: ClusterKind
  /** What makes the hosts of a cluster phase one whole. */
  readonly cluster?: (site: Site<unknown, string, unknown, string>) => Cluster
  /** The phase that `--prune` adds: it is for these hosts only, whose record forgets these keys when it is done. */
  readonly prunes?: ReadonlyMap<string, readonly string[]>
  /** The phase of a rollback: hosts do not record it as applied. */
  readonly unrecorded?: true
}

export interface Playbook {
  readonly name: string
  readonly phases: readonly Phase[]
  readonly where: string
}

/** A playbook: phases in order. The default export of a file in playbooks/. */
export function playbook(name: string, phases: readonly (Phase | readonly Phase[])[]): Playbook {
  return { name, phases: phases.flat(), where: callSite() }
}

/**
 * The peers with their facts, all of them: for templates that are wrong when one is missing.
 *
 * @throws DeployError `E_PEER_FACTS` (exit 3) when a peer is unreachable; the phase is not run on any host.
 */
export function requireFacts<V, G extends string, F>(peers: readonly Peer<V, G, F>[]): readonly Host<V, G, F>[] {
  const missing = peers.filter((peer) => peer.facts === undefined)
  if (missing.length === 0) return peers as readonly Host<V, G, F>[]
  throw new DeployError({
    code: 'E_PEER_FACTS',
    message: `the facts of ${missing.map((peer) => peer.name).join(', ')} are needed and could not be read`,
    hint: 'bring these hosts back, or write the case of a missing peer instead of requireFacts',
    exit: exitCodes.unreachable,
  })
}
