import { describe, expect, test } from 'vitest'
import { chooseRun, leftOutBy, nothingOpen } from '../../src/cli/choose-run.ts'
import type { OutRecord } from '../../src/model/out-record.ts'
import type { UnfinishedRun } from '../../src/model/unfinished.ts'
import type { LookedStatus } from '../../src/run/look-for-status.ts'

// Of one second: their names do not tell which was first.
const [old, late] = ['20260101-000000-ffff', '20260101-000000-0000']

const record = (run: string, more: Partial<OutRecord> = {}): OutRecord => ({
  ...{ node: 'app1', balancer: 'haproxy app on lb1', phase: 'app', run, who: 'alice@laptop', why: 'not healthy' },
  ...{
    since: `2026-01-01T00:00:00.${run === old ? 100 : 900}Z`,
    project: 'shop',
    environment: 'prod',
    playbook: 'site',
    hosts: ['app1'],
  },
  ...more,
})

/** An environment whose hosts say these records of themselves. */
function looked(out: readonly (readonly OutRecord[])[], runs: readonly UnfinishedRun[] = []): LookedStatus {
  const held = runs.map(({ run, hosts }) => [hosts[0], { out: [], holder: { run, working: false } }] as const)
  const hellos = new Map([...out.map((records, index) => [`app${index + 1}`, { out: records }] as const), ...held])
  return { hellos, status: { environment: 'prod', hosts: [], runs } } as unknown as LookedStatus
}

describe('the run that left a node out', () => {
  test.each<[string, LookedStatus, string | undefined, string | undefined]>([
    ['nobody is out', looked([[], []]), undefined, undefined],
    ['no host answers', looked([]), undefined, undefined],
    ['one', looked([[], [record(old)]]), undefined, old],
    ['the last one of several', looked([[record(late)], [record(old)]]), undefined, late],
    ['whatever the order of the hosts', looked([[record(old)], [record(late)]]), undefined, late],
    [
      'the last one of a node that two left out',
      looked([[record(late), record(old, { balancer: 'b' })]]),
      undefined,
      late,
    ],
    ['the one that is named', looked([[record(late)], [record(old)]]), old, old],
    ['one that is named and left nobody out', looked([[record(late)]]), old, undefined],
    ['one of another project', looked([[record(late, { project: 'blog' })], [record(old)]]), undefined, old],
    ['one of another environment', looked([[record(late, { environment: 'lab' })]]), undefined, undefined],
    ['one of another project by its name', looked([[record(late, { project: 'blog' })]]), late, undefined],
  ])('%s', (_title, status, named, run) => {
    expect(leftOutBy(status, 'shop', named)?.run).toBe(run)
  })

  test('it says what it was about: the playbook and its hosts', () => {
    const told = record(late, { playbook: 'other', hosts: ['app1', 'app2'] })

    expect(leftOutBy(looked([[told]]), 'shop', undefined)).toEqual(told)
  })
})

describe('an unfinished run comes first', () => {
  const run = (name: string): UnfinishedRun => ({
    run: name,
    holder: `${name}: alice`,
    hosts: [`on-${name}`],
    working: [],
  })

  test.each<[string, readonly string[], string | undefined, string | undefined]>([
    ['none', [], undefined, undefined],
    ['none of that name', [], 'a', undefined],
    ['the only one', ['a'], undefined, 'a'],
    ['the one that is named', ['a', 'b'], 'b', 'b'],
  ])('%s', async (_title, runs, named, chosen) => {
    expect((await chooseRun(looked([], runs.map(run)), named, 'resume'))?.run.run).toBe(chosen)
  })

  test.each([
    [['a', 'b'], undefined, 'several runs are unfinished: a, b'],
    [['a'], 'c', 'no unfinished run c: a'],
  ])('of %j %s is not chosen', async (runs, named, message) => {
    await expect(chooseRun(looked([], runs.map(run)), named, 'resume')).rejects.toMatchObject({
      code: 'E_WHICH_RUN',
      exit: 64,
      message,
      hint: 'deploy resume prod a',
    })
  })
})

test.each([
  [[{ host: 'app1', owed: [] }], { text: 'no run is unfinished in prod\n', exit: 0 }],
  [
    [{ host: 'app1', owed: [], unreachable: 'app1: no route\u001b' }],
    { text: 'app1: no route\\x1b\nno run is unfinished in prod on the hosts that answer\n', exit: 3 },
  ],
])('nothing is open on %j', async (hosts, said) => {
  expect(await nothingOpen({ environment: 'prod', hosts, runs: [] })).toEqual(said)
})
