import type { Connection } from '../model/inventory.ts'
import { parseKnownHosts } from './host-key.ts'
import { knownHostName } from './known-hosts.ts'
import { textOf } from './text-of.ts'

/**
 * The fingerprints that known_hosts files of the project name for a host, sorted. Hashed entries and the files of the
 * user are left out: they are not the same on every machine. Empty for this machine itself.
 */
export function trustedKeys(
  { transport, address, port, knownHostsFile }: Connection,
  files: readonly string[],
): readonly string[] {
  if (transport === 'local') return []
  const name = knownHostName(address, port)
  const entries = [...files, ...(knownHostsFile ? [knownHostsFile] : [])].flatMap((file) =>
    parseKnownHosts(textOf(file)),
  )
  return [
    ...new Set(entries.filter((entry) => entry.name.split(',').includes(name)).map((entry) => entry.fingerprint)),
  ].sort()
}
