import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { usageError } from './usage-error.ts'

/**
 * The root of the user's project: the nearest folder, from `folder` upward, with `inventories/` or `deploy.config.ts`.
 *
 * @throws DeployError `E_NO_PROJECT` (exit 64) when there is none.
 */
export function findProject(folder: string): string {
  for (let current = resolve(folder); ; current = dirname(current)) {
    if (isFolder(join(current, 'inventories')) || existsSync(join(current, 'deploy.config.ts'))) return current
    if (dirname(current) === current) break
  }
  throw usageError({
    code: 'E_NO_PROJECT',
    message: `no project here: neither ${resolve(folder)} nor a folder above it has inventories/ or deploy.config.ts`,
    hint: 'deploy init',
  })
}

/**
 * The name by which hosts know the project: `name` of its package.json, which all clones share; without one, its folder's.
 *
 * @throws DeployError `E_PACKAGE` (exit 64) when package.json is no JSON object.
 */
export function projectName(root: string): string {
  const file = join(root, 'package.json')
  if (!existsSync(file)) return basename(root)
  try {
    const { name } = JSON.parse(readFileSync(file, 'utf8')) as { name?: unknown }
    return typeof name === 'string' && name !== '' ? name : basename(root)
  } catch (error) {
    const message = `it is not a JSON object: ${error instanceof Error ? error.message : String(error)}`
    throw usageError({ code: 'E_PACKAGE', message, where: 'package.json', hint: 'npm pkg get name' })
  }
}

/** The folder of the project's local state (`.deploy/`), made when it is not there, closed to other users. */
export function stateFolder(root: string): string {
  const folder = join(root, '.deploy')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return folder
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}
