import type { z } from 'zod'
import type { Balancer } from './balancer.ts'
import { callSite } from './call-site.ts'
import type { Cluster, ClusterKind } from './cluster.ts'
import type { Facts, FactValues } from './fact.ts'
import type { Host, Phase, Site, Strategy } from './playbook.ts'
import type { Health, Rolling, RollingOptions } from './rolling.ts'
import type { TaskTree } from './task.ts'

/** The one schema of a site: the names of its groups, and the variables each host has. */
export interface SiteSchema<G extends string = string, V extends z.ZodType = z.ZodType, S extends string = string> {
  readonly groups: readonly G[]
  /** Every host's variables, after merging environment < group < host, are checked by this. */
  readonly vars: V
  /** The secrets that every environment must have: in secrets/ENV.age, in secrets/ENV.sops.yaml, or in variables. */
  readonly secrets?: readonly S[]
}

export interface PhaseInput<V, G extends string, F extends Facts, S extends string = never> {
  /** The groups whose hosts get these tasks, or `all`. */
  readonly on: G | 'all' | readonly G[]
  /** Facts read from the hosts before `tasks` is called. */
  readonly facts?: F
  /** Further groups whose facts are read, for templates that name peers. */
  readonly reads?: readonly G[]
  /** The tasks of one host: pure and synchronous, called once per host. */
  readonly tasks: (host: Host<V, G, FactValues<F>>, site: Site<V, G, FactValues<F>, S>) => TaskTree
}

export interface RollingInput<V, G extends string, F extends Facts, S extends string = never>
  extends PhaseInput<V, G, F, S>,
    RollingOptions {
  /** What sends traffic to the hosts of these groups. A function where it needs variables or secrets of the site. */
  readonly through: Balancer | ((site: Site<V, G, FactValues<F>, S>) => Balancer)
  /** What must be so before a host rejoins: all of it, asked on the host again and again until it holds. */
  readonly healthy: (host: Host<V, G, FactValues<F>>, site: Site<V, G, FactValues<F>, S>) => Health | readonly Health[]
  /** Tasks done on all hosts at once before the first one leaves, e.g. to unpack what is switched to later. */
  readonly prepare?: (host: Host<V, G, FactValues<F>>, site: Site<V, G, FactValues<F>, S>) => TaskTree
}

/** What a role of a cluster gives, e.g. `postgres({ … })`. `name` is the cluster's, as the playbook calls it. */
export interface ClusterInput<V, G extends string, S extends string = never> {
  readonly kind: ClusterKind
  readonly on: readonly G[]
  /** Tasks for all nodes at once, before anything of the cluster is looked at: packages, files, units. */
  readonly prepare: (host: Host<V, G, unknown>, site: Site<V, G, unknown, S>, name: string) => TaskTree
  /** Tasks for all nodes at once, which a repair does as well: certificates. */
  readonly tasks: (host: Host<V, G, unknown>, site: Site<V, G, unknown, S>, name: string) => TaskTree
  readonly cluster: (site: Site<V, G, unknown, S>, name: string) => Cluster
}

export interface ConnectionInput {
  readonly user?: string
  readonly port?: number
  readonly identityFile?: string
  /** An ssh configuration of the project, read in place of the user's and the system's. */
  readonly sshConfig?: string
  readonly become?: 'sudo' | 'none'
  readonly transport?: 'openssh' | 'node-ssh' | 'local'
  /** The addresses come from the lab of this environment (`deploy lab up ENV`). */
  readonly lab?: boolean
}

type NoFacts = Readonly<Record<never, never>>

/** An inventory as a TypeScript file gives it: the same shape as the YAML form, with names and variables typed. */
export interface InventoryInput<G extends string, V> {
  readonly connection?: ConnectionInput
  readonly vars?: Partial<V>
  readonly groups: {
    readonly [K in G]?: {
      readonly hosts?: readonly string[]
      readonly vars?: Partial<V>
      readonly connection?: ConnectionInput
    }
  }
  readonly hosts: Readonly<
    Record<string, { readonly address?: string; readonly vars?: Partial<V>; readonly connection?: ConnectionInput }>
  >
}

