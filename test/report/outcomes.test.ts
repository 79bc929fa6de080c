import { expect, test } from 'vitest'
import type { RunEvent } from '../../src/model/event.ts'
import type { Plan, PlannedChange } from '../../src/model/plan.ts'
import { trackOutcomes } from '../../src/report/outcomes.ts'
import { plain } from '../../src/report/paint.ts'
import { eventLines } from '../../src/report/run-text.ts'
import { summarise } from '../../src/report/summary.ts'

const change = (host: string, phase: string, key: string, notify: readonly string[] = []): PlannedChange => ({
  ...{ phase, host, task: `file ${key}`, key, where: 'playbooks/site.ts:1', action: 'change' },
  ...{ fields: [{ name: 'mode', from: '1', to: '2' }], notes: [], honesty: 'exact', notify },
})
const plan: Plan = {
  environment: 'lab',
  playbook: 'x',
  phases: [
    { name: 'one', strategy: 'parallel', hosts: ['app1', 'app2'] },
    { name: 'two', strategy: 'parallel', hosts: ['app1'] },
  ],
  changes: [change('app1', 'one', 'a', ['reload']), change('app2', 'one', 'a', ['reload']), change('app1', 'two', 'b')],
  mayMove: [],
  unreachable: [],
  problems: [],
  summary: { hosts: 2, tasks: 3, changes: 3, unchanged: 0, unreachable: 0 },
}
const done = (host: string): RunEvent => ({
  type: 'task',
  phase: 'one',
  host,
  task: 'file a',
  key: 'a',
  where: '',
  state: 'changed',
})
const invalid = {
  type: 'handler',
  phase: 'one',
  host: 'app2',
  handler: 'reload',
  where: '',
  state: 'invalid',
  putBack: 'all',
} as const

test('what was judged wrong and put back is not told as changed', () => {
  const outcomes = trackOutcomes(plan)
  for (const event of [done('app1'), done('app2'), invalid]) outcomes.take(event)

  const told = outcomes.results().map(({ host, key, outcome, note }) => [host, key, outcome, note])
  expect(told).toEqual([
    ['app1', 'a', 'changed', undefined],
    ['app2', 'a', 'failed', 'put back: judged wrong for reload'],
    ['app1', 'b', 'not-run', undefined],
    ['app2', 'handler reload', 'failed', 'its files were judged wrong and put back'],
  ])
  expect(eventLines(invalid, 4, plain)[0]).toBe(
    'app2  invalid   handler reload: its files were judged wrong and put back',
  )
})

test('what could not be put back is still there', () => {
  const outcomes = trackOutcomes(plan)
  for (const event of [done('app2'), { ...invalid, putBack: 'some' as const }]) outcomes.take(event)
  expect(outcomes.results().find(({ host }) => host === 'app2')?.outcome).toBe('changed')
})

test('a host whose later phases were not begun is unfinished, not done', () => {
  const outcomes = trackOutcomes(plan)
  for (const event of [done('app1'), done('app2'), invalid]) outcomes.take(event)
  const result = {
    hosts: [
      { host: 'app1', outcome: 'changed' },
      { host: 'app2', outcome: 'failed', message: 'why' },
    ],
  } as const

  expect(summarise(plan, ['app1', 'app2'], result, outcomes.results())).toEqual([
    { host: 'app1', state: 'unfinished', message: 'phase two was not begun' },
    { host: 'app2', state: 'failed', message: 'why' },
  ])
})

test('a planned change that an earlier phase has brought about counts as already so, not as not begun', () => {
  const outcomes = trackOutcomes(plan)
  outcomes.take(done('app1'))
  outcomes.take({ type: 'part', phase: 'two', host: 'app1', outcome: 'ok' })

  const told = outcomes.results().filter(({ host }) => host === 'app1')
  expect(told.map(({ key, outcome, note }) => [key, outcome, note])).toEqual([
    ['a', 'changed', undefined],
    ['b', 'ok', 'already so when its phase began'],
  ])
  outcomes.take({ type: 'part', phase: 'one', host: 'app2', outcome: 'failed' })
  expect(outcomes.results().find(({ host }) => host === 'app2')?.outcome).toBe('not-run')
})

test('a step of a cluster that was planned and not needed any more was not done by an earlier phase', () => {
  const key = 'cluster:two:start repmgrd:start repmgrd'
  const outcomes = trackOutcomes({ ...plan, changes: [change('app1', 'two', key)] })
  outcomes.take({ type: 'part', phase: 'two', host: 'app1', outcome: 'ok' })

  expect(outcomes.results().map(({ outcome, note }) => [outcome, note])).toEqual([
    ['ok', 'no longer needed when the cluster was surveyed again'],
  ])
})
