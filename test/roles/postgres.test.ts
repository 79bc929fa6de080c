import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { caughtUp, type Postgres, postgres } from '../../roles/postgres.ts'
import { verifier } from '../../src/clusters/postgres/scram.ts'
import { projectSources } from '../../src/load/sources.ts'
import type { Host, Site } from '../../src/model/playbook.ts'
import { Secret } from '../../src/model/secret.ts'
import { flattenTasks, type Task, type TaskTree } from '../../src/model/task.ts'
import { type CompiledTask, compileTasks } from '../../src/plan/compile.ts'

type Vars = { readonly ip: string }
type Groups = 'db' | 'far' | 'vote'

const sources = projectSources(fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, ''))
const peer = (name: string, ip: string, ...groups: readonly Groups[]): Host<Vars, Groups, unknown> => ({
  ...{ name, address: `${name}.public`, groups, vars: { ip }, facts: {} },
})
const hosts = [peer('db1', '10.0.0.1', 'db'), peer('db2', '10.0.0.2', 'db'), peer('far1', 'fd00::9', 'far')]
const site: Site<Vars, Groups, unknown> = {
  ...{ environment: 'prod', secrets: {}, hosts },
  group: (name) => hosts.filter(({ groups }) => groups.includes(name)),
}
const notes = new Secret('dbPassword', 'pass of notes')
const input: Postgres<Vars, Groups> = {
  on: 'db',
  replicas: 'far',
  address: ({ vars }) => vars.ip,
  durability: 'sync',
  ca: () => ({ certificate: 'files/ca.crt', key: new Secret('caKey', 'key') }),
  password: () => new Secret('replicationPassword', 'pass of repmgr'),
  users: () => ({ notes, reports: new Secret('reportsPassword', 'pass of reports') }),
  databases: { notes: { owner: 'notes', extensions: ['pgcrypto'] }, old: { owner: 'notes' } },
}

/** What the role prepares on a host, by its keys. */
function prepared(host = 'db1', more: Partial<Postgres<Vars, Groups>> = {}): ReadonlyMap<string, CompiledTask> {
  const node = hosts.find(({ name }) => name === host) as (typeof hosts)[number]
  const tasks = flattenTasks(postgres<Vars, Groups>({ ...input, ...more }).prepare(node, site, 'main'))
  return new Map(compileTasks(host, tasks, sources).map((task) => [task.key, task]))
}

function content(tasks: ReadonlyMap<string, CompiledTask>, path: string): string {
  type File = { readonly content?: { readonly source: { readonly bytes: Buffer } } }
  const want = tasks.get(`path:${path}`)?.want as File & { readonly file?: File }
  return String((want.content ?? want.file?.content)?.source.bytes)
}

const ofType = (tree: TaskTree, type: string): readonly Task[] =>
  flattenTasks(tree).filter((task) => task.type === type)

