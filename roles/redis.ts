import {
  type ClusterInput,
  type Peer,
  type RedisDesired,
  redisCluster,
  redisDesired,
  redisSettings,
  type Secret,
  type Site,
} from 'evenkeel'
import { askedOf, type CertificateAuthority, requireAuthority, requireSecret } from './cluster/trust.ts'
import { certificates, installTasks, passwordTasks, type RedisPart } from './redis/tasks.ts'

export interface Redis<V, G extends string, S extends string = never> {
  /** The groups of the nodes, on each a server and a Sentinel: three to seven hosts. */
  readonly on: G | readonly G[]
  /** The IP address at which clients and its peers reach a node. Default: the address of the inventory. */
  readonly address?: (host: Peer<V, G, unknown>) => string
  /** `cache`: in memory only, and the keys not used for longest give way. `durable`: on disk too, and none gives way. */
  readonly persistence: 'cache' | 'durable'
  /** Megabytes for keys and values. Default: 64. */
  readonly memory?: number
  /** The CA of the nodes: its certificate, a file of the project, and its key. */
  readonly ca: (site: Site<V, G, unknown, S>) => CertificateAuthority
  /** The password of the servers, for their user `default`. */
  readonly password: (site: Site<V, G, unknown, S>) => Secret
  /** Opens the servers as well: the one of before, until all clients have the new one. Default: none. */
  readonly formerPassword?: (site: Site<V, G, unknown, S>) => Secret
  /** The password of the Sentinels. Default: that of the servers. */
  readonly sentinelPassword?: (site: Site<V, G, unknown, S>) => Secret
  /**
   * `latest`: each apply brings the packages to the newest version that the package lists know, and servers and Sentinels run it
   * node by node. Default: `present`, whatever version.
   */
  readonly packages?: 'present' | 'latest'
  /** More of redis.conf, or other values than the role's; not what the set stands on. */
  readonly settings?: Readonly<Record<string, string>>
}

/**
 * Redis 7 with Sentinel, for Debian 12: one master, replicas, and on each node a Sentinel that makes another one the master
 * when it is gone. TLS only: port 6379 the servers, port 26379 the Sentinels, which tell clients who is the master.
 *
 * @example
 * cluster('cache', redis({
 *   on: 'app',
 *   persistence: 'cache',
 *   ca: (site) => ({ certificate: 'files/prod-ca.crt', key: site.secrets.caKey }),
 *   password: (site) => site.secrets.redisPassword,
 * }))
 */
export function redis<V, G extends string, S extends string = never>(
  // What there is is known from where the cluster is used; what is written here is checked by it.
  input: Redis<NoInfer<V>, NoInfer<G>, NoInfer<S>>,
): ClusterInput<V, G, S> {
  return {
    kind: 'redis',
    on: [input.on].flat() as readonly G[],
    prepare: (host, site, name) => {
      const part = redisPart(input, site, name, host.name)
      return [installTasks(part), passwordTasks(part)]
    },
    tasks: (host, site, name) => certificates(redisPart(input, site, name, host.name)),
    cluster: (site, name) => redisCluster(redisPart(input, site, name).desired),
  }
}

/** What one node needs to know; without `host`, the first. */
function redisPart<V, G extends string, S extends string>(
  input: Redis<V, G, S>,
  site: Site<V, G, unknown, S>,
  name: string,
  host?: string,
): RedisPart {
  const {
    address = (peer) => peer.address,
    persistence,
    memory = 64,
    settings: more = {},
    packages = 'present',
  } = input
  const groups: readonly string[] = [input.on].flat()
  const nodes = site.hosts
    .filter((peer) => peer.groups.some((group) => groups.includes(group)))
    .map((peer) => ({ host: peer.name, address: address(peer) }))
  const node = nodes.find((one) => host === undefined || one.host === host)
  if (!node)
    throw new Error(`${host === undefined ? 'no host is a node' : `${host} is no node`} of the cluster ${name}`)
  const asked = (option: 'ca' | 'password' | 'formerPassword' | 'sentinelPassword') =>
    askedOf(option, input[option], site as never, name)
  const password = requireSecret('password', asked('password'), name)
  const desired: RedisDesired = redisDesired({
    ...{ name, environment: site.environment, nodes, persistence, password },
    settings: redisSettings({ persistence, memory, more }),
    sentinelPassword: input.sentinelPassword
      ? requireSecret('sentinelPassword', asked('sentinelPassword'), name)
      : password,
    ...(input.formerPassword && {
      formerPassword: requireSecret('formerPassword', asked('formerPassword'), name),
    }),
  })
  return { desired, node, packages, ca: requireAuthority(asked('ca'), name) }
}
