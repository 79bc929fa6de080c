import { type Change, change } from '../model/change.ts'
import type { Detail } from '../model/task.ts'
import { taskType } from '../model/task.ts'
import { CONTENT_LIMIT, content, type FileContent } from '../shell/readers/content.ts'
import { type FileState, file } from '../shell/readers/file.ts'
import { notWritable, type WritableState, writable } from '../shell/readers/writable.ts'
import { sh } from '../shell/sh.ts'
import { isSensitive, shownContent } from './file-detail.ts'
import { folderOf, invalidPath } from './path.ts'
import { refusalStep, shellStep } from './steps.ts'
import { isBinary, textDiff } from './text-diff.ts'

/** A path that shall be what it was before a run changed it. */
export interface PutBack {
  readonly path: string
  /** Where its previous state is kept on the host; `undefined`: nothing was there. */
  readonly kept: string | undefined
  /** Its content is shown to nobody. */
  readonly secret?: true
}

interface PutBackNow {
  readonly path: FileState | undefined
  readonly kept: FileState | undefined
}

/** Puts back a file or a link that a run replaced, or takes away what it made; not for playbooks, but for rollback. */
export const putBack = taskType('put-back', {
  key: (want: PutBack) => `path:${want.path}`,
  label: (want) => want.path,
  invalid: ({ path }) => invalidPath(path),
  check: ({ path, kept }) => ({ path: file(path), ...(kept !== undefined && { kept: file(kept) }) }),
  read: (values) => values as unknown as PutBackNow,
  apply,
  detailProbes,
  detail,
  leaves: false,
})

function apply(want: PutBack, { path: now, kept }: PutBackNow): readonly (readonly Change[])[] {
  const no = refusal(want, now, kept)
  if (no) return [change('kind', now?.kind, kept?.kind, refusalStep(no))]
  const keeps = { keeps: want.path }
  if (!kept) {
    const remove = now?.kind === 'directory' ? sh`rmdir -- ${want.path}` : sh`rm -f -- ${want.path}`
    return [change('kind', now?.kind, null, shellStep(remove, keeps))]
  }
  const step = shellStep(sh`bring_back ${want.kept ?? ''} ${want.path}`, keeps)
  const sensitive = want.secret || isSensitive(now?.mode) || isSensitive(kept.mode)
  const shown = (state: FileState | undefined) =>
    state?.sha256 === undefined ? null : shownContent({ size: state.size, sha256: state.sha256 }, sensitive)
  return [
    change('kind', now?.kind, kept.kind, step),
    now?.sha256 === kept.sha256 ? [] : [{ field: 'content', from: shown(now), to: shown(kept), steps: [step] }],
    change('target', now?.target, kept.target, step),
    change('owner', now?.owner, kept.owner, step),
    change('group', now?.group, kept.group, step),
    kept.kind === 'symlink' ? [] : change('mode', now?.mode, kept.mode, step),
  ]
}

function refusal(want: PutBack, now: FileState | undefined, kept: FileState | undefined): string | undefined {
  if (want.kept !== undefined && !kept) return `what was kept of ${want.path} is gone`
  if (kept && kept.kind !== 'file' && kept.kind !== 'symlink') return `what was kept of ${want.path} is no file`
  if (!now || now.kind === 'file' || now.kind === 'symlink' || (!kept && now.kind === 'directory')) return undefined
  return `${want.path} is ${now.kind === 'directory' ? 'a directory' : 'neither a file nor a link'} now: it is left alone`
}

function detailProbes({ path, kept: from, secret }: PutBack, { path: now, kept }: PutBackNow) {
  const small = [now, kept].every((state) => !state || (state.kind === 'file' && state.size <= CONTENT_LIMIT))
  const shown = small && now && kept && from && now.sha256 !== kept.sha256
  const open = !secret && !isSensitive(now?.mode) && !isSensitive(kept?.mode)
  return {
    folder: writable(folderOf(path)),
    ...(shown && open && { before: content(path), after: content(from) }),
  }
}

function detail(want: PutBack, { path: now, kept }: PutBackNow, values: Readonly<Record<string, unknown>>): Detail {
  const no = refusal(want, now, kept) ?? notWritable(folderOf(want.path), values.folder as WritableState | undefined)
  if (no) return { refuse: no }
  const [before, after] = [values.before, values.after] as readonly (FileContent | undefined)[]
  if (!before || !after || isBinary(before.bytes) || isBinary(after.bytes)) return {}
  const diff = textDiff(before.bytes, after.bytes)
  return diff === undefined ? {} : { diff }
}