describe('what the role prepares on a node', () => {
  const tasks = prepared()

  test('Debian makes no cluster and starts nothing: that is said before the packages come', () => {
    const keys = [...tasks.keys()]
    const apt = keys.findIndex((key) => key.startsWith('apt:'))
    expect(keys.indexOf('path:/etc/postgresql-common/createcluster.d/50-evenkeel.conf')).toBeLessThan(apt)
    expect(content(tasks, '/etc/postgresql-common/createcluster.d/50-evenkeel.conf')).toContain(
      'create_main_cluster = false\n',
    )
    expect(tasks.get(keys[apt] ?? '')?.want).toMatchObject({ start: false })
  })

  test('the server is not started here, nor is repmgrd; both are at boot', () => {
    expect(
      ofType(postgres<Vars, Groups>(input).prepare(hosts[0] as (typeof hosts)[number], site, 'main'), 'service'),
    ).toMatchObject([{ want: { unit: 'postgresql', enabled: true } }])
    expect(tasks.get('path:/etc/systemd/system/repmgrd.service')?.want).not.toHaveProperty('running')
    expect(content(tasks, '/etc/postgresql/15/main/start.conf')).toBe('auto\n')
    expect(content(tasks, '/etc/systemd/system/postgresql@15-main.service.d/evenkeel.conf')).toContain(
      'ExecStartPre=/usr/local/lib/evenkeel/postgres-guard\n',
    )
  })

  test('what the cluster writes itself is not managed', () => {
    expect(tasks.get('path:/etc/pgbouncer/databases.ini')?.want).not.toHaveProperty('content')
    expect([...tasks.keys()].filter((key) => key.includes('/var/lib/postgresql'))).toEqual([
      'path:/var/lib/postgresql/15',
      'path:/var/lib/postgresql/.pgpass',
    ])
  })

  test('only nodes log in, over TLS and by password, to what is theirs', () => {
    const lines = content(tasks, '/etc/postgresql/15/main/pg_hba.conf')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => line.split(/\s+/).join(' '))
    const node = (address: string) => [
      `hostssl replication repmgr ${address} scram-sha-256`,
      `hostssl repmgr repmgr ${address} scram-sha-256`,
      `hostssl evenkeel evenkeel ${address} scram-sha-256`,
      ...['notes notes', 'old notes', 'notes reports', 'old reports'].map(
        (who) => `hostssl ${who} ${address} scram-sha-256`,
      ),
    ]
    expect(lines).toEqual([
      'local all postgres peer',
      ...['10.0.0.1/32', '10.0.0.2/32', 'fd00::9/128'].flatMap(node),
      'local all all reject',
      'host all all all reject',
    ])
  })

  test('a replica never becomes the primary; a node has the number of its name', () => {
    expect(content(tasks, '/etc/repmgr.conf')).toContain("node_id=33511\nnode_name='db1'\nconninfo='host=10.0.0.1 ")
    expect(content(tasks, '/etc/repmgr.conf')).toContain('\npriority=100\n')
    expect(content(prepared('far1'), '/etc/repmgr.conf')).toContain('\npriority=0\n')
    expect(content(tasks, '/etc/pgbouncer/nodes')).toBe('db1 10.0.0.1\ndb2 10.0.0.2\n')
  })

  test('a witness has data of its own: nothing guards it, replicates from it or makes it wait', () => {
    const witness = { replicas: [], witness: 'far' } as const
    const own = prepared('far1', witness)
    expect(content(own, '/etc/systemd/system/postgresql@15-main.service.d/evenkeel.conf')).not.toContain('ExecStartPre')
    expect(content(own, '/etc/postgresql/15/main/postgresql.conf')).toContain("synchronous_standby_names = ''\n")
    expect(content(prepared('db1', witness), '/etc/postgresql/15/main/pg_hba.conf')).not.toMatch(/replication.*fd00::9/)
    expect(content(prepared('db1', witness), '/usr/local/lib/evenkeel/postgres-guard')).not.toContain('fd00::9')
  })

  test('settings are quoted, and judged by the server before they take their place', () => {
    const conf = prepared('db1', { settings: { log_line_prefix: "it's \\ %m" } })
    expect(content(conf, '/etc/postgresql/15/main/postgresql.conf')).toContain("log_line_prefix = 'it''s \\\\ %m'\n")
    expect(conf.get('path:/etc/postgresql/15/main/postgresql.conf')?.want).toMatchObject({
      validate: expect.stringContaining('postgres -C data_directory'),
    })
  })

  test('pgbouncer knows verifiers only, and passwords are in files of the server alone', () => {
    const users = content(tasks, '/etc/pgbouncer/userlist.txt').trim().split('\n')
    expect(users.map((line) => line.split('"')[1])).toEqual(['evenkeel', 'notes', 'reports'])
    expect(users[1]?.split('"')[3]).toBe(verifier('notes', notes).reveal())
    const pgpass = tasks.get('path:/var/lib/postgresql/.pgpass')
    expect(content(tasks, '/var/lib/postgresql/.pgpass')).toMatch(
      /^\*:\*:\*:repmgr:pass of repmgr\n\*:\*:\*:evenkeel:[0-9a-f]{64}\n$/,
    )
    expect(pgpass?.want).toMatchObject({ mode: '0600', owner: 'postgres', content: { secret: true } })
    const open = [...tasks.values()].filter(({ want }) => {
      const { mode, file } = want as { mode?: string; file?: { mode: string } }
      return (mode ?? file?.mode ?? '0755').endsWith('4')
    })
    expect(open.length).toBeGreaterThan(5)
    for (const { key } of open) {
      if (key.startsWith('path:')) expect(content(tasks, key.slice(5))).not.toMatch(/pass of|SCRAM-SHA-256\$/)
    }
  })

  test('all scripts are ones that dash reads', () => {
    const scripts = [...tasks.keys()].filter((key) => key.startsWith('path:/usr/local/lib/evenkeel/'))
    expect(scripts).toHaveLength(5)
    for (const key of scripts) execFileSync('dash', ['-n'], { input: content(tasks, key.slice(5)) })
  })
})

