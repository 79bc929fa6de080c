import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { apart, lossWords } from '../../../src/clusters/postgres/loss.ts'
import { COUNT, lossScript } from '../../../src/clusters/postgres/loss-script.ts'
import { fileNames, parseLoss } from '../../../src/clusters/postgres/parse-loss.ts'
import { viewOf } from '../../../src/clusters/postgres/view.ts'
import { failover, made } from './support/histories.ts'
import { place, surveysOf } from './support/surveys.ts'
import { at, commit, crash, promote, start, type World, wanted, write } from './support/world.ts'

const apartIn = (world: World) => Object.fromEntries(apart(viewOf(world.desired, surveysOf(world))))

describe('what of a log is one node’s only', () => {
  test('a former primary: behind the fork', () => {
    const world = made({}, (each) => {
      write(at(each, 'app1'), [commit(), commit()])
      failover(each)
    })
    expect(apartIn(world)).toEqual({ app1: [{ timeline: 1, from: place(4) }] })
  })

  test('a standby that was promoted by hand: its own timeline', () => {
    const world = made({}, (each) => {
      promote(at(each, 'app3'))
      crash(at(each, 'app3'))
    })
    expect(apartIn(world)).toEqual({ app3: [{ timeline: 2, from: place(4) }] })
  })

  test('one that left behind the place where the primary left: the rest of that timeline, and its own', () => {
    const world = made({}, (each) => {
      const node = at(each, 'app3')
      node.data?.log.push(commit())
      promote(node)
      crash(node)
      failover(each)
    })
    expect(apartIn(world)).toMatchObject({
      app3: [
        { timeline: 1, from: place(4), to: place(5) },
        { timeline: 2, from: place(5) },
      ],
    })
  })

  test('two primaries: each behind the fork; a standby that streams has nothing of its own', () => {
    const world = made({}, (each) => {
      failover(each)
      start(at(each, 'app1'))
    })
    expect(apartIn(world)).toEqual({ app1: [{ timeline: 1, from: place(4) }], app2: [{ timeline: 2, from: place(4) }] })
    expect(apartIn(made({}, () => undefined))).toEqual({})
  })
})

describe('what was read', () => {
  const answer = (...lines: string[]) => ({ state: 'value' as const, value: `${lines.join('\n')}\nend\n` })

  test('commits of all stretches, from the first to the last, with the names of tables', () => {
    const read = answer(
      ...[
        'log 1 0/3000208 0/3000300',
        'read 5 2 whole',
        'commits 5 2 0/3000280 2026-11-26 10:00:01.5|2026-11-26 10:00:02.1',
        'changed 5 16390',
      ],
      ...[
        'log 2 0/3000300 -',
        'read 9 1 whole',
        'commits - 1 0/3000340 2026-11-26 10:00:09|2026-11-26 10:00:09',
        'changed 5 16400',
      ],
      'file 5 16390 notes.public.note',
    )
    const loss = parseLoss(read, new Map([['5 16400', 'notes.public.user']]))
    expect(loss).toEqual({
      commits: 3,
      first: '2026-11-26 10:00:01 UTC',
      last: '2026-11-26 10:00:09 UTC',
      lastAt: '0/3000340',
      tables: ['notes.public.note', 'notes.public.user'],
      more: false,
    })
    expect(loss && lossWords(loss)).toBe(
      '3 commits, from 2026-11-26 10:00:01 UTC to 2026-11-26 10:00:09 UTC, in notes.public.note, notes.public.user',
    )
  })

  test('what repmgr and the proof write themselves is not counted', () => {
    const at = '2026-11-26 10:00:01|2026-11-26 10:00:01'
    const read = answer(
      ...['log 1 0/3000208 -', 'read 9 5 whole', `commits 7 3 0/3000400 ${at}`, `commits 8 1 0/3000480 ${at}`],
      ...[`commits 5 1 0/3000280 ${at}`, 'changed 7 16500', 'changed 5 16390'],
      ...['file 7 16500 repmgr.repmgr.events', 'file 8 16600 evenkeel.public.probe', 'file 5 16390 notes.public.note'],
    )
    expect(parseLoss(read, new Map())).toMatchObject({ commits: 1, lastAt: '0/3000280', tables: ['notes.public.note'] })
    // Nobody knows which database that is: it counts.
    const unknown = answer('log 1 0/3000208 -', 'read 9 5 whole', `commits 7 3 0/3000400 ${at}`)
    expect(parseLoss(unknown, new Map())).toMatchObject({ commits: 3, lastAt: '0/3000400' })
  })

  test('a log that was not read to its end tells the least', () => {
    const cut = parseLoss(
      answer(
        'log 1 0/3000208 -',
        'read 5 1 error: could not read from log segment',
        'commits 5 1 0/3000280 2026-11-26 10:00:01|2026-11-26 10:00:01',
      ),
      new Map(),
    )
    expect(cut && lossWords(cut)).toBe('at least 1 commit, at 2026-11-26 10:00:01 UTC')
    const none = parseLoss(answer('log 1 0/3000208 -'), new Map())
    expect(none && lossWords(none)).toBe('what it wrote could not be read to its end')
    const nothing = parseLoss(answer('log 1 0/3000208 -', 'read 2 0 whole'), new Map())
    expect(nothing && lossWords(nothing)).toBe('no commit')
  })

  test('a file that nobody knows keeps its number; an answer without an end says nothing', () => {
    expect(parseLoss(answer('log 1 0/3000208 -', 'read 1 0 whole', 'changed 5 16390'), new Map())?.tables).toEqual([
      'file 5/16390',
    ])
    expect(parseLoss({ state: 'value', value: 'log 1 0/3000208 -\nread 1 0\n' }, new Map())).toBeUndefined()
    expect(parseLoss({ state: 'absent' }, new Map())).toBeUndefined()
    expect(fileNames({ state: 'absent' })).toEqual(new Map())
  })
})

