import type { Change } from '../model/change.ts'
import type { Probe, Values } from '../model/probe.ts'
import type { Detail, TaskType } from '../model/task.ts'
import { CONTENT_LIMIT, content, type FileContent } from '../shell/readers/content.ts'
import { type FileState, file } from '../shell/readers/file.ts'
import { writable } from '../shell/readers/writable.ts'
import { fileDetail, refusal } from './file-detail.ts'
import { folderOf } from './path.ts'
import { bytesContent, refusalStep } from './steps.ts'
import { decodeText } from './text-diff.ts'
import { wholeFile } from './whole-file.ts'

/** A part of a text file that something else owns. */
export interface TextPart {
  readonly path: string
  /** Whether a file that is not there is made. */
  readonly create: boolean
}

/** A file of which a part is kept, as it is. */
export interface TextNow {
  readonly file: FileState | undefined
  readonly text: string
  /** Why no part of it can be kept. */
  readonly unfit?: string
}

export type TextProbes = { readonly file: Probe<FileState>; readonly content: Probe<FileContent> }

/** How a kind of part is edited. Pure. */
export interface TextEdit<W> {
  /** The whole text with the part as wanted; equal to `text` when it is so already. @throws Error when it cannot be. */
  edit(text: string, want: W): string
  /** Whether anything is to be there; false: a file that is not there is fine. */
  wanted(want: W): boolean
  /** The part in a few words, e.g. `3 lines`. */
  shown(want: W): string
}

/** What all tasks that keep a part of a text file share: all but how their parameters are written. */
export function textPart<W extends TextPart>({
  edit,
  wanted,
  shown,
}: TextEdit<W>): Omit<TaskType<W, W, TextProbes, TextNow>, 'key' | 'resolve' | 'invalid'> {
  function apply(want: W, now: TextNow): readonly (readonly Change[])[] {
    const no = obstacle(want, now)
    if (no && (wanted(want) || now.file))
      return [[{ field: 'content', from: null, to: shown(want), steps: [refusalStep(no)] }]]
    const text = no === undefined ? edit(now.text, want) : now.text
    if (text === now.text) return []
    return [wholeFile.apply({ path: want.path, content: bytesContent(text) }, now.file).flat()]
  }

  /** Links are not followed: what is behind one has a path of its own. */
  function obstacle(want: W, { file, text, unfit }: TextNow): string | undefined {
    if (unfit) return unfit
    if (!file) return want.create ? undefined : `${want.path} is not there (create: true makes it)`
    if (file.kind === 'symlink') return `${want.path} is a link to ${file.target}: name the file itself`
    return refusal(want, file) ?? mistake(text, want)
  }

  function mistake(text: string, want: W): string | undefined {
    try {
      edit(text, want)
      return undefined
    } catch (error) {
      return `${want.path}: ${(error as Error).message}`
    }
  }

  function detail(want: W, now: TextNow, values: Readonly<Record<string, unknown>>): Detail {
    const no = obstacle(want, now)
    // A file that is not there may come with a package of this run, and is decided on again then.
    if (no)
      return now.file
        ? { refuse: no }
        : { notes: [`${want.path} is not there yet: something of this run must bring it, or say create: true`] }
    const after = { path: want.path, content: bytesContent(edit(now.text, want)) }
    return fileDetail(after, now.file, { ...values, before: { bytes: Buffer.from(now.text), whole: true } })
  }

  return {
    label: (want) => want.path,
    partOf: (want) => want.path,
    check: (want) => ({ file: file(want.path), content: content(want.path) }),
    read: (values: Values<TextProbes>, want) => ({
      file: values.file,
      ...textOf(want.path, values.file, values.content),
    }),
    apply,
    detailProbes: (want) => ({ folder: writable(folderOf(want.path)) }),
    detail,
  }
}

function textOf(path: string, now: FileState | undefined, content: FileContent | undefined): Omit<TextNow, 'file'> {
  if (now?.kind !== 'file') return { text: '' }
  const limit = `parts are kept in files of at most ${CONTENT_LIMIT} bytes`
  if (now.size > CONTENT_LIMIT) return { text: '', unfit: `${path} has ${now.size} bytes: ${limit}` }
  const bytes = content?.bytes ?? Buffer.alloc(0)
  if (bytesContent(bytes).sha256 !== now.sha256)
    return { text: '', unfit: `${path} changed while it was read: try again` }
  const text = decodeText(bytes)
  return text === undefined ? { text: '', unfit: `${path} is no text in UTF-8: no part can be kept in it` } : { text }
}
