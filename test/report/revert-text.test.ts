import { expect, test } from 'vitest'
import { revertText } from '../../src/report/revert-text.ts'

test.each([
  ['armed', 'is not confirmed by a new login yet'],
  ['reverting', 'is being put back'],
  ['reverted', 'was put back'],
  ['stuck', 'could not be put back as a whole: look at /var/lib/deploy/revert there'],
] as const)('a change that is %s', (state, says) => {
  expect(revertText([['app1', { state, run: 'r\u001b1' }]])).toContain(`app1: what run r\\x1b1 changed ${says}`)
})

test('nothing to say', () => {
  expect(revertText([])).toBe('')
})
