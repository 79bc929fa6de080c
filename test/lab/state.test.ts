import { expect, test } from 'vitest'
import { labNames } from '../../src/lab/names.ts'
import { hostIn, numberHosts } from '../../src/lab/state.ts'

test('a host keeps its number, a new one gets the lowest free', () => {
  expect(numberHosts({}, ['app1', 'app2', 'app1'])).toEqual({ app1: 0, app2: 1 })
  expect(numberHosts({ app1: 0, db1: 2 }, ['app3', 'db1', 'app4'])).toEqual({ app1: 0, db1: 2, app3: 1, app4: 3 })
})

test('a lab has room for 240 hosts', () => {
  const names = Array.from({ length: 241 }, (_, index) => `h${index}`)
  expect(Object.keys(numberHosts({}, names.slice(1)))).toHaveLength(240)
  expect(() => numberHosts({}, names)).toThrow(expect.objectContaining({ code: 'E_LAB_FULL' }))
})

test('a number gives the address', () => {
  const lab = labNames({ root: '/srv', environment: 'lab' })
  const host = hostIn(lab, { format: 1, subnet: '10.170.3', cache: '/c', hosts: { app1: 4 } }, 'app1')
  expect(host).toMatchObject({ name: 'app1', address: '10.170.3.14', folder: '/srv/.deploy/lab/lab/hosts/app1' })
})
