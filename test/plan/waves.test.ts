import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { NodeView } from '../../src/model/balancer.ts'
import type { RollingOptions, Share } from '../../src/model/rolling.ts'
import { floorOf, planWaves, stateText, type WavesInput } from '../../src/plan/waves.ts'

interface Pool {
  readonly nodes: number
  /** Nodes that do not serve, by their number from 1; all others do. */
  readonly idle?: Readonly<Record<number, NodeView>>
  /** Default: all. */
  readonly todo?: readonly number[]
  readonly foreign?: readonly number[]
  readonly options?: RollingOptions
}

const DOWN: NodeView = { state: 'down', detail: 'L4CON' }
const OURS: NodeView = { state: 'drained', drainedBy: 'run-a' }
const DRAINED: NodeView = { state: 'drained' }
const SERVING: NodeView = { state: 'serving' }

function inputOf({ nodes: count, idle = {}, todo, foreign = [], options = {} }: Pool): WavesInput {
  const numbers = Array.from({ length: count }, (_, index) => index + 1)
  return {
    nodes: numbers.map(nameOf),
    views: new Map(numbers.map((number) => [nameOf(number), idle[number] ?? SERVING])),
    todo: new Set((todo ?? numbers).map(nameOf)),
    foreign: new Set(foreign.map(nameOf)),
    options,
  }
}

function nameOf(number: number): string {
  return `n${number}`
}

/** Waves as `n1 n2 (3)`: their nodes, and how many serve meanwhile; behind them the refusal. */
function wavesOf(pool: Pool): readonly string[] {
  const { waves, refusal } = planWaves(inputOf(pool))
  return [...waves.map(({ hosts, serving }) => `${hosts.join(' ')} (${serving})`), ...(refusal ? [refusal] : [])]
}

