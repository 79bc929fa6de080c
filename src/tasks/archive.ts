import { type Change, change } from '../model/change.ts'
import type { ArchiveSource, Content, Member, Sources } from '../model/content.ts'
import { DeployError } from '../model/error.ts'
import type { Probes } from '../model/probe.ts'
import type { Step } from '../model/step.ts'
import { type Detail, sourcedTaskType } from '../model/task.ts'
import { type FileState, file, stat } from '../shell/readers/file.ts'
import { notWritable, type WritableState, writable } from '../shell/readers/writable.ts'
import { sh } from '../shell/sh.ts'
import { landing } from './archive-members.ts'
import { invalidName, ownScript } from './ownership.ts'
import { invalidPath } from './path.ts'
import { refusalStep, scriptLines, shellStep } from './steps.ts'

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

interface ArchiveWant {
  readonly to: string
  readonly strip: number
  readonly owner?: string
  readonly group?: string
  readonly content: Content
  readonly gzip: boolean
  readonly members: readonly Member[]
}

/** What is there of each member, by its name; a name left out is not there. */
type ArchiveNow = Readonly<Record<string, FileState | undefined>>

interface Found {
  readonly member: Member
  readonly now: FileState | undefined
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
  key: (want: ArchiveWant) => `archive:${want.to}`,
  label: (want) => want.to,
  invalid,
  resolve,
  check: ({ to, members }): Probes =>
    Object.fromEntries(
      members.map(({ name, kind }) => [name, kind === 'file' ? file(`${to}/${name}`) : stat(`${to}/${name}`)]),
    ),
  read: (values) => values as ArchiveNow,
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

function resolve({ from, to, strip = 0, owner, group, sha256 }: Archive, sources: Sources): ArchiveWant {
  const { content, gzip, members }: ArchiveSource = sources.archive(from)
  if (sha256 && sha256.toLowerCase() !== content.sha256)
    throw new DeployError({ code: 'E_ARCHIVE', message: `${from} has the sha256 ${content.sha256}, not ${sha256}` })
  const landed = landing(from, members, strip)
  return { to, strip, ...(owner && { owner }), ...(group && { group }), content, gzip, members: landed }
}

function apply(want: ArchiveWant, now: ArchiveNow): readonly (readonly Change[])[] {
  const found = want.members.map((member) => ({ member, now: now[member.name] }))
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

/** Owner, group and mode of what is there with the right content, a step for each path. */
function mended(want: ArchiveWant, there: readonly Found[]): readonly (readonly Change[])[] {
  const steps = new Map<Found, Step>()
  const step = (one: Found) => {
    const { name, kind, mode } = one.member
    const known = steps.get(one) ?? shellStep(ownScript(`${want.to}/${name}`, want, mode, kind === 'directory'))
    steps.set(one, known)
    return known
  }
  const field = (name: string, to: string | undefined, wrong: (one: Found) => boolean) => {
    const others = there.filter(wrong)
    return others.length > 0 ? change(name, `other: ${names(others)}`, to, ...others.map(step)) : []
  }
  const { owner, group } = want
  const groupOf = (now: FileState | undefined) => (/^\d+$/.test(group ?? '') ? String(now?.gid) : now?.group)
  return [
    field('owner', owner, ({ now }) => now?.owner !== owner),
    field('group', group, ({ now }) => groupOf(now) !== group),
    field('mode', 'as in the archive', ({ member, now }) => now?.mode !== member.mode),
  ]
}

function differs({ member, now }: Found): boolean {
  if (now?.kind !== member.kind) return true
  return now.sha256 !== member.sha256 || now.target !== member.target
}

/** The names of what is not as in the archive, the first few of them. */
function names(found: readonly Found[]): string {
  const first = found.slice(0, 5).map(({ member }) => member.name)
  return `${first.join(', ')}${found.length > 5 ? ` and ${found.length - 5} more` : ''}`
}

/** Files and links take each other's place; folders and what is no file stay what they are. */
function refusal({ to }: ArchiveWant, { member, now }: Found): string | undefined {
  if (!now || now.kind === member.kind) return undefined
  const path = `${to}/${member.name}`
  if (member.kind === 'directory')
    return `${path} is ${now.kind === 'other' ? 'no folder' : `a ${now.kind}`}: no folder can take its place`
  if (now.kind === 'directory') return `${path} is a directory: no ${member.kind} can take its place`
  return now.kind === 'other'
    ? `${path} is neither a file, a directory nor a link: nothing can take its place`
    : undefined
}

/** First, with our rights, the way into the folder and the lists of what to do; then, with its owner's, the unpacking. */
function unpacking(want: ArchiveWant, missing: readonly Found[]): readonly Step[] {
  const { to, owner, content } = want
  const all = missing.map(({ member }) => member)
  const folders = all.filter(({ kind }) => kind === 'directory')
  const others = all.filter(({ kind }) => kind !== 'directory')
  const files = others.filter(({ kind }) => kind === 'file')
  const open = scriptLines(
    sh`enter ${`${to}/.`} && [ -n "$at" ] || { echo ${`there is no folder ${to} to unpack in`}; exit 1; }`,
    sh`[ "$(stat -c %u .)" = "$(id -u ${owner ? ['--', owner] : []})" ] || { echo ${to} "belongs to $(stat -c %U .)": ${`it is unpacked as ${owner ?? 'the user of the connection'}, who must own it`}; exit 1; }`,
    sh`printf '%s\\n' "$at/.deploy-unpack" >>"$S/temps"`,
    list(5, folders, ({ name, mode }) => `${mode} ./${name}`),
    list(6, others, ({ name }) => `./${name}`),
    list(7, files, ({ name, sha256 }) => `${sha256}  ./${name}`),
  )
  return [shellStep(open, { content }), shellStep(unpack(want), { foreign: true, ...(owner && { as: owner }) })]
}

/** A line for each member, which the folder's owner reads from a descriptor: the file itself is in a folder of ours. */
function list(descriptor: 5 | 6 | 7, members: readonly Member[], line: (member: Member) => string) {
  const number = { shell: String(descriptor) }
  const file = sh`"$P/list.$TASK.${number}"`
  return scriptLines(
    members.length > 0 ? sh`printf '%s\\n' ${members.map(line)} >${file}` : sh`: >${file}`,
    sh`exec ${number}<${file}`,
  )
}

/** Unpacks beside, compares, then puts each file in its place in one step: a second name that replaces the first. */
function unpack({ gzip, strip, group }: ArchiveWant) {
  return scriptLines(
    sh`set -e; umask 022; u=.deploy-unpack; rm -rf -- "$u"; trap 'rm -rf -- "$u"' EXIT; trap 'exit 143' TERM`,
    sh`mkdir -m 0700 -- "$u"; mkdir -- "$u/new"; cat <&5 >"$u/folders"; cat <&6 >"$u/names"; cat <&7 >"$u/sums"`,
    sh`tar -x ${gzip ? ['-z'] : []} --no-same-owner --no-same-permissions ${`--strip-components=${strip}`} -C "$u/new" -f - <&4 || { echo "it could not be unpacked. Free there:"; df -h --output=target,avail,iavail -- .; exit 1; }`,
    sh`[ ! -s "$u/sums" ] || (cd -- "$u/new" && sha256sum -c --quiet --strict ../sums)`,
    group !== undefined && sh`chgrp -R -h -- ${group} "$u/new"`,
    sh`sync -f "$u/new"`,
    sh`cut -c6- "$u/folders" | tr '\\n' '\\0' | xargs -0r mkdir -m 0700 --`,
    group !== undefined && sh`cut -c6- "$u/folders" | tr '\\n' '\\0' | xargs -0r chgrp -- ${group}`,
    sh`(cd -- "$u/new" && tr '\\n' '\\0' <../names | xargs -0r cp -Plf --parents -t ../.. --)`,
    sh`for m in $(cut -c1-4 "$u/folders" | sort -u); do sed -n "s/^$m //p" "$u/folders" | tr '\\n' '\\0' | xargs -0r chmod -- "$m"; done`,
    sh`sync -f .`,
  )
}

function detail(want: ArchiveWant, now: ArchiveNow, values: Readonly<Record<string, unknown>>): Detail {
  const found = want.members.map((member) => ({ member, now: now[member.name] }))
  const no =
    found.map((one) => refusal(want, one)).find(Boolean) ??
    notWritable(want.to, values.folder as WritableState | undefined)
  return no ? { refuse: no } : {}
}
