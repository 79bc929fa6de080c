import { expect, test } from 'vitest'
import { parsePackages } from '../../../src/clusters/postgres/parse-packages.ts'

const answer = (...lines: readonly string[]) => parsePackages({ state: 'value', value: `${lines.join('\n')}\n` })
const NEWER = 'newer postgresql-15 15.18-0+deb12u1 15.20-0+deb12u1'

test('what a host has and is offered', () => {
  const lines = [
    ...['age 73', 'state install installed postgresql-15', 'state hold installed pgbouncer', 'newest pgbouncer'],
    ...['state install half-configured repmgr', 'state deinstall config-files postgresql-15-repmgr', 'replaced'],
    ...['state install installed postgresql-client-15', NEWER, 'end'],
  ]
  expect(answer(...lines)).toEqual({
    offered: [{ name: 'postgresql-15', from: '15.18-0+deb12u1', to: '15.20-0+deb12u1' }],
    held: ['pgbouncer'],
    unfinished: ['repmgr'],
    unknown: ['postgresql-client-15'],
    listsAge: 73,
    replaced: true,
  })
})

test('a host without lists, and with nothing on it', () => {
  expect(answer('end')).toEqual({ offered: [], held: [], unfinished: [], unknown: [], replaced: false })
})

test('a clock that was set back makes lists new', () => {
  expect(answer('age -50', 'end')?.listsAge).toBe(0)
})

test.each([
  ['half an answer', ['age 73', NEWER]],
  ['nothing', []],
])('%s is none', (_, lines) => {
  expect(answer(...lines)).toBeUndefined()
})

test.each(['newer postgresql-15 15.18 $(reboot)', 'newer postgresql-15 \u001b[31m 15.20', 'newer nginx 1.0 1.1'])(
  'nonsense offers nothing: %s',
  (line) => {
    expect(answer(line, 'end')?.offered).toEqual([])
  },
)

test('no answer is none', () => {
  expect(parsePackages(undefined)).toBeUndefined()
  expect(parsePackages({ state: 'unreadable', reason: 'no answer came' })).toBeUndefined()
})
