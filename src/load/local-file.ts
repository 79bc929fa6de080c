import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import type { LocalFile } from '../model/content.ts'
import { fileContent } from './file-content.ts'
import { usageError } from './usage-error.ts'
import { writeWhole } from './write-whole.ts'

/**
 * A file below the project's root that a task writes. Neither its path nor a link on the way leads out of the project.
 *
 * @throws DeployError `E_BAD_PATH` (exit 64) at once for such a path, and later for a link, or for what is no file.
 */
export function localFile(root: string, path: string): LocalFile {
  const parts = path.split('/')
  const wrong = parts.some((part) => part === '' || part === '.' || part === '..' || part.includes('\0'))
  if (wrong) throw refused(path, 'it must be a plain path below the project')
  const file = join(root, ...parts)
  return {
    path,
    now() {
      const state = requirePlain(root, parts)
      if (!state) return undefined
      const { size, sha256 } = fileContent(file, state.size)
      return { size, sha256 }
    },
    write(bytes) {
      requirePlain(root, parts)
      writeWhole(file, bytes, 0o600)
    },
  }
}

/** The file's state, if it is there. */
function requirePlain(root: string, parts: readonly string[]) {
  for (let depth = 1; depth <= parts.length; depth++) {
    const shown = parts.slice(0, depth).join('/')
    const state = lstatSync(join(root, shown), { throwIfNoEntry: false })
    if (!state) return undefined
    const last = depth === parts.length
    if (last ? !state.isFile() : !state.isDirectory()) {
      const what = state.isSymbolicLink() ? 'a link, which is not followed' : last ? 'no file' : 'no folder'
      throw refused(parts.join('/'), `${shown} is ${what}`)
    }
    if (last) return state
  }
  return undefined
}

function refused(path: string, why: string) {
  return usageError({ code: 'E_BAD_PATH', message: `${JSON.stringify(path)} cannot be written here: ${why}` })
}