describe('waves', () => {
  test.each<[string, Pool, readonly string[]]>([
    ['nothing to do', { nodes: 3, todo: [] }, []],
    ['an empty pool', { nodes: 0 }, []],
    ['one node', { nodes: 1 }, ['without n1 only 0 of 1 would serve, and the floor is 1']],
    ['one node that may be missing', { nodes: 1, options: { floor: 0 } }, ['n1 (0)']],
    ['one node that serves nobody', { nodes: 1, idle: { 1: DOWN } }, ['n1 (0)']],
    ['three', { nodes: 3 }, ['n1 (2)', 'n2 (2)', 'n3 (2)']],
    ['three, two at once', { nodes: 3, options: { waves: 2 } }, ['n1 n2 (1)', 'n3 (2)']],
    ['five, a quarter of them', { nodes: 5, options: { waves: '25%' } }, [1, 2, 3, 4, 5].map((one) => `n${one} (4)`)],
    ['five, two at once', { nodes: 5, options: { waves: 2 } }, ['n1 n2 (3)', 'n3 n4 (3)', 'n5 (4)']],
    [
      'ten, a quarter of them',
      { nodes: 10, options: { waves: '25%' } },
      ['n1 n2 (8)', 'n3 n4 (8)', 'n5 n6 (8)', 'n7 n8 (8)', 'n9 n10 (8)'],
    ],
    [
      'all at once',
      { nodes: 3, options: { waves: '100%' } },
      ['without n1, n2, n3 only 0 of 3 would serve, and the floor is 1'],
    ],
    ['all at once, where nobody need serve', { nodes: 3, options: { waves: '100%', floor: 0 } }, ['n1 n2 n3 (0)']],
    ['more at once than there are', { nodes: 2, options: { waves: 7, floor: 0 } }, ['n1 n2 (0)']],
    ['backwards', { nodes: 3, options: { order: 'reverse' } }, ['n3 (2)', 'n2 (2)', 'n1 (2)']],
    ['a canary', { nodes: 3, options: { canary: ['n2'] } }, ['n2 (2)', 'n1 (2)', 'n3 (2)']],
    ['two canaries', { nodes: 5, options: { canary: ['n4', 'n2'] } }, ['n2 n4 (3)', 'n1 (4)', 'n3 (4)', 'n5 (4)']],
    [
      'a canary, backwards, then two at once',
      { nodes: 5, options: { canary: ['n1'], order: 'reverse', waves: 2 } },
      ['n1 (4)', 'n5 n4 (3)', 'n3 n2 (3)'],
    ],
    ['a canary with nothing to do', { nodes: 3, todo: [1, 3], options: { canary: ['n2'] } }, ['n1 (2)', 'n3 (2)']],
    ['--limit', { nodes: 3, todo: [2] }, ['n2 (2)']],
    ['a sick one comes first', { nodes: 3, idle: { 3: DOWN } }, ['n3 (2)', 'n1 (2)', 'n2 (2)']],
    [
      'a sick one that is not touched',
      { nodes: 3, idle: { 3: DOWN }, todo: [1] },
      ['without n1 only 1 of 3 would serve, and the floor is 2: n3 is down (L4CON)'],
    ],
    [
      'a sick one that is not touched, with room for it',
      { nodes: 3, idle: { 3: DOWN }, todo: [1, 2], options: { floor: 1 } },
      ['n1 (1)', 'n2 (1)'],
    ],
    [
      'those that a run left out come first, at once',
      { nodes: 5, idle: { 2: OURS, 4: OURS } },
      ['n2 n4 (3)', 'n1 (4)', 'n3 (4)', 'n5 (4)'],
    ],
    [
      'what somebody else took out does not serve afterwards either',
      { nodes: 3, idle: { 2: DRAINED }, foreign: [2] },
      ['without n1 only 1 of 3 would serve, and the floor is 2: n2 is drained'],
    ],
    [
      'what somebody else took out, with room for it: last, for nobody proves its health',
      { nodes: 3, idle: { 2: DRAINED }, foreign: [2], options: { floor: 1 } },
      ['n1 (1)', 'n3 (1)', 'n2 (2)'],
    ],
    ['nobody serves', { nodes: 3, idle: { 1: DOWN, 2: DOWN, 3: DOWN } }, ['n1 n2 n3 (0)']],
    [
      'a canary that serves nobody is no wave of its own',
      { nodes: 3, idle: { 1: DOWN }, options: { canary: ['n1'] } },
      ['n1 (2)', 'n2 (2)', 'n3 (2)'],
    ],
    [
      'a floor as a share, rounded up',
      { nodes: 5, options: { waves: 3, floor: '50%' } },
      ['without n1, n2, n3 only 2 of 5 would serve, and the floor is 3'],
    ],
    ['a floor as a number', { nodes: 5, options: { waves: 3, floor: 2 } }, ['n1 n2 n3 (2)', 'n4 n5 (3)']],
  ])('%s', (_title, pool, waves) => {
    expect(wavesOf(pool)).toEqual(waves)
  })

  test('a balancer that is not there yet sees nobody: all at once', () => {
    const { waves, serving, refusal } = planWaves({ ...inputOf({ nodes: 3 }), views: new Map() })

    expect({ waves, serving, refusal }).toEqual({
      waves: [{ hosts: ['n1', 'n2', 'n3'], serving: 0 }],
      serving: 0,
      refusal: undefined,
    })
  })

  test('what is said of the pool is what is there now', () => {
    const { pool, floor, serving } = planWaves(inputOf({ nodes: 5, idle: { 1: DOWN, 2: OURS }, todo: [1] }))

    expect({ pool, floor, serving }).toEqual({ pool: 5, floor: 4, serving: 3 })
  })
})

describe('the floor', () => {
  test.each<[RollingOptions, number, number]>([
    [{}, 1, 1],
    [{}, 2, 1],
    [{}, 3, 2],
    [{}, 10, 9],
    [{ waves: 2 }, 5, 3],
    [{ waves: '25%' }, 10, 8],
    [{ waves: '25%' }, 3, 2],
    [{ waves: '100%' }, 3, 1],
    [{ canary: ['a', 'b'] }, 5, 3],
    [{ canary: ['a', 'a'] }, 5, 4],
    [{ waves: 3, canary: ['a', 'b'] }, 5, 2],
    [{ floor: 0 }, 5, 0],
    [{ floor: 4, waves: 3 }, 5, 4],
    [{ floor: '0%' }, 5, 0],
    [{ floor: '50%' }, 5, 3],
    [{ floor: '100%' }, 5, 5],
    // In floating point 7 % of 100 is a little more than 7.
    [{ floor: '7%' }, 100, 7],
  ])('of %j in a pool of %i is %i', (options, pool, floor) => {
    expect(floorOf(options, pool)).toBe(floor)
  })
})

