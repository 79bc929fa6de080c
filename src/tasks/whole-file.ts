import { type Change, change } from '../model/change.ts'
import type { Content } from '../model/content.ts'
import type { Probe, Values } from '../model/probe.ts'
import type { Shell } from '../model/shell.ts'
import type { PutStep } from '../model/step.ts'
import type { TaskType } from '../model/task.ts'
import { type FileState, file, stat } from '../shell/readers/file.ts'
import { sh } from '../shell/sh.ts'
import { detailProbes, fileDetail, isSensitive, refusal, shownContent } from './file-detail.ts'
import { type Ownership, ownershipChanges, resolveOwnership } from './ownership.ts'
import { bytesContent, refusalStep, shellStep } from './steps.ts'

/** Parameters of every task that writes a whole file. */
export interface WholeFile extends Ownership {
  /**
   * Judges the new content before it takes the file's place: a script with the candidate's path in `$1`, e.g.
   * `` sh`visudo -cf "$1"` ``. When it fails the file stays as it was. It has 60 seconds.
   */
  readonly validate?: Shell
}

/** A file as it shall be. */
export interface FileWant extends Ownership {
  readonly path: string
  /** Omitted: any content; a file that is not there is made empty. */
  readonly content?: Content
  readonly validate?: string
  /** The unit that must be restarted for a new content. */
  readonly restarts?: string
  /** The file shall not be there. */
  readonly absent?: true
}

/** A file as it is; `undefined` when nothing is there. */
export type FileNow = FileState | undefined

/** What all tasks that own a whole file share: all but how their parameters are written. */
export const wholeFile: Omit<
  TaskType<FileWant, FileWant, { readonly file: Probe<FileState> }, FileNow>,
  'resolve' | 'invalid'
> = {
  key: (want) => `path:${want.path}`,
  label: (want) => want.path,
  check: (want) => ({ file: isOwned(want) ? file(want.path) : stat(want.path) }),
  read: (values: Values<{ readonly file: Probe<FileState> }>) => values.file,
  apply,
  detailProbes,
  detail: fileDetail,
  removal: (want) =>
    isOwned(want) ? { type: 'file', want: { path: want.path, absent: true }, proof: file(want.path) } : undefined,
}

/** Whether the content is the task's: what others wrote is theirs. */
function isOwned({ content, absent }: FileWant): boolean {
  return content !== undefined || absent === true
}

/** The parameters of a file as they are compared. */
export function resolveFile(path: string, want: WholeFile, content: Content | undefined): FileWant {
  return {
    path,
    ...resolveOwnership(want),
    ...(content && { content }),
    ...(want.validate && { validate: want.validate.shell }),
  }
}

function apply(want: FileWant, now: FileNow): readonly (readonly Change[])[] {
  const no = refusal(want, now)
  if (no) return [change('kind', now?.kind, want.absent ? null : 'file', refusalStep(no))]
  if (want.absent) return [change('kind', now?.kind, null, shellStep(sh`rm -f -- ${want.path}`, { keeps: want.path }))]
  if (now?.kind === 'file') return existing(want, now)
  const put = putStep(want, undefined)
  return [
    now ? change('kind', now.kind, 'file', put) : [],
    change('content', null, shownContent(put.content, isSensitive(put.mode, put.content)), put),
    change('owner', null, want.owner, put),
    change('group', null, want.group, put),
    change('mode', null, put.mode, put),
  ]
}

function existing(want: FileWant, now: FileState): readonly (readonly Change[])[] {
  const { content } = want
  if (!content || content.sha256 === now.sha256) return [ownershipChanges(want.path, want, now)]
  const put = putStep(want, now)
  const sensitive = isSensitive(now.mode) || isSensitive(put.mode, content)
  const from = shownContent({ size: now.size, sha256: now.sha256 ?? '' }, sensitive)
  const to = shownContent(content, sensitive)
  return [[{ field: 'content', from, to, steps: [put] }], ownershipChanges(want.path, want, now, put)]
}

/** The one way a file gets content: what is left open stays as it is, or gets the defaults of new files. */
function putStep(want: FileWant, now: FileNow): PutStep {
  const owner = want.owner ?? now?.owner
  const group = want.group ?? now?.group
  return {
    kind: 'put',
    path: want.path,
    content: want.content ?? bytesContent(''),
    mode: want.mode ?? now?.mode ?? '0644',
    ...(owner && { owner }),
    ...(group && { group }),
    ...(want.validate && { validate: want.validate }),
    ...(want.restarts && { restarts: want.restarts }),
  }
}
