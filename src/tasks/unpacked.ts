import { type Change, change } from '../model/change.ts'
import type { Content, Member } from '../model/content.ts'
import type { Probes } from '../model/probe.ts'
import type { Shell } from '../model/shell.ts'
import type { Step } from '../model/step.ts'
import { type FileState, file, stat } from '../shell/readers/file.ts'
import { sh } from '../shell/sh.ts'
import { ownScript } from './ownership.ts'
import { scriptLines, shellStep } from './steps.ts'

/** What is kept unpacked in a folder, file by file. */
export interface Unpacked {
  readonly to: string
  readonly strip: number
  readonly owner?: string
  readonly group?: string
  readonly content: Content
  readonly gzip: boolean
  readonly members: readonly Member[]
  /** All files get this mode, whatever the archive says. */
  readonly fileMode?: string
  /** Times are those of the unpacking: a folder that was packed has none. */
  readonly timeless?: true
}

/** What is there of each member, by its name; a name left out is not there. */
export type UnpackedNow = Readonly<Record<string, FileState | undefined>>

export interface Found {
  readonly member: Member
  readonly now: FileState | undefined
}

/** Asks for each file by its hash, and for the rest by its state. */
export function askMembers({ to, members }: Unpacked): Probes {
  return Object.fromEntries(
    members.map(({ name, kind }) => [name, kind === 'file' ? file(`${to}/${name}`) : stat(`${to}/${name}`)]),
  )
}

/** Each member with what is there of it. */
export function findMembers({ members }: Unpacked, now: UnpackedNow): readonly Found[] {
  return members.map((member) => ({ member, now: now[member.name] }))
}

/** Owner, group and mode of what is there with the right content, a step for each path. */
export function mended(
  want: Unpacked,
  there: readonly Found[],
  mode = 'as in the archive',
): readonly (readonly Change[])[] {
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
    field('mode', mode, ({ member, now }) => now?.mode !== member.mode),
  ]
}

export function differs({ member, now }: Found): boolean {
  if (now?.kind !== member.kind) return true
  return now.sha256 !== member.sha256 || now.target !== member.target
}

/** The names of what is not as in the archive, the first few of them. */
export function names(found: readonly Found[]): string {
  const first = found.slice(0, 5).map(({ member }) => member.name)
  return `${first.join(', ')}${found.length > 5 ? ` and ${found.length - 5} more` : ''}`
}

/** Files and links take each other's place; folders and what is no file stay what they are. */
export function refusal({ to }: Unpacked, { member, now }: Found): string | undefined {
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
export function unpacking(want: Unpacked, missing: readonly Found[]): readonly Step[] {
  const { owner, content } = want
  const all = missing.map(({ member }) => member)
  const folders = all.filter(({ kind }) => kind === 'directory')
  const others = all.filter(({ kind }) => kind !== 'directory')
  const files = others.filter(({ kind }) => kind === 'file')
  const open = scriptLines(
    openFolder(want),
    sh`printf '%s\\n' "$at/.deploy-unpack" >>"$S/temps"`,
    list(5, folders, ({ name, mode }) => `${mode} ./${name}`),
    list(6, others, ({ name }) => `./${name}`),
    list(7, files, ({ name, sha256 }) => `${sha256}  ./${name}`),
  )
  return [shellStep(open, { content }), shellStep(unpack(want), { foreign: true, ...(owner && { as: owner }) })]
}

/** Goes into the folder, which must be its owner's. */
function openFolder({ to, owner }: Unpacked): Shell {
  return scriptLines(
    sh`enter ${`${to}/.`} && [ -n "$at" ] || { echo ${`there is no folder ${to} to unpack in`}; exit 1; }`,
    sh`[ "$(stat -c %u .)" = "$(id -u ${owner ? ['--', owner] : []})" ] || { echo ${to} "belongs to $(stat -c %U .)": ${`it is unpacked as ${owner ?? 'the user of the connection'}, who must own it`}; exit 1; }`,
  )
}

/** A line for each of some, which the folder's owner reads from a descriptor: the file itself is in a folder of ours. */
function list<T>(descriptor: 5 | 6 | 7, members: readonly T[], line: (member: T) => string): Shell {
  const number = { shell: String(descriptor) }
  const file = sh`"$P/list.$TASK.${number}"`
  return scriptLines(
    members.length > 0 ? sh`printf '%s\\n' ${members.map(line)} >${file}` : sh`: >${file}`,
    sh`exec ${number}<${file}`,
  )
}

/** Unpacks beside, compares, then puts each file in its place in one step: a second name that replaces the first. */
function unpack({ gzip, strip, group, fileMode, timeless }: Unpacked) {
  return scriptLines(
    sh`set -e; umask 022; u=.deploy-unpack; rm -rf -- "$u"; trap 'rm -rf -- "$u"' EXIT; trap 'exit 143' TERM`,
    sh`mkdir -m 0700 -- "$u"; mkdir -- "$u/new"; cat <&5 >"$u/folders"; cat <&6 >"$u/names"; cat <&7 >"$u/sums"`,
    sh`tar -x ${[...(gzip ? ['-z'] : []), ...(timeless ? ['-m'] : [])]} --no-same-owner --no-same-permissions ${`--strip-components=${strip}`} -C "$u/new" -f - <&4 || { echo "it could not be unpacked. Free there:"; df -h --output=target,avail,iavail -- .; exit 1; }`,
    sh`[ ! -s "$u/sums" ] || (cd -- "$u/new" && sha256sum -c --quiet --strict ../sums)`,
    fileMode !== undefined && sh`find "$u/new" -type f -exec chmod -- ${fileMode} '{}' +`,
    group !== undefined && sh`chgrp -R -h -- ${group} "$u/new"`,
    sh`sync -f "$u/new"`,
    sh`cut -c6- "$u/folders" | tr '\\n' '\\0' | xargs -0r mkdir -m 0700 --`,
    group !== undefined && sh`cut -c6- "$u/folders" | tr '\\n' '\\0' | xargs -0r chgrp -- ${group}`,
    sh`(cd -- "$u/new" && tr '\\n' '\\0' <../names | xargs -0r cp -Plf --parents -t ../.. --)`,
    sh`for m in $(cut -c1-4 "$u/folders" | sort -u); do sed -n "s/^$m //p" "$u/folders" | tr '\\n' '\\0' | xargs -0r chmod -- "$m"; done`,
    sh`sync -f .`,
  )
}
