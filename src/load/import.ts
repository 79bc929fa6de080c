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
