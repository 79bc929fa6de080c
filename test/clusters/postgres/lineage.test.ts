import { describe, expect, test } from 'vitest'
import { excessOf } from '../../../src/clusters/postgres/excess.ts'
import { agrees, beyond, endOfPrimary, lineageOf, placeOf, wasPrimary } from '../../../src/clusters/postgres/lineage.ts'
import type { DiskSeen, SeenNode } from '../../../src/clusters/postgres/model.ts'
import { surveysOf } from './support/surveys.ts'
import { healthy } from './support/world.ts'

const HISTORY = [
  { timeline: 2, forkedAt: '0/5000000' },
  { timeline: 4, forkedAt: '0/7000000' },
]
const NOW = { timeline: 4, lsn: '0/9000000' }

describe('a lineage', () => {
  const lineage = lineageOf({ history: HISTORY }, NOW)

  test.each<[number, string, number | undefined]>([
    [1, '0/4FFFFFF', 0],
    [1, '0/5000000', 0],
    [1, '0/5000001', 1],
    [2, '0/7000000', 0],
    [2, '0/7000100', 256],
    [4, '0/9000000', 0],
    [4, '0/9000008', 8],
    [3, '0/1000000', undefined],
    [5, '0/1000000', undefined],
  ])('timeline %i at %s: %s bytes are not in it', (timeline, lsn, bytes) => {
    expect(beyond(lineage, { timeline, lsn })).toBe(bytes)
  })

  test('a history of another timeline tells nothing', () => {
    expect(
      beyond(lineageOf({ history: HISTORY }, { timeline: 3, lsn: '0/9000000' }), { timeline: 1, lsn: '0/1' }),
    ).toBe(undefined)
    expect(beyond(lineageOf({ history: [] }, NOW), { timeline: 1, lsn: '0/1' })).toBe(undefined)
  })

  test('timelines that it got later are not its own', () => {
    const two = lineageOf({ history: HISTORY }, { timeline: 2, lsn: '0/9000000' })
    expect(beyond(two, { timeline: 2, lsn: '0/8000000' })).toBe(0)
    expect(beyond(two, { timeline: 4, lsn: '0/8000000' })).toBe(undefined)
  })

  test('two timelines of one number that began at different places', () => {
    expect(agrees(lineage, { history: [{ timeline: 2, forkedAt: '0/5000000' }] }, 2)).toBe(true)
    expect(agrees(lineage, { history: [{ timeline: 2, forkedAt: '0/4000000' }] }, 2)).toBe(false)
    // It only has got the history, and is not on that timeline itself.
    expect(agrees(lineage, { history: [{ timeline: 2, forkedAt: '0/4000000' }] }, 1)).toBe(true)
  })
})

/** What the disk of a node without a server says. */
function disk(changes: Partial<DiskSeen>): DiskSeen {
  return {
    ...{ systemId: '1', state: 'in production', timeline: 1, checkpoint: '0/3000028' },
    ...{
      recoveryEnd: '0/0',
      recoveryTimeline: 0,
      standbySignal: false,
      blank: false,
      promoted: false,
      rewinding: false,
      history: [],
      newestTimeline: 1,
    },
    ...changes,
  }
}

