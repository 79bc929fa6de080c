import type { Change } from '../model/change.ts'
import type { Probe } from '../model/probe.ts'
import { type Detail, sourcedTaskType } from '../model/task.ts'
import { CONTENT_LIMIT, content, type FileContent } from '../shell/readers/content.ts'
import { type FileState, file } from '../shell/readers/file.ts'
import { writable } from '../shell/readers/writable.ts'
import { fileDetail, refusal } from './file-detail.ts'
import { editLines, type LineWant } from './line-edit.ts'
import { folderOf, invalidPath } from './path.ts'
import { bytesContent, refusalStep } from './steps.ts'
import { decodeText } from './text-diff.ts'
import { wholeFile } from './whole-file.ts'

/** One line of a file, present or absent. */
export interface Line {
  /** The whole line, without line break. May be left out with `absent` and `matching`. */
  readonly line?: string
  /**
   * The lines this one takes the place of: the first is replaced, others are removed; with `absent` all are removed.
   * Omitted: only lines equal to `line`.
   */
  readonly matching?: RegExp
  /** `true`: no such line shall be there. Default: false. */
  readonly absent?: boolean
  /** Where a new line goes: behind the last line that matches. Omitted, or no match: at the end. */
  readonly after?: RegExp
  /** Where a new line goes: before the first line that matches. Omitted, or no match: at the end. */
  readonly before?: RegExp
}

export interface Lines {
  /** Absolute path of a text file of at most 256 KiB, normalised. */
  readonly path: string
  /** The lines to keep, in order. A text is a line that shall be there. */
  readonly lines: readonly (string | Line)[]
  /** Whether a file that is not there is made (mode 0644). Default: false, then it is an error. */
  readonly create?: boolean
}

interface LinesWant {
  readonly path: string
  readonly lines: readonly LineWant[]
  readonly create: boolean
}

interface LinesNow {
  readonly file: FileState | undefined
  readonly text: string
  /** Why its lines cannot be kept. */
  readonly unfit?: string
}

type LinesProbes = { readonly file: Probe<FileState>; readonly content: Probe<FileContent> }

/**
 * Keeps lines of a file that something else owns, and leaves all others alone. Owner and mode stay. All lines of a file
 * are one task, and it cannot stand beside a task that owns the whole file.
 *
 * @example
 * lines({ path: '/etc/ssh/sshd_config', lines: [{ line: 'PasswordAuthentication no', matching: /^#?\s*PasswordAuthentication\s/, before: /^Match\s/ }] })
 */
export const lines = sourcedTaskType<Lines, LinesWant, LinesProbes, LinesNow>('lines', {
  key: (want) => `lines:${want.path}`,
  label: (want) => want.path,
  partOf: (want) => want.path,
  invalid,
  resolve: ({ path, lines, create = false }) => ({ path, create, lines: lines.map(lineWant) }),
  check: (want) => ({ file: file(want.path), content: content(want.path) }),
  read: (values, want) => ({ file: values.file, ...textOf(want.path, values.file, values.content) }),
  apply,
  detailProbes: (want) => ({ folder: writable(folderOf(want.path)) }),
  detail,
})

function invalid({ path, lines }: Lines): string | undefined {
  if (!Array.isArray(lines) || lines.length === 0) return 'lines must name at least one line'
  return invalidPath(path) ?? lines.map(invalidLine).find((no) => no !== undefined)
}

function invalidLine(line: string | Line): string | undefined {
  if (typeof line === 'string')
    return /[\n\r\0]/.test(line) ? `a line break cannot be part of a line: ${JSON.stringify(line)}` : undefined
  if (line.line === undefined && !(line.absent && line.matching)) return 'an entry needs line, or absent with matching'
  if (line.absent && (line.after || line.before)) return 'after and before say where a line goes: not with absent'
  if (line.after && line.before) return 'say after or before, not both'
  if (!line.absent && line.matching && line.line !== undefined && !regular(line.matching).test(line.line)) {
    return `matching ${line.matching} does not match the line itself (${JSON.stringify(line.line)}): it would be added again and again`
  }
  return line.line === undefined ? undefined : invalidLine(line.line)
}

/** A pattern as plain data, so that two tasks that want the same are equal. */
function lineWant(entry: string | Line): LineWant {
  const { line, absent = false, ...patterns } = typeof entry === 'string' ? { line: entry } : entry
  const sources = Object.entries(patterns).flatMap(([name, pattern]) =>
    pattern ? [[name, [pattern.source, regular(pattern).flags]]] : [],
  )
  return { ...(line !== undefined && { line }), absent, ...Object.fromEntries(sources) }
}

/** `g` and `y` make a pattern remember where it was: each line is asked anew. */
function regular(pattern: RegExp): RegExp {
  return new RegExp(pattern.source, pattern.flags.replaceAll(/[gy]/g, ''))
}

function textOf(path: string, now: FileState | undefined, content: FileContent | undefined): Omit<LinesNow, 'file'> {
  if (now?.kind !== 'file') return { text: '' }
  const limit = `lines are kept in files of at most ${CONTENT_LIMIT} bytes`
  if (now.size > CONTENT_LIMIT) return { text: '', unfit: `${path} has ${now.size} bytes: ${limit}` }
  const bytes = content?.bytes ?? Buffer.alloc(0)
  if (bytesContent(bytes).sha256 !== now.sha256)
    return { text: '', unfit: `${path} changed while it was read: try again` }
  const text = decodeText(bytes)
  return text === undefined ? { text: '', unfit: `${path} is no text in UTF-8: lines cannot be kept in it` } : { text }
}

function apply(want: LinesWant, now: LinesNow): readonly (readonly Change[])[] {
  const no = obstacle(want, now)
  const text = editLines(now.text, want.lines)
  const wanted = want.lines.some(({ absent }) => !absent)
  if (no && (wanted || now.file)) return [[{ field: 'lines', from: null, to: shown(want), steps: [refusalStep(no)] }]]
  if (text === now.text) return []
  return [wholeFile.apply({ path: want.path, content: bytesContent(text) }, now.file).flat()]
}

/** Links are not followed: what is behind one has a path of its own. */
function obstacle(want: LinesWant, { file, unfit }: LinesNow): string | undefined {
  if (unfit) return unfit
  if (!file) return want.create ? undefined : `${want.path} is not there (create: true makes it)`
  if (file.kind === 'symlink') return `${want.path} is a link to ${file.target}: name the file itself`
  return refusal(want, file)
}

function shown({ lines }: LinesWant): string {
  return `${lines.length} ${lines.length === 1 ? 'line' : 'lines'}`
}

function detail(want: LinesWant, now: LinesNow, values: Readonly<Record<string, unknown>>): Detail {
  const no = obstacle(want, now)
  // A file that is not there may come with a package of this run, and is decided on again then.
  if (no)
    return now.file
      ? { refuse: no }
      : { notes: [`${want.path} is not there yet: something of this run must bring it, or say create: true`] }
  const bytes = Buffer.from(now.text)
  const after = { path: want.path, content: bytesContent(editLines(now.text, want.lines)) }
  return fileDetail(after, now.file, { ...values, before: { bytes, whole: true } })
}
