import { expect, test } from 'vitest'
import type { Desired, NodeSurvey } from '../../../src/clusters/postgres/model.ts'
import { topology } from '../../../src/clusters/postgres/topology.ts'
import { desired, seen, survey } from './support/captured.ts'

/** A line for each node, as a person would note it down. */
function lines(surveys: readonly NodeSurvey[], of: Desired = desired): readonly string[] {
  return topology(of, surveys).map(({ host, role, upstream, state }) =>
    [host, role, ...(upstream === undefined ? [] : [`← ${upstream}`]), ...state].join(' | '),
  )
}

test('a whole cluster', () => {
  const third = { ...seen('standby', 'db3') }
  expect(lines([survey('db1', 'primary'), survey('db2', 'standby'), third])).toEqual([
    'db1 | primary | writable | timeline 1',
    'db2 | standby | ← db1 | streaming | lag 0 bytes | timeline 1',
    'db3 | standby | ← db1 | streaming | lag 0 bytes | timeline 1',
  ])
})

test('durability sync, in the order of the playbook', () => {
  const surveys = [survey('db2', 'primary-sync'), survey('db1', 'standby-timeline-2')]
  expect(lines(surveys)).toEqual([
    'db1 | standby | ← db2 | streaming | sync | lag 0 bytes | timeline 2',
    'db2 | primary | writable | timeline 2',
    'db3 | unreachable | it was not asked',
  ])
})

test.each([
  ['bare', 'empty | not prepared'],
  ['stopped-primary', 'down | stopped | was a primary | timeline 1'],
  ['stopped-standby', 'down | stopped | was a standby | timeline 1'],
  ['killed-primary', 'down | crashed | was a primary | timeline 1'],
  ['hung', 'down | does not answer | was a standby | timeline 1'],
  ['disk-full', 'down | crashed | was a standby | timeline 1'],
  ['data-deleted', 'down | runs without a data directory'],
  ['half-clone', 'down | remains of a data directory'],
  ['wrong-upstream', 'standby | ← db2 | streaming | lag 0 bytes | timeline 1'],

  ['dead-branch', 'standby | ← db2 | does not stream | lag 0 bytes | timeline 1'],
  ['standby-expired', 'standby | ← db1 | streaming | lag 0 bytes | timeline 1 | certificate expired'],
  ['pgbouncer-down', 'standby | ← db1 | streaming | lag 0 bytes | timeline 1 | pgbouncer off'],
  ['other-system', 'unknown | data of another cluster'],
])('%s', (name, line) => {
  const [, , node] = lines([survey('db1', 'primary'), survey('db2', 'standby'), survey('db3', name)])
  expect(node?.replace(' | repmgrd off', '').replace(' | follower off', '')).toBe(`db3 | ${line}`)
})

test('a standby that was cut off, and how far it is behind', () => {
  expect(
    lines([survey('db1', 'primary-slot-lost'), survey('db2', 'standby'), survey('db3', 'standby-slot-lost')])[2],
  ).toBe('db3 | standby | ← db1 | does not stream | lag 175 MB | timeline 1 | repmgrd off')
})

test('a standby past a fork cannot be behind', () => {
  expect(lines([survey('db1', 'split-old'), survey('db2', 'split-new'), survey('db3', 'dead-branch')])[2]).toBe(
    'db3 | standby | ← db2 | does not stream | timeline 1 | repmgrd off',
  )
})

test('two primaries are shown as two', () => {
  expect(lines([survey('db1', 'split-old'), survey('db2', 'split-new')]).slice(0, 2)).toEqual([
    'db1 | primary | writable | timeline 1 | repmgrd off',
    'db2 | primary | writable | timeline 2 | repmgrd off',
  ])
})

test('where each of two systems is on one node, the second one is told as the other one, as the refusal does', () => {
  expect(lines([survey('db1', 'primary'), survey('db2', 'other-system')]).map((line) => line.split(' | ')[1])).toEqual([
    'primary',
    'unknown',
    'unreachable',
  ])
})

test('what is worth a word', () => {
  const node = seen('primary')
  const { server } = node
  if (!server) throw new Error('no server')
  const odd: NodeSurvey = {
    ...node,
    units: {
      ...node.units,
      repmgrd: { active: 'activating', enabled: true },
      follower: { active: 'failed', enabled: true },
    },
    pgbouncer: [{ database: 'app', host: '10.173.119.10', paused: true }],
    certificate: { ends: '2026-12-08T00:00:00.000Z', daysLeft: 12 },
    server: { ...server, readOnly: true, differing: [{ name: 'shared_buffers', running: '64MB', wanted: '128MB' }] },
  }
  expect(lines([odd])[0]).toBe(
    'db1 | primary | read-only | restart needed | timeline 1 | repmgrd off | follower off | clients held | certificate 12 days',
  )
})

test.each([
  [1023, '1023 bytes'],
  [130_023_424, '124 MB'],
  [3_000_000_000_000_000, '2728 TB'],
])('a lag of %i bytes', (lag, text) => {
  const primary = seen('primary')
  const { server } = primary
  if (!server) throw new Error('no server')
  const behind = { ...primary, server: { ...server, standbys: server.standbys.map((each) => ({ ...each, lag })) } }
  expect(lines([behind, survey('db2', 'standby')])[1]).toContain(`| lag ${text} |`)
})

test('a witness and a replica', () => {
  const [one, two] = desired.nodes
  if (!one || !two) throw new Error('no nodes')
  const nodes: Desired['nodes'] = [
    { ...one, kind: 'witness' },
    { ...two, kind: 'replica' },
  ]
  expect(lines([survey('db1', 'other-system'), survey('db2', 'standby')], { ...desired, nodes })).toEqual([
    'db1 | witness | writable | timeline 1 | repmgrd off',
    'db2 | standby | ← db1 | replica | streaming | timeline 1',
  ])
})
