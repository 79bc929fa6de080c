import { expect, test } from 'vitest'
import { readProgress } from '../../src/shell/host-journal.ts'

const RUN = '20260101-000000-abcd'
const lines = (...words: string[]) => words.map((word) => `${RUN} ${word}\n`).join('')

test.each([
  ['nothing', [], { done: [], failed: [], handlers: [] }],
  ['a program at work', ['start', 'begin path:/a'], { done: [], failed: [], handlers: [], open: 'path:/a' }],
  [
    'one that ended well',
    ['start', 'begin path:/a b', 'done path:/a b', 'handled restart it', 'end ok'],
    { done: ['path:/a b'], failed: [], handlers: ['restart it'], end: 'ok' },
  ],
  [
    'one that failed',
    ['start', 'begin path:/a', 'done path:/a', 'begin x', 'failed x', 'end failed'],
    { done: ['path:/a'], failed: ['x'], handlers: [], end: 'failed' },
  ],
  [
    'a second program at work behind one that was moved',
    ['start', 'begin a', 'done a', 'begin b', 'end moved', 'start', 'begin b'],
    { done: ['a'], failed: [], handlers: [], open: 'b' },
  ],
])('%s', (_title, words, progress) => {
  expect(readProgress(RUN, lines(...words))).toEqual(progress)
})

test('lines of other runs, and words it does not know, say nothing', () => {
  const text = `20260101-000000-abce done x\n${lines('dances wildly')}no run at all\n`
  expect(readProgress(RUN, text)).toEqual({ done: [], failed: [], handlers: [] })
})
