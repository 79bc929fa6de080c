import { Secret, type Site } from 'evenkeel'

/** The CA of the nodes. */
export interface CertificateAuthority {
  /** Its certificate, a file of the project. */
  readonly certificate: string
  readonly key: Secret
}

/**
 * What an option of a cluster gives for a site. The types demand a function already; a cast, or a playbook in JavaScript,
 * gets past the types.
 *
 * @throws Error that names the option, and never its value.
 */
export function askedOf(
  option: string,
  make: unknown,
  site: Site<unknown, string, unknown, string>,
  name: string,
): unknown {
  if (typeof make === 'function') return make(site)
  throw new Error(`${option} of the cluster ${name} must be a function of the site: (site) => …`)
}

/** @throws Error when it is no CA. */
export function requireAuthority(value: unknown, name: string): CertificateAuthority {
  const ca = record(value)
  if (typeof ca.certificate !== 'string')
    throw new Error(`ca.certificate of the cluster ${name} must name a file of the project`)
  return { certificate: ca.certificate, key: requireSecret('ca.key', ca.key, name) }
}

/** @throws Error that names the option, and never its value. */
export function requireSecret(option: string, value: unknown, cluster: string): Secret {
  if (value instanceof Secret) return value
  throw new Error(`${option} of the cluster ${cluster} must be a secret: site.secrets.NAME`)
}

export function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
