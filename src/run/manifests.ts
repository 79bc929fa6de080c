import { hostname, userInfo } from 'node:os'
import type { Manifest, ManifestScope } from '../model/manifest.ts'
import { type Converged, manifestId, manifestText, nextManifest, readManifest } from '../plan/manifest.ts'
import type { Mark } from '../shell/frames.ts'
import { printManifest, writeManifest } from '../shell/manifest.ts'
import type { Pool } from './pool.ts'

/** The manifest in the answer to `printManifest`, if the host has one. @throws DeployError `E_MANIFEST` (exit 4). */
export function manifestIn(host: string, scope: ManifestScope, marks: readonly Mark[]): Manifest | undefined {
  const at = marks.findIndex(({ words }) => words[0] === 'manifest')
  return at < 0 ? undefined : readManifest(host, scope, marks[at + 1]?.before.toString('utf8') ?? '')
}

/** Reads a host's manifest, in one trip. @throws HostLost, or DeployError `E_MANIFEST` (exit 4). */
export async function askManifest(pool: Pool, host: string, scope: ManifestScope): Promise<Manifest | undefined> {
  return manifestIn(host, scope, await pool.ask(host, { script: printManifest(manifestId(scope)) }))
}

/** The script that writes what a run has brought about into a host's manifest; nothing where it says so already. */
export function recordOf(
  scope: ManifestScope,
  before: Manifest | undefined,
  parts: readonly Converged[],
  run: string,
): string | undefined {
  if (parts.length === 0) return undefined
  const by = { run, who: `${userInfo().username}@${hostname()}`, when: new Date().toISOString() }
  const text = manifestText(nextManifest(scope, before, parts, by))
  return before && text === manifestText(before) ? undefined : writeManifest(manifestId(scope), text)
}
