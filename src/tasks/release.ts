import { type Change, change } from '../model/change.ts'
import type { Content, Member, Sources } from '../model/content.ts'
import { canonicalJson, sha256 } from '../model/json.ts'
import type { Probe, Probes } from '../model/probe.ts'
import type { Shell } from '../model/shell.ts'
import type { Step } from '../model/step.ts'
import { type Detail, sourcedTaskType } from '../model/task.ts'
import { type FileState, stat } from '../shell/readers/file.ts'
import { type ScriptResult, script } from '../shell/readers/script.ts'
import { notWritable, type WritableState, writable } from '../shell/readers/writable.ts'
import { sh } from '../shell/sh.ts'
import { landing } from './archive-members.ts'
import { askRecord, type FolderRecord, readRecord, recordChanges, recordHead, recordName } from './folder-record.ts'
import { invalidName } from './ownership.ts'
import { invalidPath } from './path.ts'
import { bytesContent, refusalStep, scriptLines, shellStep } from './steps.ts'
import { invalidVersion } from './version.ts'
import { putWhole, unpackInto } from './whole-folder.ts'

export interface Release {
  /** A folder of the project, or a tar archive, plain or gzip; relative to the project's root. */
  readonly from: string
  /** The folder of the application: absolute, normalised. It must exist. Releases are in its folder `releases`. */
  readonly to: string
  /** The name of the release: letters, digits and `.`, `_`, `+`, `-`. */
  readonly version: string
  /** Leading parts to take off each name, such as the folder `app-1.2.0/` of an archive that holds all. Default: 0. */
  readonly strip?: number
  /** The user who owns what is unpacked. Omitted: the user of the connection, which is root: it cannot change its own code. */
  readonly owner?: string
  /** The group of what is unpacked. Omitted: the owner's. */
  readonly group?: string
}

interface ReleaseWant {
  readonly to: string
  readonly version: string
  readonly strip: number
  readonly owner?: string
  readonly group?: string
  readonly content: Content
  readonly gzip: boolean
  readonly files: number
  /** Of the names, kinds, modes, contents and targets of all that is in it, however it is packed. */
  readonly sum: string
  /** A line for each file, as sha256sum reads it. */
  readonly sums: Content
}

interface ReleaseNow {
  readonly folder: FileState | undefined
  readonly record: FolderRecord | undefined
  /** It is the current release, with another content than the wanted one. */
  readonly serves: boolean
}

/** Files and folders that a release may have. */
const LIMIT = 50_000

/**
 * Keeps the folder `TO/releases/VERSION` with the content of a folder or an archive of the project: whole or not at all,
 * for it is unpacked beside and renamed. What is put in it later, such as `node_modules`, is left alone.
 *
 * A release that `TO/current` leads to is not replaced by another content: that takes another version. What was changed in
 * it by hand is put right in place.
 *
 * A file, folder or link of it that was changed by hand is noticed by its size, times, mode and owner, without reading it;
 * so is one that is gone. A content of the same size whose time was put back is not noticed, nor what was added.
 *
 * @example
 * release({ from: 'dist', to: '/srv/app', version: '1.2.0' })
 */
export const release = sourcedTaskType('release', {
  key: (want: ReleaseWant) => `path:${releasesOf(want)}/${want.version}`,
  label: (want) => `${releasesOf(want)}/${want.version}`,
  invalid,
  resolve,
  check: (want): Probes => ({
    folder: stat(`${releasesOf(want)}/${want.version}`),
    record: askRecord(releasesOf(want), want.version),
    serves: askServes(want),
  }),
  read: ({ folder, record, serves }): ReleaseNow => ({
    folder: folder as FileState | undefined,
    record: readRecord(record as ScriptResult | undefined),
    serves: Boolean((serves as ScriptResult | undefined)?.output),
  }),
  apply,
  detailProbes: (want): Probes => ({ folder: writable(releasesOf(want)) }),
  detail,
  // Old releases are what `currentRelease` removes.
  leaves: false,
  moves: (_want, changes) => changes.some(({ from }) => from !== null),
})

function releasesOf({ to }: Pick<Release, 'to'>): string {
  return `${to}/releases`
}

function invalid({ from, to, version, strip = 0, owner, group }: Release): string | undefined {
  if (!from) return 'from must name a folder or an archive of the project'
  if (!(Number.isInteger(strip) && strip >= 0)) return `strip must be a whole number, not ${JSON.stringify(strip)}`
  if (/^\d+$/.test(owner ?? '')) return `owner must be a name, not ${owner}`
  return invalidPath(to) ?? invalidVersion(version) ?? invalidName('owner', owner) ?? invalidName('group', group)
}