describe('the end of a log', () => {
  test.each<[string, Partial<DiskSeen>, string]>([
    ['of a primary that was stopped is behind the record of its checkpoint', { state: 'shut down' }, '0/30000A0'],
    ['at the end of a page, the record ends with it', { state: 'shut down', checkpoint: '0/3001F88' }, '0/3002000'],
    ['over the end of a page, it goes around a header', { state: 'shut down', checkpoint: '0/3001F90' }, '0/3002020'],
    ['over the end of a segment, around a longer one', { state: 'shut down', checkpoint: '0/3FFFF90' }, '0/4000030'],
    ['of one that crashed is where its log was read to', { log: { end: '0/3000100' } }, '0/3000100'],
    ['of one that crashed and was not read, its checkpoint', {}, '0/3000028'],
  ])('%s', (_, changes, lsn) => {
    expect(endOfPrimary(disk(changes))).toEqual({ timeline: 1, lsn })
  })

  test.each<[string, Partial<DiskSeen>, { timeline: number; lsn: string }]>([
    [
      'a standby: as far as it recovered',
      { standbySignal: true, state: 'in archive recovery', recoveryEnd: '0/4000000', recoveryTimeline: 2 },
      { timeline: 2, lsn: '0/4000000' },
    ],
    [
      'a standby that had received more',
      { standbySignal: true, recoveryEnd: '0/4000000', recoveryTimeline: 2, log: { end: '0/4000100' } },
      { timeline: 2, lsn: '0/4000100' },
    ],
    [
      'a former primary that was rewound, and is no standby yet',
      { state: 'in archive recovery', recoveryEnd: '0/4000000', recoveryTimeline: 3 },
      { timeline: 3, lsn: '0/4000000' },
    ],
    [
      'a former primary that was made a standby, and not started',
      { standbySignal: true, state: 'shut down' },
      { timeline: 1, lsn: '0/3000028' },
    ],
  ])('%s', (_, changes, place) => {
    expect(placeOf({ disk: disk(changes) })).toEqual(place)
  })

  test.each<[Partial<DiskSeen>, boolean]>([
    [{}, true],
    [{ state: 'shut down' }, true],
    [{ state: 'in crash recovery' }, true],
    [{ standbySignal: true }, false],
    [{ state: 'in archive recovery' }, false],
    [{ state: 'shut down in recovery' }, false],
  ])('%o: it took writes last: %s', (changes, was) => {
    expect(wasPrimary(disk(changes))).toBe(was)
  })
})

describe('what a stopped node holds beside a primary', () => {
  const lineage = lineageOf({ history: HISTORY }, NOW)
  const excess = (changes: Partial<DiskSeen>, running = false) => {
    const [node] = surveysOf(healthy({ nodes: 1 }))
    const { server: _, ...rest } = node as SeenNode
    return excessOf({ ...rest, running, disk: disk(changes) }, lineage)
  }
  const UNKNOWN = {}

  test.each<[string, Partial<DiskSeen>, unknown]>([
    ['stopped before the fork', { state: 'shut down' }, undefined],
    ['stopped with its checkpoint at the fork', { state: 'shut down', checkpoint: '0/5000000' }, undefined],
    ['stopped behind the fork', { state: 'shut down', checkpoint: '0/5000028' }, { bytes: 40 }],
    ['crashed, not read', {}, UNKNOWN],
    ['crashed, no commit', { log: { end: '0/6000000' } }, undefined],
    ['crashed, the last commit before the fork', { log: { end: '0/5000100', lastCommit: '0/4FFFFF8' } }, undefined],
    [
      'crashed, the last commit begins at the fork',
      { log: { end: '0/5000100', lastCommit: '0/5000000' } },
      { bytes: 256 },
    ],
    [
      'crashed, with a checkpoint behind the fork',
      { checkpoint: '0/5000028', log: { end: '0/5000100' } },
      { bytes: 256 },
    ],
    [
      'on the timeline of the primary',
      { timeline: 4, newestTimeline: 4, state: 'shut down', history: HISTORY },
      UNKNOWN,
    ],
    ['on a timeline that the primary never was on', { timeline: 3, newestTimeline: 3, state: 'shut down' }, UNKNOWN],
    [
      'promoted, and its log was read on the timeline before',
      { newestTimeline: 2, history: HISTORY.slice(0, 1), log: { end: '0/4000000' } },
      UNKNOWN,
    ],
  ])('%s', (_, changes, expected) => {
    expect(excess(changes)).toEqual(expected)
  })

  test('one that runs and does not answer may write on', () => {
    expect(excess({ state: 'shut down' }, true)).toEqual(UNKNOWN)
  })

  test('no data is no excess', () => {
    expect(excessOf({ running: false } as SeenNode, lineage)).toBeUndefined()
  })
})
