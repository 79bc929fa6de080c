import { type Change, change } from '../model/change.ts'
import type { Detail } from '../model/task.ts'
import { taskType } from '../model/task.ts'
import { type FileState, stat } from '../shell/readers/file.ts'
import { notWritable, type WritableState, writable } from '../shell/readers/writable.ts'
import { sh } from '../shell/sh.ts'
import { folderOf, invalidPath } from './path.ts'
import { refusalStep, scriptLines, shellStep } from './steps.ts'

export interface Symlink {
  /** Where the link is: absolute, normalised. */
  readonly path: string
  /** What it points to, as written in the link: absolute, or relative to the link's folder. It need not exist. */
  readonly target?: string
  /** `true`: the link shall not be there. Files and directories are never removed. Default: false. */
  readonly absent?: boolean
}

/**
 * Keeps a symlink. It changes in one step: there is no moment without it. A file in its place is replaced and kept; a
 * directory in its place is an error.
 *
 * @example
 * symlink({ path: '/etc/nginx/sites-enabled/app', target: '../sites-available/app' })
 */
export const symlink = taskType('symlink', {
  key: (want: Symlink) => `path:${want.path}`,
  label: (want) => want.path,
  invalid,
  check: (want) => ({ path: stat(want.path) }),
  read: (values) => values.path,
  apply,
  detailProbes: (want) => ({ folder: writable(folderOf(want.path)) }),
  detail,
  removal: ({ path }) => ({ type: 'symlink', want: { path, absent: true }, proof: stat(path) }),
})

function invalid({ path, target, absent }: Symlink): string | undefined {
  if (absent ? target !== undefined : !target) return absent ? 'absent: true goes with path alone' : 'target is missing'
  if (target && /[\n\0]/.test(target))
    return `a line break or NUL cannot be part of a target: ${JSON.stringify(target)}`
  return invalidPath(path)
}

function apply(want: Symlink, now: FileState | undefined): readonly (readonly Change[])[] {
  const no = refusal(want, now)
  if (no) return [change('kind', now?.kind, want.absent ? null : 'symlink', refusalStep(no))]
  const { path, target = '' } = want
  if (want.absent) return [change('target', now?.target, null, shellStep(sh`rm -f -- ${path}`, { keeps: path }))]
  const link = shellStep(replacement(path, target), { keeps: path })
  return [
    now && now.kind !== 'symlink' ? change('kind', now.kind, 'symlink', link) : [],
    change('target', now?.target, target, link),
  ]
}

/** A link beside the path takes its place in one step. */
export function replacement(path: string, target: string) {
  const folder = folderOf(path)
  const beside = sh`${`${folder === '/' ? '' : folder}/.deploy-`}"$RUN-$TASK"`
  return scriptLines(
    sh`printf '%s\\n' ${beside} >>"$S/temps"`,
    sh`ln -sfnT -- ${target} ${beside}`,
    sh`mv -fT -- ${beside} ${path}`,
    sh`sync -- ${folder}`,
  )
}

function refusal({ path, absent }: Symlink, now: FileState | undefined): string | undefined {
  if (!now || now.kind === 'symlink' || (now.kind === 'file' && !absent)) return undefined
  const what = now.kind === 'other' ? 'no link' : `a ${now.kind}`
  return `${path} is ${what}: ${absent ? 'symlink does not remove it' : 'no link can take its place'}`
}

function detail(want: Symlink, now: FileState | undefined, values: Readonly<Record<string, unknown>>): Detail {
  const no = refusal(want, now) ?? notWritable(folderOf(want.path), values.folder as WritableState | undefined)
  if (no) return { refuse: no }
  return now?.kind === 'file' ? { notes: [`the file of ${now.size} bytes is replaced by the link and kept`] } : {}
}
