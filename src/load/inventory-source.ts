import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { importUserModule } from './import.ts'
import { lineMatching } from './line-matching.ts'
import type { Origin, Problems } from './problems.ts'
import { gatherProblems } from './problems.ts'
import type { Tree } from './tree.ts'
import { usageError } from './usage-error.ts'
import { treeOfValue } from './value-tree.ts'
import { readYaml } from './yaml.ts'

const MB = 1024 * 1024

/** A larger file is a mistake or an attack; 10,000 hosts need about 1 MB. */
const LARGEST = 5 * MB

/** The content of an inventory file in either form. `file` is relative to the project. */
export async function readInventoryFile(root: string, file: string): Promise<{ tree: Tree; problems: Problems }> {
  return file.endsWith('.ts') ? fromModule(root, file) : readYaml(readText(root, file), file)
}

async function fromModule(root: string, file: string): Promise<{ tree: Tree; problems: Problems }> {
  const path = join(root, file)
  const { exports } = await importUserModule(root, path)
  const where = lineMatching(root, path, /export default|as default/)
  if (exports.default === undefined) {
    throw usageError({
      code: 'E_INVENTORY',
      message: 'it has no default export',
      where: file,
      hint: 'export default inventory({ groups: { … }, hosts: { … } })',
    })
  }
  const { tree, paths } = treeOfValue(exports.default)
  const origin: Origin = { file, where: () => where, path: (at) => (paths[at] ? `${paths[at]}: ` : '') }
  return { tree, problems: gatherProblems(origin) }
}

function readText(root: string, file: string): string {
  const bytes = readBytes(join(root, file), file)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw usageError({ code: 'E_YAML', message: 'it is not UTF-8 text', where: file, cause })
  }
}

function readBytes(path: string, file: string): Buffer {
  const state = statSync(path)
  if (!state.isFile()) throw usageError({ code: 'E_INVENTORY', message: 'it is not a file', where: file })
  if (state.size > LARGEST) {
    const message = `${Math.ceil(state.size / MB)} MB is too large for an inventory (at most ${LARGEST / MB} MB)`
    throw usageError({ code: 'E_TOO_LARGE', message, where: file })
  }
  try {
    return readFileSync(path)
  } catch (cause) {
    throw usageError({
      code: 'E_INVENTORY',
      message: `it cannot be read (${(cause as NodeJS.ErrnoException).code})`,
      where: file,
      cause,
    })
  }
}
