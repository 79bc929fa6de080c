import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseSurvey } from '../../../src/clusters/postgres/parse-survey.ts'
import { captured, desired, seen } from './support/captured.ts'

const SYSTEM = '7712417300420872932'
const read = (value: string) => parseSurvey(desired, 'db1', { state: 'value', value })

test('the version that runs and the one that is installed are told as the server says them', () => {
  const [runs, installed] = ['15.18 (Debian 15.18-0+deb12u1)', '15.20 (Debian 15.20-0+deb12u1)']
  const text = captured('primary')
    .replace('prepared yes', `prepared yes\ninstalled ${installed}`)
    .replace('sql server {', `sql server {"version": "${runs}", `)
  expect(read(text)).toMatchObject({ installed, server: { version: runs } })
})

describe('surveys captured on real hosts', () => {
  test('a bare host', () => {
    const off = { active: 'inactive', enabled: false }
    expect(seen('bare')).toEqual({
      host: 'db1',
      prepared: false,
      missing: [],
      units: { postgresql: off, repmgrd: off, pgbouncer: off, follower: off },
      remains: false,
      running: false,
      space: { free: 82_440_134_656, data: 0, wal: 0 },
      aside: [],
      log: [],
    })
  })

  test('a whole primary', () => {
    const on = { active: 'active', enabled: true }
    const { server, ...node } = seen('primary')
    expect(node).toMatchObject({
      prepared: true,
      units: { postgresql: on, repmgrd: on, pgbouncer: on, follower: on },
      disk: {
        systemId: SYSTEM,
        state: 'in production',
        timeline: 1,
        standbySignal: false,
        blank: false,
        promoted: false,
        rewinding: false,
        history: [],
      },
      remains: false,
      running: true,
      pgbouncer: [
        { database: 'app', host: '10.173.119.10', paused: false },
        { database: 'evenkeel', host: '10.173.119.10', paused: false },
      ],
      certificate: { ends: '2036-11-23T09:57:38.000Z', daysLeft: 3649 },
      space: { data: 47_251_456, wal: 67_117_056 },
    })
    expect(server).toMatchObject({
      inRecovery: false,
      systemId: SYSTEM,
      timeline: 1,
      lsn: '0/604A860',
      readOnly: false,
      differing: [],
      autoConf: [],
      standbys: [
        { name: 'db2', address: '10.173.119.11', state: 'streaming', sync: 'async', ssl: true, lag: 0 },
        { name: 'db3', address: '10.173.119.12', state: 'streaming', sync: 'async', ssl: true, lag: 0 },
      ],
      slots: [
        { name: 'repmgr_slot_2', active: true, walStatus: 'reserved', safe: 83_580_832, kept: 0 },
        { name: 'repmgr_slot_3', active: true, walStatus: 'reserved', safe: 83_580_832, kept: 0 },
      ],
    })
    expect(server?.upstream).toBeUndefined()
    expect(
      server?.registered?.map(({ id, name, type, upstream, active }) => [id, name, type, upstream, active]),
    ).toEqual([
      [1, 'db1', 'primary', undefined, true],
      [2, 'db2', 'standby', 1, true],
      [3, 'db3', 'standby', 1, true],
    ])
    expect(server?.databases).toEqual([
      { name: 'app', owner: 'app', extensions: ['plpgsql'] },
      { name: 'evenkeel', owner: 'evenkeel', extensions: ['plpgsql'] },
      { name: 'postgres', owner: 'postgres', extensions: [] },
      { name: 'repmgr', owner: 'repmgr', extensions: [] },
    ])
    expect(server?.roles.map(({ name, superuser, verifier }) => [name, superuser, verifier.slice(0, 19)])).toEqual([
      ['app', false, 'SCRAM-SHA-256$4096:'],
      ['evenkeel', false, 'SCRAM-SHA-256$4096:'],
      ['repmgr', true, 'SCRAM-SHA-256$4096:'],
      ['postgres', true, ''],
    ])
  })

  test('a whole standby', () => {
    expect(seen('standby')).toMatchObject({
      disk: { state: 'in archive recovery', standbySignal: true, recoveryTimeline: 1, newestTimeline: 1 },
      running: true,
      server: {
        inRecovery: true,
        lsn: '0/604A860',
        receiver: { status: 'streaming', sender: '10.173.119.10', slot: 'repmgr_slot_2' },
        upstream: { host: '10.173.119.10', slot: 'repmgr_slot_2' },
        standbys: [],
      },
    })
  })

  test.each([
    ['stopped-primary', 'shut down', false],
    ['stopped-standby', 'shut down in recovery', true],
    ['killed-primary', 'in production', false],
    ['killed-standby', 'in archive recovery', true],
  ])('%s: the disk tells, whatever systemd says', (name, state, standbySignal) => {
    const node = seen(name)
    expect(node).toMatchObject({ running: false, disk: { systemId: SYSTEM, state, standbySignal } })
    expect(node.server).toBeUndefined()
    expect(node.log.length).toBeGreaterThan(0)
  })

  test('a hung server runs and does not answer', () => {
    const node = seen('hung')
    expect(node).toMatchObject({ running: true, disk: { standbySignal: true } })
    expect(node.server).toBeUndefined()
    expect(node.log.at(-1)).toContain('timeout expired')
  })

  test('a data directory that was deleted under its server: it runs and there is none', () => {
    const node = seen('data-deleted')
    expect(node).toMatchObject({ running: true, remains: false })
    expect(node.disk).toBeUndefined()
    expect(node.server).toBeUndefined()
    expect(node.aside).toEqual([{ path: '/var/lib/postgresql/15/main.aside-20261126T100500Z', bytes: 81_104_896 }])
  })

  test('half a clone is no data directory', () => {
    const node = seen('half-clone')
    expect(node).toMatchObject({ running: false, remains: true, space: { data: 8192 } })
    expect(node.disk).toBeUndefined()
  })

  test('a wrong upstream, and a setting that somebody left behind', () => {
    expect(seen('wrong-upstream').server).toMatchObject({
      receiver: { status: 'streaming', sender: '10.173.119.11', slot: '' },
      upstream: { host: '10.173.119.11', slot: '' },
      autoConf: [{ name: 'wal_retrieve_retry_interval', value: '86401000' }],
    })
    expect(seen('primary-of-wrong-upstream').server?.slots).toContainEqual(
      expect.objectContaining({ name: 'repmgr_slot_3', active: false }),
    )
  })

  test('a lost slot, and the standby that was cut off by it', () => {
    const [, lost] = seen('primary-slot-lost').server?.slots ?? []
    expect(lost).toEqual({ name: 'repmgr_slot_3', active: false, walStatus: 'lost', kept: 0 })
    const standby = seen('standby-slot-lost')
    expect(standby.server).toMatchObject({ inRecovery: true, timeline: 1, upstream: { host: '10.173.119.10' } })
    expect(standby.server?.receiver).toBeUndefined()
    expect(standby.log.join('\n')).toContain('requested WAL segment 000000010000000000000006 has already been removed')
  })

  test.each([
    ['true', true],
    ['false', undefined],
  ])('its repmgrd was told to pause: %s', (said, paused) => {
    const text = captured('primary').replace(/^sql end$/m, `sql daemon {"paused": ${said}}\nsql end`)
    const node = read(text)
    if (node.unreachable !== undefined) throw new Error(node.unreachable)
    expect(node.server?.paused).toBe(paused)
  })

  test('a slot that is missing', () => {
    const node = seen('standby-slot-missing')
    expect(node.server?.receiver).toBeUndefined()
    expect(node.log.join('\n')).toContain('replication slot "repmgr_slot_1" does not exist')
  })

  test('another cluster in the place of a standby', () => {
    const { disk, server } = seen('other-system')
    expect(server).toMatchObject({ inRecovery: false, systemId: '7712420446857496350', readOnly: false })
    expect(disk?.systemId).toBe(server?.systemId)
    expect(server?.registered).toBeUndefined()
    expect(server?.databases.map(({ name }) => name)).toEqual(['postgres'])
  })

  test.each([
    ['it runs for a while', 5, 100, 'active'],
    ['it just began again, and ended before', 5, 117, 'restarting'],
    ['it just began for the first time', 0, 117, 'active'],
  ])('a daemon, of which is seen that %s', (_, restarts, began, active) => {
    const unit = `unit Id=repmgrd.service\nunit ActiveState=active\nunit NRestarts=${restarts}\nunit ActiveEnterTimestampMonotonic=${began}000000\n`
    const text = captured('primary')
      .replace('unit Id=repmgrd.service\nunit ActiveState=active\n', unit)
      .replace('survey 1\n', 'survey 1\nuptime 120\n')
    const node = read(text)
    expect(node.unreachable ?? node.units.repmgrd).toEqual({ active, enabled: true })
  })

  test('a certificate that has ended', () => {
    expect(seen('standby-expired').certificate).toEqual({ ends: '2026-11-25T10:11:43.000Z', daysLeft: -1 })
  })

  test('a full disk', () => {
    const node = seen('disk-full')
    expect(node).toMatchObject({ running: false, space: { free: 4096, data: 47_050_752, wal: 33_554_432 } })
    expect(node.log.join('\n')).toContain('No space left on device')
  })

  test.each(['pgbouncer-down', 'pgbouncer-hung'])('%s: the server answers all the same', (name) => {
    const node = seen(name)
    expect(node.pgbouncer).toBeUndefined()
    expect(node.server?.receiver?.status).toBe('streaming')
  })

  test('two primaries: each on its own timeline', () => {
    const [old, next] = [seen('split-old'), seen('split-new')]
    expect(old.server).toMatchObject({ inRecovery: false, timeline: 1, lsn: '0/19028F48' })
    expect(next.server).toMatchObject({ inRecovery: false, timeline: 2, lsn: '0/1901B8A0' })
    expect(next.disk).toMatchObject({ newestTimeline: 2, history: [{ timeline: 2, forkedAt: '0/19001678' }] })
  })

  test('a standby past the fork: it has the history of timeline 2 on its disk and is on timeline 1', () => {
    expect(seen('dead-branch')).toMatchObject({
      disk: { newestTimeline: 2, history: [{ timeline: 2, forkedAt: '0/19001678' }] },
      server: { timeline: 1, lsn: '0/19028F48', receiver: { status: 'waiting', sender: '10.173.119.11' } },
    })
    expect(seen('dead-branch-stopped').disk).toMatchObject({ recoveryTimeline: 1, recoveryEnd: '0/19028F48' })
  })

  test('a standby on the second timeline', () => {
    expect(seen('standby-timeline-2').server).toMatchObject({ timeline: 2, receiver: { status: 'streaming' } })
  })

  test('a setting that runs with another value', () => {
    const other = {
      ...desired,
      restartSettings: { shared_buffers: '128MB', max_connections: '60', 'repmgr.none': '1' },
    }
    const node = parseSurvey(other, 'db1', { state: 'value', value: captured('primary') })
    expect(node.unreachable === undefined && node.server?.differing).toEqual([
      { name: 'shared_buffers', running: '8192 × 8kB', wanted: '128MB' },
      { name: 'repmgr.none', running: '', wanted: '1' },
    ])
  })
})

