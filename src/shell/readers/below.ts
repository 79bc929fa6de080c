import type { Answer, Probe, Reader } from '../../model/probe.ts'
import { quote } from '../sh.ts'
import { absent, callFunction, fromPiece, splitNul, toPiece, unreadable, utf8, value } from './records.ts'

interface BelowPiece {
  readonly names: readonly string[]
  /** What find complained of. */
  readonly error: string
}

/** The names of all that is in a folder and in its folders, relative to it, sorted. Absent: no such folder. */
export function below(folder: string): Probe<readonly string[]> {
  return { reader, key: folder }
}

// Behind the names of each folder an empty one, then what find said.
const reader: Reader<readonly string[]> = {
  kind: 'below',
  define: `r_below() { for k; do
{ e=$({ find "$k" -mindepth 1 -printf '%P\\0' | sort -z; } 2>&1 >&5); } 5>&1; printf '\\0%s\\0' "$e"
done; }`,
  call: (keys) => callFunction('r_below', keys),
  split: (output, keys) => {
    const texts = splitNul(output)
    let at = 0
    return keys.map(() => {
      const end = texts.indexOf('', at)
      const piece = { names: texts.slice(at, end), error: texts[end + 1] ?? 'no answer' }
      at = end + 2
      return toPiece(end < 0 ? { names: [], error: 'no answer' } : piece)
    })
  },
  join: (pieces) =>
    Buffer.from(
      pieces
        .map(fromPiece<BelowPiece>)
        .map(printed)
        .join(''),
      'latin1',
    ),
  parse: (piece): Answer<readonly string[]> => {
    const { names, error } = fromPiece<BelowPiece>(piece)
    if (/: No such file or directory$/.test(error) && names.length === 0) return absent
    return error ? unreadable(utf8(error)) : value(names.map(utf8))
  },
  absence: (folder) => `{ [ ! -e ${quote(folder)} ] && [ ! -L ${quote(folder)} ]; }`,
}

function printed({ names, error }: BelowPiece): string {
  return `${names.map((name) => `${name}\0`).join('')}\0${error}\0`
}
