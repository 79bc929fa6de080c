// The checker of the fault suite: a history without faults is fine, and each planted fault is found.
import { globSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { ROLLING_BOUNDARIES } from '../rolling/proofs.ts'
import { check } from './check.ts'
import type { CellEntry, Entry, Look } from './history.ts'
import { BOUNDARIES } from './kills.ts'
import { seeded } from './random.ts'

const FILE = '/etc/app/app.conf'
const look: Look = {
  host: 'h1',
  files: { [FILE]: 'new' },
  strangers: [],
  owed: 0,
  held: false,
  serving: 's2',
  audit: ['1 alice start', '2 alice end', '3 bob start', '4 bob end'],
}

/** One good round of a scenario, with some of its entries replaced. */
function round(scenario: string, change: (entries: CellEntry[]) => readonly CellEntry[] = (entries) => entries) {
  const entries: CellEntry[] = [
    { type: 'begin', scenario, round: 1, files: { [FILE]: ['old', 'new'] } },
    { type: 'fault', what: 'x', hosts: ['h1'] },
    { type: 'look', when: 'after the fault', look: { ...look, files: { [FILE]: 'old' }, owed: 1, held: true } },
    { type: 'ran', operator: 'bob', command: 'apply', code: 0, planned: 2, done: 2 },
    { type: 'ran', operator: 'bob', command: 'plan', code: 0 },
    { type: 'look', when: 'in the end', look },
    { type: 'wanted', files: { [FILE]: 'new' }, serving: 's2' },
  ]
  return change(entries).map((entry): Entry => ({ ...entry, cell: 'one' }))
}

const inTheEnd = (part: Partial<Look>) => (entries: CellEntry[]) =>
  entries.map((entry) =>
    entry.type === 'look' && entry.when === 'in the end' ? { ...entry, look: { ...look, ...part } } : entry,
  )
const afterTheFault = (part: Partial<Look>) => (entries: CellEntry[]) =>
  entries.map((entry) =>
    entry.type === 'look' && entry.when === 'after the fault' ? { ...entry, look: { ...look, ...part } } : entry,
  )
const plus =
  (...more: readonly CellEntry[]) =>
  (entries: CellEntry[]) => [...entries, ...more]
const race = (operator: string, code: number, refused = false): CellEntry => ({
  type: 'ran',
  operator,
  command: 'race',
  code,
  ...(refused && { refused }),
})
const link = { type: 'link', host: 'h1', cut: 1000, noticed: 15_000, truth: 'failed', told: 'failed' } as const
const lockout = { type: 'lockout', host: 'h1', back: 35, restored: true, failed: true } as const

describe('what went well', () => {
  test.each([
    ['kill', undefined],
    ['operators', plus(race('alice', 0), race('bob', 4, true))],
    ['operators', plus(race('alice', 0), race('bob', 0))],
    ['woken', plus({ type: 'takeover', stopped: 'alice', by: 'bob' })],
    ['disk', plus({ type: 'ran', operator: 'a', command: 'full', code: 1 })],
    ['cable', plus(link)],
    ['lockout', plus(lockout)],
  ])('%s', (scenario, change) => {
    expect(check(round(scenario, change)).violations).toEqual([])
  })

  test('is counted', () => {
    const history = [...round('kill'), ...round('cable', plus(link)), ...round('lockout', plus(lockout))]
    expect(check(history).figures).toMatchObject({
      kills: 1,
      links: 1,
      noticed: [14],
      lockouts: 1,
      away: [35],
      planned: 6,
      done: 6,
      secondPlans: 3,
      emptyPlans: 3,
      files: 6,
    })
  })
})

describe('what went wrong is found', () => {
  test.each<readonly [string, string, (entries: CellEntry[]) => readonly CellEntry[], RegExp]>([
    ['a torn file', 'kill', afterTheFault({ files: { [FILE]: 'half' } }), /app\.conf is neither old nor new/],
    ['a file of looser mode', 'kill', afterTheFault({ files: { [FILE]: 'new 0666' } }), /neither old nor new/],
    ['a file that is gone', 'upload', afterTheFault({ files: { [FILE]: 'absent' } }), /neither old nor new/],
    ['an old file in the end', 'kill', inTheEnd({ files: { [FILE]: 'old' } }), /is not as wanted/],
    ['a temporary file', 'kill', inTheEnd({ strangers: ['/etc/app/.deploy-x'] }), /\.deploy-x was left behind/],
    ['an owed handler', 'kill', inTheEnd({ owed: 1 }), /1 handlers are still owed/],
    ['a host that is held', 'kill', inTheEnd({ held: true }), /is still held/],
    ['a lost restart', 'kill', inTheEnd({ serving: 's1' }), /a restart was lost/],
    [
      'an apply that fails',
      'kill',
      (all) => all.map((one) => (one.type === 'ran' ? { ...one, code: 1 } : one)),
      /apply of bob ended with 1/,
    ],
    [
      'a plan that is not empty',
      'kill',
      plus({ type: 'ran', operator: 'b', command: 'plan', code: 2 }),
      /plan of b ended with 2/,
    ],
    [
      'more done than planned',
      'kill',
      plus({ type: 'ran', operator: 'b', command: 'apply', code: 0, planned: 1, done: 2 }),
      /1 changes were planned, 2 done/,
    ],
    [
      'interleaved work',
      'operators',
      inTheEnd({ audit: ['1 alice start', '2 bob start', '3 alice end', '4 bob end'] }),
      /bob began while alice was at work/,
    ],
    [
      'an end without a beginning',
      'operators',
      inTheEnd({ audit: ['1 alice end'] }),
      /alice ended what it had not begun/,
    ],
    ['two that both fail', 'operators', plus(race('alice', 1), race('bob', 1)), /the two ended with 1 and 1/],
    [
      'two that are both refused',
      'operators',
      plus(race('alice', 4, true), race('bob', 4, true)),
      /refused and refused/,
    ],
    [
      'a resume that fails',
      'kill',
      plus({ type: 'ran', operator: 'alice', command: 'resume', code: 3 }),
      /resume of alice ended with 3/,
    ],
    [
      'a takeover that is refused',
      'woken',
      plus({ type: 'ran', operator: 'bob1', command: 'takeover', code: 4 }),
      /takeover of bob1 ended with 4/,
    ],
    [
      'an end that is not looked at',
      'kill',
      (all) => all.filter(({ type }) => type !== 'wanted'),
      /the end was not looked at/,
    ],
    ['a secret that is not masked', 'kill', plus({ type: 'told', masked: false }), /printed and not masked/],
    [
      'a woken holder that writes',
      'woken',
      (all) =>
        plus({ type: 'takeover', stopped: 'alice', by: 'bob' })([
          ...inTheEnd({ audit: [...look.audit, '5 alice start', '6 alice end'] })(all),
        ]),
      /alice wrote after bob had taken over/,
    ],
    [
      'a full disk that is not noticed',
      'disk',
      plus({ type: 'ran', operator: 'a', command: 'full', code: 0 }),
      /a full disk was not noticed/,
    ],
    ['a link that is noticed late', 'cable', plus({ ...link, noticed: 17_000 }), /noticed too late/],
    [
      'a link that is never noticed',
      'cable',
      plus({ type: 'link', host: 'h1', cut: 0, truth: 'failed', told: 'failed' }),
      /noticed too late/,
    ],
    [
      'a result that is not true',
      'cable',
      plus({ ...link, told: 'changed' }),
      /the truth is failed, and changed was told/,
    ],
    ['a host that comes back late', 'lockout', plus({ ...lockout, back: 55 }), /out of reach for 55 s/],
    [
      'a host that is never cut off',
      'lockout',
      plus({ type: 'lockout', host: 'h1', restored: true, failed: true }),
      /out of reach for ever or never/,
    ],
    ['a lock that is still there', 'lockout', plus({ ...lockout, restored: false }), /still there/],
    ['a run that says nothing', 'lockout', plus({ ...lockout, failed: false }), /did not say that it failed/],
  ])('%s', (_what, scenario, change, says) => {
    expect(check(round(scenario, change)).violations.join('\n')).toMatch(says)
  })

  test('secrets and failed tests', () => {
    const history: Entry[] = [
      ...round('kill'),
      { type: 'searched', bytes: 1, hits: 2, forms: 5 },
      { type: 'tests', rows: { F01: 'passed', F02: 'failed' } },
    ]
    expect(check(history).violations).toEqual(['a secret was found 2 times in what was said', 'a test of F02 failed'])
  })

  test('and counted by scenario', () => {
    const history = [...round('kill', inTheEnd({ held: true })), ...round('kill'), ...round('upload')]
    expect([...check(history).figures.wrong]).toEqual([['kill', 1]])
  })

  test('a history without a scenario shows nothing', () => {
    expect(() => check([])).toThrow('holds no scenario')
  })
})

test('the boundaries that are swept are those of the code', () => {
  const texts = globSync('src/run/*.ts').map((file) => readFileSync(file, 'utf8'))
  const events = texts.flatMap((text) =>
    [...text.matchAll(/\bevent: '([a-z-]+)'|\bjob\.record\('([a-z-]+)'/g)].map((match) => match[1] ?? match[2]),
  )
  expect([...new Set(events)].sort()).toEqual([...BOUNDARIES, ...ROLLING_BOUNDARIES].sort())
})

test('a seed gives the same numbers each time, and another one others', () => {
  const numbers = (seed: string) => {
    const random = seeded(seed)
    return Array.from({ length: 1000 }, () => random.between(2, 4))
  }
  expect(numbers('1')).toEqual(numbers('1'))
  expect(numbers('1')).not.toEqual(numbers('2'))
  expect(numbers('1').every((number) => number >= 2 && number < 4)).toBe(true)
  expect(new Set(numbers('1')).size).toBe(1000)
})
