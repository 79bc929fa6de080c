import { readFileSync } from 'node:fs'
import { toolRoot } from '../load/tool-root.ts'
import { join } from 'node:path'

/** The tool's version, from its package.json. */
export function version(): string {
  const { version } = JSON.parse(readFileSync(join(toolRoot(), 'package.json'), 'utf8')) as { version: string }
  return version
}
