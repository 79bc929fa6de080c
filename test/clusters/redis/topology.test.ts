import { expect, test } from 'vitest'
import { topology } from '../../../src/clusters/redis/topology.ts'
import { at, BARE, type Change, desired, linkTo, set } from './support/surveys.ts'

const lines = (changes: Readonly<Record<number, Change>> = {}) =>
  topology(desired(), set(changes)).map(
    ({ host, role, upstream, state }) => `${host} ${role}${upstream ? ` of ${upstream}` : ''}: ${state.join(', ')}`,
  )

test('a whole set', () => {
  expect(lines()).toEqual([
    'app1 primary: takes writes, 12 keys',
    'app2 standby of app1: link up, 12 keys',
    'app3 standby of app1: link up, 12 keys',
  ])
})

test.each<[string, Change, string]>([
  ['cannot be asked', { gone: true }, 'app2 unreachable: connect: timed out'],
  ['is bare', BARE, 'app2 empty: no Sentinel'],
  ['is bare and not prepared', { ...BARE, seen: { prepared: false } }, 'app2 empty: not prepared, no Sentinel'],
  ['is down', { redis: null }, 'app2 down: down'],
  [
    'is down with data',
    { redis: null, sentinel: null, disk: { appendOnly: { bytes: 5, age: 1 } } },
    'app2 down: down, 5 bytes on disk, Sentinel down',
  ],
  ['hangs', { redis: null, seen: { trouble: { redis: 'hung' } } }, 'app2 unknown: hung'],
  [
    'has one key, and gets a copy',
    { redis: { keys: 1, master: linkTo(1, { link: 'down', syncing: true }) } },
    'app2 standby of app1: copying, 1 key',
  ],
  [
    'follows a dead address',
    { redis: { master: linkTo(9, { link: 'down' }) } },
    'app2 standby of 10.0.0.9: link down, 12 keys',
  ],
  [
    'has a Sentinel that watches a dead address',
    { sentinel: at(9) },
    'app2 standby of app1: link up, 12 keys, Sentinel names 10.0.0.9',
  ],
  [
    'has a Sentinel that watches something else',
    { sentinel: { name: 'mymaster' } },
    'app2 standby of app1: link up, 12 keys, Sentinel watches nothing',
  ],
])('a node that %s', (_, change, line) => {
  expect(lines({ 2: change })[1]).toBe(line)
})

test('a master that refuses writes', () => {
  expect(lines({ 1: { redis: { takesWrites: false } } })[0]).toBe('app1 primary: refuses writes, 12 keys')
})

test('a node that was not surveyed', () => {
  expect(topology(desired(), set().slice(0, 2))[2]).toMatchObject({ host: 'app3', role: 'unreachable' })
})
