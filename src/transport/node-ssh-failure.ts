import { DROPPED_HINT, noBanner, tooManyKeys, wasDropped } from './failure.ts'
import type { Verdict } from './known-hosts.ts'
import type { LinkFailure } from './link.ts'

/** One try to log in, and what came of it so far. */
export interface Attempt {
  readonly target: string
  readonly address: string
  verdict?: Verdict
  /** Fingerprint of the key the host showed. */
  shown?: string
  /** The end of what came on stderr. */
  stderr: string
  /** Both ends have agreed on keys, and the host is who it should be. */
  keyed: boolean
  /** The host loop has answered. */
  established: boolean
}

/** Names an error of the library, in the words that are used for `ssh`. */
export function named(attempt: Attempt, error: unknown): LinkFailure {
  const { target, verdict, shown, established } = attempt
  const { code = '', level = '', message } = error as { code?: string; level?: string; message: string }
  if (verdict === 'unknown') return { kind: 'host-key-unknown', message: `its host key (${shown}) is not known yet` }
  if (verdict === 'changed')
    return { kind: 'host-key-changed', message: `its host key (${shown}) is not the one that is trusted` }
  if (verdict === 'authority')
    return { kind: 'host-key-unknown', message: 'its host key is known by a certificate only: use transport: openssh' }
  if (verdict === 'revoked') return { kind: 'host-key-changed', message: `its host key (${shown}) is revoked` }
  if (established) return lost(attempt)
  if (/matching host key format/i.test(message))
    return { kind: 'host-key-changed', message: 'it has no host key of a type that is trusted' }
  if (code === 'ECONNREFUSED') return { kind: 'refused', message: `connection refused by ${target}` }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return {
      kind: 'dns',
      message: `the name ${attempt.address} does not resolve (${code})`,
      hint: 'node-ssh reads no ssh configuration: give the address in the inventory, or use transport: openssh',
    }
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH') return { kind: 'no-route', message: `no route to ${target}` }
  if (code === 'ENOBANNER') return { kind: 'timeout', message: noBanner(target) }
  if (code === 'ETIMEDOUT' || level === 'client-timeout')
    return { kind: 'timeout', message: `${target} did not answer in time` }
  if (!attempt.keyed && (code === 'ECONNRESET' || /before handshake/.test(message))) return lost(attempt)
  if (/Too many authentication failures/.test(message)) return tooManyKeys(target)
  if (level === 'client-authentication' || code === 'ENOENT' || /private key|passphrase/i.test(message))
    return denied(target, message)
  return { kind: 'login-shell', message: `the login on ${target} failed: ${message}`, hint: 'try transport: openssh' }
}

function denied(target: string, message: string): LinkFailure {
  const why = /passphrase/i.test(message)
    ? 'its key is encrypted: put it into an ssh agent, or use transport: openssh'
    : 'check user and identityFile in the inventory, and the keys your ssh agent offers; a certificate needs transport: openssh'
  return { kind: 'auth', message: `login as ${target} was denied (${message})`, hint: why }
}

/** What is told when the connection is gone without an error. */
export function lost({ established, keyed, target }: Attempt): LinkFailure {
  if (established) return { kind: 'lost', message: 'the connection was lost' }
  return keyed
    ? { kind: 'timeout', message: `${target} ended the connection before the login was done` }
    : { kind: 'dropped', message: wasDropped(target), hint: DROPPED_HINT }
}
