import { sourcedTaskType } from '../model/task.ts'
import { invalidPath } from './path.ts'
import { type TextNow, type TextPart, type TextProbes, textPart } from './text-part.ts'

export interface Block {
  /** Absolute path of a text file of at most 256 KiB, normalised. */
  readonly path: string
  /** Tells the block from others of the file. */
  readonly name: string
  /** The lines between the two marks. Omitted only with `absent`. */
  readonly content?: string
  /** What a comment of the file begins with. Default: `#`. */
  readonly comment?: string
  /** Whether a file that is not there is made (mode 0644). Default: false, then it is an error. */
  readonly create?: boolean
  /** `true`: the block shall not be there. Default: false. */
  readonly absent?: boolean
}

interface BlockWant extends TextPart {
  readonly begin: string
  readonly end: string
  /** Undefined: no block. */
  readonly lines: readonly string[] | undefined
}

/**
 * Keeps a block of lines in a file that something else owns, between two comments that name it; all other lines are left
 * alone. A new block goes to the end of the file.
 *
 * @example
 * block({ path: '/etc/hosts', name: 'cluster', content: '10.0.0.11 db1\n10.0.0.12 db2\n' })
 */
export const block = sourcedTaskType<Block, BlockWant, TextProbes, TextNow>('block', {
  ...textPart<BlockWant>({
    edit,
    wanted: ({ lines }) => lines !== undefined,
    shown: ({ lines = [] }) => `a block of ${lines.length} ${lines.length === 1 ? 'line' : 'lines'}`,
  }),
  key: (want) => `block:${want.path}:${want.begin}`,
  label: (want) => `${want.path} ${want.begin.slice(want.begin.indexOf(':') + 2)}`,
  invalid,
  resolve: ({ path, name, content = '', comment = '#', create = false, absent = false }) => ({
    path,
    create,
    begin: `${comment} BEGIN evenkeel: ${name}`,
    end: `${comment} END evenkeel: ${name}`,
    lines: absent ? undefined : content.replace(/\n$/, '').split('\n'),
  }),
})

function invalid({ path, name, content, comment, absent }: Block): string | undefined {
  if (typeof name !== 'string' || !/^[^\s:][^\n\r\0:]{0,99}$/.test(name) || /\s$/.test(name))
    return `name must be a line of at most 100 characters, without colons, not ${JSON.stringify(name)}`
  if (comment !== undefined && (!comment || /[\n\r\0:]/.test(comment)))
    return 'comment must be one line, without colons'
  if ((content === undefined) !== (absent ?? false)) return 'say either content or absent: true'
  if (content !== undefined && /[\r\0]/.test(content)) return 'content must be lines of text'
  if (content?.split('\n').some((line) => / (BEGIN|END) evenkeel: /.test(line)))
    return 'content cannot hold the marks of a block'
  return invalidPath(path)
}

function edit(text: string, { begin, end, lines }: BlockWant): string {
  const all = text === '' ? [] : text.replace(/\n$/, '').split('\n')
  const first = all.indexOf(begin)
  const last = all.indexOf(end)
  if (first < 0 !== last < 0 || last < first) throw new Error(`the marks of the block are not whole: look at ${begin}`)
  if (all.indexOf(begin, first + 1) > first && first >= 0) throw new Error(`the block is there twice: look at ${begin}`)
  const wanted = lines ? [begin, ...lines, end] : []
  const edited = first < 0 ? [...all, ...wanted] : all.toSpliced(first, last - first + 1, ...wanted)
  const same = edited.length === all.length && edited.every((line, index) => line === all[index])
  return same ? text : edited.map((line) => `${line}\n`).join('')
}
