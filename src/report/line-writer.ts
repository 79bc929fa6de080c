import { StringDecoder } from 'node:string_decoder'
import { safeText } from './safe.ts'

/** Characters after which a line is printed in pieces: a host that never ends a line must not fill the memory. */
const LONGEST = 64 * 1024

/** Turns chunks of a host's output into whole, safe lines, wherever the chunks were cut, also inside a character. */
export function lineWriter(print: (line: string) => void) {
  const decoder = new StringDecoder('utf8')
  let rest = ''

  function flush(text: string): void {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) print(safeText(line))
    if (rest.length < LONGEST) return
    print(safeText(rest))
    rest = ''
  }

  return {
    write: (chunk: Buffer) => flush(decoder.write(chunk)),
    end(): void {
      flush(decoder.end())
      if (rest) print(safeText(rest))
      rest = ''
    },
  }
}
