import { expect, test } from 'vitest'
import { readHello } from '../../src/run/hello.ts'

const hello = (clock: string | undefined, asked = 1000, came = 1200) =>
  readHello(
    [{ words: ['host', 'boot', 'machine', ...(clock === undefined ? [] : [clock])], before: Buffer.alloc(0) }],
    asked,
    came,
  )

test.each([
  ['at the time of the question', '1000'],
  ['at the time of the answer', '1200'],
  ['a minute before the question', '940'],
  ['a minute behind the answer', '1260'],
  ['no number', 'soon'],
  ['nothing', undefined],
  ['a number beyond all numbers', '99999999999999999999'],
])('a clock within a minute of question and answer is no skew, nor is what is none: %s', (_title, clock) => {
  expect(hello(clock).skew).toBeUndefined()
})

test.each([
  ['939', { seconds: -61, there: 939, here: 1000 }],
  ['1261', { seconds: 61, there: 1261, here: 1200 }],
])('a clock at %s is off', (clock, skew) => {
  expect(hello(clock).skew).toEqual(skew)
})

test.each([
  [['revert', 'armed', 'r1'], { state: 'armed', run: 'r1' }],
  [['revert', 'forged', 'r1'], undefined],
  [['revert'], undefined],
  [[], undefined],
])('a change that no login has confirmed: %j', (words, revert) => {
  const marks = [
    { words: ['host', 'boot', 'machine'], before: Buffer.alloc(0) },
    { words, before: Buffer.alloc(0) },
  ]
  expect(readHello(marks, 0, 0).revert).toEqual(revert)
})
