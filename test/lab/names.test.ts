import { expect, test } from 'vitest'
import { cableName, labNames, linkBelongsTo, machineName, requireName } from '../../src/lab/names.ts'

const ref = { root: '/srv/project', environment: 'lab' }

test('names are the same for the same lab and differ for every other folder and environment', () => {
  const { id } = labNames(ref)
  expect(labNames({ ...ref }).id).toBe(id)
  expect(labNames({ ...ref, root: '/srv/project2' }).id).not.toBe(id)
  expect(labNames({ ...ref, environment: 'rehearsal' }).id).not.toBe(id)
})

test('the longest link name still fits the kernel: 15 characters', () => {
  expect(cableName(labNames(ref).id, 239)).toHaveLength(15)
  expect(cableName('abcdef', 7)).toBe(`vb-${machineName('abcdef', 7)}`)
})

test('a lab owns its own links only', () => {
  expect(
    ['ekabcdef', 'vb-ekabcdef-0', 'vb-ekabcde0-0', 'ekabcdef0', 'eth0'].map((link) => linkBelongsTo('abcdef', link)),
  ).toEqual([true, true, false, false, false])
})

test('state lies in the project folder', () => {
  expect(labNames(ref).folder).toBe('/srv/project/.deploy/lab/lab')
  expect(labNames({ ...ref, environment: 'prod_eu.1' }).folder).toBe('/srv/project/.deploy/lab/prod_eu.1')
})

test.each([
  [{ root: 'relative', environment: 'lab' }, 'lab: project folder "relative" is not absolute'],
  [{ root: '/srv', environment: '../etc' }, 'lab: environment "../etc" is no folder name'],
  [{ root: '/srv', environment: '' }, 'lab: environment "" is no folder name'],
])('refuses %o', (bad, message) => {
  expect(() => labNames(bad)).toThrow(expect.objectContaining({ code: 'E_LAB_NAME', message }))
})

test('a host name is a plain host name', () => {
  expect(requireName('host', 'app1')).toBe('app1')
  for (const bad of ['', '-app', 'app-', 'a/b', 'a.b', 'a b', 'a'.repeat(64)]) {
    expect(() => requireName('host', bad)).toThrow(`host "${bad}"`)
  }
})
