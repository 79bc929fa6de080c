import { isIP } from 'node:net'
import type { Secret } from '../../model/secret.ts'
import type { Desired, PostgresNode } from './model.ts'
import { nodeId } from './node-id.ts'
import { probePassword } from './scram.ts'

/** A database of the playbook. */
export interface PostgresDatabase {
  /** One of the users. */
  readonly owner: string
  /** Extensions that are in it, e.g. `pgcrypto`. More are left alone. Default: none. */
  readonly extensions?: readonly string[]
}

export interface DesiredWant
  extends Pick<Desired, 'name' | 'environment' | 'durability' | 'restartSettings' | 'backup'> {
  /** In the order of the inventory. */
  readonly nodes: readonly PostgresNode[]
  /** Of the role `repmgr`. */
  readonly password: Secret
  readonly users: Readonly<Record<string, Secret>>
  readonly databases: Readonly<Record<string, PostgresDatabase>>
}

/**
 * A cluster as its playbook says, with the roles that every cluster has. Its databases are the playbook's own.
 *
 * @throws Error when a name, an owner or the unit of the backup will not do.
 */
export function postgresDesired({ password, users, databases, ...want }: DesiredWant): Desired {
  for (const user of Object.keys(users)) requireName('user', user, ROLES)
  for (const [name, { owner, extensions = [] }] of Object.entries(databases)) {
    requireName('database', name, DATABASES)
    if (!Object.hasOwn(users, owner)) throw new Error(`the owner of database ${name} is none of its users: ${owner}`)
    const odd = extensions.find((extension) => !/^[a-z][a-z0-9_-]{0,62}$/.test(extension))
    if (odd !== undefined) throw new Error(`no name of an extension: ${odd} of database ${name}`)
  }
  if (want.backup !== undefined && !/^[A-Za-z0-9:_.@][A-Za-z0-9:_.@-]*\.service$/.test(want.backup))
    throw new Error(`backup is the name of a service unit, e.g. pg-backup.service, not ${JSON.stringify(want.backup)}`)
  return {
    ...want,
    users: [
      { name: 'repmgr', password, superuser: true },
      { name: 'evenkeel', password: probePassword(password) },
      ...Object.entries(users).map(([name, own]) => ({ name, password: own })),
    ],
    databases: Object.entries(databases).map(([name, { owner, extensions = [] }]) => ({ name, owner, extensions })),
  }
}

/**
 * The nodes of a cluster with their numbers.
 *
 * @throws Error when these cannot be the nodes of one cluster.
 */
export function postgresNodes(nodes: readonly Omit<PostgresNode, 'id'>[]): readonly PostgresNode[] {
  requireCount(nodes, 'member', 2, 5)
  requireCount(nodes, 'replica', 0, 5)
  requireCount(nodes, 'witness', 0, 1)
  const numbered = nodes.map((node) => ({ ...node, id: nodeId(node.host) }))
  for (const { host, address } of numbered) {
    if (!/^[a-z0-9][a-z0-9._-]{0,62}$/.test(host)) throw new Error(`no name for a node of PostgreSQL: ${host}`)
    if (isIP(address) === 0)
      throw new Error(`${host} is reached by its peers at an IP address, not at ${address}: say which with address`)
  }
  for (const field of ['host', 'address', 'id'] as const) requireUnique(numbered, field)
  return numbered
}

type Kind = PostgresNode['kind']

/** The role's 16 slots are enough for ten nodes with data. */
function requireCount(nodes: readonly Omit<PostgresNode, 'id'>[], kind: Kind, least: number, most: number): void {
  const hosts = nodes.filter((node) => node.kind === kind).map(({ host }) => host)
  if (hosts.length >= least && hosts.length <= most) return
  const some =
    least > 0 ? `${least} to ${most} ${kind}s` : most === 1 ? `one ${kind} at most` : `at most ${most} ${kind}s`
  throw new Error(`a cluster has ${some}, not ${hosts.length}${hosts.length > 0 ? `: ${hosts.join(', ')}` : ''}`)
}

function requireUnique(nodes: readonly PostgresNode[], field: 'host' | 'address' | 'id'): void {
  const seen = new Map<string | number, string>()
  for (const node of nodes) {
    const other = seen.get(node[field])
    if (other !== undefined) throw new Error(`${other} and ${node.host} have one ${field}: ${node[field]}`)
    seen.set(node[field], node.host)
  }
}

/** Plain names need quotes nowhere: in SQL, pg_hba.conf, pgbouncer.ini. */
function requireName(what: string, name: string, reserved: ReadonlySet<string>): void {
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(name) || name.startsWith('pg_'))
    throw new Error(`a ${what} is named in small letters, digits and _, not ${JSON.stringify(name)}`)
  if (reserved.has(name)) throw new Error(`${name} cannot be a ${what} of a playbook: it has a meaning of its own`)
}

const ROLES: ReadonlySet<string> = new Set(['postgres', 'repmgr', 'evenkeel', 'pgbouncer', 'all', 'public'])
const DATABASES: ReadonlySet<string> = new Set(
  ['postgres', 'template0', 'template1', 'repmgr', 'evenkeel', 'pgbouncer'].concat(
    ...['all', 'sameuser', 'samerole', 'samegroup', 'replication'],
  ),
)