describe('an answer that cannot be read counts as none, with the reason', () => {
  const why = (value: string) => read(value).unreachable

  test.each([
    ['', 'its answer cannot be read: it is empty'],
    ['bash: no such thing', "its answer cannot be read: it begins with 'bash: no such thing'"],
    ['survey 1\nprepared yes\n', 'its answer cannot be read: its end is missing'],
  ])('%j', (value, reason) => {
    expect(why(value)).toBe(reason)
  })

  test('its own reasons', () => {
    expect(parseSurvey(desired, 'db1', { state: 'absent' }).unreachable).toBe('it gave no answer')
    expect(parseSurvey(desired, 'db1', { state: 'unreadable', reason: 'no answer within 20 s' })).toEqual({
      host: 'db1',
      unreachable: 'no answer within 20 s',
    })
  })

  test.each([
    'server',
    'receiver',
    'upstream',
    'standbys',
    'slots',
    'settings',
    'autoConf',
    'databases',
    'roles',
    'end',
  ])('a server that did not tell its %s', (section) => {
    const without = captured('standby').replace(new RegExp(`^sql ${section}\\b.*\\n`, 'm'), '')
    expect(why(without)).toMatch(/its answer cannot be read: the server did not/)
  })

  test('a server that stopped in the middle of its answer', () => {
    const fatal = 'psql:<stdin>:9: FATAL:  terminating connection due to administrator command'
    const cut = captured('primary').replace(/^sql slots [\s\S]*^sql end\n/m, `sql ${fatal}\n`)
    expect(why(cut)).toBe(`its answer cannot be read: the server says: ${fatal}`)
  })

  test.each([
    ['"inRecovery": false', '"inRecovery": "no"', 'inRecovery: neither true nor false'],
    ['"lsn": "0/604A860"', '"lsn": "far away"', 'lsn: no place in the log'],
    ['sql slots {', 'sql slots [', 'slots: no JSON'],
    ['running yes', 'running perhaps', 'running: neither yes nor no'],
    ['7712417300420872932\n', 'unknown\n', "the control file: Database system identifier is 'unknown'"],
    ['size 47251456\t', 'size big\t', "no size: 'big\t/var/lib/postgresql/15/main'".replaceAll('\t', ' ')],
  ])('%s → %s', (from, to, reason) => {
    const changed = captured('primary').replace(from, to)
    expect(changed).not.toBe(captured('primary'))
    expect(why(changed)).toBe(`its answer cannot be read: ${reason}`)
  })

  test('cut off anywhere', () => {
    const whole = captured('primary').trimEnd()
    fc.assert(fc.property(fc.nat(whole.length - 1), (at) => read(whole.slice(0, at)).unreachable !== undefined))
  })

  test('nothing that a host can print makes it fail', () => {
    const lines = captured('split-new').split('\n')
    const line = fc.oneof(
      fc.constantFrom(...lines),
      fc.string(),
      fc.constantFrom(...lines).map((text) => text.slice(0, -3)),
    )
    fc.assert(
      fc.property(fc.array(line, { maxLength: 80 }), (some) => {
        const text = ['survey 1', ...some, 'end'].join('\n')
        expect(read(text).host).toBe('db1')
      }),
    )
  })
})

test('the same message many times is shown once, without what would move a cursor', () => {
  const noise = Array.from({ length: 30 }, (_, at) => `log 2026 [${at}] FATAL:  could not start WAL streaming ${at}/0`)
  const text = captured('stopped-standby')
    .replace(/^log .*\n/gm, '')
    .replace(/end\n?$/, `${noise.join('\n')}\nlog x LOG:  \x1b[31mred\nend`)
  const node = read(text)
  expect(node.unreachable === undefined && node.log).toEqual([
    '2026 [29] FATAL:  could not start WAL streaming 29/0',
    'x LOG:   [31mred',
  ])
})
