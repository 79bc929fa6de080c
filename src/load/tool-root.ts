import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of the tool's own package, in a checkout and installed alike. */
export function toolRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!isPackage(folder) && dirname(folder) !== folder) folder = dirname(folder)
  return folder
}

function isPackage(folder: string): boolean {
  try {
    return (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name?: string }).name === 'evenkeel'
  } catch {
    return false
  }
}
