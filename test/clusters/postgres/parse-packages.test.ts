import { expect, test } from 'vitest'
import { parsePackages } from '../../../src/clusters/postgres/parse-packages.ts'

const answer = (...lines: readonly string[]) => parsePackages({ state: 'value', value: `${lines.join('\n')}\n` })
const INST = 'apt Inst postgresql-15 [15.18-0+deb12u1] (15.20-0+deb12u1 Debian-Security:12/oldstable-security [amd64])'

test('what apt would do with the packages of the cluster', () => {
  const lines = [
    ...['age 73', 'state install installed postgresql-15', 'state hold installed pgbouncer'],
    ...['state install half-configured repmgr', 'state deinstall config-files postgresql-15-repmgr', 'replaced'],
    'apt Inst libpq5 [15.18-0+deb12u1] (15.20-0+deb12u1 Debian-Security:12/oldstable-security [amd64])',
    ...[INST, 'apt Inst libnew (1.0-1 Debian:12.1/stable [amd64])', 'code 0', 'end'],
  ]
  expect(answer(...lines)).toEqual({
    offered: [{ name: 'postgresql-15', from: '15.18-0+deb12u1', to: '15.20-0+deb12u1' }],
    held: ['pgbouncer'],
    unfinished: ['repmgr'],
    listsAge: 73,
    replaced: true,
  })
})

test('a host without lists, and with nothing to do', () => {
  expect(answer('code 0', 'end')).toEqual({ offered: [], held: [], unfinished: [], replaced: false })
})

test('a clock that was set back makes lists new', () => {
  expect(answer('age -50', 'code 0', 'end')?.listsAge).toBe(0)
})

test('apt that cannot tell', () => {
  expect(answer('apt E: Unmet dependencies', 'code 100', 'end')?.trouble).toBe('E: Unmet dependencies')
  expect(answer('code 137', 'end')?.trouble).toBe('apt-get ended with 137')
})

test.each([
  ['half an answer', ['age 73', INST, 'code 0']],
  ['no word on how it ended', ['age 73', INST, 'end']],
  ['nothing', []],
])('%s is none', (_, lines) => {
  expect(answer(...lines)).toBeUndefined()
})

test.each([
  'apt Inst postgresql-15 [15.18-0+deb12u1] ($(reboot) x)',
  'apt Inst postgresql-15 [\u001b[31m] (15.20 x)',
  'apt Inst nginx [1.0] (1.1 x)',
])('nonsense offers nothing: %s', (line) => {
  expect(answer(line, 'code 0', 'end')?.offered).toEqual([])
})

test('no answer is none', () => {
  expect(parsePackages(undefined)).toBeUndefined()
  expect(parsePackages({ state: 'unreadable', reason: 'no answer came' })).toBeUndefined()
})
