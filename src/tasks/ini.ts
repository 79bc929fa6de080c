import { sourcedTaskType } from '../model/task.ts'
import { invalidPath } from './path.ts'
import { type TextNow, type TextPart, type TextProbes, textPart } from './text-part.ts'

/** Values by their keys. `null`: the key shall not be there. */
export type IniSection = Readonly<Record<string, string | number | boolean | null>>

export interface Ini {
  /** Absolute path of a text file of at most 256 KiB, normalised. */
  readonly path: string
  /** Settings by section; the section `''` is what stands above the first one. */
  readonly settings: Readonly<Record<string, IniSection>>
  /** Whether a file that is not there is made (mode 0644). Default: false, then it is an error. */
  readonly create?: boolean
}

interface IniWant extends TextPart {
  readonly settings: readonly (readonly [section: string, key: string, value: string | null])[]
}

/**
 * Keeps settings of a file of `key = value` lines in `[sections]`, and leaves everything else alone: order, comments,
 * further keys, and how the file writes its `=`. Of a key that is there twice in its section the first is kept.
 *
 * @example
 * ini({ path: '/etc/systemd/journald.conf', settings: { Journal: { SystemMaxUse: '200M', ForwardToSyslog: 'no' } } })
 */
export const ini = sourcedTaskType<Ini, IniWant, TextProbes, TextNow>('ini', {
  ...textPart<IniWant>({
    edit: (text, want) => want.settings.reduce(withSetting, text),
    wanted: ({ settings }) => settings.some(([, , value]) => value !== null),
    shown: ({ settings }) => `${settings.length} ${settings.length === 1 ? 'setting' : 'settings'}`,
  }),
  key: (want) => `ini:${want.path}`,
  invalid,
  resolve: ({ path, settings, create = false }) => ({
    path,
    create,
    settings: Object.entries(settings).flatMap(([section, keys]) =>
      Object.entries(keys).map(([key, value]) => [section, key, value === null ? null : String(value)] as const),
    ),
  }),
})

function invalid({ path, settings }: Ini): string | undefined {
  if (
    typeof settings !== 'object' ||
    settings === null ||
    Object.values(settings).every((keys) => Object.keys(keys).length === 0)
  )
    return 'settings must name at least one key'
  for (const [section, keys] of Object.entries(settings)) {
    if (/[\n\r\0\]]/.test(section)) return `${JSON.stringify(section)} cannot be the name of a section`
    for (const [key, value] of Object.entries(keys)) {
      if (!/^[^\s=[\]#;][^\n\r\0=]*$/.test(key) || /\s$/.test(key)) return `${JSON.stringify(key)} cannot be a key`
      if (!['string', 'number', 'boolean'].includes(typeof value) && value !== null)
        return `${key} must be a text, a number, true, false or null`
      if (/[\n\r\0]/.test(String(value))) return `a line break cannot be part of a value: ${key}`
    }
  }
  return invalidPath(path)
}

function withSetting(text: string, [section, key, value]: IniWant['settings'][number]): string {
  const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n')
  const ranges = rangesOf(lines, section)
  const found = ranges.flatMap(([from, to]) => indexes(from, to).filter((at) => keyOf(lines[at] ?? '') === key))
  if (found.length === 0)
    return value === null ? text : ended(withNew(lines, section, ranges, `${key}${equalsOf(lines)}${value}`))
  const [first = -1, ...more] = value === null ? [-1, ...found] : found
  if (more.length === 0 && settingOf(lines[first] ?? '') === value) return text
  return ended(
    lines.flatMap((line, at) => (more.includes(at) ? [] : at === first ? [replaced(line, value ?? '')] : [line])),
  )
}

/** Where the lines of a section stand, its heading left out; a section may be there in several parts. */
function rangesOf(lines: readonly string[], section: string): readonly (readonly [from: number, to: number])[] {
  const headings = lines.flatMap((line, at) => {
    const [, name] = /^\s*\[([^\]]*)\]\s*(?:[#;].*)?$/.exec(line) ?? []
    return name === undefined ? [] : [{ at, name }]
  })
  const all = [{ at: -1, name: '' }, ...headings]
  return all.flatMap(({ at, name }, index) =>
    name === section ? [[at + 1, all[index + 1]?.at ?? lines.length] as const] : [],
  )
}

/** The new line at the end of its section, before the blank lines that part it from the next. */
function withNew(
  lines: readonly string[],
  section: string,
  ranges: readonly (readonly [number, number])[],
  line: string,
): readonly string[] {
  const range = ranges.at(-1)
  if (!range) return [...lines, ...(lines.length > 0 && lines.at(-1) !== '' ? [''] : []), `[${section}]`, line]
  let [from, to] = range
  while (to > from && (lines[to - 1] ?? '').trim() === '') to--
  return lines.toSpliced(to, 0, line)
}

/** How the file writes its equals signs: as the first one it has. */
function equalsOf(lines: readonly string[]): string {
  const first = lines.find((line) => keyOf(line) !== undefined)
  return first === undefined ? ' = ' : (/\s*=\s*/.exec(first)?.[0].replace(/\s+/g, ' ') ?? ' = ')
}

const SETTING = /^(\s*)([^\s=[\]#;][^=]*?)(\s*=[^\S\n]*)(.*?)\s*$/

function keyOf(line: string): string | undefined {
  return SETTING.exec(line)?.[2]
}

function settingOf(line: string): string | undefined {
  return SETTING.exec(line)?.[4]
}

function replaced(line: string, value: string): string {
  const [, indent = '', key = '', equals = ''] = SETTING.exec(line) ?? []
  return `${indent}${key}${equals}${value}`
}

function indexes(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from }, (_, index) => from + index)
}

function ended(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('')
}
