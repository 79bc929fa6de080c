import { expect, test } from 'vitest'
import { clockText } from '../../src/report/clock-text.ts'

const here = 1_700_000_000

test.each([
  [-3 * 365 * 24 * 3600, '3 years behind'],
  [365 * 24 * 3600, '1 year ahead'],
  [2 * 24 * 3600 + 5, '2 days ahead'],
  [-3600, '1 hour behind'],
  [119, '1 minute ahead'],
])('a clock that is %i s off', (seconds, words) => {
  expect(clockText([['app1', { seconds, there: here + seconds, here }]])).toContain(`app1: its clock is ${words}: `)
})

test('both times are told; a number that is no time stays one', () => {
  expect(clockText([['app1', { seconds: 61, there: here + 61, here }]])).toBe(
    'app1: its clock is 1 minute ahead: 2023-11-14T22:14:21Z there, 2023-11-14T22:13:20Z here\n',
  )
  expect(clockText([['app1', { seconds: 1e15, there: 1e15, here }]])).toContain('1000000000000000 s since 1970 there')
  expect(clockText([])).toBe('')
})
