import { describe, expect, test } from 'vitest'
import { postgresNodes } from '../../../src/clusters/postgres/desired.ts'
import type { Setting } from '../../../src/clusters/postgres/given-settings.ts'
import { SETTINGS } from '../../../src/clusters/postgres/setting-names.ts'
import { postgresSettings, restartSettings, type SettingsWant } from '../../../src/clusters/postgres/settings.ts'
import { Secret } from '../../../src/model/secret.ts'

const nodes = postgresNodes([
  { host: 'db-1', address: '10.0.0.1', kind: 'member' },
  { host: 'db2', address: '10.0.0.2', kind: 'member' },
  { host: 'far', address: '10.0.9.1', kind: 'replica' },
  { host: 'vote', address: '10.0.9.2', kind: 'witness' },
])
const settings = (want: Partial<SettingsWant> = {}, host = 'db-1') =>
  postgresSettings(
    { name: 'main', memory: 1024, durability: 'sync', nodes, more: {}, ...want },
    nodes.find((node) => node.host === host) as (typeof nodes)[number],
  )

/** Whether the role keeps a setting for itself, whatever its value. */
function refused(name: string): boolean {
  try {
    settings({ more: { [name]: settings()[name] ?? '1' } })
    return false
  } catch (error) {
    return String(error).endsWith('; leave it out')
  }
}

