import type { Answer, Probe, Reader } from '../../model/probe.ts'
import { absent, callFunction, fromPiece, splitNul, toPiece, unreadable, utf8, value, withErrors } from './records.ts'

export interface UserState {
  readonly uid: number
  readonly gid: number
  readonly comment: string
  readonly home: string
  readonly shell: string
}

export interface GroupState {
  readonly gid: number
  readonly members: readonly string[]
}

interface AccountPiece {
  readonly line: string
  readonly error?: string
}

/** An entry of the user database; one `getent passwd` for all of a host. */
export function user(name: string): Probe<UserState> {
  return { reader: users, key: name }
}

/** An entry of the group database; one `getent group` for all of a host. */
export function group(name: string): Probe<GroupState> {
  return { reader: groups, key: name }
}

/** The names of all groups a user is in, the primary one first. */
export function memberships(name: string): Probe<readonly string[]> {
  return { reader: membershipsReader, key: name }
}

const users: Reader<UserState> = {
  ...accountReader('user', 'passwd'),
  parse: (piece) =>
    parseLine(piece, ([, , uid, gid, comment = '', home = '', shell = '']) => ({
      uid: Number(uid),
      gid: Number(gid),
      comment: utf8(comment),
      home: utf8(home),
      shell: utf8(shell),
    })),
}

const groups: Reader<GroupState> = {
  ...accountReader('group', 'group'),
  parse: (piece) =>
    parseLine(piece, ([, , gid, members = '']) => ({ gid: Number(gid), members: members.split(',').filter(Boolean) })),
}

const membershipsReader: Reader<readonly string[]> = {
  kind: 'memberships',
  define: `r_memberships() { for k; do id -nG -- "$k" 2>&1; printf '%s\\0' "$?"; done; }`,
  call: (keys) => callFunction('r_memberships', keys),
  split: (output, keys) => {
    const texts = splitNul(output)
    return keys.map((_key, index) => toPiece(texts[index] ?? ''))
  },
  join: (pieces) => Buffer.from(pieces.map((piece) => `${fromPiece<string>(piece)}\0`).join(''), 'latin1'),
  parse: (piece) => {
    const [names = '', code = names] = fromPiece<string>(piece).split('\n')
    if (code === '0') return value(names.split(' '))
    return /no such user/.test(names) ? absent : unreadable(names)
  },
}

/** getent prints the entries it has, in the order asked, and keeps silent about the others. */
function accountReader(kind: string, database: string) {
  return {
    kind,
    define: `r_${kind}() { ${withErrors(`getent ${database} -- "$@"`)}; }`,
    call: (keys: readonly string[]) => callFunction(`r_${kind}`, keys),
    split: (output: Buffer, keys: readonly string[]): readonly Buffer[] => {
      const [text = '', error = ''] = splitNul(output)
      const lines = new Map(text.split('\n').map((line) => [line.split(':')[0], line]))
      return keys.map((key, index) => toPiece({ line: lines.get(key) ?? '', ...(index === 0 && error && { error }) }))
    },
    join: (buffers: readonly Buffer[]): Buffer => {
      const pieces = buffers.map((buffer) => fromPiece<AccountPiece>(buffer))
      const text = pieces.map(({ line }) => (line ? `${line}\n` : '')).join('')
      return Buffer.from(`${text}\0${pieces[0]?.error ?? ''}\0`, 'latin1')
    },
  }
}

function parseLine<T>(piece: Buffer, read: (fields: readonly string[]) => T): Answer<T> {
  const { line, error } = fromPiece<AccountPiece>(piece)
  if (line) return value(read(line.split(':')))
  return error ? unreadable(error) : absent
}
