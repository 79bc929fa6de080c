import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { importUserModule } from './import.ts'
import { lineMatching } from './line-matching.ts'
import { gatherProblems, type Problems } from './problems.ts'
import { plain } from './tree.ts'
import { usageError } from './usage-error.ts'
import { treeOfValue } from './value-tree.ts'

const FILE = 'deploy.config.ts'
const TRANSPORTS = ['openssh', 'node-ssh', 'local'] as const

/** Settings of a project: the default export of deploy.config.ts. */
export interface DeployConfig {
  /** The environment of commands that may leave it out. */
  readonly env?: string
  /** The playbook of commands that name none. Default: `site`. */
  readonly playbook?: string
  /** The transport of hosts whose inventory names none. Default: `openssh`. */
  readonly transport?: (typeof TRANSPORTS)[number]
}

/**
 * The project's settings; without a deploy.config.ts there are none.
 *
 * @throws DeployErrors or DeployError (exit 64) when the file cannot be loaded or holds anything else.
 */
export async function loadConfig(root: string): Promise<DeployConfig> {
  const path = join(root, FILE)
  if (!existsSync(path)) return {}
  const { exports } = await importUserModule(root, path)
  const where = lineMatching(root, path, /export default|as default/)
  const { tree, paths } = treeOfValue(exports.default)
  if (tree.kind !== 'branch') {
    throw usageError({
      code: 'E_CONFIG',
      message: 'the default export must be an object',
      where,
      hint: "export default { env: 'prod' } satisfies DeployConfig",
    })
  }
  const problems = gatherProblems({ file: FILE, path: () => '', where: (at) => lineOf(root, path, paths[at]) ?? where })
  for (const [key, entry] of tree.entries) checkSetting(key, plain(entry.tree), entry.at, problems)
  problems.stop()
  return exports.default as DeployConfig
}

function checkSetting(key: string, value: unknown, at: number, problems: Problems): void {
  const known = ['env', 'playbook', 'transport']
  if (!known.includes(key)) problems.unknown(at, 'E_UNKNOWN_KEY', 'key', key, known)
  else if (typeof value !== 'string' || value === '')
    problems.add({ at, code: 'E_CONFIG', message: `${key} must be text` })
  else if (key === 'transport' && !TRANSPORTS.some((name) => name === value))
    problems.unknown(at, 'E_CONFIG', 'transport', value, TRANSPORTS)
}

function lineOf(root: string, path: string, key: string | undefined): string | undefined {
  return key && /^\w+$/.test(key) ? lineMatching(root, path, new RegExp(`\\b${key}\\b\\s*[:,]`)) : undefined
}
