import { type Change, change } from '../model/change.ts'
import type { Probe, Values } from '../model/probe.ts'
import { type Detail, taskType } from '../model/task.ts'
import { type UserState, user as userProbe } from '../shell/readers/account.ts'
import { CONTENT_LIMIT, content, type FileContent } from '../shell/readers/content.ts'
import { type FileState, file, stat } from '../shell/readers/file.ts'
import { sh } from '../shell/sh.ts'
import { invalidName, type Ownership, ownershipChanges, ownScript } from './ownership.ts'
import { invalidPath } from './path.ts'
import { bytesContent, refusalStep, scriptLines, shellStep } from './steps.ts'
import { decodeText } from './text-diff.ts'

export interface AuthorizedKeys {
  /** Who may log in with these keys. */
  readonly user: string
  /** Public keys as in a `.pub` file, each one line; options may stand in front, a comment behind. */
  readonly keys: readonly string[]
  /** `true`: no other key stands in the file. Default: false, others are left alone. */
  readonly exact?: boolean
  /** The user's home. Default: `/root` for root, else `/home/USER`. It must be what the host says. */
  readonly home?: string
}

interface KeysNow {
  readonly user: UserState | undefined
  readonly folder: FileState | undefined
  readonly file: FileState | undefined
  /** Lines of the file. */
  readonly lines: readonly string[]
  /** Why the file cannot be kept. */
  readonly unfit?: string
}

type KeysProbes = {
  readonly user: Probe<UserState>
  readonly folder: Probe<FileState>
  readonly file: Probe<FileState>
  readonly content: Probe<FileContent>
}

