import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareLsn, greater, lsnBytes, lsnDifference } from '../../../src/clusters/postgres/lsn.ts'

const bytes = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n })

/** As PostgreSQL prints it: `%X/%X`. */
const print = (at: bigint) => `${(at >> 32n).toString(16)}/${(at & 0xffffffffn).toString(16)}`.toUpperCase()

test.each([
  ['0/0', 0n],
  ['0/3000148', 0x3000148n],
  ['0/FFFFFFFF', 0xffffffffn],
  ['1/0', 0x100000000n],
  ['2A/b00ACA0', 0x2a0b00aca0n],
  ['FFFFFFFF/FFFFFFFF', (1n << 64n) - 1n],
])('%s is %s bytes from the start', (lsn, at) => {
  expect(lsnBytes(lsn)).toBe(at)
})

test.each(['', '0', '0/', '/0', '0/G', '0/3000148 ', '-1/0', '0/123456789', '0/1/2', '0x1/0'])(
  '"%s" is refused',
  (text) => {
    expect(() => lsnBytes(text)).toThrow(`'${text}' is no place in the write-ahead log`)
  },
)

test.each([
  ['0/9000000', '0/10000000', -1],
  ['1/0', '0/FFFFFFFF', 1],
  ['A/0', '9/FFFFFFFF', 1],
  ['0/ab', '0/AB', 0],
  ['0/0', '0/00', 0],
])('%s against %s: %i', (a, b, order) => {
  expect(compareLsn(a, b)).toBe(order)
})

test('measured: the loser of a split was 80,640 bytes past the fork', () => {
  expect(lsnDifference('0/50B34E8', '0/509F9E8')).toBe(80_640)
})

test('every place is read as it was printed', () => {
  fc.assert(fc.property(bytes, (at) => lsnBytes(print(at)) === at))
})

test('order and difference are those of the numbers', () => {
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      expect(compareLsn(print(a), print(b))).toBe(a < b ? -1 : a > b ? 1 : 0)
      expect(lsnDifference(print(a), print(b))).toBe(Number(a - b))
      expect(greater(print(a), print(b))).toBe(print(a > b ? a : b))
    }),
  )
})
