import { fileURLToPath } from 'node:url'
import { DeployError, DeployErrors } from '../model/error.ts'
import { lineMatching } from './line-matching.ts'
import { shownPath } from './shown-path.ts'
import { usageError } from './usage-error.ts'

/**
 * What went wrong when a file of the project was run, with the place in the user's code. The exception stays as the
 * cause, so that its stack can be shown when asked for.
 */
export function importError(root: string, path: string, thrown: unknown): DeployError | DeployErrors {
  if (thrown instanceof DeployErrors) return thrown
  if (thrown instanceof DeployError && thrown.where) return thrown
  const missing = missingModule(root, thrown)
  const text = thrown instanceof Error ? withoutRoot(root, thrown.message) : String(thrown)
  return usageError({
    code: 'E_IMPORT',
    message: missing?.message ?? `${shownPath(root, path)} cannot be loaded: ${text}`,
    where: missing?.where ?? placeInStack(root, thrown) ?? shownPath(root, path),
    hint: missing?.hint ?? (thrown instanceof DeployError ? thrown.hint : undefined) ?? hintFor(thrown),
    cause: thrown,
  })
}

function missingModule(root: string, thrown: unknown): { message: string; where: string; hint: string } | undefined {
  const match = /^Cannot find (package|module) '([^']+)' imported from '?([^'\n]+?)'?$/m.exec(
    (thrown as Error)?.message ?? '',
  )
  if (!match) return undefined
  const [, kind, name = '', importer = ''] = match
  const file = importer.startsWith('file:') ? fileURLToPath(importer) : importer
  const last = name.split('/').at(-1) ?? name
  return {
    message: `${kind} ${shownPath(root, name)} is not there`,
    where: lineMatching(root, file, new RegExp(`from\\s.*${escaped(last)}|import\\W.*${escaped(last)}`)),
    hint: kind === 'package' ? `npm install ${name}` : 'look at the spelling; a relative import needs its ending .ts',
  }
}

// The first frame of the project's own code, or the line that Node prints above a syntax error.
function placeInStack(root: string, thrown: unknown): string | undefined {
  const stack = thrown instanceof Error ? (thrown.stack ?? '') : ''
  for (const line of stack.split('\n')) {
    const match = /((?:file:\/\/)?\/[^():]*):(\d+)(?::(\d+))?\)?$/.exec(line)
    if (!match) continue
    const [, location = '', lineNumber, column] = match
    const file = location.startsWith('file:') ? fileURLToPath(location) : location
    const own = file.startsWith(`${root}/`) && !file.includes('/node_modules/')
    if (own) return [shownPath(root, file), lineNumber, column].filter(Boolean).join(':')
  }
  return undefined
}

function hintFor(thrown: unknown): string | undefined {
  const code = (thrown as { code?: string } | undefined)?.code
  if (code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX')
    return 'Node runs TypeScript by leaving types out: no enum, namespace or parameter property'
  return undefined
}

function withoutRoot(root: string, text: string): string {
  return text.replaceAll(`${root}/`, '')
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