/**
 * The environment as the phases of a schema see it, to be named by the functions of a playbook.
 *
 * @example
 * export type Site = SiteOf<typeof inventory>
 */
export type SiteOf<I extends { readonly schema: SiteSchema }> = I extends {
  readonly schema: SiteSchema<infer G, infer V, infer S>
}
  ? Site<z.output<V>, G, unknown, S>
  : never

/**
 * Types a whole site from ONE schema: phases know its groups and variables, and each inventory is checked by it.
 *
 * @example
 * export const { inventory, parallel, once, rolling } = site({
 *   groups: ['app', 'db'],
 *   vars: z.object({ port: z.number().default(3000) }),
 *   secrets: ['dbPassword'],
 * })
 */
export function site<const G extends string, V extends z.ZodType, const S extends string = never>(
  schema: SiteSchema<G, V, S>,
) {
  type Vars = z.output<V>

  /** The identity with types: what a TypeScript inventory exports by default. */
  const inventory = Object.assign((input: InventoryInput<G, z.input<V>>) => input, { schema })

  /** Tasks for all hosts of the groups at once. */
  function parallel<const F extends Facts = NoFacts>(name: string, input: PhaseInput<Vars, G, F, S>): Phase {
    return phase(name, 'parallel', input)
  }

  /** Tasks for one host: the first of the groups in the order of the inventory. */
  function once<const F extends Facts = NoFacts>(name: string, input: PhaseInput<Vars, G, F, S>): Phase {
    return phase(name, 'once', input)
  }

  /**
   * Tasks for hosts behind a balancer, wave by wave: each leaves it, is changed, proves its health, and rejoins. Hosts
   * without changes stay where they are. When one fails it stays out, named, and no further wave is begun.
   */
  function rolling<const F extends Facts = NoFacts>(
    name: string,
    { prepare, ...input }: RollingInput<Vars, G, F, S>,
  ): readonly Phase[] {
    const turn = { ...phase(name, 'rolling', input), rolling: rollingOf(input) }
    return prepare ? [phase(`${name}, prepare`, 'parallel', { ...input, tasks: prepare }), turn] : [turn]
  }

  /**
   * A cluster: its nodes are prepared all at once; then it is surveyed, and brought step by step to what is wanted, until a
   * client of every node can write. Nothing is done where data could be lost.
   */
  function cluster(name: string, input: ClusterInput<Vars, G, S>): readonly Phase[] {
    const named = (make: typeof input.tasks): PhaseInput<Vars, G, NoFacts, S> => ({
      on: input.on,
      tasks: (host, all) => make(host, all, name),
    })
    const made = (all: Site<Vars, G, unknown, S>) => input.cluster(all, name)
    return [
      phase(`${name}, prepare`, 'parallel', named(input.prepare)),
      {
        ...phase(name, 'cluster', named(input.tasks)),
        kind: input.kind,
        cluster: made as unknown as NonNullable<Phase['cluster']>,
      },
    ]
  }

  return { inventory, parallel, once, rolling, cluster }
}

function rollingOf<V, G extends string, F extends Facts, S extends string>(input: RollingInput<V, G, F, S>): Rolling {
  const { on: _on, facts: _facts, reads: _reads, tasks: _tasks, ...rolling } = input
  return rolling as unknown as Rolling
}

function phase<V, G extends string, F extends Facts, S extends string>(
  name: string,
  strategy: Strategy,
  input: PhaseInput<V, G, F, S>,
): Phase {
  return {
    name,
    strategy,
    on: typeof input.on === 'string' ? [input.on] : input.on,
    facts: input.facts ?? {},
    reads: input.reads ?? [],
    tasks: input.tasks as unknown as Phase['tasks'],
    where: callSite(),
  }
}
