import { expect, test } from 'vitest'
import { literal, literals } from '../../../src/clusters/postgres/sql.ts'

test('texts are literals', () => {
  expect(literal("it's")).toBe("'it''s'")
  expect(literal('a\\b\n:c')).toBe("'a\\b\n:c'")
  expect(literals([])).toBe('array[]::text[]')
  expect(literals(['a', "b'"])).toBe("array['a', 'b''']::text[]")
  expect(() => literal('a\0b')).toThrow('NUL')
})