function resolve({ from, strip = 0, ...want }: Release, sources: Sources): ReleaseWant {
  const { content, gzip, members } = sources.folder(from) ?? sources.archive(from)
  const landed = landing(from, members, strip, LIMIT).toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const files = landed.filter(({ kind }) => kind === 'file')
  return {
    ...want,
    strip,
    content,
    gzip,
    files: files.length,
    sum: sumOf(landed),
    sums: bytesContent(files.map(({ name, sha256 }) => `${sha256}  ./${name}\n`).join('')),
  }
}

/** The same for the same content, however it is packed. */
function sumOf(members: readonly Member[]): string {
  return sha256(
    canonicalJson(members.map(({ name, kind, mode, sha256, target }) => [name, kind, mode, sha256 ?? target])),
  )
}

/** Says so only where it must be refused: an answer that changes with the link to the current release would be drift. */
function askServes({ to, version, sum }: ReleaseWant): Probe<ScriptResult> {
  return script(
    scriptLines(
      sh`cd -- ${releasesOf({ to })} && [ ../current -ef ${`./${version}`} ] || exit 0`,
      sh`is=; read -r is more <${recordName(version)}; [ "$is" = ${sum} ] || echo serves`,
    ),
  )
}

function apply(want: ReleaseWant, now: ReleaseNow): readonly (readonly Change[])[] {
  const { folder } = now
  const no = refusal(want, now)
  const steps = no ? [refusalStep(no)] : unpacking(want)
  if (folder && folder.kind !== 'directory') return [change('kind', folder.kind, 'directory', ...steps)]
  const record = folder && now.record
  const to = `${want.files} ${want.files === 1 ? 'file' : 'files'} (${want.sum.slice(0, 8)})`
  return [
    recordChanges(folder, record, { sum: want.sum, to, steps }),
    change('owner', record?.owner, want.owner, ...steps),
    change('group', record?.group, want.group, ...steps),
  ]
}

function refusal(want: ReleaseWant, { folder, serves }: ReleaseNow): string | undefined {
  const path = `${releasesOf(want)}/${want.version}`
  if (serves) return `${path} is the current release, and the project's content is another one: give it another version`
  if (!folder || folder.kind === 'directory') return undefined
  return `${path} is ${folder.kind === 'other' ? 'no folder' : `a ${folder.kind}`}: no release can take its place`
}

/** One step brings the sums of the files, the next the archive. */
function unpacking(want: ReleaseWant): readonly Step[] {
  return [
    shellStep(sh`exec 5<&4`, { content: want.sums }),
    shellStep(scriptLines(openReleases(want.to), unpack(want)), { content: want.content }),
  ]
}

/** Goes into the folder of the releases, made if need be, in which nobody but us may change anything. */
export function openReleases(to: string): Shell {
  const releases = `${to}/releases`
  return scriptLines(
    sh`enter ${`${to}/.`} && [ -n "$at" ] || { echo ${`there is no folder ${to} for the releases`}; exit 1; }`,
    sh`[ -d releases ] || mkdir -m 0755 releases`,
    sh`enter ${`${releases}/.`} && [ -n "$at" ] || { echo ${`there is no folder ${releases}`}; exit 1; }`,
    sh`ours $(stat -c '%u %a' .) || { echo ${releases} "belongs to $(stat -c '%U, mode %a' .)": ${'others than the user of the connection could put things in it'}; exit 1; }`,
  )
}

function unpack({ version, strip, gzip, owner, group, sum }: ReleaseWant): Shell {
  const whose = owner ? `${owner}:${group ?? ''}` : group ? `:${group}` : ''
  const fill = scriptLines(
    unpackInto(sh`- <&4`, [...(gzip ? ['-z'] : []), `--strip-components=${strip}`]),
    sh`cat <&5 >"$u/sums"; [ ! -s "$u/sums" ] || (cd -- "$u/new" && sha256sum -c --quiet --strict ../sums)`,
    whose !== '' && sh`chown -hR -- ${whose} "$u/new"`,
  )
  return putWhole({ name: version, head: recordHead(sum, owner, group), fill, stays: 'node_modules' })
}

function detail(want: ReleaseWant, now: ReleaseNow, values: Readonly<Record<string, unknown>>): Detail {
  const { folder, record } = now
  const no = refusal(want, now) ?? notWritable(releasesOf(want), values.folder as WritableState | undefined)
  if (no) return { refuse: no }
  if (!folder) return {}
  const unknown = record ? [] : ['what is there was not released by this tool']
  return {
    notes: [...unknown, 'the folder is replaced as a whole; its node_modules stay, what else was put in it does not'],
  }
}
