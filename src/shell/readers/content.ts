import type { Answer, Probe, Reader } from '../../model/probe.ts'
import { absent, callFunction, fromPiece, splitNul, toPiece, unreadable, utf8, value } from './records.ts'

/** The bytes of a regular file. */
export interface FileContent {
  readonly bytes: Buffer
  /** Whether these are all bytes: false beyond 256 KiB. */
  readonly whole: boolean
}

/** The most bytes that are read. */
export const CONTENT_LIMIT = 256 * 1024

/** The bytes of a regular file, at most 256 KiB. Absent: nothing there, or no regular file; links are not followed. */
export function content(path: string): Probe<FileContent> {
  return { reader, key: path }
}

// An error in the middle is not seen here: the hash of `file` is what proves that content is whole.
const reader: Reader<FileContent> = {
  kind: 'content',
  define: `r_content() { for k; do
if [ -f "$k" ] && [ ! -L "$k" ]; then
  if [ -r "$k" ]; then printf v; head -c ${CONTENT_LIMIT + 1} -- "$k" 2>/dev/null | base64 -w 0; else printf 'uPermission denied'; fi
fi; printf '\\0'; done; }`,
  call: (keys) => callFunction('r_content', keys),
  split: (output, keys) => {
    const texts = splitNul(output)
    return keys.map((_key, index) => toPiece(texts[index] ?? 'uno answer'))
  },
  join: (pieces) => Buffer.from(pieces.map((piece) => `${fromPiece<string>(piece)}\0`).join(''), 'latin1'),
  parse,
}

function parse(piece: Buffer): Answer<FileContent> {
  const text = fromPiece<string>(piece)
  if (text === '') return absent
  if (text[0] !== 'v') return unreadable(utf8(text.slice(1)))
  const bytes = Buffer.from(text.slice(1), 'base64')
  return value({ bytes: bytes.subarray(0, CONTENT_LIMIT), whole: bytes.length <= CONTENT_LIMIT })
}
