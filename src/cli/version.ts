import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { toolRoot } from '../load/tool-root.ts'

/** The tool's version, from its package.json. */
export function version(): string {
  const { version } = JSON.parse(readFileSync(join(toolRoot(), 'package.json'), 'utf8')) as { version: string }
  return version
}
