import { Unreadable } from '../read-answer.ts'

/** What a node printed, line by line; the first word says what a line is about. */
export class Lines {
  readonly #lines: readonly string[]

  constructor(output: string) {
    this.#lines = output.trimEnd().split('\n')
  }

  get first(): string {
    return this.#lines[0] ?? ''
  }

  get last(): string {
    return this.#lines.at(-1) ?? ''
  }

  /** The rest of each line that begins with it. */
  of(word: string): readonly string[] {
    return this.#lines.flatMap((line) => (line.startsWith(`${word} `) ? [line.slice(word.length + 1)] : []))
  }

  number(word: string): number {
    return count(this.of(word)[0]?.trim(), word)
  }

  yes(word: string, what: string): boolean {
    const [said] = this.of(word)
    if (said !== 'yes' && said !== 'no') throw new Unreadable(`${what}: neither yes nor no`)
    return said === 'yes'
  }
}

/** A whole number, -1 among them. */
export function count(text: string | undefined, what: string): number {
  if (text === undefined || !/^-?\d{1,19}$/.test(text)) throw new Unreadable(`${what}: no number`)
  return Number(text)
}

/** `name: value` as INFO prints it. */
export function info(lines: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    lines.flatMap((line) => {
      const at = line.indexOf(':')
      return at < 1 ? [] : [[line.slice(0, at), line.slice(at + 1)] as const]
    }),
  )
}

/** Names and values in turn, as Redis prints a flat list of them. */
export function pairs(lines: readonly string[]): readonly (readonly [string, string])[] {
  return lines.flatMap((name, index) => (index % 2 === 0 ? [[name, lines[index + 1] ?? ''] as const] : []))
}

/** What a node says is shown to people: no control characters, not too long. */
export function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 300)
}
