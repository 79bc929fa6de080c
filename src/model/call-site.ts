import { fileURLToPath } from 'node:url'

const toolFolder = fileURLToPath(new URL('..', import.meta.url))
/** Paths by the addresses that stacks name: thousands of tasks are made in a few files. */
const paths = new Map<string, string>()

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
    const file = paths.get(location) ?? (location.startsWith('file:') ? fileURLToPath(location) : location)
    paths.set(location, file)
    if (!file.startsWith(toolFolder)) return `${file}:${lineNumber}`
  }
  return 'unknown'
}
