import { type Change, change } from '../model/change.ts'
import type { Probes } from '../model/probe.ts'
import type { Detail } from '../model/task.ts'
import { taskType } from '../model/task.ts'
import { type FileState, stat } from '../shell/readers/file.ts'
import { type ScriptResult, script } from '../shell/readers/script.ts'
import { notWritable, type WritableState, writable } from '../shell/readers/writable.ts'
import { sh } from '../shell/sh.ts'
import { invalidOwnership, type Ownership, ownershipChanges, ownScript, resolveOwnership } from './ownership.ts'
import { folderOf, invalidPath } from './path.ts'
import { refusalStep, scriptLines, shellStep } from './steps.ts'

export interface Directory extends Ownership {
  /** Absolute path, normalised. */
  readonly path: string
  /** `true`: folders above it that are missing are made, root's, mode 0755. Default: false, they must exist. */
  readonly parents?: boolean
  /** `true`: the directory shall not be there; it is removed only when it is empty. Default: false. */
  readonly absent?: boolean
}

/**
 * Keeps a directory with this owner and mode. What is inside it is left alone.
 *
 * @example
 * directory({ path: '/srv/app', owner: 'app', group: 'app', mode: '0750' })
 */
export const directory = taskType('directory', {
  key: (want: Directory) => `path:${want.path}`,
  label: (want) => want.path,
  invalid,
  check: (want) => ({ path: stat(want.path) }),
  read: (values) => values.path,
  apply,
  detailProbes: (want, now): Probes => ({
    folder: writable(folderOf(want.path)),
    ...(want.absent && now?.kind === 'directory' && { inside: script(sh`ls -A -- ${want.path} | head -n 4`) }),
  }),
  detail,
})

function invalid({ absent, path, ...others }: Directory): string | undefined {
  if (absent && Object.values(others).some((value) => value !== undefined)) return 'absent: true goes with path alone'
  return invalidPath(path) ?? invalidOwnership(others)
}

function apply(want: Directory, now: FileState | undefined): readonly (readonly Change[])[] {
  const no = refusal(want, now)
  if (no) return [change('kind', now?.kind, want.absent ? null : 'directory', refusalStep(no))]
  if (want.absent) return [change('kind', now?.kind, null, shellStep(sh`rmdir -- ${want.path}`, { keeps: want.path }))]
  if (now) return [ownershipChanges(want.path, resolveOwnership(want), now)]
  const make = shellStep(creation(want), { keeps: want.path })
  const { owner, group, mode } = withDefaults(want)
  return [
    change('kind', null, 'directory', make),
    change('owner', null, owner, make),
    change('group', null, group, make),
    change('mode', null, mode, make),
  ]
}

/** The directory is its maker's alone until its owner and mode are right. */
function creation(want: Directory) {
  const { mode = '', ...ownership } = withDefaults(want)
  return scriptLines(
    want.parents && sh`(umask 022; mkdir -p -- ${folderOf(want.path)})`,
    sh`mkdir -m 0700 -- ${want.path}`,
    ownScript(want.path, ownership, mode, true),
  )
}

function withDefaults(want: Directory): Ownership {
  return { mode: '0755', ...resolveOwnership(want) }
}

function refusal({ path, absent }: Directory, now: FileState | undefined): string | undefined {
  if (!now || now.kind === 'directory') return undefined
  const what =
    now.kind === 'symlink'
      ? `a link to ${now.target}`
      : now.kind === 'file'
        ? 'a file'
        : 'neither a file nor a directory'
  return `${path} is ${what}: ${absent ? 'directory does not remove it' : 'no directory can take its place'}`
}

function detail(want: Directory, now: FileState | undefined, values: Readonly<Record<string, unknown>>): Detail {
  const no = refusal(want, now) ?? notWritable(folderOf(want.path), values.folder as WritableState | undefined)
  if (no) return { refuse: no }
  const inside = (values.inside as ScriptResult | undefined)?.output.split('\n').filter(Boolean) ?? []
  return inside.length > 0
    ? { refuse: `${want.path} is not empty: ${inside.slice(0, 3).join(', ')}${inside[3] ? ', …' : ''}` }
    : {}
}
