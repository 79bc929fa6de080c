import { describe, expect, test } from 'vitest'
import { redisDesired } from '../../src/clusters/redis/desired.ts'
import { judgeProof } from '../../src/clusters/redis/judge-proof.ts'
import { parseSurvey } from '../../src/clusters/redis/parse-survey.ts'
import { redisSettings, settingsOf } from '../../src/clusters/redis/settings.ts'
import { createSet, rotatePassword } from '../../src/clusters/redis/steps.ts'
import type { NodeAnswer } from '../../src/model/cluster.ts'
import { Secret } from '../../src/model/secret.ts'

const ID = 'a'.repeat(40)
const OTHER = 'b'.repeat(40)
const nodes = ['app1', 'app2', 'app3'].map((host, index) => ({ host, address: `10.0.0.${index + 1}` }))
const password = new Secret('redisPassword', 'not-to-be-seen-1')
const settings = redisSettings({ persistence: 'cache', memory: 64, more: {} })
const want = { name: 'cache', environment: 'lab', nodes, persistence: 'cache', settings, password } as const
const desired = redisDesired({ ...want, sentinelPassword: password })
const value = (text: string): NodeAnswer => ({ state: 'value', value: text })

/** What a node prints; lines that begin with a word of `instead` are replaced. */
function answer(host: 'app1' | 'app2', instead: Readonly<Record<string, readonly string[]>> = {}): string {
  const node = nodes.find((one) => one.host === host) ?? { host, address: '' }
  const role = host === 'app1' ? ['role:master', 'slave0:ip=10.0.0.2,port=6379,state=online,offset=90,lag=1'] : REPLICA
  const info = [`run_id:${ID}`, 'uptime_in_seconds:50', ...role, `master_replid:${ID}`]
  const more = [`master_replid2:${'0'.repeat(40)}`, 'master_repl_offset:100', 'second_repl_offset:-1']
  const rest = ['rdb_changes_since_last_save:3', 'db0:keys=2,expires=1,avg_ttl=0', 'db3:keys=40,expires=0,avg_ttl=0']
  const config = Object.entries(settingsOf(desired, node)).flat()
  const lines: Readonly<Record<string, readonly string[]>> = {
    now: ['1000'],
    prepared: ['yes'],
    unit: ['Id=redis-server.service', 'ActiveState=active', 'SubState=running', '', 'Id=redis-sentinel.service'],
    dump: ['88 400'],
    ours: ['redis', 'sentinel'],
    file: ['maxmemory 64mb', 'save ""', ...(host === 'app1' ? [] : ['replicaof 10.0.0.1 6379'])],
    watches: ['sentinel monitor cache 10.0.0.1 6379 2'],
    'via redis': ['ok'],
    info: [...info, ...more, ...(host === 'app1' ? ['min_slaves_good_slaves:1'] : []), ...rest],
    config,
    password: ['own yes', 'former missing no', 'others 0', 'master yes', 'saved yes'],
    'via sentinel': ['ok'],
    sinfo: ['uptime_in_seconds:40'],
    master: MASTER,
    'replicas cache': [
      'name',
      '10.0.0.2:6379',
      'ip',
      '10.0.0.2',
      'port',
      '6379',
      'runid',
      ID,
      'flags',
      'slave,s_down',
    ].concat([...['role-reported', 'slave', 'role-reported-time', '7000']]),
    'sentinels cache': ['name', OTHER, 'ip', '10.0.0.2', 'port', '26379', 'runid', OTHER, 'flags', 'sentinel'],
    'quorum cache': ['OK 3 usable Sentinels'],
    spassword: ['own yes', 'former missing no', 'others 0', 'peers yes', 'servers yes'],
    announce: [node.address],
    ...instead,
  }
  const printed = Object.entries(lines).flatMap(([word, all]) => all.map((line) => `${word} ${line}`))
  return `survey 1\n${printed.join('\n')}\nend\n`
}

const INFO = [
  ...[`run_id:${ID}`, 'uptime_in_seconds:50', 'role:master', `master_replid:${ID}`],
  ...[`master_replid2:${'0'.repeat(40)}`, 'master_repl_offset:100', 'second_repl_offset:-1'],
  ...['rdb_changes_since_last_save:3', 'min_slaves_good_slaves:1'],
]
const REPLICA = ['role:slave', 'master_host:10.0.0.1', 'master_port:6379', 'master_link_status:down'].concat([
  ...['master_link_down_since_seconds:7', 'master_sync_in_progress:0', 'slave_repl_offset:90'],
])
const MASTER = [
  'name',
  'cache',
  'ip',
  '10.0.0.1',
  'port',
  '6379',
  'flags',
  'master',
  'last-ok-ping-reply',
  '80',
].concat([
  ...['down-after-milliseconds', '3000', 'config-epoch', '4', 'quorum', '2', 'failover-timeout', '20000'],
  ...['parallel-syncs', '1', 'role-reported', 'master', 'role-reported-time', '9000'],
])

const seen = (host: 'app1' | 'app2', instead = {}) => {
  const survey = parseSurvey(desired, host, value(answer(host, instead)))
  if (survey.unreachable !== undefined) throw new Error(survey.unreachable)
  return survey
}

