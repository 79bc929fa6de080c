import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import type { Connection } from '../model/inventory.ts'
import { nameFailure } from './failure.ts'
import { fingerprintOf } from './fingerprint.ts'
import type { LinkFailure } from './link.ts'
import { sshOptions } from './open-link.ts'
import { textOf } from './text-of.ts'

/** A host key as a known_hosts file holds it. */
export interface HostKey {
  /** The host as ssh looks it up: `address` or `[address]:port`. */
  readonly name: string
  /** `ssh-ed25519`, … */
  readonly type: string
  /** The line for a known_hosts file. */
  readonly line: string
  /** `SHA256:…`, as ssh-keygen prints it. */
  readonly fingerprint: string
}

/**
 * The key a host shows now, by ssh's own handshake, so that aliases and jump hosts of the user's ssh config count. No
 * login is tried, and nothing is trusted by it.
 */
export async function shownHostKey(connection: Connection): Promise<HostKey | LinkFailure> {
  const folder = mkdtempSync(join(tmpdir(), 'deploy-trust-'))
  try {
    const file = join(folder, 'known_hosts')
    // The first value of an option wins, so these go in front of the ones every connection has.
    const asked = {
      StrictHostKeyChecking: 'accept-new',
      UserKnownHostsFile: file,
      GlobalKnownHostsFile: '/dev/null',
      HashKnownHosts: 'no',
      PreferredAuthentications: 'none',
    }
    const options = Object.entries(asked).flatMap(([name, value]) => ['-o', `${name}=${value}`])
    const result = await execa('ssh', [...options, ...sshOptions(connection, []), '--', connection.address, 'true'], {
      reject: false,
      stdin: 'ignore',
      timeout: 20_000,
      env: { LC_ALL: 'C' },
    })
    const key = parseKnownHosts(textOf(file))[0]
    return (
      key ??
      nameFailure({
        stderr: result.stderr ?? '',
        exitCode: result.exitCode,
        established: false,
        target: connection.address,
      })
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The plain entries of a known_hosts file; comments, marked and hashed lines are left out. */
export function parseKnownHosts(text: string): readonly HostKey[] {
  return text.split('\n').flatMap((line) => {
    const [name = '', type = '', key = ''] = line.trim().split(/\s+/)
    if (!key || /^[#@|]/.test(name)) return []
    return [{ name, type, line: `${name} ${type} ${key}`, fingerprint: fingerprintOf(key) }]
  })
}
