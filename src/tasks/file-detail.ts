import type { Content } from '../model/content.ts'
import type { Probes } from '../model/probe.ts'
import type { Detail } from '../model/task.ts'
import { CONTENT_LIMIT, content, type FileContent } from '../shell/readers/content.ts'
import type { FileState } from '../shell/readers/file.ts'
import { notWritable, type WritableState, writable } from '../shell/readers/writable.ts'
import { folderOf } from './path.ts'
import { isBinary, textDiff } from './text-diff.ts'

/** What the details of a file's change depend on. */
export interface FileChange {
  readonly path: string
  readonly content?: Content
  readonly mode?: string
  readonly absent?: true
}

/** Why a file cannot be put or removed here, or `undefined` when it can: folders, sockets and devices are left alone. */
export function refusal({ path, absent }: FileChange, now: FileState | undefined): string | undefined {
  if (!now || now.kind === 'file' || now.kind === 'symlink') return undefined
  const what = now.kind === 'directory' ? 'a directory' : 'neither a file, a directory nor a link'
  const doing = absent ? 'it is not removed as a file' : 'no file can take its place'
  return `${path} is ${what}: ${doing}`
}

/** Whether a content must not be shown: it holds a secret, or the mode denies reading by others. */
export function isSensitive(mode: string | undefined, content?: Content): boolean {
  return content?.secret === true || (mode !== undefined && (Number(mode.at(-1)) & 4) === 0)
}

/** A content in a plan: its size, and the first digits of its hash where it may be shown. */
export function shownContent(content: Pick<Content, 'size' | 'sha256'>, sensitive: boolean): string {
  return sensitive ? bytes(content.size) : `${bytes(content.size)} (${content.sha256.slice(0, 8)})`
}

/** Asks whether the folder can be written, and for the content that is replaced, where a diff of it may be shown. */
export function detailProbes(want: FileChange, now: FileState | undefined): Probes {
  const small =
    now &&
    now.size <= CONTENT_LIMIT &&
    want.content &&
    'bytes' in want.content.source &&
    want.content.size <= CONTENT_LIMIT
  const shown =
    small &&
    now.kind === 'file' &&
    now.sha256 !== want.content.sha256 &&
    !isSensitive(now.mode) &&
    !isSensitive(want.mode, want.content)
  return { folder: writable(folderOf(want.path)), ...(shown && { before: content(want.path) }) }
}

/** A diff of the contents, or why there is none. */
export function fileDetail(
  want: FileChange,
  now: FileState | undefined,
  values: Readonly<Record<string, unknown>>,
): Detail {
  const no = refusal(want, now) ?? notWritable(folderOf(want.path), values.folder as WritableState | undefined)
  if (no) return { refuse: no }
  if (now?.kind === 'symlink') {
    const what = want.absent ? 'removed' : 'replaced by a file'
    return { notes: [`the link to ${now.target} is ${what}; ${now.target} itself is left alone`] }
  }
  if (!want.content || want.content.sha256 === now?.sha256) return {}
  return contentDetail(
    want.content,
    now,
    values.before as FileContent | undefined,
    isSensitive(now?.mode) || isSensitive(want.mode, want.content),
  )
}

function contentDetail(
  after: Content,
  now: FileState | undefined,
  before: FileContent | undefined,
  sensitive: boolean,
): Detail {
  const sizes = `content: ${now ? 'changed' : 'new'} (${now ? `${now.size} → ` : ''}${bytes(after.size)})`
  if (sensitive)
    return { notes: [`${sizes}; not shown, for ${after.secret ? 'it holds a secret' : 'others may not read it'}`] }
  const old = now ? before?.bytes : Buffer.alloc(0)
  if (!old || !('bytes' in after.source) || after.size > CONTENT_LIMIT) return { notes: [sizes] }
  if (isBinary(old) || isBinary(after.source.bytes)) return { notes: [`binary ${sizes}`] }
  const diff = textDiff(old, after.source.bytes)
  return diff === undefined ? { notes: [`${sizes}; hardly a line is the same`] } : { diff }
}

function bytes(size: number): string {
  return size === 1 ? '1 byte' : `${size} bytes`
}
