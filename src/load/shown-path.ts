import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A path or file URL as people read it: relative to the project's root where it is inside. */
export function shownPath(root: string, file: string): string {
  const path = file.startsWith('file:') ? fileURLToPath(file) : file
  const inside = relative(root, path)
  return inside === '' || inside.startsWith('..') ? path : inside
}
