import { expect, test } from 'vitest'
import { acceptedLoss } from '../../src/cli/repair-db.ts'

test('what was accepted is node and bytes, as a refusal prints it', () => {
  expect(acceptedLoss([])).toEqual({})
  expect(acceptedLoss(['app1=552', 'app2=unknown'])).toEqual({ app1: 552, app2: 'unknown' })
})

test.each(['app1', 'app1=', 'app1=all', 'app1=-1', '=5', 'app1=5 bytes'])('%s is no such thing', (value) => {
  expect(() => acceptedLoss([value])).toThrow(
    `--accept-data-loss takes NODE=BYTES, as the refusal prints it, not '${value}'`,
  )
})