describe('a survey', () => {
  test('of a master tells its role, keys of all databases and replicas', () => {
    expect(seen('app1').redis).toMatchObject({
      ...{ role: 'master', keys: 42, changes: 3, offset: 100, takesWrites: true, differing: [], unsaved: [] },
      replicas: [{ address: '10.0.0.2', port: 6379, state: 'online', offset: 90, lag: 1 }],
    })
  })

  test('of a replica tells whom it follows, and for how long it does not', () => {
    const { redis, disk } = seen('app2')
    expect(redis).toMatchObject({
      role: 'replica',
      offset: 90,
      takesWrites: false,
      master: { link: 'down', downFor: 7 },
    })
    expect(seen('app2', { aside: ['4096\t/var/lib/redis/aside-20260101T000000Z.rdb'] }).disk.aside).toEqual([
      { path: '/var/lib/redis/aside-20260101T000000Z.rdb', bytes: 4096 },
    ])
    expect(disk).toMatchObject({ dump: { bytes: 88, age: 600 }, follows: { address: '10.0.0.1', port: 6379 } })
  })

  test('tells what keeps a server from writing, who else may log in, and who left', () => {
    const info = (...more: readonly string[]) => seen('app1', { info: [...INFO, ...more] }).redis
    const full = ['maxmemory:8388608', 'maxmemory_policy:noeviction', 'mem_not_counted_for_evict:1000']
    expect(info(...full, 'used_memory:8389608')?.memoryFull).toBe(true)
    expect(info(...full, 'used_memory:8389607')).not.toHaveProperty('memoryFull')
    expect(info(...full, 'maxmemory_policy:allkeys-lru', 'used_memory:9389608')).not.toHaveProperty('memoryFull')
    expect(info('aof_last_write_status:err')?.diskFails).toBe(true)
    expect(seen('app1', { 'password users': ['eve mallory '] }).redis?.otherUsers).toBe('eve mallory')
    expect(seen('app1', { free: ['4096'], left: ['yes'] }).disk).toMatchObject({ free: 4096, left: true })
    expect(seen('app1').disk).not.toHaveProperty('left')
  })

  test('of a Sentinel tells what it watches', () => {
    expect(seen('app1').sentinel).toMatchObject({
      masters: [
        {
          ...{ name: 'cache', flags: ['master'], configEpoch: 4, usable: true },
          reported: { role: 'master', for: 9000 },
          replicas: [{ flags: ['slave', 's_down'], reported: { role: 'replica', for: 7000 } }],
        },
      ],
      differing: [],
    })
  })

  test('names settings that differ, whatever unit they are written in', () => {
    const config = Object.entries({ ...settings, maxmemory: '80mb', 'replica-announce-ip': '10.0.0.1' }).flat()
    expect(seen('app1', { config }).redis).toMatchObject({
      differing: [{ name: 'maxmemory', running: '83886080', wanted: '67108864' }],
      unsaved: ['maxmemory'],
    })
    expect(seen('app1', { file: ['maxmemory 1gb'] }).disk.fileDiffers).toEqual(['maxmemory'])
  })

  test('takes all lines of a file about one setting together', () => {
    const more = { save: '3600 1 300 100', 'client-output-buffer-limit': 'replica 1mb 1mb 60' }
    const own = { ...desired, settings: redisSettings({ persistence: 'cache', memory: 64, more }) }
    const config = Object.entries({ ...own.settings, 'replica-announce-ip': '10.0.0.1' }).flat()
    const file = ['save 3600 1', 'save 300 100', 'client-output-buffer-limit replica 1mb 1mb 60']
    expect(parseSurvey(own, 'app1', value(answer('app1', { config, file })))).toMatchObject({
      redis: { differing: [], unsaved: [] },
      disk: { fileDiffers: [] },
    })
  })

  test.each([
    ['another password that opens it', ['own yes', 'former missing no', 'others 1', 'master yes'], { others: 1 }],
    [
      'no password at all',
      ['nopass', 'own no', 'former missing no', 'others 0', 'master yes'],
      { own: false, others: 1 },
    ],
    [
      'the former one is missing',
      ['own yes', 'former missing yes', 'others 0', 'master no'],
      { own: false, forMaster: false },
    ],
  ])('tells of %s', (_what, lines, expected) => {
    expect(seen('app1', { password: lines }).redis?.passwords).toMatchObject(expected)
  })

  test('of a Sentinel never tells a password', () => {
    const lines = ['own no', 'former missing no', 'others 1', 'peers no', 'servers no']
    const names = seen('app1', { spassword: lines }).sentinel?.differing.map(({ name }) => name)
    expect(names).toEqual(['password', 'sentinel-pass', 'auth-pass'])
  })

  test.each(['down', 'loading', 'wrong password', 'plain', 'hung', 'unreadable'])('a server may be %s', (said) => {
    const survey = seen('app1', { 'via redis': [said] })
    expect([survey.redis, survey.trouble]).toEqual([undefined, { redis: said }])
  })

  test.each([
    ['half of it', answer('app1').slice(0, -5), 'its end is missing'],
    ['of another program', 'hello\nend\n', "it begins with 'hello'"],
    ['without a role', answer('app1').replace('role:master', 'role:king'), 'role: neither master nor replica'],
    ['with an odd id', answer('app1').replace(`master_replid:${ID}`, 'master_replid:x'), 'master_replid: no id'],
    ['without a state', answer('app1').replace('via redis ok', ''), 'how redis is reached is missing'],
  ])('%s counts as none', (_what, text, why) => {
    expect(parseSurvey(desired, 'app1', value(text))).toEqual({
      ...{ host: 'app1', unreachable: `its answer cannot be read: ${why}`, answered: true },
    })
  })
})

