import type { Answer, Probe, Reader } from '../../model/probe.ts'
import {
  absent,
  callFunction,
  fromPiece,
  joinLines,
  splitNul,
  toPiece,
  unreadable,
  utf8,
  value,
  withErrors,
} from './records.ts'

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
  define: `r_memberships() { ${withErrors('id -nG -- "$@"')}; }`,
  call: (keys) => callFunction('r_memberships', keys),
  split: splitMemberships,
  join: (buffers) => {
    const pieces = buffers.map((buffer) => fromPiece<AccountPiece>(buffer))
    const text = pieces.map(({ line }) => (line ? `${line}\n` : '')).join('')
    return Buffer.from(`${text}\0${joinLines(pieces.map(({ error }) => error))}\0`, 'latin1')
  },
  parse: (piece) => {
    const { line, error = '' } = fromPiece<AccountPiece>(piece)
    if (line) return value(line.split(' '))
    return NO_SUCH_USER.test(error) ? absent : unreadable(error)
  },
}

const NO_SUCH_USER = /: no such user$/

/** id prints a line for each user there is, in the order asked, and a complaint for each other, with its name. */
function splitMemberships(output: Buffer, keys: readonly string[]): readonly Buffer[] {
  const [text = '', errors = ''] = splitNul(output)
  const lines = text.split('\n').filter(Boolean)
  const complaints = errors.split('\n').filter((error) => NO_SUCH_USER.test(error))
  const missing = new Map(
    keys.flatMap((key) => {
      const error = complaints.find((complaint) => complaint.includes(`'${key}'`))
      return error === undefined ? [] : [[key, error] as const]
    }),
  )
  const found = keys.filter((key) => !missing.has(key))
  // Anything else that id says cannot be told apart by user.
  if (lines.length !== found.length || complaints.join('\n') !== errors)
    return keys.map(() => toPiece({ line: '', error: errors }))
  return keys.map((key) => {
    const error = missing.get(key)
    return toPiece(error === undefined ? { line: lines[found.indexOf(key)] } : { line: '', error })
  })
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
