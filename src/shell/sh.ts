import { Secret } from '../model/secret.ts'
import type { Shell } from '../model/shell.ts'

/** What may stand in a hole of `sh`: text and numbers are quoted, shell is nested, lists become several words. */
export type Hole = string | number | Shell | readonly Hole[]

/** A word of letters, digits and a few marks means itself in every POSIX shell. */
const PLAIN = /^[A-Za-z0-9_/.:@%+,][A-Za-z0-9_/.:@%+,=-]*$/

/**
 * Quotes a text so that POSIX sh reads it back as one word, byte for byte. This is the only quoting in the tool.
 *
 * @throws Error when the text holds a NUL character, which no argument can carry.
 */
export function quote(text: string): string {
  if (text.includes('\0')) throw new Error('a NUL character cannot be part of a shell word')
  return PLAIN.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

/**
 * A piece of POSIX shell. Every hole is quoted, a list gives one word per item, nested shell is put in as it is.
 *
 * @example sh`install -d -- ${path}`
 */
export function sh(strings: TemplateStringsArray, ...holes: readonly Hole[]): Shell {
  return { shell: strings.reduce((text, string, index) => text + fill(holes[index - 1]) + string) }
}

/** Takes a text as shell, unquoted. For scripts that a user wrote as a whole; never for values. */
export function unsafeShell(text: string): Shell {
  return { shell: text }
}

function fill(hole: Hole | undefined): string {
  if (hole === undefined) throw new Error('undefined in sh`…`: give a value, or leave the hole out')
  if (typeof hole === 'string') return quote(hole)
  if (typeof hole === 'number') return quote(String(hole))
  if (hole instanceof Secret)
    throw new Error(`${hole} in sh\`…\`: everybody on the host reads command lines; use input`)
  if ('shell' in hole) return hole.shell
  return hole.map(fill).join(' ')
}
