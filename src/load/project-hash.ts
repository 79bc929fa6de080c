import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const SKIPPED = new Set(['node_modules', 'dist', '.deploy', '.git', 'coverage'])
const COUNTED = /\.(ts|hbs)$|^tsconfig.*\.json$|^package(-lock)?\.json$/

/**
 * One hash for everything of a project that can change the answer of the type-check, besides `also`: its TypeScript
 * files, templates, compiler settings and locked packages. Links are not followed.
 */
export function hashProject(root: string, also: readonly string[]): string {
  const hash = createHash('sha256').update(JSON.stringify(also))
  for (const file of filesBelow(root, '')) hash.update(`\0${file}\0`).update(readFileSync(join(root, file)))
  return hash.digest('hex')
}

function filesBelow(root: string, folder: string): string[] {
  const entries = readdirSync(join(root, folder), { withFileTypes: true })
  return entries
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = folder ? `${folder}/${entry.name}` : entry.name
      if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : filesBelow(root, path)
      return entry.isFile() && COUNTED.test(entry.name) ? [path] : []
    })
}
