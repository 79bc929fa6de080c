import type { Secret } from './secret.ts'
import { formsOf } from './secret-forms.ts'

/** Everything that is masked, by what it is replaced with. It only grows: what was secret once is not printed later. */
const known = new Map<string, string>()
let pattern: RegExp | undefined

/** So many characters of a secret before a line break, and its next line is waited for. */
const BEFORE_BREAK = 4

/** From now on these values are masked wherever this process writes, in every form that is likely to be met. */
export function learnSecrets(secrets: Iterable<Secret>): void {
  for (const secret of secrets) {
    for (const form of formsOf(secret.reveal()).map(latin1)) {
      if (!known.has(form)) known.set(form, secret.toString())
    }
  }
  const forms = [...known.keys()].sort((one, other) => other.length - one.length)
  pattern = forms.length === 0 ? undefined : new RegExp(forms.map(withLineBreaks).join('|'), 'g')
}

/** A text without secrets: each is replaced by its name. */
export function redact(text: string): string {
  if (!pattern) return text
  const bytes = latin1(text)
  const masked = redactLatin1(bytes)
  return masked === bytes ? text : Buffer.from(masked, 'latin1').toString('utf8')
}

/** The same for bytes, which need not be text. */
export function redactBytes(bytes: Buffer): Buffer {
  return Buffer.from(redactLatin1(bytes.toString('latin1')), 'latin1')
}

/** The same for a stream, wherever its chunks are cut: what may be the beginning of a secret waits for what follows it. */
export function redactStream() {
  let rest = ''
  return {
    push(chunk: string | Buffer): Buffer {
      const text = rest + (typeof chunk === 'string' ? latin1(chunk) : chunk.toString('latin1'))
      const from = pattern ? openEnd(text) : text.length
      rest = text.slice(from)
      return Buffer.from(redactLatin1(text.slice(0, from)), 'latin1')
    },
    end(): Buffer {
      const last = Buffer.from(redactLatin1(rest), 'latin1')
      rest = ''
      return last
    },
  }
}

// Secrets are looked for as bytes, each a character: output of hosts need not be text, and may be cut within a character.
function latin1(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

function redactLatin1(text: string): string {
  return pattern ? text.replace(pattern, (found) => known.get(found) ?? known.get(unbroken(found)) ?? '[secret]') : text
}

/** Where the longest end of a text begins that may be the beginning of a secret. */
function openEnd(text: string): number {
  const forms = [...known.keys()]
  // Twice, for what programs break into lines.
  const longest = 2 * Math.max(0, ...forms.map(({ length }) => length))
  for (let at = Math.max(0, text.length - longest); at < text.length; at++) {
    const end = text.slice(at)
    const whole = unbroken(end)
    // A few characters before the end of a line are most likely just that, and the line shall not wait.
    const broken = whole.length < end.length && whole.length >= BEFORE_BREAK
    if (forms.some((form) => form.startsWith(end) || (broken && form.startsWith(whole)))) return at
  }
  return text.length
}

function unbroken(text: string): string {
  return text.replace(/\r?\n/g, '')
}

/** What programs break into lines, as base64 does, is found all the same. */
function withLineBreaks(form: string): string {
  const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  return /^[A-Za-z0-9+/=_-]{16,}$/.test(form) ? Array.from(form, escaped).join('(?:\\r?\\n)?') : escaped(form)
}