/** A line with a key: options, type, the key itself, comment. */
const KEY = /^(?:(.*?)\s+)?((?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[a-z0-9@.-]+) ([A-Za-z0-9+/]{32,}={0,3})(?:\s+(.*))?$/

/**
 * Keeps keys with which a user may log in: `~/.ssh/authorized_keys`, the user's, mode 0600, and its folder, mode 0700. A
 * key is told by itself: where it stands with other options or another comment, that line is replaced.
 *
 * @example
 * authorizedKeys({ user: 'deploy', keys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEaQxb8hoM2yqvS8yTzlQpFv1bYw3cJr6f7m0e5o4s9d ann'], exact: true })
 */
export const authorizedKeys = taskType('authorizedKeys', {
  key: (want: AuthorizedKeys) => `path:${pathOf(want)}`,
  label: (want) => want.user,
  invalid,
  check: (want): KeysProbes => ({
    user: userProbe(want.user),
    folder: stat(folderOf(want)),
    file: file(pathOf(want)),
    content: content(pathOf(want)),
  }),
  read,
  apply,
  detail,
})

function homeOf({ user, home }: AuthorizedKeys): string {
  return home ?? (user === 'root' ? '/root' : `/home/${user}`)
}

function folderOf(want: AuthorizedKeys): string {
  return `${homeOf(want)}/.ssh`
}

function pathOf(want: AuthorizedKeys): string {
  return `${folderOf(want)}/authorized_keys`
}

function invalid(want: AuthorizedKeys): string | undefined {
  if (!Array.isArray(want.keys)) return 'keys must be a list'
  if (want.keys.length === 0 && !want.exact) return 'keys must name at least one key (none at all: say exact: true)'
  const bad = want.keys.find((key) => typeof key !== 'string' || /[\n\r\0]/.test(key) || !KEY.test(key.trim()))
  if (bad !== undefined) return `this is no public key: ${JSON.stringify(String(bad).slice(0, 60))}`
  const blobs = want.keys.map(blobOf)
  if (new Set(blobs).size < blobs.length) return 'keys names one key twice'
  return invalidName('user', want.user) ?? (want.user === undefined ? 'user must be named' : invalidPath(homeOf(want)))
}

function read({ user, folder, file: now, content: found }: Values<KeysProbes>): KeysNow {
  if (now?.kind !== 'file') return { user, folder, file: now, lines: [] }
  const text = now.size <= CONTENT_LIMIT ? decodeText(found?.bytes ?? Buffer.alloc(0)) : undefined
  if (text === undefined || bytesContent(text).sha256 !== now.sha256)
    return { user, folder, file: now, lines: [], unfit: 'it is no text, or too long, or changed while it was read' }
  return { user, folder, file: now, lines: text === '' ? [] : text.replace(/\n$/, '').split('\n') }
}

function apply(want: AuthorizedKeys, now: KeysNow): readonly (readonly Change[])[] {
  const no = obstacle(want, now)
  if (no) return [[{ field: 'keys', from: null, to: want.keys.length, steps: [refusalStep(no)] }]]
  const owner: Ownership = { owner: want.user, ...(now.user && { group: String(now.user.gid) }) }
  const folder = folderOf(want)
  const make = shellStep(
    scriptLines(
      sh`enter ${folder} && [ -n "$at" ] || exit`,
      sh`mkdir -m 700 -- ./.ssh`,
      ownScript(folder, owner, '', true),
    ),
    { keeps: folder },
  )
  const folderChanges = now.folder
    ? ownershipChanges(folder, { owner: want.user, mode: '0700' }, now.folder)
    : change('folder', null, folder, make)
  return [folderChanges, ...fileChanges(want, now, owner)]
}

function fileChanges(want: AuthorizedKeys, now: KeysNow, owner: Ownership): readonly (readonly Change[])[] {
  const lines = wantedLines(want, now.lines)
  const ownership: Ownership = { owner: want.user, mode: '0600' }
  const same = lines.length === now.lines.length && lines.every((line, index) => line === now.lines[index])
  if (same && now.file) return [ownershipChanges(pathOf(want), ownership, now.file)]
  const text = lines.map((line) => `${line}\n`).join('')
  const put = { kind: 'put' as const, path: pathOf(want), content: bytesContent(text), mode: '0600', ...owner }
  const added = lines.filter((line) => !now.lines.includes(line)).map((line) => ['added', shown(line)] as const)
  const gone = now.lines.filter((line) => !lines.includes(line)).map((line) => ['removed', shown(line)] as const)
  return [
    gone.map(([, key]) => ({ field: 'key', from: key, to: null, steps: [put] })),
    added.map(([, key]) => ({ field: 'key', from: null, to: key, steps: [put] })),
    now.file ? ownershipChanges(pathOf(want), ownership, now.file, put) : change('mode', null, '0600', put),
  ]
}

/**
 * The lines with each key as wanted, where it stood; new ones at the end. `exact` keeps comments and blank lines, and no
 * further keys. A line that is there twice to the letter does no harm.
 */
function wantedLines({ keys, exact }: AuthorizedKeys, lines: readonly string[]): readonly string[] {
  const wanted = new Map(keys.map((key) => [blobOf(key), key.trim()]))
  const met = new Set<string>()
  const kept = lines.flatMap((line) => {
    const blob = blobOf(line)
    if (blob === undefined) return exact && line.trim() !== '' && !line.startsWith('#') ? [] : [line]
    const own = wanted.get(blob)
    if (own === undefined) return exact ? [] : [line]
    const again = met.has(blob)
    met.add(blob)
    return again && line !== own ? [] : [own]
  })
  return [...kept, ...[...wanted].flatMap(([blob = '', key]) => (met.has(blob) ? [] : [key]))]
}

function blobOf(line: string): string | undefined {
  if (line.startsWith('#')) return undefined
  const [, , type, key] = KEY.exec(line.trim()) ?? []
  return key === undefined ? undefined : `${type} ${key}`
}

/** A key in a plan: enough to know it by. */
function shown(line: string): string {
  const [, options, type, key = '', comment] = KEY.exec(line.trim()) ?? []
  if (type === undefined) return line
  return [options, type, `…${key.replace(/=+$/, '').slice(-8)}`, comment].filter(Boolean).join(' ')
}

function obstacle(want: AuthorizedKeys, { user, folder, file: now, unfit }: KeysNow): string | undefined {
  const path = pathOf(want)
  if (user && user.home !== homeOf(want)) return `the home of ${want.user} is ${user.home}: say home: '${user.home}'`
  if (folder && folder.kind !== 'directory') return `${folderOf(want)} is no directory: what it leads to is left alone`
  if (now && now.kind !== 'file') return `${path} is no file: what it leads to is left alone`
  return unfit && `${path} cannot be kept: ${unfit}`
}

function detail(want: AuthorizedKeys, now: KeysNow): Detail {
  const no = obstacle(want, now)
  if (no) return { refuse: no }
  return now.user ? {} : { notes: [`there is no user ${want.user} yet: a task of this run must make it`] }
}
