import type { Answer, Probe, Reader } from '../../model/probe.ts'
import { quote } from '../sh.ts'
import {
  absent,
  callFunction,
  dealErrors,
  fromPiece,
  joinLines,
  splitNul,
  toPiece,
  unreadable,
  utf8,
  value,
  withErrors,
} from './records.ts'

/** A thing in the file system, itself: links are not followed. */
export interface FileState {
  readonly kind: 'file' | 'directory' | 'symlink' | 'other'
  readonly owner: string
  readonly group: string
  readonly uid: number
  readonly gid: number
  /** Octal, four digits. */
  readonly mode: string
  /** Bytes; 0 for directories. */
  readonly size: number
  /** Where a symlink points, as written in it. */
  readonly target: string | undefined
  /** Lower-case hex, of regular files read by `file`. */
  readonly sha256: string | undefined
}

interface FilePiece {
  readonly record?: string
  readonly target?: string
  readonly error?: string
  readonly hash?: string
  readonly hashError?: string
}

const FORMAT = String.raw`%y/%m/%U/%u/%G/%g/%s/%p\0%l\0`
/** The size of a folder grows with what is put in it on some file systems: it is no part of its state. */
const LOOK = `find "$@" -maxdepth 0 '(' -type d -printf '${FORMAT.replace('%s', '0')}' -o -printf '${FORMAT}' ')'`
const KINDS: Readonly<Record<string, FileState['kind']>> = { f: 'file', d: 'directory', l: 'symlink' }
const NOT_THERE = /: (No such file or directory|Not a directory)$/

const defineStat = `r_stat() { ${withErrors(LOOK)}; }`

// Only what is a regular file is handed to sha256sum, so that all its complaints are about files that are there.
const defineFile = `${defineStat}
r_file() { r_stat "$@"; c=$#; for k; do [ ! -f "$k" ] || [ -L "$k" ] || set -- "$@" "$k"; done; shift "$c"
{ e=; [ $# = 0 ] || e=$(sha256sum -z -- "$@" 2>&1 >&6); } 6>&1; printf '\\0%s\\0' "$e"; }`

/** Owner, mode, kind and link target of a path; one `find` for all of a host. */
export function stat(path: string): Probe<FileState> {
  return { reader: statReader, key: path }
}

/** Like `stat`, and the SHA-256 of a regular file's content. */
export function file(path: string): Probe<FileState> {
  return { reader: fileReader, key: path }
}

const statReader: Reader<FileState> = {
  kind: 'stat',
  define: defineStat,
  call: (keys) => callFunction('r_stat', keys),
  split: (output, keys) => keys.map(pieceOf(splitStat(splitNul(output), keys).pieces)),
  join: (pieces) => Buffer.from(joinStat(pieces.map((piece) => fromPiece<FilePiece>(piece))), 'latin1'),
  parse: (piece) => parse(fromPiece<FilePiece>(piece), false),
  absence,
}

const fileReader: Reader<FileState> = {
  kind: 'file',
  define: defineFile,
  call: (keys) => callFunction('r_file', keys),
  split: splitFile,
  join: joinFile,
  parse: (piece) => parse(fromPiece<FilePiece>(piece), true),
  absence,
}

function absence(path: string): string {
  return `{ [ ! -e ${quote(path)} ] && [ ! -L ${quote(path)} ]; }`
}

function pieceOf(pieces: ReadonlyMap<string, FilePiece>) {
  return (key: string) => toPiece(pieces.get(latin1(key)) ?? {})
}

function splitStat(texts: readonly string[], keys: readonly string[]) {
  const pieces = new Map<string, FilePiece>()
  let at = 0
  for (; texts[at]; at += 2)
    pieces.set(pathOf(texts[at] ?? ''), { record: texts[at] ?? '', target: texts[at + 1] ?? '' })
  const missing = keys.map(latin1).filter((key) => !pieces.has(key))
  for (const [key, error] of dealErrors(texts[at + 1] ?? '', missing)) pieces.set(key, { error })
  return { pieces, rest: texts.slice(at + 2) }
}

function splitFile(output: Buffer, keys: readonly string[]): readonly Buffer[] {
  const { pieces, rest } = splitStat(splitNul(output), keys)
  let at = 0
  for (; rest[at]; at++) {
    const sum = rest[at] ?? ''
    pieces.set(sum.slice(66), { ...pieces.get(sum.slice(66)), hash: sum.slice(0, 64) })
  }
  const unhashed = [...pieces].filter(([, piece]) => piece.record?.startsWith('f/') && !piece.hash).map(([key]) => key)
  for (const [key, hashError] of dealErrors(rest[at + 1] ?? '', unhashed))
    pieces.set(key, { ...pieces.get(key), hashError })
  return keys.map(pieceOf(pieces))
}

function joinStat(pieces: readonly FilePiece[]): string {
  const records = pieces.map((piece) => (piece.record ? `${piece.record}\0${piece.target}\0` : ''))
  return `${records.join('')}\0${joinLines(pieces.map((piece) => piece.error))}\0`
}

function joinFile(buffers: readonly Buffer[]): Buffer {
  const pieces = buffers.map((buffer) => fromPiece<FilePiece>(buffer))
  const sums = pieces.map((piece) => (piece.hash ? `${piece.hash}  ${pathOf(piece.record ?? '')}\0` : ''))
  return Buffer.from(
    `${joinStat(pieces)}${sums.join('')}\0${joinLines(pieces.map((piece) => piece.hashError))}\0`,
    'latin1',
  )
}

function parse(piece: FilePiece, hashed: boolean): Answer<FileState> {
  if (!piece.record) {
    return NOT_THERE.test(piece.error ?? '') ? absent : unreadable(utf8(piece.error ?? ''))
  }
  const [type = '', mode = '', uid, owner = '', gid, group = '', size] = piece.record.split('/')
  if (hashed && type === 'f' && !piece.hash) return unreadable(utf8(piece.hashError ?? ''))
  return value({
    kind: KINDS[type] ?? 'other',
    owner: utf8(owner),
    group: utf8(group),
    uid: Number(uid),
    gid: Number(gid),
    mode: mode.padStart(4, '0'),
    size: Number(size),
    target: type === 'l' ? utf8(piece.target ?? '') : undefined,
    sha256: piece.hash,
  })
}

/** The path is the last of a record's fields; the seven before it hold no slash. */
function pathOf(record: string): string {
  return record.split('/').slice(7).join('/')
}

function latin1(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}
