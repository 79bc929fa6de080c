import { expect, test } from 'vitest'
import { budgets, isMet, roundTrips } from './budgets.ts'
import { benchmarksDocument, missed } from './document.ts'
import { besidePeers, median, paired, peakMemory, type Run, runsOf } from './statistics.ts'

const run = (fields: Partial<Run>): Run => ({
  case: 'no-op',
  hosts: 3,
  peer: 'apply',
  round: 1,
  wall: 1,
  controllerCpu: 0.5,
  hostCpu: 0.2,
  bytes: 3 * 20 * 1024,
  others: 0,
  ...fields,
})

const runs = [
  run({ peer: 'floor', wall: 1 }),
  run({ wall: 1.2 }),
  run({ peer: 'floor', round: 2, wall: 2 }),
  run({ round: 2, wall: 2.6 }),
  run({ peer: 'floor', round: 3, wall: 1 }),
  run({ round: 3, wall: 9 }),
  run({ round: 4, wall: 50, memory: 90e6 }),
]

test('the median of an odd number, an even number and nothing', () => {
  expect(median([3, 1, 2])).toBe(2)
  expect(median([4, 1, 2, 3])).toBe(2.5)
  expect(median([])).toBeUndefined()
})

test('runs are compared with those of their own turn; runs that sample memory are left out', () => {
  const ours = runsOf(runs, 'no-op', 3, 'apply')
  expect(ours).toHaveLength(3)
  expect(paired(ours, runsOf(runs, 'no-op', 3, 'floor'), (one, other) => one.wall / other.wall)).toBe(1.3)
  expect(peakMemory(runs, 'no-op', 3, 'apply')).toBe(90e6)
})

test('round trips are the growth of a turn over 50 ms', () => {
  const far = [run({ case: 'far', peer: 'true near', wall: 0.3 }), run({ case: 'far', peer: 'true far', wall: 0.65 })]
  expect(roundTrips(far, 'true')).toBeCloseTo(7)
  expect(roundTrips(far, 'apply 60')).toBeUndefined()
})

test('what was not measured counts as missed', () => {
  const all = budgets(runs)
  const met = all.filter(isMet).map(({ what }) => what)
  expect(met).toContain('no-op, apply, 3 hosts: time')
  expect(met).toContain('no-op, apply, 3 hosts: traffic per host, all headers counted')
  expect(missed(all)).toContain('no-op apply of 600 tasks: round trips beyond a bare login: not measured (at most 3)')
})

test('the document says plainly what is not met', () => {
  const text = benchmarksDocument({ date: '2026-01-01', machine: ['a machine'], runs, budgets: budgets(runs) })
  expect(text).toContain('| no-op, apply, 3 hosts: time | ≤ 1.5 × the floor | 1.3 × the floor | met |')
  expect(text).toContain('| not measured | **NOT met** |')
  expect(text).toContain('| no-op | `deploy apply` | 3 | 2.6 (1.2–9) | 1.3 | 0.5 | 0.2 | 20 | 90 |')
})

test('beside other tools our no-op is judged by the part of their time that it takes', () => {
  const beside = (peer: string, wall: number, name = 'no-op') => run({ case: besidePeers(name), peer, wall })
  const all = [beside('apply', 0.6), beside('ansible', 27), beside('mitogen', 5), beside('pyinfra', 9)]
  const held = budgets(all).filter(({ what }) => what.includes('beside'))
  expect(held.map((budget) => isMet(budget))).toEqual([true, false, true])
  expect(missed(held)).toEqual(['no-op, apply, 3 hosts: time beside mitogen: 0.12 × mitogen (at most 0.1)'])
  expect(budgets(runs).filter(({ what }) => what.includes('beside'))).toEqual([])
  const text = benchmarksDocument({ date: '2026-11-25', machine: [], runs: all, budgets: held })
  expect(text).toContain('| no-op | ansible | 1 | 27 (27–27) | 45 |')
  expect(benchmarksDocument({ date: '', machine: [], runs, budgets: [] })).not.toContain('Beside other tools')
})
