import { readFileSync } from 'node:fs'
import type { Connection } from '../model/inventory.ts'
import { parseKnownHosts } from './host-key.ts'

/**
 * The fingerprints that known_hosts files of the project name for a host, sorted. Hashed entries and the files of the
 * user are left out: they are not the same on every machine. Empty for this machine itself.
 */
export function trustedKeys(
  { transport, address, port, knownHostsFile }: Connection,
  files: readonly string[],
): readonly string[] {
  if (transport === 'local') return []
  const name = port && port !== 22 ? `[${address}]:${port}` : address
  const entries = [...files, ...(knownHostsFile ? [knownHostsFile] : [])].flatMap((file) =>
    parseKnownHosts(textOf(file)),
  )
  return [
    ...new Set(entries.filter((entry) => entry.name.split(',').includes(name)).map((entry) => entry.fingerprint)),
  ].sort()
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}
