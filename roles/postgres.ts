import {
  type ClusterInput,
  type Health,
  type Peer,
  type PostgresDatabase,
  type PostgresSetting,
  postgresCluster,
  postgresDesired,
  postgresPlaces,
  postgresRestartSettings,
  postgresSettings,
  type Secret,
  type Site,
  sh,
} from 'evenkeel'
import type { CertificateAuthority } from './cluster/trust.ts'
import { certificates } from './postgres/certificates.ts'
import { clusterNodes, groupsOf } from './postgres/nodes.ts'
import type { NodePart } from './postgres/part.ts'
import { pgbouncerTasks } from './postgres/pgbouncer.ts'
import { repmgrTasks } from './postgres/repmgr.ts'
import { installTasks, serverTasks } from './postgres/server.ts'
import { type Trust, trustOf } from './postgres/trust.ts'

export interface Postgres<V, G extends string, S extends string = never> {
  /** The groups of the members, which are the nodes that can be the primary: two to five hosts. */
  readonly on: G | readonly G[]
  /** Groups of nodes that follow and never become the primary, e.g. in another place: at most five hosts. */
  readonly replicas?: G | readonly G[]
  /** The group of the one node that only votes, for clusters of two members. */
  readonly witness?: G
  /** The IP address at which its peers reach a node. Default: the address of the inventory. */
  readonly address?: (host: Peer<V, G, unknown>) => string
  /**
   * `sync`: what was acknowledged is on two nodes; with one node left, writing waits. `async`: the last moments before a
   * primary is lost may be lost.
   */
  readonly durability: 'async' | 'sync'
  /** The CA of the nodes: its certificate, a file of the project, and its key. */
  readonly ca: (site: Site<V, G, unknown, S>) => CertificateAuthority
  /** The password of the role `repmgr`, by which the nodes trust each other. */
  readonly password: (site: Site<V, G, unknown, S>) => Secret
  /** The roles of applications: name → password. */
  readonly users?: (site: Site<V, G, unknown, S>) => Readonly<Record<string, Secret>>
  /**
   * Databases, by name. A user reaches, from the nodes and through pgbouncer, those that it owns; one that owns none reaches
   * all.
   */
  readonly databases?: Readonly<Record<string, PostgresDatabase>>
  /**
   * The service unit that makes a backup, e.g. `pg-backup.service`: it is run on the primary before data of another node is
   * given up, and has to end well. Default: none.
   */
  readonly backup?: string
  /** Megabytes of a node, 256 to 1048576, for settings that let room for the application beside. Default: 1024. */
  readonly memory?: number
  /** More of postgresql.conf, or other values than the role's; not what the cluster stands on. */
  readonly settings?: Readonly<Record<string, PostgresSetting>>
}

/**
 * A PostgreSQL 15 cluster with failover by repmgr, for Debian 12. On each node a pgbouncer on port 6432 takes clients over
 * TLS and sends them to the one primary, wherever that is. Everything between nodes is TLS that is verified, by certificates
 * the role issues and renews.
 *
 * @example
 * cluster('main', postgres({
 *   on: 'db',
 *   durability: 'sync',
 *   ca: (site) => ({ certificate: 'files/prod-ca.crt', key: site.secrets.caKey }),
 *   password: (site) => site.secrets.replicationPassword,
 *   users: (site) => ({ notes: site.secrets.dbPassword }),
 *   databases: { notes: { owner: 'notes', extensions: ['pgcrypto'] } },
 * }))
 */
export function postgres<V, G extends string, S extends string = never>(
  // What there is is known from where the cluster is used; what is written here is checked by it.
  input: Postgres<NoInfer<V>, NoInfer<G>, NoInfer<S>>,
): ClusterInput<V, G, S> {
  return {
    kind: 'postgres',
    on: [...new Set(groupsOf(input).map(({ group }) => group))],
    prepare: (host, site, name) => {
      const part = nodePart(input, site, name, host.name)
      return [installTasks(), serverTasks(part), repmgrTasks(part), pgbouncerTasks(part)]
    },
    tasks: (host, site, name) => certificates(nodePart(input, site, name, host.name)),
    cluster: (site, name) => postgresCluster(nodePart(input, site, name).desired),
  }
}

/**
 * For rolling phases: the node is the one primary, or streams from it and is at most 16 MiB behind, and its pgbouncer sends
 * clients there.
 *
 * @param within seconds until that must be so
 */
export function caughtUp(within = 60): Health {
  return { command: sh`${postgresPlaces.scripts}/postgres-caught-up`, name: 'PostgreSQL has caught up', within }
}

/** What one node needs to know; without `host`, the first. */
function nodePart<V, G extends string, S extends string>(
  input: Postgres<V, G, S>,
  site: Site<V, G, unknown, S>,
  name: string,
  host?: string,
): NodePart & Pick<Trust, 'ca'> {
  const { durability, databases = {}, memory = 1024, settings: more = {}, backup } = input
  const nodes = clusterNodes(input, site, name)
  const node = nodes.find((one) => host === undefined || one.host === host)
  if (!node) throw new Error(`${host} is no node of the cluster ${name}`)
  const settings = postgresSettings({ name, memory, durability, nodes, more }, node)
  const restartSettings = postgresRestartSettings(settings)
  const { ca, password, users } = trustOf(input, site, name)
  return {
    ...{ node, settings, ca },
    desired: postgresDesired({
      ...{ name, environment: site.environment, nodes, durability, restartSettings, password, users, databases },
      ...(backup !== undefined && { backup }),
    }),
  }
}
