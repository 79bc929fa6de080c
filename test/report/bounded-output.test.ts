import fc from 'fast-check'
import { expect, test } from 'vitest'
import { boundedOutput } from '../../src/report/bounded-output.ts'
import { lineWriter } from '../../src/report/line-writer.ts'

const KEPT = 64 * 1024

function pushed(whole: Buffer, cuts: readonly number[]) {
  const output = boundedOutput()
  const places = [0, ...cuts.map((cut) => cut % (whole.length + 1)).toSorted((a, b) => a - b), whole.length]
  places.slice(1).forEach((place, index) => {
    output.push(whole.subarray(places[index], place))
  })
  return output
}

test('F45 output of any length, cut anywhere: whole when short, else both ends and how much is left out', () => {
  const lengths = fc.constantFrom(0, 1, KEPT - 1, KEPT, KEPT + 1, 2 * KEPT, 2 * KEPT + 1, 5 * KEPT, 11 * KEPT)
  fc.assert(
    fc.property(lengths, fc.array(fc.nat(11 * KEPT), { maxLength: 200 }), (length, cuts) => {
      const whole = Buffer.from(Array.from({ length }, (_, index) => (index * 7 + (index >> 8)) & 255))
      const output = pushed(whole, cuts)
      const left = length - 2 * KEPT
      const expected =
        left > 0
          ? Buffer.concat([
              whole.subarray(0, KEPT),
              Buffer.from(`\n… ${left} bytes left out …\n`),
              whole.subarray(-KEPT),
            ])
          : whole

      expect(output.bytes().equals(expected)).toBe(true)
      expect(output.total()).toBe(length)
    }),
    { numRuns: 60 },
  )
})

test('F45 a line without end is printed in pieces, and nothing of it is lost', () => {
  const lines: string[] = []
  const writer = lineWriter((line) => lines.push(line))
  for (let count = 0; count < 100; count++) writer.write(Buffer.from('é'.repeat(5_000)))
  writer.write(Buffer.from('\nend'))
  writer.end()

  expect(lines.length).toBeGreaterThan(5)
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(2 * KEPT)
  expect(lines.join('')).toBe(`${'é'.repeat(500_000)}end`)
  expect(lines.at(-1)).toBe('end')
})

test('F62 what moves a cursor is shown as an escape, also where it was cut', () => {
  const lines: string[] = []
  const writer = lineWriter((line) => lines.push(line))
  for (const byte of Buffer.from('a\u001b[2J\r\u009b31m\u202eb\tc\n')) writer.write(Buffer.from([byte]))
  writer.end()

  expect(lines).toEqual(['a\\x1b[2J\\x0d\\x9b31m\\u202eb\tc'])
})
