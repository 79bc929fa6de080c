import { readFileSync } from 'node:fs'
import { shownPath } from './shown-path.ts'

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
