import { createRequire } from 'node:module'

type Diff = typeof import('diff')

/** Lines of a diff that are shown. */
const SHOWN = 200
/** Texts that differ in more lines than this are not compared further. */
const MOST_EDITS = 1000

const load = createRequire(import.meta.url)
let library: Diff | undefined

/**
 * What differs between two contents, as unified hunks of at most 200 lines; or, where lines would not help (binary, or
 * nothing alike), `undefined`.
 */
export function textDiff(before: Buffer, after: Buffer): string | undefined {
  const [from, to] = [decodeText(before), decodeText(after)]
  if (from === undefined || to === undefined) return undefined
  library ??= load('diff') as Diff
  const patch = library.structuredPatch('', '', from, to, '', '', { context: 3, maxEditLength: MOST_EDITS })
  if (!patch) return undefined
  const lines = patch.hunks.flatMap((hunk) => [
    `@@ -${range(hunk.oldStart, hunk.oldLines)} +${range(hunk.newStart, hunk.newLines)} @@`,
    ...hunk.lines,
  ])
  const more = lines.length - SHOWN
  return more > 0 ? [...lines.slice(0, SHOWN), `… ${more} more lines`].join('\n') : lines.join('\n')
}

/** Where a side has no line, the line before it is named. */
function range(start: number, lines: number): string {
  return `${lines === 0 ? start - 1 : start},${lines}`
}

/** Whether bytes are no text: a NUL, or no UTF-8. */
export function isBinary(bytes: Buffer): boolean {
  return decodeText(bytes) === undefined
}

/** The text of bytes in UTF-8, or `undefined` when they are none. */
export function decodeText(bytes: Buffer): string | undefined {
  if (bytes.includes(0)) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}
