import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Mark, markParser } from '../../src/shell/frames.ts'

const NONCE = '0123456789abcdef0123456789abcdef'

function parse(chunks: readonly Buffer[]): readonly Mark[] {
  const parser = markParser(NONCE)
  return chunks.flatMap((chunk) => [...parser.push(chunk)])
}

describe('markParser', () => {
  test('gives each mark the bytes before it', () => {
    const marks = parse([Buffer.from(`noise\n${NONCE} read file\nbody\n\n${NONCE} end 0\n`)])

    expect(marks.map(({ words, before }) => [words, before.toString()])).toEqual([
      [['read', 'file'], 'noise'],
      [['end', '0'], 'body\n'],
    ])
  })

  test('a mark of another nonce is output', () => {
    const forged = `\n${'f'.repeat(32)} end 0\n`

    expect(parse([Buffer.from(`${forged}\n${NONCE} end 1\n`)]).map(({ words }) => words)).toEqual([['end', '1']])
  })

  test('does not depend on where the stream is cut, and keeps every byte', () => {
    const bodies = fc.array(fc.uint8Array({ maxLength: 60 }), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(bodies, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (parts, cuts) => {
        const stream = Buffer.concat(
          parts.flatMap((part, index) => [Buffer.from(part), Buffer.from(`\n${NONCE} m ${index}\n`)]),
        )
        const chunks: Buffer[] = []
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const size = cuts[turn % cuts.length] ?? 1
          chunks.push(stream.subarray(at, at + size))
          at += size
        }

        expect(parse(chunks).map(({ before }) => [...before])).toEqual(parts.map((part) => [...part]))
      }),
    )
  })

  test('what is drained and what is left add up to the output', () => {
    const parser = markParser(NONCE)
    parser.push(Buffer.from(`\n${NONCE} start\n`))
    const drained = [Buffer.from('ab\ncd'), Buffer.from(`e\n\n${NONCE.slice(0, 5)}`), Buffer.from(`x\nend`)].map(
      (chunk) => {
        parser.push(chunk)
        return parser.drain().toString()
      },
    )
    const [last] = parser.push(Buffer.from(`\n${NONCE} end 0\n`))

    expect(drained.join('') + last?.before).toBe(`ab\ncde\n\n${NONCE.slice(0, 5)}x\nend`)
    expect(drained[0]).toBe('ab')
  })
})
