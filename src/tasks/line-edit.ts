/** A pattern as data: source and flags. */
export type Pattern = readonly [source: string, flags: string]

/** One line to keep, as plain data. */
export interface LineWant {
  readonly line?: string
  readonly absent: boolean
  readonly matching?: Pattern
  readonly after?: Pattern
  readonly before?: Pattern
}

/** The text with these lines kept, one after the other. The last line gets its line break. */
export function editLines(text: string, wants: readonly LineWant[]): string {
  const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n')
  const edited = wants.reduce<readonly string[]>(
    (current, want) => (want.absent ? without(current, want) : withLine(current, want)),
    lines,
  )
  return sameLines(edited, lines) ? text : edited.map((line) => `${line}\n`).join('')
}

function without(lines: readonly string[], want: LineWant): readonly string[] {
  const matches = matcher(want.matching)
  return lines.filter((line) => (want.matching ? !matches(line) : line !== want.line))
}

/** With `matching` exactly one such line is left: the one wanted, where it is, else where the first match was. */
function withLine(lines: readonly string[], want: LineWant): readonly string[] {
  const line = want.line ?? ''
  const there = lines.indexOf(line)
  if (!want.matching) return there < 0 ? lines.toSpliced(place(lines, want), 0, line) : lines
  const matches = matcher(want.matching)
  const keep = there < 0 ? lines.findIndex(matches) : there
  if (keep < 0) return lines.toSpliced(place(lines, want), 0, line)
  return lines.flatMap((one, index) => (index === keep ? [line] : matches(one) ? [] : [one]))
}

function place(lines: readonly string[], { after, before }: LineWant): number {
  const found = after ? lines.findLastIndex(matcher(after)) + 1 : before ? lines.findIndex(matcher(before)) : -1
  return found < 0 || (after && found === 0) ? lines.length : found
}

function matcher(pattern: Pattern | undefined): (line: string) => boolean {
  if (!pattern) return () => false
  const expression = new RegExp(...pattern)
  return (line) => expression.test(line)
}

function sameLines(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((line, index) => line === b[index])
}
