import { createHash } from 'node:crypto'

/** The fingerprint of a key as known_hosts files hold it (base64), as ssh-keygen prints it: `SHA256:…`. */
export function fingerprintOf(key: string): string {
  return `SHA256:${createHash('sha256').update(Buffer.from(key, 'base64')).digest('base64').replace(/=+$/, '')}`
}
