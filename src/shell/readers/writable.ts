import type { Probe, Reader } from '../../model/probe.ts'
import { absent, callFunction, fromPiece, splitNul, toPiece, unreadable, utf8, value } from './records.ts'

/** Whether things can be made and replaced in a folder. */
export interface WritableState {
  readonly writable: boolean
  /** Where its file system is mounted; empty when the folder is writable. */
  readonly mount: string
  /** Whether the user who asked is root, who is denied only by a read-only file system. */
  readonly root: boolean
}

/** Whether a folder can be written; no process where it can. Absent: no such folder. */
export function writable(folder: string): Probe<WritableState> {
  return { reader, key: folder }
}

const reader: Reader<WritableState> = {
  kind: 'writable',
  define: `r_writable() { for k; do
if [ ! -d "$k" ]; then :; elif [ -w "$k" ]; then printf w; else printf '%s %s' "$(id -u)" "$(df --output=target -- "$k" 2>&1 | tail -n 1)"; fi
printf '\\0'; done; }`,
  call: (keys) => callFunction('r_writable', keys),
  split: (output, keys) => {
    const texts = splitNul(output)
    return keys.map((_key, index) => toPiece(texts[index] ?? '?'))
  },
  join: (pieces) => Buffer.from(pieces.map((piece) => `${fromPiece<string>(piece)}\0`).join(''), 'latin1'),
  parse: (piece) => {
    const text = fromPiece<string>(piece)
    if (text === '') return absent
    if (text === 'w') return value({ writable: true, mount: '', root: false })
    const [, uid, mount] = /^(\d+) (.*)$/.exec(utf8(text)) ?? []
    return mount === undefined ? unreadable(text) : value({ writable: false, mount, root: uid === '0' })
  },
}

/** Why nothing can be written in a folder, or `undefined` when it can, or nobody knows. */
export function notWritable(folder: string, state: WritableState | undefined): string | undefined {
  if (!state || state.writable) return undefined
  return state.root
    ? `nothing can be written in ${folder}: the file system mounted at ${state.mount} is read-only`
    : `nothing can be written in ${folder} by this user (its file system is mounted at ${state.mount})`
}
