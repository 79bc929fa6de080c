import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { PostgresNode } from '../../../src/clusters/postgres/model.ts'
import { type GivenUpData, recloneStandby } from '../../../src/clusters/postgres/steps/reclone.ts'
import { BEFORE, OWN, segmentsBefore } from '../../../src/clusters/postgres/steps/salvage-log.ts'
import type { ClusterGoal } from '../../../src/model/cluster.ts'
import { failover, made } from './support/histories.ts'
import { judge } from './support/run.ts'
import { place } from './support/surveys.ts'
import { at, commit, crash, promote, stop, type World, write } from './support/world.ts'

/** An old primary that crashed, behind a failover, with commits that nobody got. */
const former = () =>
  made({}, (world) => {
    write(at(world, 'app1'), [commit(), commit()])
    failover(world)
    crash(at(world, 'app1'))
  })

function stepOf(world: World, goal: ClusterGoal, backup?: string) {
  const desired = { ...world.desired, ...(backup && { backup }) }
  const { findings, decision } = judge({ ...world, desired }, goal)
  const step = decision.steps.find(({ name }) => name === 'clone standby anew')
  return {
    finding: findings.find(({ name }) => name === 'diverged')?.message,
    effect: step?.effect,
    stages: step?.stages.map((stage) => stage.map(({ host, title }) => `${host}: ${title}`)),
    scripts: step?.stages.flat().map(({ script }) => script) ?? [],
  }
}

describe('before something is given up', () => {
  const acceptLoss = { app1: 240 }
  const clone = ['app1: clone the data of app2']

  test('nothing, when nothing was asked for', () => {
    const { stages, effect, finding } = stepOf(former(), { acceptLoss })
    expect(stages).toEqual([clone])
    expect(effect).toMatch(/^its old data is moved aside, /)
    expect(finding).toMatch(/the data is moved aside$/)
  })

  test('its rows are saved on its node; the clone wants the data as it was then', () => {
    const { stages, effect, finding, scripts } = stepOf(former(), { acceptLoss, salvage: true })
    expect(stages).toEqual([['app1: save the rows that only it has'], clone])
    expect(effect).toMatch(
      /^its rows are saved there as SQL, in \/var\/lib\/postgresql\/15\/salvage-\*\.sql; its old data is moved aside/,
    )
    expect(finding).toContain('its rows are saved as SQL first')
    const [save = '', then = ''] = scripts
    expect(save).toContain(`[ "$ends" = ${place(1)} ]`)
    expect(save).toContain(`wal -t 1 -s ${place(4)}`)
    expect(save).toContain("recovery_target_timeline = '\\''1'\\''")
    expect(then).toContain('main.salvaged')
    expect(then).not.toContain('$ends')
  })

  test('a backup is made on the primary, before all else', () => {
    const { stages, effect } = stepOf(former(), { acceptLoss, salvage: true }, 'pg-backup.service')
    expect(stages).toEqual([['app2: back up with pg-backup.service'], ['app1: save the rows that only it has'], clone])
    expect(effect).toMatch(/^pg-backup\.service makes a backup on app2; its rows are saved there/)
    const alone = stepOf(former(), { acceptLoss }, 'pg-backup.service')
    expect(alone.stages).toEqual([['app2: back up with pg-backup.service'], clone])
    expect(alone.scripts[1]).toContain(`[ "$ends" = ${place(1)} ]`)
  })

  test('data that nobody misses is cloned over without any of it', () => {
    const world = made({}, (each) => at(each, 'app1').slots.set('app2', 'lost'))
    stop(at(world, 'app2'))
    expect(stepOf(world, { acceptLoss, salvage: true }, 'pg-backup.service').stages).toEqual([
      ['app2: clone the data of app1'],
    ])
  })

  test('of two that wrote on one timeline nobody can tell the rows: that fails before anything is done', () => {
    const world = made({}, (each) => {
      const twin = at(each, 'app3')
      failover(each)
      Object.assign(twin, { data: { ...structuredClone(at(each, 'app1').data), signal: true } })
      promote(twin)
      stop(twin)
    })
    const { stages, effect, scripts } = stepOf(world, { acceptLoss: { app3: 'unknown' }, salvage: true })
    expect(stages?.[0]).toEqual(['app3: save the rows that only it has'])
    expect(effect).toContain('so this will fail')
    expect(scripts[0]).toContain('which rows only it has cannot be told from its log')
    expect(scripts[0]).not.toMatch(/^ *stop_server$/m)
  })
})

