import { createHmac } from 'node:crypto'
import { memoize } from './memoize.ts'

/** What known_hosts files say of a key that a host shows. */
export type Verdict = 'known' | 'unknown' | 'changed' | 'revoked' | 'authority'

interface Entry {
  readonly marker: string
  readonly names: string
  readonly type: string
  readonly key: string
}

/** The name under which a host is looked up: `address`, or `[address]:port` for another port than 22. */
export function knownHostName(address: string, port = 22): string {
  return port === 22 ? address : `[${address}]:${port}`
}

/**
 * Judges a key by the texts of known_hosts files (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"): plain and hashed names, patterns,
 * several keys of one host, `@revoked`. `authority`: only a certificate could prove the key, which is not looked at here.
 */
export function judgeHostKey(texts: readonly string[], name: string, type: string, key: string): Verdict {
  const entries = entriesOf(texts, name)
  if (entries.some((entry) => entry.marker === '@revoked' && entry.key === key)) return 'revoked'
  const keys = entries.filter(({ marker }) => marker === '')
  if (keys.some((entry) => entry.type === type && entry.key === key)) return 'known'
  if (keys.length > 0) return 'changed'
  return entries.some(({ marker }) => marker === '@cert-authority') ? 'authority' : 'unknown'
}

/** The types of keys that are known of a host: only these are asked for, so that it shows the one that can be compared. */
export function knownKeyTypes(texts: readonly string[], name: string): readonly string[] {
  const keys = entriesOf(texts, name).filter(({ marker }) => marker === '')
  return [...new Set(keys.map(({ type }) => type))]
}

function entriesOf(texts: readonly string[], name: string): readonly Entry[] {
  return texts.flatMap(parseFile).filter((entry) => matches(entry.names, name))
}

/** Hundreds of hosts are looked up in the same files. */
const parseFile = memoize((text: string) => text.split('\n').flatMap(parse))

function parse(line: string): readonly Entry[] {
  const words = line.trim().split(/\s+/)
  const marker = words[0]?.startsWith('@') ? (words.shift() ?? '') : ''
  const [names = '', type = '', key = ''] = words
  return key === '' || names.startsWith('#') ? [] : [{ marker, names, type, key }]
}

function matches(names: string, name: string): boolean {
  if (names.startsWith('|')) return matchesHash(names, name)
  const patterns = names.split(',')
  const asked = name.toLowerCase()
  const hit = (pattern: string) => (/[*?]/.test(pattern) ? glob(pattern).test(asked) : pattern.toLowerCase() === asked)
  const refused = patterns.some((pattern) => pattern.startsWith('!') && hit(pattern.slice(1)))
  return !refused && patterns.some((pattern) => !pattern.startsWith('!') && hit(pattern))
}

/** `|1|salt|hash`: HMAC-SHA1 of the name, keyed with the salt. */
function matchesHash(names: string, name: string): boolean {
  const [, version, salt = '', hash = ''] = names.split('|')
  return version === '1' && createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash
}

function glob(pattern: string): RegExp {
  const text = pattern.toLowerCase().replace(/[.+^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`^${text.replaceAll('*', '.*').replaceAll('?', '.')}$`)
}
