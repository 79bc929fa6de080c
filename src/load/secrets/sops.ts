import { spawnSync } from 'node:child_process'
import { usageError } from '../usage-error.ts'

/**
 * The plain text of a file that sops keeps, by sops itself: it knows the keys, which may be age's, PGP's or a cloud's.
 *
 * @throws DeployError `E_SOPS` (exit 64) when sops is not there or cannot read it.
 */
export function decryptBySops(path: string, file: string): string {
  const { status, stdout, stderr, error } = spawnSync('sops', ['--decrypt', '--output-type', 'yaml', path], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
    maxBuffer: 16 * 1024 * 1024,
  })
  if (status === 0) return stdout
  const missing = (error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT'
  const said = stderr?.trim().split('\n').at(-1) || error?.message || `exit ${status}`
  throw usageError({
    code: 'E_SOPS',
    message: missing ? 'sops is not installed here, and only it can read this file' : `sops cannot read it: ${said}`,
    where: file,
    hint: `sops --decrypt ${file}`,
  })
}