const node = (host: string, id: number): PostgresNode => ({ host, address: `10.0.0.${id}`, id, kind: 'member' })
const ODD = `n'"$(reboot)\`x\`; #\\`

test.each<[string, GivenUpData]>([
  [
    'rows',
    {
      ends: '0/1',
      salvage: [
        { timeline: 1, from: '0/3000000', to: '0/4000000' },
        { timeline: 3, from: '0/4000000' },
      ],
    },
  ],
  ['nothing that can be told', { ends: '0/1', salvage: [] }],
  ['a backup', { ends: '0/1', backup: 'pg-backup.service' }],
])('the scripts that save %s are shell, and names are quoted', (_title, given) => {
  for (const { script } of recloneStandby(node(ODD, 1), node('db2', 2), 'why', given).stages.flat()) {
    execFileSync('sh', ['-n'], { input: script })
    expect(script).not.toContain(ODD)
    const unlimited = script
      .split('\n')
      .filter((line) => /\b(systemctl (start|stop|show|cat)|psql|journalctl) /.test(line))
      .filter((line) => !/timeout |\bpg (\$|"|\d)|^-- |'-- /.test(line))
    expect(unlimited).toEqual([])
    // What fails says why: a script would end there without a word.
    const silent = script.split('\n').filter((line) => /(^|\) )\w+=\$\((sql|shown) [^|]*$/.test(line))
    expect(silent).toEqual([])
  }
})

test('nobody waits for the unit that names a backup: it waits for a backup that runs', () => {
  const { scripts } = stepOf(former(), { acceptLoss: { app1: 240 } }, 'pg-backup.service')
  expect(scripts[0]).toMatch(/systemd-run .*--no-block .*-p After="\$unit"/)
})

describe('the log of a node', () => {
  const record = (kind: string, tx: number, desc: string) =>
    `rmgr: ${kind.padEnd(11)} len (rec/tot):     59/    59, tx: ${String(tx).padStart(10)}, lsn: 0/03000148, prev 0/03000110, desc: ${desc}`
  const rel = (file: number) => `blkref #0: rel 1663/16384/${file} blk 0`
  const read = (program: string, lines: readonly string[], file = '') =>
    execFileSync('awk', ['-v', `file=${file}`, program], { input: `${lines.join('\n')}\n`, encoding: 'utf8' })
      .trimEnd()
      .split('\n')
      .map((line) => line.replaceAll('\t', ' '))
      .toSorted()
  const END =
    'pg_waldump: error: error in WAL record at 0/3000148: invalid record length at 0/3000180: wanted 24, got 0'

  test('transactions that were committed, with what belongs to them, and the files they wrote', () => {
    expect(
      read(OWN, [
        'part',
        record('Heap', 4294967290, `INSERT off 1 flags 0x00, ${rel(16400)}`),
        record('Heap', 4294967291, `DELETE off 2 flags 0x00 KEYS_UPDATED, ${rel(16400)}`),
        record('Heap', 740, `DELETE off 3 flags 0x00 KEYS_UPDATED, ${rel(16400)}`),
        record('Sequence', 4294967290, `LOG rel 1663/16384/16410, ${rel(16410)}`),
        record('Transaction', 740, 'ABORT 2026-11-26 17:21:41.5 UTC'),
        record(
          'Transaction',
          4294967290,
          'COMMIT 2026-11-26 17:21:41.5 UTC; subxacts: 4294967291 4294967292; inval msgs: catcache 50',
        ),
        'ended 0',
        'part',
        record('Heap2', 742, `MULTI_INSERT 3 tuples flags 0x02, ${rel(16420)}`),
        record('Transaction', 742, 'COMMIT 2026-11-26 17:21:42.5 UTC'),
        END,
        'ended 1',
      ]),
    ).toEqual([
      'commits 0 0 2',
      'deleted 16384 16400 1',
      'heap 16384 16400 3',
      'heap 16384 16420 1',
      'sequence 16384 16410 0',
      ...['touched 16384 16400 0', 'touched 16384 16410 0', 'touched 16384 16420 0'],
      ...['xid 0 4294967290 0', 'xid 0 4294967291 0', 'xid 0 4294967292 0', 'xid 0 742 0'],
    ])
  })

  test('nothing was written behind the place where it parted', () => {
    const nothing = 'pg_waldump: error: could not find a valid record after 0/3000148'
    expect(read(OWN, ['part', nothing, 'ended 1'])).toEqual(['commits 0 0 0'])
  })

  test('one that was prepared before may have written anywhere', () => {
    const lines = ['part', record('Transaction', 0, 'COMMIT_PREPARED 731: 2026-11-26 17:21:42.5 UTC'), END, 'ended 1']
    expect(read(OWN, lines)).toEqual(['all 0 0 0', 'commits 0 0 1', 'xid 0 731 0'])
  })

  test.each<[string, readonly string[], string]>([
    [
      'a part is missing',
      ['part', 'pg_waldump: error: could not find file "000000010000000000000003": No such file or directory'],
      'could not find file',
    ],
    [
      'a record is broken',
      [
        'part',
        record('Heap', 1, rel(16400)),
        'pg_waldump: error: error in WAL record at 0/3000148: incorrect resource manager data checksum',
      ],
      'incorrect resource manager',
    ],
    ['it was cut off', ['part', record('Heap', 1, rel(16400)), 'ended 124'], 'it took too long'],
    ['nobody knows how it ended', ['part', record('Heap', 1, rel(16400))], 'its reading was cut off'],
  ])('%s: it says so', (_title, lines, says) => {
    expect(read(OWN, lines)).toContainEqual(expect.stringMatching(new RegExp(`^bad .*${says}`)))
  })

  test('what they wrote before the log parted; a transaction from before that may have written anywhere', () => {
    const folder = mkdtempSync(join(tmpdir(), 'evenkeel-salvage-'))
    const changes = join(folder, 'changes')
    writeFileSync(changes, 'commits\t0\t0\t2\nxid\t0\t4294967290\t0\nxid\t0\t5\t0\n')
    const running = (next: number) =>
      record('Standby', 0, `RUNNING_XACTS nextXid ${next} latestCompletedXid 3 oldestRunningXid 3`)
    const wrote = record('Heap', 5, `INSERT off 1 flags 0x00, ${rel(16400)}`)
    const other = record('Heap', 6, `INSERT off 1 flags 0x00, ${rel(16401)}`)
    try {
      expect(read(BEFORE, [running(4294967290), wrote, other], changes)).toEqual(['touched 16384 16400 0'])
      expect(read(BEFORE, [running(4294967291), running(4294967290), wrote], changes)).toEqual([
        'all 0 0 0',
        'touched 16384 16400 0',
      ])
      expect(read(BEFORE, [wrote], changes)).toContain('all 0 0 0')
      expect(read(BEFORE, [running(4294967290), 'ended 124'], changes)).toEqual(['all 0 0 0'])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('the files before a place, the nearest first', () => {
    expect(segmentsBefore(27, '1/1000028')).toEqual([
      '0000001B0000000100000001=1/1000000',
      '0000001B0000000100000000=1/0',
      '0000001B00000000000000FF=0/FF000000',
      '0000001B00000000000000FE=0/FE000000',
    ])
    expect(segmentsBefore(1, '0/1000028')).toEqual(['000000010000000000000001=0/1000000'])
  })
})
