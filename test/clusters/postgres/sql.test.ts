import { expect, test } from 'vitest'
import { connect, literal, literals } from '../../../src/clusters/postgres/sql.ts'

test('texts are literals', () => {
  expect(literal("it's")).toBe("'it''s'")
  expect(literal('a\\b\n:c')).toBe("'a\\b\n:c'")
  expect(literals([])).toBe('array[]::text[]')
  expect(literals(['a', "b'"])).toBe("array['a', 'b''']::text[]")
  expect(() => literal('a\0b')).toThrow('NUL')
})

// Each tried against psql 15.
test.each([
  ['app', String.raw`\connect 'dbname=''app'''`],
  ["it's", String.raw`\connect 'dbname=''it\\''s'''`],
  ['a\\b', String.raw`\connect 'dbname=''a\\\\b'''`],
  ['we"ird', String.raw`\connect 'dbname=''we""""ird'''`],
  ['""', String.raw`\connect 'dbname=''""""""'''`],
  ['host=elsewhere', String.raw`\connect 'dbname=''host=elsewhere'''`],
  ['two\nlines', String.raw`\connect 'dbname=''two\nlines'''`],
])('psql connects to %j', (database, command) => {
  expect(connect(database)).toBe(command)
})
