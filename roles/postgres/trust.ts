import type { Secret, Site } from 'evenkeel'
import { askedOf, type CertificateAuthority, record, requireAuthority, requireSecret } from '../cluster/trust.ts'
import type { Postgres } from '../postgres.ts'

/** What the nodes and the clients of a cluster trust. */
export interface Trust {
  readonly ca: CertificateAuthority
  readonly password: Secret
  readonly users: Readonly<Record<string, Secret>>
}

/**
 * The secrets of a cluster, and its CA.
 *
 * @throws Error that names the option, and never its value.
 */
export function trustOf<V, G extends string, S extends string>(
  input: Postgres<V, G, S>,
  site: Site<V, G, unknown, S>,
  name: string,
): Trust {
  const asked = (option: 'ca' | 'password' | 'users'): unknown =>
    askedOf(option, input[option] ?? (option === 'users' ? () => ({}) : undefined), site, name)
  const users = Object.entries(record(asked('users')))
  return {
    ca: requireAuthority(asked('ca'), name),
    password: requireSecret('password', asked('password'), name),
    users: Object.fromEntries(users.map(([user, own]) => [user, requireSecret(`users.${user}`, own, name)])),
  }
}
