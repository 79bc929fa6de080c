import { fileURLToPath } from 'node:url'

const toolFolder = fileURLToPath(new URL('..', import.meta.url))

/**
 * Where the user's code called us: `/absolute/file.ts:line` of the nearest stack frame outside the tool's own
 * sources, or `unknown`. Roles count as the user's code: they say what is wanted.
 */
export function callSite(): string {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 12
  const stack = new Error().stack ?? ''
  Error.stackTraceLimit = limit
  for (const line of stack.split('\n').slice(1)) {
    const match = /((?:file:\/\/)?\/[^()]*):(\d+):\d+\)?$/.exec(line)
    if (!match) continue
    const [, location = '', lineNumber] = match
    const file = location.startsWith('file:') ? fileURLToPath(location) : location
    if (!file.startsWith(toolFolder)) return `${file}:${lineNumber}`
  }
  return 'unknown'
}