describe('certificates', () => {
  const made = flattenTasks(postgres<Vars, Groups>(input).tasks(hosts[1] as (typeof hosts)[number], site, 'main'))

  test('for the name and the address of a node, and for clients on it; both readers are told', () => {
    const [task] = made.filter(({ type }) => type === 'certificate')
    expect(task?.want).toMatchObject({
      ...{ name: 'db2', names: ['localhost'], ips: ['10.0.0.2', '127.0.0.1'], keyMode: '0600' },
      ...{ owner: 'postgres', path: '/etc/postgresql/15/main/tls/node.crt' },
    })
    expect([task?.options.notify].flat().map((one) => one?.name)).toEqual(['reload postgresql', 'reload pgbouncer'])
  })

  test('pgbouncer and its follower run behind them', () => {
    expect(made.map(({ type, want }) => `${type} ${(want as { unit?: string }).unit ?? ''}`).slice(-2)).toEqual([
      'service pgbouncer',
      'service pgbouncer-follow',
    ])
  })
})

/** Every function of the role says what is wrong: the tasks are made and the cluster is. */
function refusesAll(wrong: object, says: string, all: Site<Vars, Groups, unknown> = site): void {
  const role = postgres<Vars, Groups>({ ...input, ...wrong } as typeof input)
  const host = hosts[0] as (typeof hosts)[number]
  for (const part of [role.prepare, role.tasks]) expect(() => part(host, all, 'main')).toThrow(says)
  expect(() => role.cluster(all, 'main')).toThrow(says)
}

test('the groups of a cluster; a node and a group are of one kind', () => {
  expect(postgres<Vars, Groups>({ ...input, witness: 'vote' }).on).toEqual(['db', 'far', 'vote'])
  const both = { ...site, hosts: [...hosts, peer('x', '10.0.0.9', 'db', 'far')] }
  refusesAll({}, 'x cannot be a member and a replica of the cluster main', both)
  refusesAll({ replicas: 'db' }, 'the group db cannot be a member and a replica of the cluster main')
  refusesAll({ replicas: ['far', 'db'] }, 'the group db cannot be a member and a replica of the cluster main')
  refusesAll({ witness: 'db' }, 'the group db cannot be a member and a witness of the cluster main')
  refusesAll({ witness: 'far' }, 'the group far cannot be a replica and a witness of the cluster main')
  refusesAll({ on: 'vote' }, 'a cluster has 2 to 5 members, not 0')
  refusesAll({ replicas: [], witness: 'db', on: 'far' }, 'a cluster has 2 to 5 members, not 1: far1')
})

test.each<[object, string]>([
  [{ durability: 'none' }, "durability of the cluster main: 'async' or 'sync', not 'none'"],
  [{ memory: 1e9 }, 'memory of the cluster main: whole megabytes of a node, from 256 to 1048576, not 1000000000'],
  [{ settings: { fsync: false } }, 'setting fsync of the cluster main: a crash would lose data; leave it out'],
])('%j is refused', (wrong, says) => refusesAll(wrong, says))

const must = 'of the cluster main must be a secret: site.secrets.NAME'
test.each<[string, object, string]>([
  ['a text', { password: () => 'hunter2' }, `password ${must}`],
  [
    'a secret that is not there',
    { password: ({ secrets }: { secrets: { other?: Secret } }) => secrets.other },
    `password ${must}`,
  ],
  ['a promise', { password: async () => notes }, `password ${must}`],
  ['a text of a user', { users: () => ({ notes, reports: 'hunter2' }) }, `users.reports ${must}`],
  ['null of a user', { users: () => ({ notes: null }) }, `users.notes ${must}`],
  ['a text as key', { ca: () => ({ certificate: 'files/ca.crt', key: 'hunter2' }) }, `ca.key ${must}`],
  ['no key', { ca: () => ({ certificate: 'files/ca.crt' }) }, `ca.key ${must}`],
  ['no CA', { ca: () => undefined }, 'ca.certificate of the cluster main must name a file of the project'],
  ['no certificate', { ca: () => ({ key: notes }) }, 'ca.certificate of the cluster main must name a file'],
  ['no function', { password: notes }, 'password of the cluster main must be a function of the site: (site) => …'],
  ['users, no function', { users: { notes } }, 'users of the cluster main must be a function of the site'],
  ['nothing', { ca: undefined }, 'ca of the cluster main must be a function of the site: (site) => …'],
])('%s is refused, and not shown', (_title, wrong, says) => {
  refusesAll(wrong, says)
  const role = postgres<Vars, Groups>({ ...input, ...wrong } as typeof input)
  expect(() => role.cluster(site, 'main')).not.toThrow('hunter2')
})

test('without address the one of the inventory counts', () => {
  const { address: _address, ...plain } = input
  expect(() => postgres<Vars, Groups>(plain).tasks(hosts[0] as (typeof hosts)[number], site, 'main')).toThrow(
    'db1 is reached by its peers at an IP address, not at db1.public: say which with address',
  )
})

test('a node has caught up when the script of the role says so', () => {
  expect(caughtUp(90)).toMatchObject({ command: { shell: '/usr/local/lib/evenkeel/postgres-caught-up' }, within: 90 })
})
