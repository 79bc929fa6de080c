import { describe, expect, test } from 'vitest'
import { type DesiredWant, postgresDesired, postgresNodes } from '../../../src/clusters/postgres/desired.ts'
import type { PostgresNode } from '../../../src/clusters/postgres/model.ts'
import { probePassword } from '../../../src/clusters/postgres/scram.ts'
import { Secret } from '../../../src/model/secret.ts'

const member = (host: string, address: string) => ({ host, address, kind: 'member' as const })
const [one, two] = [member('db1', '10.0.0.1'), member('db2', 'fd00::2')]
const password = new Secret('replicationPassword', 'of repmgr')
const notes = new Secret('dbPassword', 'of notes')
const desired = (want: Partial<DesiredWant> = {}) =>
  postgresDesired({
    ...{
      name: 'main',
      environment: 'lab',
      durability: 'sync',
      restartSettings: {},
      nodes: postgresNodes([one, two]),
      password,
    },
    ...{ users: { notes }, databases: { notes: { owner: 'notes' } } },
    ...want,
  })

describe('what a playbook wants', () => {
  test('the unit that makes a backup is kept', () => {
    expect(desired().backup).toBeUndefined()
    expect(desired({ backup: 'pg-backup@main.service' }).backup).toBe('pg-backup@main.service')
  })

  test('the roles of every cluster stand before its own', () => {
    const { users, databases } = desired()
    expect(users.map(({ name, superuser }) => [name, superuser])).toEqual([
      ['repmgr', true],
      ['evenkeel', undefined],
      ['notes', undefined],
    ])
    expect(users[1]?.password.reveal()).toBe(probePassword(password).reveal())
    expect(databases).toEqual([{ name: 'notes', owner: 'notes', extensions: [] }])
  })

  test.each<[string, Partial<DesiredWant>, string]>([
    ['a role of the cluster', { users: { repmgr: notes } }, 'repmgr cannot be a user of a playbook'],
    ['a name with quotes', { users: { 'a"b': notes } }, 'a user is named in small letters'],
    ['capitals', { databases: { Notes: { owner: 'notes' } } }, 'a database is named in small letters'],
    ['a keyword of pg_hba.conf', { databases: { all: { owner: 'notes' } } }, 'all cannot be a database'],
    ['a reserved name', { users: { pg_x: notes } }, 'a user is named'],
    ['a stranger as owner', { databases: { a: { owner: 'b' } } }, 'the owner of database a is none of its users: b'],
    ['an odd extension', { databases: { a: { owner: 'notes', extensions: ['x;'] } } }, 'no name of an extension: x;'],
    [
      'a backup that is no service',
      { backup: 'pg-backup' },
      'backup is the name of a service unit, e.g. pg-backup.service, not "pg-backup"',
    ],
    ['a backup that is an option', { backup: '-x.service' }, 'backup is the name of a service unit'],
    ['a backup that is a command', { backup: 'a;b.service' }, 'backup is the name of a service unit'],
    ['a password that cannot be kept', { password: new Secret('p', "it's") }, '[secret:p] must be printable ASCII'],
  ])('%s is refused', (_title, want, says) => expect(() => desired(want)).toThrow(says))
})

describe('nodes', () => {
  test('each has the number of its name', () => {
    expect(postgresNodes([one, two]).map(({ host, id }) => [host, id])).toEqual([
      ['db1', 33511],
      ['db2', expect.any(Number)],
    ])
  })

  const many = (count: number, kind: PostgresNode['kind']) =>
    Array.from({ length: count }, (_, index) => ({
      host: `${kind}${index}`,
      address: `10.${kind.charCodeAt(0)}.0.${index}`,
      kind,
    }))

  test('at most: five members, five replicas and a witness', () => {
    const nodes = [...many(5, 'member'), ...many(5, 'replica'), ...many(1, 'witness')]
    expect(postgresNodes(nodes).map(({ host }) => host)).toEqual(nodes.map(({ host }) => host))
  })

  test.each([
    ['none', [], 'a cluster has 2 to 5 members, not 0'],
    ['one member', [one], 'a cluster has 2 to 5 members, not 1: db1'],
    ['one member and a replica', [one, ...many(1, 'replica')], 'a cluster has 2 to 5 members, not 1: db1'],
    ['one member and a witness', [one, ...many(1, 'witness')], 'a cluster has 2 to 5 members, not 1: db1'],
    [
      'six members',
      many(6, 'member'),
      'a cluster has 2 to 5 members, not 6: member0, member1, member2, member3, member4, member5',
    ],
    [
      'six replicas',
      [one, two, ...many(6, 'replica')],
      'a cluster has at most 5 replicas, not 6: replica0, replica1, replica2, replica3, replica4, replica5',
    ],
    [
      'two witnesses',
      [one, two, ...many(2, 'witness')],
      'a cluster has one witness at most, not 2: witness0, witness1',
    ],
    ['a name as address', [one, member('db2', 'db2.internal')], 'db2 is reached by its peers at an IP address'],
    ['a name that is no word', [one, member('db 2', '10.0.0.2')], 'no name for a node of PostgreSQL: db 2'],
    ['one address twice', [one, member('db2', '10.0.0.1')], 'db1 and db2 have one address: 10.0.0.1'],
    ['one number twice', [member('n9', '10.0.0.1'), member('n128', '10.0.0.2')], 'n9 and n128 have one id: 40209'],
  ])('%s: refused', (_title, nodes, says) => expect(() => postgresNodes(nodes)).toThrow(says))
})
