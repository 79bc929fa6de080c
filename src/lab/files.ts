import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { readText } from './process.ts'

/** Writes a file so that a reader sees the old or the new content, never a part. Makes its folder. Default mode: 0644. */
export function writeWhole(path: string, content: string, mode = 0o644): void {
  mkdirSync(dirname(path), { recursive: true })
  const beside = `${path}.new-${process.pid}`
  writeFileSync(beside, content, { mode })
  renameSync(beside, path)
}

/** The value in a JSON file that this program wrote; undefined when there is none or it is cut. */
export function readJson<T>(path: string): T | undefined {
  try {
    return JSON.parse(readText(path) ?? '') as T
  } catch {
    return undefined
  }
}
