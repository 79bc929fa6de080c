import type { Answer, Probe, Reader } from '../../model/probe.ts'
import { quote } from '../sh.ts'
import { absent, callFunction, fromPiece, toPiece, unreadable, value } from './records.ts'

/** The bytes of a regular file. */
export interface FileContent {
  readonly bytes: Buffer
  /** Whether these are all bytes: false beyond 256 KiB. */
  readonly whole: boolean
}

interface ContentPiece {
  /** `v` a regular file, `u` one that this user may not read, `-` nothing of the kind. */
  readonly kind: string
  /** Bytes it has; text, as the host prints it. */
  readonly size?: string
  /** Its first bytes, as base64. */
  readonly bytes?: string
  /** Of no key in particular: what came does not fit what was announced. */
  readonly torn?: true
}

/** The most bytes that are read. */
export const CONTENT_LIMIT = 256 * 1024

/** The bytes of a regular file, at most 256 KiB. Absent: nothing there, or no regular file; links are not followed. */
export function content(path: string): Probe<FileContent> {
  return { reader, key: path }
}

// One `stat` and one `head` for all: a letter per key and the sizes of what is read, a line each; then all bytes.
const reader: Reader<FileContent> = {
  kind: 'content',
  define: `r_content() { c=$#; for k; do
if [ ! -f "$k" ] || [ -L "$k" ]; then printf -; elif [ ! -r "$k" ]; then printf u; else printf v; set -- "$@" "$k"; fi
done; shift "$c"; echo; [ $# = 0 ] || { stat -c %s -- "$@"; head -q -c ${CONTENT_LIMIT + 1} -- "$@"; } 2>/dev/null; }`,
  call: (keys) => callFunction('r_content', keys),
  split,
  join,
  parse,
  absence: (path) => `{ [ ! -f ${quote(path)} ] || [ -L ${quote(path)} ]; }`,
}

function split(output: Buffer, keys: readonly string[]): readonly Buffer[] {
  let at = 0
  const line = () => {
    const end = output.indexOf(10, at)
    const text = end < 0 ? '' : output.toString('latin1', at, end)
    at = end < 0 ? output.length : end + 1
    return text
  }
  const kinds = line()
  const sizes = keys.map((_key, index) => (kinds[index] === 'v' ? line() : undefined))
  const pieces = keys.map((_key, index): ContentPiece => {
    const kind = kinds[index] ?? ''
    const size = sizes[index]
    if (size === undefined) return { kind }
    const bytes = output.subarray(at, at + shown(size))
    at += shown(size)
    return { kind, size, bytes: bytes.toString('base64') }
  })
  // A file that grew or shrank between the two looks puts all bytes behind it out of step.
  const torn = at !== output.length
  return pieces.map((piece) => toPiece(torn && piece.kind === 'v' ? { ...piece, torn } : piece))
}

function join(buffers: readonly Buffer[]): Buffer {
  const pieces = buffers.map((buffer) => fromPiece<ContentPiece>(buffer))
  const kinds = pieces.map(({ kind }) => kind).join('')
  const sizes = pieces.map(({ size }) => (size === undefined ? '' : `${size}\n`)).join('')
  return Buffer.concat([
    Buffer.from(`${kinds}\n${sizes}`, 'latin1'),
    ...pieces.map(({ bytes = '' }) => Buffer.from(bytes, 'base64')),
  ])
}

/** How many bytes of a file of this size are printed. */
function shown(size: string): number {
  return Math.min(Number(size), CONTENT_LIMIT + 1)
}

function parse(piece: Buffer): Answer<FileContent> {
  const { kind, bytes = '', torn } = fromPiece<ContentPiece>(piece)
  if (kind === '-') return absent
  if (kind === 'u') return unreadable('Permission denied')
  if (kind !== 'v' || torn) return unreadable('it changed while it was read')
  const all = Buffer.from(bytes, 'base64')
  return value({ bytes: all.subarray(0, CONTENT_LIMIT), whole: all.length <= CONTENT_LIMIT })
}
