import { describe, expect, test } from 'vitest'
import type { Balancer, NodeView, PoolView } from '../../src/model/balancer.ts'
import type { OutRecord } from '../../src/model/out-record.ts'
import type { CompiledRolling } from '../../src/plan/compile-rolling.ts'
import type { Context } from '../../src/run/context.ts'
import { isForeign, strays } from '../../src/run/out.ts'
import { planRolling, rejoins } from '../../src/run/plan-rolling.ts'
import type { Survey } from '../../src/run/survey.ts'

const scope = { project: 'shop', environment: 'prod', playbook: 'site' }
const record: OutRecord = {
  ...{ node: 'app1', balancer: 'lb', phase: 'app', run: 'run-a', who: 'alice@laptop', why: 'not healthy: x', ...scope },
  ...{ since: '2026-01-01T00:00:00.000Z', hosts: ['app1'] },
}
const nodes = ['app1', 'app2', 'app3']

/** A balancer that needs no call to see its pool. */
function balancer(read: () => PoolView): Balancer {
  return { label: 'lb', hosts: [], every: 1, survey: () => [], read, drain: () => [], join: () => [] }
}

interface Pool {
  readonly views?: Readonly<Record<string, NodeView>>
  readonly read?: () => PoolView
  /** Nodes with a change. */
  readonly changing?: readonly string[]
  readonly records?: readonly OutRecord[]
  readonly options?: CompiledRolling['options']
}

function surveyOf({ views = {}, read, changing = nodes, records = [], options = {} }: Pool) {
  const view = () => ({ nodes: new Map(nodes.map((node) => [node, views[node] ?? { state: 'serving' as const }])) })
  const context = {
    ...{ scope, pool: {}, redactor: { text: (text: string) => text } },
    playbook: { name: 'p', where: '', phases: [{ name: 'app', where: 'playbooks/site.ts:5' }] },
  } as unknown as Context
  const survey = {
    rolling: new Map([[0, { balancer: balancer(read ?? view), nodes, options, health: new Map() }]]),
    phases: nodes.map((host) => ({ phase: 0, host, decisions: [{ changes: changing.includes(host) ? [{}] : [] }] })),
    hellos: new Map(nodes.map((host) => [host, { owed: [], out: records.filter(({ node }) => node === host) }])),
  } as unknown as Survey
  return { context, survey }
}

async function planned(pool: Pool) {
  const { context, survey } = surveyOf(pool)
  const { phases, problems } = await planRolling(context, survey)
  return { ...phases.get(0), problems }
}

describe('the plan of a rolling phase', () => {
  test('a pool that is well', async () => {
    expect(await planned({ changing: ['app2'] })).toEqual({
      waves: [{ hosts: ['app2'], serving: 2 }],
      pool: { through: 'lb', nodes: 3, serving: 3, floor: 2, out: [] },
      problems: [],
    })
  })

  test('nothing to do: the balancer is not asked', async () => {
    const read = () => {
      throw new Error('asked')
    }

    expect(await planned({ changing: [], read })).toEqual({ problems: [] })
  })

  test('a node that an earlier run left out rejoins, also without a change', async () => {
    const pool = { changing: [], records: [record], views: { app1: { state: 'drained' } } } as const
    const { waves, pool: seen } = await planned(pool)
    const { context, survey } = surveyOf(pool)

    expect(waves).toEqual([{ hosts: ['app1'], serving: 2 }])
    expect(seen?.out).toEqual([{ host: 'app1', why: 'drained' }])
    expect(rejoins(context, survey)).toMatchObject([
      { host: 'app1', action: 'rejoin', task: 'rejoin lb', key: 'rejoin:app', notes: ['not healthy: x'] },
    ])
  })

  test.each<[string, Partial<OutRecord>]>([
    ['another project', { project: 'blog' }],
    ['another environment', { environment: 'lab' }],
    ['another playbook', { playbook: 'other' }],
    ['another phase with another balancer', { phase: 'web', balancer: 'lb2' }],
  ])('what a run of %s left out is not ours', async (_title, more) => {
    const { context, survey } = surveyOf({ changing: [], records: [{ ...record, ...more }] })

    expect(rejoins(context, survey)).toEqual([])
    expect(await planned({ changing: [], records: [{ ...record, ...more }] })).toEqual({ problems: [] })
  })

  test.each<[string, Partial<OutRecord>]>([
    ['phase', { phase: 'web' }],
    ['balancer', { balancer: 'lb1, lb2' }],
  ])('what was left out before the %s got another name is still ours', (_title, more) => {
    const { context, survey } = surveyOf({ changing: [], records: [{ ...record, ...more }] })

    expect(rejoins(context, survey)).toMatchObject([{ host: 'app1', key: 'rejoin:app' }])
    expect(strays(context, survey)).toEqual([])
  })

  test('what no phase lets in any more is told', () => {
    const stray = { ...record, phase: 'web', balancer: 'lb2' }
    const { context, survey } = surveyOf({ changing: [], records: [stray] })

    expect(strays(context, survey)).toEqual([stray])
  })

  test('a node that somebody else drained does not serve afterwards either: the plan refuses what apply would', async () => {
    const { waves, pool } = await planned({ views: { app2: { state: 'drained' } } })

    expect(waves).toEqual([])
    expect(pool?.refusal).toBe('without app1 only 1 of 3 would serve, and the floor is 2: app2 is drained')
  })

  test('with room for it the others go on', async () => {
    const { waves, pool } = await planned({ views: { app2: { state: 'drained' } }, options: { floor: 1 } })

    expect(waves?.map(({ serving }) => serving)).toEqual([1, 1, 2])
    expect(pool).not.toHaveProperty('refusal')
  })

  test('a balancer that is not there yet', async () => {
    const { waves, pool } = await planned({ read: () => ({ absent: true, nodes: new Map() }) })

    expect(waves).toEqual([{ hosts: nodes, serving: 0 }])
    expect(pool?.out).toEqual(nodes.map((host) => ({ host, why: 'the balancer is not there yet' })))
  })

  test('a balancer that cannot be seen: its nodes wait for it', async () => {
    const read = () => {
      throw new Error('connection refused')
    }

    expect(await planned({ read, changing: ['app2'] })).toEqual({
      problems: [{ host: 'app2', phase: 'app', message: 'lb cannot be seen: connection refused', waits: true }],
    })
  })
})

test.each<[string, NodeView | undefined, OutRecord | undefined, boolean, boolean]>([
  ['serves', { state: 'serving' }, undefined, true, false],
  ['is down', { state: 'down' }, undefined, true, false],
  ['is unknown', undefined, undefined, true, false],
  ['is drained, nobody says by whom', { state: 'drained' }, undefined, false, true],
  [
    'is drained by one of our runs, as the balancer says',
    { state: 'drained', drainedBy: 'run-a' },
    undefined,
    true,
    false,
  ],
  ['is drained by one of our runs, as it says itself', { state: 'drained' }, record, true, false],
  ['is new and on no list', { state: 'drained', listed: false }, undefined, false, false],
  ['was taken off the list', { state: 'drained', listed: false }, undefined, true, true],
])('a node that %s: whether somebody else took it out', (_title, view, own, applied, foreign) => {
  expect(isForeign(view, own, applied)).toBe(foreign)
})
