import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { importError } from './import-error.ts'
import { shownPath } from './shown-path.ts'

/** A TypeScript file of the user's project, run. */
export interface UserModule {
  /** Relative to the project. */
  readonly file: string
  readonly exports: Readonly<Record<string, unknown>>
}

/**
 * Runs a file of the user's project and gives its exports.
 *
 * @throws DeployError `E_IMPORT` (exit 64) with the place in the user's code when it cannot be loaded or throws.
 */
export async function importUserModule(root: string, path: string): Promise<UserModule> {
  try {
    return { file: shownPath(root, path), exports: await import(/* @vite-ignore */ pathToFileURL(path).href) }
  } catch (thrown) {
    throw importError(root, path, thrown)
  }
}

/** `file:line` of the first line of a file that matches, or just `file`. */
export function lineMatching(root: string, path: string, pattern: RegExp): string {
  const shown = shownPath(root, path)
  try {
    const index = readFileSync(path, 'utf8')
      .split('\n')
      .findIndex((line) => pattern.test(line))
    return index < 0 ? `${shown}:1` : `${shown}:${index + 1}`
  } catch {
    return shown
  }
}
