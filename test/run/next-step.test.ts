import { describe, expect, test } from 'vitest'
import type { ClusterAction, ClusterState, ClusterStep } from '../../src/model/cluster.ts'
import type { HostPhaseResult } from '../../src/run/host-phase.ts'
import { comesBack, failureOf, goalBehind, nextStep, withRest } from '../../src/run/next-step.ts'

const on = (...hosts: readonly string[]): readonly ClusterAction[] =>
  hosts.map((host) => ({ host, title: 'do it', script: 'true' }))
const step = (name: string, stages: ClusterStep['stages'], alone = true): ClusterStep => ({
  ...{ name, about: 'x', reason: 'y', effect: 'z', stages },
  ...(alone && { alone }),
})
const state = (steps: readonly ClusterStep[], role: 'primary' | 'down' = 'primary'): ClusterState => ({
  nodes: [{ host: 'db1', role, state: [] }],
  findings: [],
  decision: { primary: { host: 'db1', why: 'it is' }, steps },
})
const failedOn = (...hosts: readonly string[]) => [{ end: { outcome: 'failed' } as const, hosts }]

describe('the next step', () => {
  const access = step('set access', [on('db1')], false)
  const start = step('start server', [on('db3')])
  const daemons = step('start repmgrd', [on('db2', 'db3')])

  test('is the first one as long as none failed', () => {
    expect(nextStep(state([access, start]), [])).toBe(access)
    expect(nextStep(state([]), [])).toBe(undefined)
  })

  test('behind a failure it is one that is alone, and does nothing where one failed', () => {
    const next = nextStep(state([start, access, daemons]), failedOn('db3'))
    expect(next).toEqual(step('start repmgrd', [on('db2')]))
    expect(nextStep(state([start, access, daemons]), failedOn('db2', 'db3'))).toBe(undefined)
  })

  test('a failed stage keeps those behind it, and what follows on their hosts, from being done', () => {
    const failure = withRest({ end: { outcome: 'failed' }, hosts: ['db1'] }, [on('db1'), on('db3')])
    expect(failure.hosts).toEqual(['db1', 'db3'])
    expect(nextStep(state([start, daemons]), [failure])).toEqual(step('start repmgrd', [on('db2')]))
  })

  test('a stage that nothing is left of takes its step with it', () => {
    expect(nextStep(state([step('raise', [on('db1'), on('db2')])]), failedOn('db1'))).toBe(undefined)
  })

  test('without a primary there is none behind a failure', () => {
    expect(nextStep(state([start, daemons], 'down'), failedOn('db3'))).toBe(undefined)
  })
})

test.each<[string, readonly HostPhaseResult[], ReturnType<typeof failureOf>]>([
  ['all was done', [{ outcome: 'changed' }, { outcome: 'changed' }], undefined],
  [
    'one failed',
    [{ outcome: 'changed' }, { outcome: 'failed', message: 'no room' }],
    { end: { outcome: 'failed', message: 'db2: clone failed: no room' }, hosts: ['db2'] },
  ],
  [
    'the end of one is not known',
    [{ outcome: 'failed' }, { outcome: 'unknown', message: 'lost' }],
    { end: { outcome: 'unknown', message: 'db2: clone failed: lost' }, hosts: ['db1', 'db2'] },
  ],
])('what a stage came to: %s', (_, results, failure) => {
  expect(failureOf(on('db1', 'db2'), results, 'clone failed')).toEqual(failure)
})

test.each([
  [0, 'failed', false],
  [1, 'failed', true],
  [1, 'unknown', false],
  [1, 'refused', false],
] as const)('behind stage %i that ended as %s, what was taken away comes back: %s', (stage, outcome, back) => {
  expect(comesBack(stage, { end: { outcome }, hosts: ['db1'] })).toBe(back)
})

describe('what is wanted behind a step', () => {
  const goal = { acceptLoss: { db2: 120, db3: 'unknown' }, salvage: true } as const

  test('is no more what was agreed to be given up of data that it replaced', () => {
    const clone = { ...step('clone standby anew', [on('db2')]), replaces: ['db2'] }
    expect(goalBehind(goal, clone)).toEqual({ acceptLoss: { db3: 'unknown' }, salvage: true })
  })

  test('is the same where nothing was replaced, or nothing was agreed to', () => {
    expect(goalBehind(goal, step('start server', [on('db2')]))).toEqual(goal)
    expect(goalBehind({ primary: 'db2' }, { ...step('clone', [on('db2')]), replaces: ['db2'] })).toEqual({
      primary: 'db2',
    })
  })
})
