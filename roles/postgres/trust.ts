import { Secret, type Site } from 'evenkeel'
import type { Postgres } from '../postgres.ts'

/** The CA of the nodes. */
export interface CertificateAuthority {
  /** Its certificate, a file of the project. */
  readonly certificate: string
  readonly key: Secret
}

/** What the nodes and the clients of a cluster trust. */
export interface Trust {
  readonly ca: CertificateAuthority
  readonly password: Secret
  readonly users: Readonly<Record<string, Secret>>
}

/**
 * The secrets of a cluster, and its CA. The types demand them already; a cast, or a playbook in JavaScript, gets past the
 * types.
 *
 * @throws Error that names the option, and never its value.
 */
export function trustOf<V, G extends string, S extends string>(
  input: Postgres<V, G, S>,
  site: Site<V, G, unknown, S>,
  name: string,
): Trust {
  const asked = (option: 'ca' | 'password' | 'users'): unknown => {
    const make: unknown = input[option] ?? (option === 'users' ? () => ({}) : undefined)
    if (typeof make === 'function') return make(site)
    throw new Error(`${option} of the cluster ${name} must be a function of the site: (site) => …`)
  }
  const [ca, users] = [record(asked('ca')), record(asked('users'))]
  if (typeof ca.certificate !== 'string')
    throw new Error(`ca.certificate of the cluster ${name} must name a file of the project`)
  return {
    ca: { certificate: ca.certificate, key: requireSecret('ca.key', ca.key, name) },
    password: requireSecret('password', asked('password'), name),
    users: Object.fromEntries(
      Object.entries(users).map(([user, password]) => [user, requireSecret(`users.${user}`, password, name)]),
    ),
  }
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function requireSecret(option: string, value: unknown, cluster: string): Secret {
  if (value instanceof Secret) return value
  throw new Error(`${option} of the cluster ${cluster} must be a secret: site.secrets.NAME`)
}
