import type { Secret } from './secret.ts'
import { formsOf, SHORTEST_SECRET } from './secret-forms.ts'

/** Masks secrets: each is replaced by its name, in every form that is likely to be met. */
export interface Redactor {
  text(text: string): string
  /** The same for bytes, which need not be text. */
  bytes(bytes: Buffer): Buffer
  /** The same for a stream, wherever its chunks are cut. */
  stream(): RedactedStream
}

/** What may be the beginning of a secret waits for what follows it. */
export interface RedactedStream {
  push(chunk: Buffer): Buffer
  /** Gives out a few characters before the end of a line that wait, for nothing may follow them. */
  settle(): Buffer
  end(): Buffer
}

/** A form of a secret, each character a byte. */
interface Form {
  readonly text: string
  readonly mask: string
  /** Programs break it into lines, as base64 does. */
  readonly breaks: boolean
}

/** Characters of a form by which it is looked up. */
const KEY = SHORTEST_SECRET
/** So many characters before the end of a line are given out when nothing follows: most likely they are just that. */
const BEFORE_BREAK = 4

/** A redactor of these secrets. Without one it changes nothing. */
export function redactor(secrets: Iterable<Secret>): Redactor {
  const forms = new Map<string, Form>()
  for (const secret of secrets) {
    for (const text of formsOf(secret.reveal()).map(latin1)) {
      const breaks = /^[A-Za-z0-9+/=_-]{16,}$/.test(text)
      if (!forms.has(text)) forms.set(text, { text, mask: secret.toString(), breaks })
    }
  }
  const search = searcher([...forms.values()])
  const bytes = (input: Buffer) =>
    forms.size === 0 ? input : Buffer.from(search(input.toString('latin1'), true).text, 'latin1')
  return {
    bytes,
    text: (text) => (forms.size === 0 ? text : bytes(Buffer.from(text)).toString('utf8')),
    stream() {
      let rest = ''
      const give = (whole: boolean) => {
        const { text, open } = search(rest, whole)
        rest = rest.slice(open)
        return Buffer.from(text, 'latin1')
      }
      return {
        push(chunk) {
          if (forms.size === 0) return chunk
          rest += chunk.toString('latin1')
          return give(false)
        },
        settle: () => (rest.endsWith('\n') && unbroken(rest).length < BEFORE_BREAK ? give(true) : Buffer.alloc(0)),
        end: () => give(true),
      }
    },
  }
}

/** What of a text can be given out, masked, and where in it begins what may be a secret whose end is not there yet. */
type Search = (text: string, whole: boolean) => { readonly text: string; readonly open: number }

/**
 * Looks up each place of a text by its first characters, so that the time does not depend on how many forms there are.
 * Secrets are in no regular expression: what goes wrong with one tells its text.
 */
function searcher(forms: readonly Form[]): Search {
  const byKey = Map.groupBy(
    forms.toSorted((one, other) => other.text.length - one.text.length),
    ({ text }) => text.slice(0, KEY),
  )
  const heads = headsOf(forms)
  const breakHeads = headsOf(forms.filter(({ breaks }) => breaks))
  const firsts = new Set(forms.map(({ text }) => text.charCodeAt(0)))

  return (text, whole) => {
    let masked = ''
    let from = 0
    for (let at = 0; at < text.length; at++) {
      if (!firsts.has(text.charCodeAt(at))) continue
      const { form, end, open } = matchAt(text, at)
      if (open && !whole) return { text: masked + text.slice(from, at), open: at }
      if (!form) continue
      masked += text.slice(from, at) + form.mask
      from = end
      at = end - 1
    }
    return { text: masked + text.slice(from), open: text.length }
  }

  /** The longest form that stands at a place; `open`: the text ends within a form. */
  function matchAt(text: string, at: number): { form?: Form; end: number; open: boolean } {
    const raw = text.slice(at, at + KEY)
    const plain = keyAt(text, at)
    if (plain.length < KEY) return { end: at, open: heads.has(raw) || breakHeads.has(plain) }
    let open = false
    for (const form of plain === raw
      ? (byKey.get(raw) ?? [])
      : [...(byKey.get(raw) ?? []), ...(byKey.get(plain) ?? [])]) {
      const end = endOf(form, text, at)
      if (end === undefined) continue
      if (end > text.length) open = true
      else return { form, end, open }
    }
    return { end: at, open }
  }
}

/** All beginnings of forms that are too short to look them up. */
function headsOf(forms: readonly Form[]): ReadonlySet<string> {
  return new Set(forms.flatMap(({ text }) => Array.from({ length: KEY - 1 }, (_, at) => text.slice(0, at + 1))))
}

/** Where a form that begins at a place of a text ends; beyond the text when the text ends within it. */
function endOf({ text: form, breaks }: Form, text: string, start: number): number | undefined {
  let at = start
  for (let index = 0; index < form.length; index++) {
    if (breaks && index > 0) at = afterBreak(text, at)
    if (at >= text.length) return text.length + 1
    if (text[at] !== form[index]) return undefined
    at++
  }
  return at
}

/** The first characters at a place, without breaks of lines. */
function keyAt(text: string, start: number): string {
  let key = ''
  for (let at = start; at < text.length && key.length < KEY; at++) {
    at = key === '' ? at : afterBreak(text, at)
    key += text[at] ?? ''
  }
  return key
}

function afterBreak(text: string, at: number): number {
  if (text[at] === '\n') return at + 1
  return text[at] === '\r' && text[at + 1] === '\n' ? at + 2 : at
}

function unbroken(text: string): string {
  return text.replace(/\r?\n/g, '')
}

// Secrets are looked for as bytes, each a character: output of hosts need not be text, and may be cut within a character.
function latin1(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}
