/**
 * A mark is a line of the session's nonce and some words. The nonce is 128 random bits that the host learns with the
 * payload, so nothing a host prints can look like one. Bytes between two marks belong to the earlier one.
 */
export interface Mark {
  readonly words: readonly string[]
  /** The bytes since the mark before this one, kept exactly; noise where this is the first. */
  readonly before: Buffer
}

export interface MarkParser {
  /**
   * Takes the next bytes; gives the marks that are complete now, wherever the chunks were cut.
   *
   * @throws EndlessAnswer when 32 MiB have come without a mark, which only a host that means harm sends.
   */
  push(chunk: Buffer): readonly Mark[]
  /** Takes out the bytes since the last mark that can be no part of the next one, for a live view. */
  drain(): Buffer
}

/** A file that is fetched comes whole between two marks, and has at most 10 MiB. */
const LARGEST_GAP = 32 * 1024 * 1024

export class EndlessAnswer extends Error {}

/** Splits a byte stream at the marks of one nonce. */
export function markParser(nonce: string): MarkParser {
  const start = Buffer.from(`\n${nonce} `)
  let rest: Buffer = Buffer.alloc(0)
  let scanned = 0

  function push(chunk: Buffer): readonly Mark[] {
    const marks: Mark[] = []
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    for (;;) {
      const at = rest.indexOf(start, scanned)
      const end = at < 0 ? -1 : rest.indexOf(10, at + start.length)
      if (end < 0) {
        scanned = at < 0 ? Math.max(0, rest.length - start.length) : at
        if (rest.length > LARGEST_GAP) throw new EndlessAnswer()
        return marks
      }
      const words = rest.toString('utf8', at + start.length, end).split(' ')
      marks.push({ words, before: rest.subarray(0, at) })
      rest = rest.subarray(end + 1)
      scanned = 0
    }
  }

  function drain(): Buffer {
    const newline = rest.lastIndexOf(10)
    const end = newline < 0 || rest.length - newline >= start.length ? rest.length : newline
    const taken = rest.subarray(0, end)
    rest = rest.subarray(end)
    scanned = 0
    return taken
  }

  return { push, drain }
}

/** Shell that prints a mark to a file descriptor. Used inside scripts where `N` holds the nonce. */
export const defineSay = (descriptor: number): string => `say() { printf '\\n%s %s\\n' "$N" "$*" >&${descriptor}; }`