test('the script reads each stretch, and no more than it', () => {
  const { shell } = lossScript(wanted(), [
    { timeline: 1, from: '0/3000208', to: '0/3000300' },
    { timeline: 2, from: '0/3000300' },
  ])
  expect(shell).toMatch(/-t 1 -s '?0\/3000208'? -e '?0\/3000300'?/)
  expect(shell).toMatch(/-t 2 -s '?0\/3000300'? \|\| c=/)
  expect(shell.trimEnd().endsWith('echo end')).toBe(true)
})

describe('the program that counts', () => {
  const record = (kind: string, tx: number, desc: string) =>
    `rmgr: ${kind.padEnd(11)} len (rec/tot):     59/    59, tx: ${String(tx).padStart(10)}, lsn: 0/03000148, prev 0/03000110, desc: ${desc}`
  const insert = (tx: number, database: number) =>
    record('Heap', tx, `INSERT off 1 flags 0x00, blkref #0: rel 1663/${database}/16400 blk 0`)
  const commit = (tx: number) => record('Transaction', tx, 'COMMIT 2026-11-26 17:21:41.5 UTC')
  const NO_RECORD =
    'pg_waldump: error: error in WAL record at 0/3000148: invalid record length at 0/3000180: wanted 24, got 0'
  const NO_FILE = 'pg_waldump: error: could not find file "000000010000000000000003": No such file or directory'
  const lossOf = (...lines: string[]) => {
    const counted = execFileSync('awk', [COUNT], { input: `${['part', ...lines].join('\n')}\n`, encoding: 'utf8' })
    return parseLoss({ state: 'value', value: `log 1 0/3000208 -\n${counted}end\n` }, new Map())
  }

  test.each<[string, boolean, readonly string[]]>([
    ['it came to where it should', false, [insert(7, 5), 'ended 0']],
    ['there is no record any more', false, [insert(7, 5), NO_RECORD, 'ended 1']],
    ['there is no file any more', false, [insert(7, 5), NO_FILE, 'ended 1']],
    ['the first file is missing', true, [NO_FILE, 'ended 1']],
    ['it was killed', true, [insert(7, 5), 'ended 137']],
    ['it was killed, with words of the shell', true, [insert(7, 5), 'Killed', 'ended 137']],
    ['nobody knows how it ended', true, [insert(7, 5)]],
    ['it failed without a word', true, [insert(7, 5), 'ended 1']],
    [
      'a record is broken',
      true,
      [
        insert(7, 5),
        'pg_waldump: error: error in WAL record at 0/3000148: incorrect resource manager data checksum in record',
        'ended 1',
      ],
    ],
  ])('%s: more may be there: %s', (_title, more, lines) => {
    expect(lossOf(...lines)).toMatchObject({ commits: 0, more })
  })

  test('records only count as records', () => {
    expect(lossOf(NO_RECORD, 'ended 1')).toMatchObject({ commits: 0, more: false })
  })

  test('great numbers of transactions are not mixed up', () => {
    const [one, other] = [4294967290, 4294967291]
    const counted = execFileSync('awk', [COUNT], {
      input: `${['part', insert(one, 5), insert(other, 6), commit(one), commit(other), 'ended 0'].join('\n')}\n`,
      encoding: 'utf8',
    })
    expect(
      counted
        .split('\n')
        .filter((line) => line.startsWith('commits '))
        .toSorted(),
    ).toEqual([expect.stringMatching(/^commits 5 1 /), expect.stringMatching(/^commits 6 1 /)])
  })
})

test('the script says when a reading was killed, and counts on', () => {
  const { shell } = lossScript(wanted(), [{ timeline: 1, from: '0/3000208' }])
  const slow = shell
    .replace('/usr/lib/postgresql/15/bin/pg_waldump', "sh -c 'echo rmgr: Heap; exec sleep 20'")
    .replace(/-s KILL \d /, '-s KILL 0.3 ')
  const said = execFileSync('sh', { input: slow, encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'] })
  expect(parseLoss({ state: 'value', value: said }, new Map())).toMatchObject({ commits: 0, more: true })
})
