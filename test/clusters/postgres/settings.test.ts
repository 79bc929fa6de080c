import { describe, expect, test } from 'vitest'
import { postgresNodes } from '../../../src/clusters/postgres/desired.ts'
import { postgresSettings, restartSettings, type SettingsWant } from '../../../src/clusters/postgres/settings.ts'

const nodes = postgresNodes([
  { host: 'db-1', address: '10.0.0.1', kind: 'member' },
  { host: 'db2', address: '10.0.0.2', kind: 'member' },
  { host: 'far', address: '10.0.9.1', kind: 'replica' },
  { host: 'vote', address: '10.0.9.2', kind: 'witness' },
])
const settings = (want: Partial<SettingsWant> = {}, host = 'db-1') =>
  postgresSettings(
    { memory: 1024, durability: 'sync', nodes, more: {}, ...want },
    nodes.find((node) => node.host === host) as (typeof nodes)[number],
  )

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
    for (const memory of [0, 255, 1024.5, Number.NaN])
      expect(() => settings({ memory })).toThrow('memory is the whole megabytes of a node')
  })

  test('any one member besides the primary has what is acknowledged; a witness waits for nobody', () => {
    const names = (want: Partial<SettingsWant>, host?: string) => settings(want, host).synchronous_standby_names
    expect(names({})).toBe('ANY 1 ("db-1", "db2")')
    expect(names({}, 'far')).toBe('ANY 1 ("db-1", "db2")')
    expect(names({}, 'vote')).toBe('')
    expect(names({ durability: 'async' })).toBe('')
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

  test.each([
    ['listen_addresses', '*', "listen_addresses is the cluster's own setting"],
    ['Port', 5433, "port is the cluster's own setting"],
    ['synchronous_standby_names', '', 'own setting'],
    ['include_dir', 'conf.d', 'own setting'],
    ['include', 'x', 'own setting'],
    ['work mem', '8MB', 'no setting of PostgreSQL: work mem'],
    ['log_line_prefix', "a\nport = '1'", 'a line break cannot be part of a setting: log_line_prefix'],
  ])('%s = %j is refused', (name, value, says) => {
    expect(() => settings({ more: { [name]: value } })).toThrow(says)
  })

  test('a restart is needed for these only, and they are the same on all nodes', () => {
    const restart = restartSettings(settings({ more: { work_mem: '8MB', max_worker_processes: 4 } }))
    expect(restart).toEqual(restartSettings(settings({ more: { max_worker_processes: 4 } }, 'far')))
    expect(restart).toMatchObject({ max_worker_processes: '4', shared_buffers: '128MB', wal_level: 'replica' })
    for (const name of ['work_mem', 'listen_addresses', 'synchronous_standby_names', 'ssl', 'max_wal_size'])
      expect(restart).not.toHaveProperty(name)
  })
})