describe('for any pool', () => {
  const share = fc.oneof(
    fc.integer({ min: 1, max: 12 }),
    fc.integer({ min: 1, max: 100 }).map((percent): Share => `${percent}%`),
  )
  const view = fc.constantFrom(SERVING, SERVING, SERVING, DOWN, DRAINED, OURS)
  const input = fc
    .array(fc.record({ view, todo: fc.boolean(), foreign: fc.boolean(), canary: fc.boolean() }), { maxLength: 12 })
    .chain((nodes) =>
      fc.record({
        nodes: fc.constant(nodes),
        waves: fc.option(share, { nil: undefined }),
        floor: fc.option(fc.oneof(fc.integer({ min: 0, max: nodes.length }), share), { nil: undefined }),
        order: fc.constantFrom('inventory' as const, 'reverse' as const),
        withCanary: fc.boolean(),
      }),
    )
    .map(({ nodes, waves, floor, order, withCanary }): WavesInput => {
      const named = nodes.map((node, index) => ({ ...node, name: nameOf(index + 1) }))
      const pick = (want: (node: (typeof named)[number]) => boolean) => named.filter(want).map(({ name }) => name)
      return {
        nodes: pick(() => true),
        views: new Map(named.map(({ name, view }) => [name, view])),
        todo: new Set(pick(({ todo }) => todo)),
        foreign: new Set(pick(({ foreign, view, todo }) => todo && foreign && view.state === 'drained')),
        options: {
          order,
          canary: withCanary ? pick(({ canary }) => canary) : [],
          ...(waves !== undefined && { waves }),
          ...(floor !== undefined && { floor }),
        },
      }
    })
  const serves = ({ views }: WavesInput, node: string) => views.get(node)?.state === 'serving'
  const check = (holds: (pool: WavesInput) => void) => fc.assert(fc.property(input, holds), { numRuns: 500, seed: 11 })

  test('a node with something to do is in exactly one wave, or behind a refusal; no other node is in any', () => {
    check((pool) => {
      const { waves, refusal } = planWaves(pool)
      const hosts = waves.flatMap((wave) => wave.hosts)

      expect(new Set(hosts).size).toBe(hosts.length)
      expect(hosts.filter((host) => !pool.todo.has(host))).toEqual([])
      if (refusal === undefined) expect(hosts.length).toBe(pool.todo.size)
      else expect(hosts.length).toBeLessThan(pool.todo.size)
    })
  })

  test('step by step as many serve as it says, and never fewer than the floor while one that serves is taken out', () => {
    check((pool) => {
      const { waves, floor, serving } = planWaves(pool)
      const up = new Set(pool.nodes.filter((node) => serves(pool, node)))

      expect(serving).toBe(up.size)
      for (const wave of waves) {
        const meanwhile = [...up].filter((node) => !wave.hosts.includes(node)).length
        expect(wave.serving).toBe(meanwhile)
        if (meanwhile < up.size) expect(meanwhile).toBeGreaterThanOrEqual(floor)
        for (const host of wave.hosts) if (!pool.foreign.has(host)) up.add(host)
      }
    })
  })

  test('it refuses only what would leave too few, and says how many', () => {
    check((pool) => {
      const { refusal, floor } = planWaves(pool)
      if (refusal === undefined) return
      const [, left] = /^without .* only (\d+) of \d+ would serve, and the floor is \d+/.exec(refusal) ?? []

      expect(Number(left)).toBeLessThan(floor)
    })
  })

  test('only those that serve nobody, and the canary, are more than a wave', () => {
    check((pool) => {
      const { waves = 1 } = pool.options
      const size =
        typeof waves === 'number' ? waves : Math.floor((Number.parseInt(waves, 10) * pool.nodes.length) / 100)
      const large = planWaves(pool).waves.filter(({ hosts }) => hosts.length > Math.max(1, size))

      for (const { hosts } of large) {
        const idle = hosts.every((host) => !serves(pool, host))
        expect(idle || hosts.every((host) => pool.options.canary?.includes(host))).toBe(true)
      }
    })
  })

  test('a pool of one that serves is never taken out without floor: 0', () => {
    fc.assert(
      fc.property(share, fc.boolean(), (waves, canary) => {
        const options = { waves, canary: canary ? ['n1'] : [] }

        expect(planWaves(inputOf({ nodes: 1, options })).waves).toEqual([])
        expect(planWaves(inputOf({ nodes: 1, options: { ...options, floor: 0 } })).refusal).toBeUndefined()
      }),
    )
  })
})

test.each([
  [undefined, 'unknown to the balancer'],
  [{ state: 'unknown', detail: 'haproxy has no server app9' }, 'unknown to the balancer (haproxy has no server app9)'],
  [DRAINED, 'drained'],
  [DOWN, 'down (L4CON)'],
  [SERVING, 'serving'],
] as const)('how a balancer sees a node: %j', (view, text) => {
  expect(stateText(view)).toBe(text)
})
