import { type Change, change } from '../model/change.ts'
import type { ArchiveSource, Sources } from '../model/content.ts'
import { DeployError } from '../model/error.ts'
import type { Probes } from '../model/probe.ts'
import { type Detail, sourcedTaskType } from '../model/task.ts'
import { notWritable, type WritableState, writable } from '../shell/readers/writable.ts'
import { landing } from './archive-members.ts'
import { invalidName } from './ownership.ts'
import { invalidPath } from './path.ts'
import { refusalStep } from './steps.ts'
import {
  askMembers,
  differs,
  findMembers,
  mended,
  names,
  refusal,
  type Unpacked,
  type UnpackedNow,
  unpacking,
} from './unpacked.ts'

export interface Archive {
  /** A tar archive of the project, plain or gzip, relative to its root. */
  readonly from: string
  /** The folder it is unpacked in: absolute, normalised. It must exist; what else is in it is left alone. */
  readonly to: string
  /** Leading parts to take off each name, such as the folder `app-1.2.0/` that holds all. Default: 0. */
  readonly strip?: number
  /** The user who owns what is unpacked, and the folder. Omitted: the user of the connection, which is root. */
  readonly owner?: string
  /** The group of what is unpacked: one that the owner is in. Omitted: left alone; on new files the owner's. */
  readonly group?: string
  /** The SHA-256 that the archive must have, in hex. Omitted: any. */
  readonly sha256?: string
}

/**
 * Keeps a folder unpacked from an archive of the project: every file is compared by its hash, and only what differs is
 * replaced, each file in one step. It is unpacked with the rights of the folder's owner, so that no link there leads
 * further than this user could go.
 *
 * @example
 * archive({ from: 'dist/app-1.2.0.tar.gz', to: '/srv/app', strip: 1, owner: 'app' })
 */
export const archive = sourcedTaskType('archive', {
  key: (want: Unpacked) => `archive:${want.to}`,
  label: (want) => want.to,
  invalid,
  resolve,
  check: askMembers,
  read: (values) => values as UnpackedNow,
  apply,
  detailProbes: ({ to }): Probes => ({ folder: writable(to) }),
  detail,
})

function invalid({ from, to, strip = 0, owner, group, sha256 = '0'.repeat(64) }: Archive): string | undefined {
  if (!from) return 'from must name an archive of the project'
  if (!(Number.isInteger(strip) && strip >= 0)) return `strip must be a whole number, not ${JSON.stringify(strip)}`
  if (!/^[0-9a-f]{64}$/i.test(sha256)) return `sha256 must be 64 hex digits, not ${JSON.stringify(sha256)}`
  if (/^\d+$/.test(owner ?? '')) return `owner must be a name, for it is unpacked as this user, not ${owner}`
  return invalidPath(to) ?? invalidName('owner', owner) ?? invalidName('group', group)
}

function resolve({ from, to, strip = 0, owner, group, sha256 }: Archive, sources: Sources): Unpacked {
  const { content, gzip, members }: ArchiveSource = sources.archive(from)
  if (sha256 && sha256.toLowerCase() !== content.sha256)
    throw new DeployError({ code: 'E_ARCHIVE', message: `${from} has the sha256 ${content.sha256}, not ${sha256}` })
  const landed = landing(from, members, strip)
  return { to, strip, ...(owner && { owner }), ...(group && { group }), content, gzip, members: landed }
}

function apply(want: Unpacked, now: UnpackedNow): readonly (readonly Change[])[] {
  const found = findMembers(want, now)
  const no = found.map((one) => refusal(want, one)).find(Boolean)
  if (no) return [change('kind', 'other', 'unpacked', refusalStep(no))]
  const missing = found.filter(differs)
  const there = found.filter((one) => !differs(one) && one.member.kind !== 'symlink')
  const { content, members } = want
  const files = members.filter(({ kind }) => kind === 'file').length
  const from = found.every((one) => !one.now) ? null : `other: ${names(missing)}`
  const to = `${files} ${files === 1 ? 'file' : 'files'} (${content.sha256.slice(0, 8)})`
  return [...mended(want, there), missing.length > 0 ? change('content', from, to, ...unpacking(want, missing)) : []]
}

function detail(want: Unpacked, now: UnpackedNow, values: Readonly<Record<string, unknown>>): Detail {
  const found = findMembers(want, now)
  const no =
    found.map((one) => refusal(want, one)).find(Boolean) ??
    notWritable(want.to, values.folder as WritableState | undefined)
  return no ? { refuse: no } : {}
}
