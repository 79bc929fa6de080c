import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { labUpper } from '../../../src/lab/inside.ts'
import type { LabRef } from '../../../src/lab/names.ts'

/**
 * The independent witness of what changed on a host: its overlay's upper layer, read from outside, path → what is there.
 * It shares no code with the engine and asks nobody on the host.
 */
export type Witness = ReadonlyMap<string, string>

/** Logs, caches of running daemons and the tool's own folder are no part of a host's managed state. */
const APART = [
  /^\/run(\/|$)/,
  /^\/tmp(\/|$)/,
  /^\/var\/tmp\/systemd-private-/,
  /^\/var\/log(\/|$)/,
  /^\/var\/lib\/systemd\/(timers|random-seed)/,
]

export function witness(lab: LabRef, host: string): Witness {
  const upper = labUpper(lab, host)
  const seen = new Map<string, string>()
  const walk = (path: string): void => {
    if (APART.some((pattern) => pattern.test(path))) return
    const full = join(upper, path)
    const entry = lstatSync(full)
    const owner = `${entry.uid}:${entry.gid}:${(entry.mode & 0o7777).toString(8)}`
    if (entry.isSymbolicLink()) seen.set(path, `link ${readlinkSync(full)}`)
    else if (entry.isDirectory()) {
      seen.set(path, `directory ${owner}`)
      for (const name of readdirSync(full)) walk(`${path === '/' ? '' : path}/${name}`)
    } else if (entry.isFile()) {
      seen.set(
        path,
        `file ${owner} ${entry.ino} ${entry.mtimeMs} ${createHash('sha256').update(readFileSync(full)).digest('hex')}`,
      )
    } else seen.set(path, `other ${owner} ${entry.rdev}`)
  }
  walk('/')
  return seen
}

/** The paths at which two looks at a host differ, apart from folders that only hold such a path. */
export function differing(before: Witness, after: Witness): readonly string[] {
  const paths = new Set([...before.keys(), ...after.keys()])
  return [...paths].filter((path) => before.get(path) !== after.get(path)).sort()
}
