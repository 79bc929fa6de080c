import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { Secret } from '../../model/secret.ts'

/** What PostgreSQL and pgbouncer take by default. */
const ITERATIONS = 4096

/**
 * What PostgreSQL and pgbouncer keep of a role's password, SCRAM-SHA-256: the same on every node and in every run. It can
 * only be compared with a password, not be used as one.
 *
 * The salt is made of the role's name alone. Whoever begins to log in is told it before any proof: made of the password it
 * would let them try passwords at home.
 *
 * @throws Error when the password has other characters than printable ASCII, or one that files of passwords cannot carry.
 */
export function verifier(role: string, password: Secret): Secret {
  const known = verifiers.get(password) ?? new Map<string, Secret>()
  verifiers.set(password, known)
  const made = known.get(role) ?? madeVerifier(role, password)
  known.set(role, made)
  return made
}

/** It takes some milliseconds, and each survey asks for it again. */
const verifiers = new WeakMap<Secret, Map<string, Secret>>()

function madeVerifier(role: string, password: Secret): Secret {
  const salt = createHash('sha256').update(`evenkeel ${role}`).digest().subarray(0, 16)
  return new Secret(`verifier of ${role}`, scram(plain(password), salt, ITERATIONS))
}

/** The password of the role `evenkeel`, which asks nodes who they are: made of the one of `repmgr`. */
export function probePassword(password: Secret): Secret {
  return new Secret('password of evenkeel', createHmac('sha256', plain(password)).update('evenkeel').digest('hex'))
}

/** As RFC 7677 makes it, in the form in which PostgreSQL keeps it. */
export function scram(password: string, salt: Buffer, iterations: number): string {
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256')
  const hmac = (text: string) => createHmac('sha256', salted).update(text).digest()
  const storedKey = createHash('sha256').update(hmac('Client Key')).digest('base64')
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${hmac('Server Key').toString('base64')}`
}

/** The text of a password that needs no quoting anywhere: in .pgpass, in conninfo, in SQL. */
function plain(password: Secret): string {
  const text = password.reveal()
  if (/^[\x20-\x7e]+$/.test(text) && !/['\\:]/.test(text)) return text
  throw new Error(`${password} must be printable ASCII without quote ('), backslash and colon`)
}
