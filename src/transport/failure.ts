import { SUDO_PROMPT } from '../shell/session.ts'
import { fingerprintOf } from './fingerprint.ts'
import type { LinkFailure } from './link.ts'
import { textOf } from './text-of.ts'

/** What is known of an ended ssh, sudo or sh process. */
export interface LinkEnd {
  readonly stderr: string
  readonly exitCode: number | undefined
  /** Whether the host loop had answered before. */
  readonly established: boolean
  /** `user@address:port` as asked for. */
  readonly target: string
}

type Rule = readonly [pattern: RegExp, failure: (match: RegExpExecArray, end: LinkEnd) => LinkFailure]

// The texts are OpenSSH's and sudo's in the C locale.
const RULES: readonly Rule[] = [
  // It says that the verification failed as well, so this comes first.
  [/REVOKED HOST KEY|marked as revoked/, () => ({ kind: 'host-key-changed', message: 'its host key is revoked' })],
  [
    /REMOTE HOST IDENTIFICATION HAS CHANGED|Host key for .* has changed/,
    (_match, { stderr }) => ({ kind: 'host-key-changed', message: changedKey(stderr) }),
  ],
  [
    /Host key verification failed|No \S+ host key is known/,
    () => ({ kind: 'host-key-unknown', message: 'its host key is not known yet' }),
  ],
  [
    /Connection timed out during banner exchange/,
    (_match, { target }) => ({ kind: 'timeout', message: noBanner(target) }),
  ],
  [
    /(?:kex|ssh)_exchange_identification: .*(?:[Cc]losed|reset)/,
    (_match, { target }) => ({ kind: 'dropped', message: wasDropped(target), hint: DROPPED_HINT }),
  ],
  [/Connection refused/, (_match, { target }) => ({ kind: 'refused', message: `connection refused by ${target}` })],
  [
    /Could not resolve hostname (\S+): (.*)/,
    (match) => ({ kind: 'dns', message: `the name ${match[1]} does not resolve (${match[2]})` }),
  ],
  [
    /No route to host|Network is unreachable/,
    (_match, { target }) => ({ kind: 'no-route', message: `no route to ${target}` }),
  ],
  [/Too many authentication failures/, (_match, { target }) => tooManyKeys(target)],
  [
    /Permission denied \(([^)]*)\)/,
    (match, { target }) => ({
      kind: 'auth',
      message: `login as ${target} was denied${match[1] ? ` (the server accepts: ${match[1]})` : ''}`,
      hint: 'check user and identityFile in the inventory, and the keys your ssh agent offers',
    }),
  ],
  // It says that a password is required as well, so this comes first. Whoever is asked twice gave a wrong answer.
  [
    new RegExp(`${SUDO_PROMPT}[^]*${SUDO_PROMPT}|incorrect password attempt`),
    (_match, { target }) => ({
      kind: 'sudo',
      message: `sudo refused the password of ${target}`,
      hint: 'it was tried once; hosts with other passwords need a command of their own: --limit',
    }),
  ],
  [
    /must have a tty/,
    (_match, { target }) => ({
      kind: 'sudo',
      message: `sudo wants a terminal for ${target}, and there is none`,
      hint: 'put `Defaults:USER !requiretty` into /etc/sudoers.d, or log in as root',
    }),
  ],
  [
    /a password is required|a terminal is required/,
    (_match, { target }) => ({
      kind: 'sudo-password',
      message: `sudo needs a password for ${target}`,
      hint: 'add --ask-sudo-password, or give that user a NOPASSWD rule in /etc/sudoers.d, or log in as root',
    }),
  ],
  [
    /is not in the sudoers file|not allowed to (execute|run sudo)/,
    (_match, { target }) => ({ kind: 'sudo', message: `${target} may not use sudo` }),
  ],
  [
    /sudo['’]?: (not found|command not found|No such file)/,
    () => ({ kind: 'sudo', message: 'sudo is not installed there' }),
  ],
  [
    /timed out|Timeout, server .* not responding/,
    (_match, { target, established }) =>
      established
        ? { kind: 'lost', message: 'the connection was lost' }
        : { kind: 'timeout', message: `${target} did not answer in time` },
  ],
]

/** Names the failure of a link from what the process said; the raw text is kept where nothing fits. */
export function nameFailure(end: LinkEnd): LinkFailure {
  for (const [pattern, failure] of RULES) {
    const match = pattern.exec(end.stderr)
    if (match) return failure(match, end)
  }
  const said = end.stderr.trim().split('\n').slice(-3).join(' / ')
  if (end.established)
    return { kind: 'lost', message: said ? `the connection was lost (${said})` : 'the connection was lost' }
  return {
    kind: 'login-shell',
    message: `the login on ${end.target} ended with code ${end.exitCode ?? '?'} before it could run sh${said ? `: ${said}` : ''}`,
    hint: 'the account needs a login shell that runs commands (not nologin or false)',
  }
}

/** What ssh says of a changed key: the fingerprint that the host shows, and the line of the file with the one it should. */
function changedKey(stderr: string): string {
  const shown = /key sent by the remote host is\s+(SHA256:[A-Za-z0-9+/]+)/.exec(stderr)?.[1]
  const [, file, line] = /Offending \S+ key in (.+):(\d+)/.exec(stderr) ?? []
  const key = file && textOf(file).split('\n')[Number(line) - 1]?.trim().split(/\s+/)[2]
  const trusted = key ? ` (${fingerprintOf(key)}, ${file}:${line})` : ''
  return `its host key${shown ? ` (${shown})` : ''} is not the one that is trusted${trusted}`
}

/** Seconds in which a server must say what it is. */
export const FIRST_WORD = 10

/** What is told of a port on which something listens that is no sshd, or a sick one. */
export function noBanner(target: string): string {
  return `${target} took the connection, and no SSH banner came within ${FIRST_WORD} s`
}

/** What is told of a server that ended the login after some of the keys that were offered. */
export function tooManyKeys(target: string): LinkFailure {
  return {
    kind: 'auth',
    message: `login as ${target} was denied: the server takes no more keys after those that were offered`,
    hint: 'name the right key as identityFile in the inventory: no other one is offered then',
  }
}

/** What is told of a server that ends connections before the login begins. */
export function wasDropped(target: string): string {
  return `${target} closed the connection before the login began`
}

export const DROPPED_HINT =
  "a server with too many logins at work does this (sshd's MaxStartups), and one that bans addresses"
