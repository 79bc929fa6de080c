import { expect, test } from 'vitest'
import { waitingLines } from '../../src/run/waiting.ts'

const push = (chunks: readonly string[]) => {
  const waits = waitingLines()
  return chunks.map((chunk) => waits(Buffer.from(chunk)))
}

test('a line is told when it is whole, wherever it is cut, and once', () => {
  expect(push(['x\nwaiting f', 'or é\nmore', '\nwaiting for é\nwaiting for two\n', ' waiting for no\n'])).toEqual([
    [],
    ['waiting for é'],
    ['waiting for two'],
    [],
  ])
})

test('what is not bounded is not kept', () => {
  const many = Array.from({ length: 100 }, (_, at) => `waiting for ${at}\n`).join('')
  expect(push([many])[0]).toHaveLength(20)
  expect(push([`waiting for ${'x'.repeat(500)}`, 'y\nwaiting for one\n'])).toEqual([[], ['waiting for one']])
})
