import { sourcedTaskType } from '../model/task.ts'
import { editLines, type LineWant } from './line-edit.ts'
import { invalidPath } from './path.ts'
import { type TextNow, type TextPart, type TextProbes, textPart } from './text-part.ts'

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

interface LinesWant extends TextPart {
  readonly lines: readonly LineWant[]
}

/**
 * Keeps lines of a file that something else owns, and leaves all others alone. Owner and mode stay. All lines of a file
 * are one task, and it cannot stand beside a task that owns the whole file.
 *
 * @example
 * lines({ path: '/etc/ssh/sshd_config', lines: [{ line: 'PasswordAuthentication no', matching: /^#?\s*PasswordAuthentication\s/, before: /^Match\s/ }] })
 */
export const lines = sourcedTaskType<Lines, LinesWant, TextProbes, TextNow>('lines', {
  ...textPart<LinesWant>({
    edit: (text, want) => editLines(text, want.lines),
    wanted: (want) => want.lines.some(({ absent }) => !absent),
    shown: ({ lines }) => `${lines.length} ${lines.length === 1 ? 'line' : 'lines'}`,
  }),
  key: (want) => `lines:${want.path}`,
  invalid,
  resolve: ({ path, lines, create = false }) => ({ path, create, lines: lines.map(lineWant) }),
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
