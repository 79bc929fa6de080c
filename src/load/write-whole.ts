import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** Writes a file so that a reader sees the old or the new content, never a part. Makes its folder. Default mode: 0644. */
export function writeWhole(path: string, content: string | Buffer, mode = 0o644): void {
  mkdirSync(dirname(path), { recursive: true })
  const beside = `${path}.new-${process.pid}`
  writeFileSync(beside, content, { mode })
  renameSync(beside, path)
}
