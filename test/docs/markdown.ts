import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** A fenced block of a document. */
export interface Block {
  /** The document, relative to the project. */
  readonly file: string
  /** `ts`, `sh`, …; empty when the fence names none. */
  readonly language: string
  /** The line of the fence, from 1; its first line of text is the next one. */
  readonly line: number
  readonly lines: readonly string[]
}

/** README.md, CHANGELOG.md, everything in docs/ and what the examples say of themselves. */
export const documents: readonly string[] = [
  'README.md',
  'CHANGELOG.md',
  ...globSync(['docs/**/*.md', 'examples/*/README.md'], { cwd: root }),
]

export function textOf(file: string): string {
  return readFileSync(`${root}/${file}`, 'utf8')
}

export function blocksOf(file: string): readonly Block[] {
  const blocks: Block[] = []
  let open: { language: string; line: number; lines: string[] } | undefined
  textOf(file)
    .split('\n')
    .forEach((text, index) => {
      const fence = /^\s*```(\w*)/.exec(text)
      if (fence && open) {
        blocks.push({ file, ...open })
        open = undefined
      } else if (fence) open = { language: fence[1] ?? '', line: index + 1, lines: [] }
      else open?.lines.push(text)
    })
  return blocks
}

/** A document without its fenced blocks, line by line as long as before. */
export function proseOf(file: string): string {
  const lines = textOf(file).split('\n')
  for (const { line, lines: inside } of blocksOf(file)) lines.fill('', line - 1, line + inside.length + 1)
  return lines.join('\n')
}

/** The names under which a document's headings are linked to. */
export function anchorsOf(file: string): ReadonlySet<string> {
  const headings = [...proseOf(file).matchAll(/^#+ (.*)$/gm)].map(([, title = '']) => title)
  return new Set(
    headings.map((title) =>
      title
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}
