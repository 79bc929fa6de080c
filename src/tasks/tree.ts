import { type Change, change } from '../model/change.ts'
import type { Member, Sources } from '../model/content.ts'
import { DeployError } from '../model/error.ts'
import type { Probes } from '../model/probe.ts'
import type { Step } from '../model/step.ts'
import { type Detail, sourcedTaskType } from '../model/task.ts'
import { below } from '../shell/readers/below.ts'
import { notWritable, type WritableState, writable } from '../shell/readers/writable.ts'
import { sh } from '../shell/sh.ts'
import { landing } from './archive-members.ts'
import { invalidName, invalidOwnership } from './ownership.ts'
import { invalidPath } from './path.ts'
import { refusalStep, shellStep } from './steps.ts'
import {
  askMembers,
  differs,
  findMembers,
  mended,
  refusal,
  type Unpacked,
  type UnpackedNow,
  unpacking,
} from './unpacked.ts'

export interface Tree {
  /** A folder of the project, relative to its root, with all that is in it. */
  readonly from: string
  /** The folder on the host: absolute, normalised. It must exist and belong to `owner`. */
  readonly to: string
  /** The user who owns all that is in it. Omitted: the user of the connection, which is root. */
  readonly owner?: string
  /** The group of all that is in it: one that the owner is in. Omitted: left alone; on new files the owner's. */
  readonly group?: string
  /** The mode of all files. Omitted: 0755 for what the owner of the project's file may execute, else 0644. */
  readonly mode?: string
  /** The mode of all folders in it; their owner must be able to write in them. Default: 0755. */
  readonly directoryMode?: string
  /** `true`: what else is in the folder is removed. Default: false, it is left alone. */
  readonly purge?: boolean
}

interface TreeWant extends Unpacked {
  readonly purge: boolean
}

interface TreeNow {
  readonly members: UnpackedNow
  /** Names that are no members and whose folder is one, or is the folder itself: all that is not of the project. */
  readonly strangers: readonly string[]
}

/** No member has this name. */
const BELOW = '/'

/**
 * Keeps a folder of static files as a folder of the project is: every file is compared by its hash, and only what differs
 * is replaced, each file in one step. The plan names what is added, changed and removed.
 *
 * @example
 * tree({ from: 'public', to: '/srv/www', purge: true })
 */
export const tree = sourcedTaskType('tree', {
  key: (want: TreeWant) => `tree:${want.to}`,
  label: (want) => want.to,
  invalid,
  resolve,
  check: (want): Probes => ({ ...askMembers(want), ...(want.purge && { [BELOW]: below(want.to) }) }),
  read: ({ [BELOW]: names = [], ...members }, want): TreeNow => ({
    members: members as UnpackedNow,
    strangers: strangersOf(want.members, names as readonly string[]),
  }),
  apply,
  detailProbes: ({ to }): Probes => ({ folder: writable(to) }),
  detail,
})

function invalid({ from, to, owner, group, mode, directoryMode }: Tree): string | undefined {
  if (!from) return 'from must name a folder of the project'
  if (/^\d+$/.test(owner ?? '')) return `owner must be a name, for it is written as this user, not ${owner}`
  if (directoryMode !== undefined && !/^0?7[0-7]{2}$/.test(directoryMode))
    return `directoryMode must be like '0755', for their owner writes in them, not ${JSON.stringify(directoryMode)}`
  return (
    invalidPath(to) ??
    invalidName('owner', owner) ??
    invalidOwnership({ ...(group && { group }), ...(mode && { mode }) })
  )
}

function resolve({ from, mode, directoryMode = '0755', purge = false, ...want }: Tree, sources: Sources): TreeWant {
  const folder = sources.folder(from)
  if (!folder) throw new DeployError({ code: 'E_NO_FILE', message: `${from} is not a folder of the project` })
  const own = (member: Member) => ({
    ...member,
    ...(member.kind === 'directory' && { mode: directoryMode.padStart(4, '0') }),
    ...(member.kind === 'file' && mode && { mode: mode.padStart(4, '0') }),
  })
  const members = landing(from, folder.members, 0).map(own)
  const { content, gzip } = folder
  const modes = mode && { fileMode: mode.padStart(4, '0') }
  return { ...want, strip: 0, content, gzip, members, purge, timeless: true, ...modes }
}

function strangersOf(members: readonly Member[], names: readonly string[]): readonly string[] {
  const known = new Set(members.map(({ name }) => name))
  const folders = new Set(members.flatMap(({ name, kind }) => (kind === 'directory' ? [name] : [])))
  const above = (name: string) => name.slice(0, Math.max(0, name.lastIndexOf('/')))
  return names.filter((name) => !known.has(name) && (above(name) === '' || folders.has(above(name))))
}

function apply(want: TreeWant, now: TreeNow): readonly (readonly Change[])[] {
  const no = obstacle(want, now)
  if (no) return [change('kind', 'other', 'folder', refusalStep(no))]
  const found = findMembers(want, now.members)
  const missing = found.filter(differs)
  const there = found.filter((one) => !differs(one) && one.member.kind !== 'symlink')
  const steps = missing.length > 0 ? unpacking(want, missing) : []
  const told = (names: readonly string[]) => (names.length > 0 ? shown(names) : undefined)
  const added = told(missing.filter((one) => !one.now).map(({ member }) => member.name))
  const changed = told(missing.filter((one) => one.now).map(({ member }) => member.name))
  const removed = told(now.strangers)
  return [
    ...mended(want, there, 'as in the project'),
    change('added', null, added, ...steps),
    changed === undefined ? [] : change('changed', changed, 'as in the project', ...steps),
    removed === undefined ? [] : change('removed', removed, null, removal(want, now.strangers)),
  ]
}

/** Some names and how many there are. */
function shown(names: readonly string[]): string {
  return `${names.slice(0, 5).join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`
}

/** Each from within its folder, gone into as ever, so that no link that somebody puts on the way leads elsewhere. */
function removal({ to }: TreeWant, names: readonly string[]): Step {
  const paths = names.map((name) => `${to}/${name}`)
  return shellStep(
    sh`for p in ${paths}; do enter "$p" && [ -n "$at" ] || exit 1; rm -rf -- "./\${p##*/}"; sync -- .; done`,
  )
}

function obstacle(want: TreeWant, { members }: TreeNow): string | undefined {
  return findMembers(want, members)
    .map((one) => refusal(want, one))
    .find(Boolean)
}

function detail(want: TreeWant, now: TreeNow, values: Readonly<Record<string, unknown>>): Detail {
  const no = obstacle(want, now) ?? notWritable(want.to, values.folder as WritableState | undefined)
  if (no) return { refuse: no }
  return now.strangers.length > 5 ? { notes: [`removed: ${now.strangers.join(', ')}`] } : {}
}
