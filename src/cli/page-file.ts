import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { DeployError, exitCodes } from '../model/error.ts'
import type { Redactor } from '../model/redaction.ts'

/**
 * A mistyped path must not make a folder, nor be found out after everything was done.
 *
 * @throws DeployError `E_OPTIONS` (exit 64) naming the first file whose folder is not there.
 */
export function requireFolders(files: readonly (string | undefined)[]): void {
  const missing = files.find((file) => file !== undefined && !existsSync(dirname(file)))
  if (missing === undefined) return
  throw new DeployError({
    code: 'E_OPTIONS',
    message: `${missing} cannot be written: its folder is not there`,
    exit: exitCodes.usage,
  })
}

/** Writes a page for its owner alone, secrets masked. */
export async function writePage(page: string, file: string, redactor: Redactor): Promise<void> {
  const { writeWhole } = await import('../load/write-whole.ts')
  writeWhole(file, redactor.text(page), 0o600)
}
