/** Lines of a program that are told: a command that waits for thousands of things is not listened to for ever. */
const MOST = 20
const LONGEST = 400

/**
 * Finds the lines by which a step says that it waits for somebody else, each once, wherever the chunks are cut: what is
 * waited for has to be seen while it can still be ended.
 */
export function waitingLines(): (chunk: Buffer) => readonly string[] {
  const told = new Set<string>()
  let rest = ''
  return (chunk) => {
    const lines = `${rest}${chunk.toString('latin1')}`.split('\n')
    rest = (lines.pop() ?? '').slice(0, LONGEST + 1)
    const found = lines.filter((line) => line.startsWith('waiting for ') && line.length <= LONGEST && !told.has(line))
    const fresh = [...new Set(found)].slice(0, MOST - told.size)
    for (const line of fresh) told.add(line)
    return fresh.map((line) => Buffer.from(line, 'latin1').toString('utf8'))
  }
}
