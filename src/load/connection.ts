import { homedir } from 'node:os'
import { resolve } from 'node:path'
import type { Connection } from '../model/inventory.ts'
import type { ConnectionInput } from '../model/site.ts'

type Fields = { readonly [K in keyof ConnectionInput]-?: (value: unknown) => string | undefined }

const checks: Fields = {
  user: (value) => (isText(value) && /^[^-\s\p{C}][^\s\p{C}]{0,127}$/u.test(value) ? undefined : 'must be a user name'),
  port: (value) => (isPort(value) ? undefined : 'must be a whole number from 1 to 65535'),
  identityFile: isPath,
  sshConfig: isPath,
  become: (value) => oneOf(value, ['sudo', 'none']),
  transport: (value) => oneOf(value, ['openssh', 'node-ssh', 'local']),
  lab: (value) => (typeof value === 'boolean' ? undefined : 'must be true or false'),
}

/** The keys of a `connection:` block. */
export const connectionKeys = Object.keys(checks)

/** What is wrong with a value of a `connection:` block, said in a sentence. */
export function connectionMistake(key: string, value: unknown): string | undefined {
  const wrong = checks[key as keyof Fields](value)
  return wrong && `connection.${key} ${wrong}, not ${JSON.stringify(value)}`
}

/** What is wrong with a host's address. An address never reaches a command line where it could be taken for an option. */
export function addressMistake(value: unknown): string | undefined {
  if (!isText(value)) return `address must be text, not ${JSON.stringify(value)}`
  const shown = JSON.stringify(value.slice(0, 80))
  if (value.startsWith('-')) return `address ${shown} is refused: it starts with "-"`
  if (value.includes('@')) return `address ${shown} is refused: give the user as connection.user`
  if (/^[^:]+:\d+$/.test(value)) return `address ${shown} is refused: give the port as connection.port`
  return /^[A-Za-z0-9._:%-]{1,253}$/.test(value)
    ? undefined
    : `address ${shown} is refused: it is no host name and no IP address`
}

/** The connection of a host from its merged fields; `~` means the home folder, other paths start at the project. */
export function toConnection(root: string, address: string, fields: ConnectionInput): Connection {
  return {
    address,
    become: fields.become ?? 'sudo',
    transport: fields.transport ?? 'openssh',
    ...(fields.lab && { lab: true }),
    ...(fields.user !== undefined && { user: fields.user }),
    ...(fields.port !== undefined && { port: fields.port }),
    ...(fields.identityFile !== undefined && { identityFile: expanded(root, fields.identityFile) }),
    ...(fields.sshConfig !== undefined && { sshConfig: expanded(root, fields.sshConfig) }),
  }
}

function expanded(root: string, path: string): string {
  if (path === '~' || path.startsWith('~/')) return homedir() + path.slice(1)
  return resolve(root, path)
}

function oneOf(value: unknown, allowed: readonly string[]): string | undefined {
  return allowed.includes(value as string) ? undefined : `must be ${allowed.join(' or ')}`
}

function isPath(value: unknown): string | undefined {
  return isText(value) && /^[^-\p{C}][^\p{C}]*$/u.test(value) ? undefined : 'must be the path of a file'
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isPort(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 65535
}