describe('a proof', () => {
  const said = (host: 'app1' | 'app2', more: readonly string[] = []) => {
    const doors = [
      'plain Error: Connection reset by peer',
      'wrong AUTH failed: WRONGPASS',
      'swrong AUTH failed: WRONGPASS',
    ]
    const tls = [6379, 26379].map((port) => `tls ${port} Verify return code: 0 (ok)`)
    const own = host === 'app2' ? ['own READONLY no'] : []
    const up = REPLICA.map((line) => line.replace('status:down', 'status:up'))
    const text = answer(host).replace(
      REPLICA.map((line) => `info ${line}`).join('\n'),
      up.map((line) => `info ${line}`).join('\n'),
    )
    const before = ['names 10.0.0.1', 'write OK', 'write 1', ...own, ...doors, ...tls]
    const words = more.map((line) => line.split(' ')[0])
    return `${[...before.filter((line) => !words.includes(line.split(' ')[0])), ...more].join('\n')}\n${text}`
  }
  const judged = (more: readonly string[] = []) =>
    judgeProof(
      desired,
      new Map([
        ['app1', value(said('app1'))],
        ['app2', value(said('app2', more))],
      ]),
    )

  test('holds of a set that is whole', () => {
    expect(judged()).toEqual([])
  })

  test.each([
    [['names 10.0.0.9'], 'app2: its Sentinel names 10.0.0.9 as the master of cache, not app1'],
    [
      ['write NOREPLICAS Not enough good replicas'],
      'app2: a write on the master that its Sentinel names failed: NOREPLICAS Not enough good replicas',
    ],
    [['write OK', 'write 0'], 'app2: its write on app1 was confirmed by 0 replicas within 2 s, not by 1'],
    [['own OK'], 'app2: a write on it, a replica, was not refused: OK'],
    [['plain PONG'], 'app2: it answers without TLS'],
    [['wrong PONG'], 'app2: its server takes a wrong password'],
    [['swrong PONG'], 'app2: its Sentinel takes a wrong password'],
  ])('does not hold: %s', (more, why) => {
    expect(judged(more)).toEqual([why])
  })
})

describe('a playbook', () => {
  test.each([
    [{ nodes: nodes.slice(1) }, 'the set cache has 3 to 7 nodes, so that most of them can agree, not 2'],
    [
      { nodes: [...nodes, { host: 'app4', address: '10.0.0.1' }] },
      'two nodes of the set cache have one address: 10.0.0.1',
    ],
    [
      { nodes: [...nodes, { host: 'app4', address: 'app4' }] },
      'app4 is reached by its peers at an IP address, not at app4',
    ],
    [
      { nodes: [...nodes, { host: 'app4', address: 'fe80::1%eth0' }] },
      'app4 is at fe80::1%eth0, which only one interface knows: say another one with address',
    ],
    [{ password: new Secret('p', 'short') }, 'password of the set cache has to be 12 to 128 letters'],
    [{ password: new Secret('p', 'with "quotes" in it') }, 'password of the set cache has to be 12 to 128 letters'],
  ])('%o is refused', (more, why) => {
    expect(() => redisDesired({ ...want, sentinelPassword: password, ...more })).toThrow(why)
  })

  test('an IPv6 address is written as the daemons write it, however a playbook does', () => {
    const long = [...nodes.slice(0, 2), { host: 'app3', address: 'FD00:0007:0:0::3' }]
    expect(redisDesired({ ...want, sentinelPassword: password, nodes: long }).nodes.at(-1)?.address).toBe('fd00:7::3')
  })

  test('a cache keeps nothing on disk, and what is durable gives nothing away', () => {
    const of = (persistence: 'cache' | 'durable') => redisSettings({ persistence, memory: 64, more: {} })
    expect(of('cache')).toMatchObject({
      appendonly: 'no',
      'maxmemory-policy': 'allkeys-lru',
      'rdb-del-sync-files': 'yes',
    })
    expect(of('durable')).toMatchObject({
      appendonly: 'yes',
      'maxmemory-policy': 'noeviction',
      'rdb-del-sync-files': 'no',
    })
  })
})

test('no password is in the text of a step', () => {
  const [first, ...others] = nodes
  if (!first) throw new Error('no node')
  const text = JSON.stringify([
    createSet(desired, first, others, 'why'),
    rotatePassword(desired, { do: 'rotate password', nodes: [], given: [], why: 'drift' }),
  ])
  expect(text).not.toContain(password.reveal())
})
