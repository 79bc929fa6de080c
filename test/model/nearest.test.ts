import fc from 'fast-check'
import { expect, test } from 'vitest'
import { editDistance, nearest, probable } from '../../src/model/nearest.ts'
import { shownName, unknownName } from '../../src/model/unknown-name.ts'

test.each([
  ['', '', 0],
  ['app', 'ap', 1],
  ['app', 'pap', 1],
  ['kitten', 'sitting', 3],
  ['', 'abc', 3],
])('%s and %s', (a, b, distance) => {
  expect(editDistance(a, b)).toBe(distance)
})

test('a distance is symmetric, and zero for equal words only', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
      expect(editDistance(a, b)).toBe(editDistance(b, a))
      expect(editDistance(a, b) === 0).toBe(a === b)
    }),
  )
})

test('the closest comes first, equally close ones keep their order', () => {
  expect(nearest('prd', ['staging', 'lab', 'prod', 'dev'])).toEqual(['prod', 'lab', 'dev', 'staging'])
  expect(nearest('PROD', ['x', 'prod'])).toEqual(['prod', 'x'])
})

test('only a close name is probable', () => {
  expect(probable('adress', ['address', 'vars'])).toBe('address')
  expect(probable('zzz', ['address', 'vars'])).toBeUndefined()
  expect(probable('x', [])).toBeUndefined()
})

test('long words stay cheap', () => {
  const start = performance.now()
  nearest(
    'a'.repeat(1_000_000),
    Array.from({ length: 1000 }, (_, index) => `${'b'.repeat(10_000)}${index}`),
  )
  expect(performance.now() - start).toBeLessThan(1000)
})

test('the sentence for a name that is not known', () => {
  expect(unknownName('group', 'ap', ['app', 'db'])).toEqual({
    message: 'group "ap" is not known (groups: app, db)',
    hint: 'did you mean app?',
  })
  expect(unknownName('group', 'x', [])).toEqual({ message: 'group "x" is not known (there is no group)' })
  expect(shownName(`\u001b[31m${'x'.repeat(100)}`)).toBe(`"\\u001b[31m${'x'.repeat(75)}…"`)
})
