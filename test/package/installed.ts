import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of this project. */
export const checkout = fileURLToPath(new URL('../..', import.meta.url))

/** How a command ended. */
export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The package as a user has it: packed from this checkout, installed in an empty folder. */
export interface Installed {
  /** The folder it is installed in. */
  readonly root: string
  /** The paths of all files of the package, without `package/`. */
  readonly files: readonly string[]
}

/** The folders of PATH that hold programs of this machine, not of a package. */
const systemPath = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'))

/** The folders of the Nodes to try: this one, and the machine's own where that is another. */
export function nodeFolders(): readonly string[] {
  const own = systemPath.find((folder) => existsSync(join(folder, 'node')))
  return [...new Set([dirname(process.execPath), ...(own ? [own] : [])])]
}

/** The version of the Node in a folder. */
export function nodeVersion(folder: string): string {
  return run(tmpdir(), [join(folder, 'node'), '--version']).stdout.trim()
}

/** Installs a packed package in a new folder. */
export function install(tarball: string): Installed {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'evenkeel-package-')))
  const files = mustWork(run(root, ['tar', '-tzf', tarball]))
    .stdout.split('\n')
    .filter(Boolean)
    .map((path) => path.replace(/^package\//, ''))
  const flags = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']
  mustWork(run(root, ['npm', 'install', ...flags, tarball]))
  return { root, files }
}

/**
 * What `deploy init` scaffolds for this machine writes to a folder all could share, and its record of what was applied goes
 * by the name of the project's folder, which for a clone is any: it gets a folder and a name of its own.
 */
export function ownFolder({ root }: Installed): void {
  const description = join(root, 'package.json')
  const own = { ...JSON.parse(readFileSync(description, 'utf8')), name: basename(root) }
  writeFileSync(description, JSON.stringify(own))
  const file = join(root, 'inventories/local.yaml')
  writeFileSync(file, readFileSync(file, 'utf8').replace(/folder: .*/, `folder: ${join(root, 'hello')}`))
}

/** Runs a command with the Node of a folder first in PATH. */
export function run(cwd: string, [file = '', ...args]: readonly string[], nodeFolder?: string): Ended {
  const { npm_config_local_prefix: _prefix, INIT_CWD: _cwd, ...env } = process.env
  const PATH = [...(nodeFolder ? [nodeFolder] : []), ...systemPath].join(delimiter)
  const options = { cwd, env: { ...env, PATH }, encoding: 'utf8', timeout: 150_000 } as const
  const { status, stdout, stderr } = spawnSync(file, args, options)
  return { code: status, stdout, stderr }
}

export function mustWork(ended: Ended): Ended {
  if (ended.code === 0) return ended
  throw new Error(`exit ${ended.code}: ${ended.stdout}${ended.stderr}`)
}