describe('settings of a server', () => {
  test('memory for a node of 1 GB that runs its application too', () => {
    expect(settings()).toMatchObject({
      shared_buffers: '128MB',
      effective_cache_size: '512MB',
      maintenance_work_mem: '32MB',
      work_mem: '4MB',
      max_connections: '64',
    })
    expect(settings({ memory: 256 })).toMatchObject({ shared_buffers: '32MB', work_mem: '2MB', max_connections: '40' })
    expect(settings({ memory: 65536 })).toMatchObject({ shared_buffers: '8192MB', max_connections: '300' })
    expect(settings({ memory: 1_048_576 })).toMatchObject({ shared_buffers: '131072MB', max_connections: '300' })
  })

  test.each<[unknown, string]>([
    [0, '0'],
    [255, '255'],
    [1_048_577, '1048577'],
    [1024.5, '1024.5'],
    [-1024, '-1024'],
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
    ['1024', "'1024'"],
    [null, 'null'],
  ])('memory of %j is refused', (memory, shown) => {
    expect(() => settings({ memory: memory as number })).toThrow(
      `memory of the cluster main: whole megabytes of a node, from 256 to 1048576, not ${shown}`,
    )
  })

  test('any one member besides the primary has what is acknowledged; a witness waits for nobody', () => {
    const names = (want: Partial<SettingsWant>, host?: string) => settings(want, host).synchronous_standby_names
    expect(names({})).toBe('ANY 1 ("db-1", "db2")')
    expect(names({}, 'far')).toBe('ANY 1 ("db-1", "db2")')
    expect(names({}, 'vote')).toBe('')
    expect(names({ durability: 'async' })).toBe('')
  })

  test('all standbys of the largest cluster can be cloned at once', () => {
    expect(settings().max_wal_senders).toBe('16')
    const ten = Array.from({ length: 10 }, (_, index) => ({
      ...{
        host: `n${index}`,
        address: `10.0.0.${index}`,
        kind: index < 5 ? ('member' as const) : ('replica' as const),
      },
    }))
    expect(settings({ nodes: postgresNodes(ten) }).max_wal_senders).toBe('20')
  })

  test.each<[unknown, string]>([
    ['synchronous', "'synchronous'"],
    ['Sync', "'Sync'"],
    [undefined, 'undefined'],
    [true, 'true'],
  ])('durability of %j is refused', (durability, shown) => {
    expect(() => settings({ durability: durability as 'sync' })).toThrow(
      `durability of the cluster main: 'async' or 'sync', not ${shown}`,
    )
  })

  test('what a slot keeps has a bound', () => expect(settings().max_slot_wal_keep_size).toBe('2GB'))

  test("the playbook's stand in place of the role's; libraries are added", () => {
    const more = { work_mem: '8MB', JIT: true, max_connections: 90, shared_preload_libraries: 'pg_stat_statements' }
    expect(settings({ more: { ...more, 'pg_stat_statements.max': 500 } })).toMatchObject({
      work_mem: '8MB',
      jit: 'on',
      max_connections: '90',
      shared_preload_libraries: 'repmgr,pg_stat_statements',
      'pg_stat_statements.max': '500',
    })
  })

  test.each<[string, Setting, string]>([
    ['fsync', 'off', 'a crash would lose data; leave it out'],
    ['full_page_writes', false, 'a crash would lose data; leave it out'],
    ['zero_damaged_pages', true, 'the server would go on with damaged data; leave it out'],
    ['session_replication_role', 'replica', 'rows could break the rules of their tables; leave it out'],
    ['restart_after_crash', false, 'the server would stay down after the crash of one process; leave it out'],
    ['default_transaction_read_only', true, 'the primary would take no writes; leave it out'],
    ['transaction_read_only', true, 'it belongs to a transaction, not to a server; leave it out'],
    ['synchronous_commit', 'off', 'durability decides when a commit is acknowledged, and by whom; leave it out'],
    ['synchronous_standby_names', '', 'durability decides when a commit is acknowledged, and by whom; leave it out'],
    ['primary_conninfo', 'host=x', 'repmgr decides whom a node follows; leave it out'],
    ['restore_command', 'cp', 'standbys stream from the primary, all of it and at once; leave it out'],
    ['hot_standby', false, 'standbys and rewinds stand on it; leave it out'],
    ['data_directory', '/srv', 'the role places the files of the server; leave it out'],
    ['include_dir', 'conf.d', 'the role places the files of the server; leave it out'],
    ['listen_addresses', '*', 'nodes, pgbouncer and repmgr find the server where the role has it listen; leave it out'],
    ['ssl', false, 'connections use TLS with the certificates of the role; leave it out'],
    ['password_encryption', 'md5', 'passwords are kept as SCRAM verifiers; leave it out'],
    ['max_wal_senders', 5, 'it is a whole number from 6, not 5: each standby takes two while it is cloned, and all'],
    ['max_wal_senders', '0x10', 'it is a whole number from 6, not 0x10'],
    ['max_replication_slots', 2, 'it is a whole number from 3, not 2: each standby has a slot'],
    ['max_connections', 'many', 'it is a whole number from 20, not many: the nodes ask each other'],
    ['superuser_reserved_connections', 0, 'it is a whole number from 3, not 0: repmgr must get in'],
    ['max_slot_wal_keep_size', -1, '-1 is no bound: a standby that is away would fill the disk of the primary'],
    ['max_slot_wal_keep_size', '0GB', '0GB is no bound'],
    ['wal_sender_timeout', 0, '0 is no bound: a standby that is cut off would never be noticed; e.g. 30s'],
    ['wal_receiver_timeout', '0s', '0s is no bound: a primary that is cut off would never be noticed; e.g. 30s'],
    ['archive_mode', true, 'WAL that nothing archives would fill the disk of every node; set archive_command or'],
    ['archive_mode', 'always', 'WAL that nothing archives'],
    ['work_memm', '8MB', 'PostgreSQL 15 has none of this name; the nearest is work_mem'],
    ['maintenence_work_mem', '8MB', 'PostgreSQL 15 has none of this name; the nearest is maintenance_work_mem'],
    // Of PostgreSQL 17, of PostgreSQL 12, and one that only shows something.
    ['transaction_timeout', 0, 'PostgreSQL 15 has none of this name'],
    ['wal_keep_segments', 8, 'PostgreSQL 15 has none of this name; the nearest is '],
    ['server_version', '15', 'PostgreSQL 15 has none of this name'],
    ['log_line_prefix', "a\nport = '1'", 'a line break cannot be part of its value'],
  ])('%s = %j is refused, and why', (name, value, says) => {
    expect(() => settings({ more: { [name]: value } })).toThrow(`setting ${name} of the cluster main: ${says}`)
    expect(() => settings({ more: { [name.toUpperCase()]: value } })).toThrow(says)
  })

  test.each<Readonly<Record<string, Setting>>>([
    { max_wal_senders: 6, max_replication_slots: '3', max_connections: 20, superuser_reserved_connections: 3 },
    { max_slot_wal_keep_size: '32MB', wal_keep_size: 0, wal_sender_timeout: '1min', wal_receiver_timeout: 1000 },
    { archive_mode: 'off', archive_timeout: 60 },
    { archive_mode: true, archive_command: 'cp %p /srv/wal/%f' },
    { archive_mode: 'on', archive_library: 'basic_archive' },
    { 'pg_stat_statements.max': 500, 'no.such': 'x', DateStyle: 'ISO, DMY', TimeZone: 'UTC' },
    { synchronize_seqscans: false, wal_sync_method: 'fsync', log_recovery_conflict_waits: true },
  ])('%j is accepted', (more) => {
    const all = settings({ more })
    expect(all).toMatchObject(
      Object.fromEntries(Object.keys(more).map((name) => [name.toLowerCase(), expect.any(String)])),
    )
  })

  test.each<[unknown, string]>([
    [null, 'null'],
    [undefined, 'undefined'],
    [['8MB'], "[ '8MB' ]"],
    [{ value: { deep: 1 } }, '{ value: [Object] }'],
    [Number.NaN, 'NaN'],
    [8n, '8n'],
    [new Secret('s', 'hunter2'), '[secret:s]'],
  ])('%s is no value of a setting', (value, shown) => {
    expect(() => settings({ more: { work_mem: value as Setting } })).toThrow(
      `setting work_mem of the cluster main: it takes a text, a number, true or false, not ${shown}`,
    )
  })

  test('a setting in two spellings is refused', () => {
    expect(() => settings({ more: { work_mem: '8MB', Work_Mem: '9MB' } })).toThrow(
      'setting work_mem of the cluster main: it is set twice',
    )
  })

  test.each([
    ['work mem', '"work mem"'],
    ['a.b.c\u001b', '"a.b.c\\u001b"'],
    ['', '""'],
  ])('%j is no name', (name, shown) => {
    expect(() => settings({ more: { [name]: 1 } })).toThrow(
      `setting ${shown} of the cluster main: this is no name of a setting`,
    )
  })

  test('what the role writes and what it refuses are settings of PostgreSQL 15', () => {
    for (const name of Object.keys(settings())) expect(SETTINGS).toContain(name)
    expect([...SETTINGS].filter((name) => /^recovery_|^ssl/.test(name) && !refused(name))).toEqual([])
    // A name that is misspelt in the table of those that are refused would be missing.
    expect([...SETTINGS].filter(refused)).toHaveLength(63)
  })

  test('of what the role writes, it lets a playbook change memory, limits and habits only', () => {
    const changed = Object.keys(settings()).filter((name) => !refused(name))
    expect(changed).toEqual([
      ...['max_connections', 'shared_buffers', 'effective_cache_size', 'maintenance_work_mem', 'work_mem', 'jit'],
      ...['max_wal_size', 'max_slot_wal_keep_size', 'wal_keep_size', 'max_replication_slots'],
      ...['wal_compression', 'wal_sender_timeout', 'wal_receiver_timeout', 'tcp_keepalives_idle'],
      ...['tcp_keepalives_interval', 'tcp_keepalives_count', 'random_page_cost', 'log_line_prefix', 'log_timezone'],
      ...['timezone', 'lc_messages', 'default_text_search_config', 'max_wal_senders', 'shared_preload_libraries'],
    ])
  })

  test('a restart is needed for these only, and they are the same on all nodes', () => {
    const restart = restartSettings(settings({ more: { work_mem: '8MB', max_worker_processes: 4 } }))
    expect(restart).toEqual(restartSettings(settings({ more: { max_worker_processes: 4 } }, 'far')))
    expect(restart).toMatchObject({ max_worker_processes: '4', shared_buffers: '128MB', wal_level: 'replica' })
    for (const name of ['work_mem', 'listen_addresses', 'synchronous_standby_names', 'ssl', 'max_wal_size'])
      expect(restart).not.toHaveProperty(name)
  })
})
