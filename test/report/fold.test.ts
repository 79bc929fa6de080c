import { expect, test } from 'vitest'
import { fold } from '../../src/report/fold.ts'

const SENTENCE = 'it is not known what only this node has, and nobody can tell how much that is as long as it is away'
const COMMAND = 'deploy repair-db prod --cluster main --accept-data-loss app1=unknown --accept-data-loss app3=unknown'

test('what fits in one line stays one', () => {
  expect(fold('Look at it. Then mend it: deploy repair-db prod')).toEqual([
    'Look at it. Then mend it: deploy repair-db prod',
  ])
})

test('each sentence begins a line, and so does a command that does not fit behind its own', () => {
  expect(
    fold(`bring app1 back. When ${SENTENCE}, give it up: ${COMMAND}; then app2 is the primary. --salvage helps`),
  ).toEqual([
    'bring app1 back.',
    `When ${SENTENCE}, give it up:`,
    `${COMMAND}; then app2 is the primary.`,
    '--salvage helps',
  ])
})

test('a sentence goes on in the next line behind a semicolon; what cannot be broken is not', () => {
  const word = 'x'.repeat(150)
  expect(fold(`${SENTENCE}; ${SENTENCE}; and so on`)).toEqual([`${SENTENCE};`, `${SENTENCE}; and so on`])
  expect(fold(`see ${word}; it is v1.5 of b, e.g. c`)).toEqual([`see ${word};`, 'it is v1.5 of b, e.g. c'])
})
