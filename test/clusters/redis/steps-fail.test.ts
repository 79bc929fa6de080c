import { describe, expect, test } from 'vitest'
import { assess } from '../../../src/clusters/redis/decide.ts'
import {
  createSet,
  failOver,
  followMaster,
  moveAside,
  promoteReplica,
  restartServer,
  setSettings,
  startSentinel,
  startServer,
  watchMaster,
} from '../../../src/clusters/redis/steps.ts'
import {
  app1,
  app2,
  app3,
  CONF,
  changes,
  expectRefusal,
  FILES,
  HERE,
  keyspace,
  link,
  MASTER,
  OURS,
  REFUSED,
  type Refusal,
  SENTINEL_CONF,
  starting,
  want,
  watching,
} from './support/answers.ts'
import { type Answers, act } from './support/fake-cli.ts'
import { desired, set } from './support/surveys.ts'

const started = (unit: string) => ['reset-failed', 'start'].map((verb) => `systemctl ${verb} ${unit}`)
const REPLICA: Answers = [
  [/^127.0.0.1:6379 role/, 'slave'],
  [/^127.0.0.1:6379 info replication/, link()],
]

describe('whatever is to be done', () => {
  test.each(['password', 'sentinel', 'tls/ca.crt'])('nothing is, where %s of a node is missing', (name) => {
    const path = name.startsWith('tls') ? `/etc/redis/${name}` : `/etc/evenkeel-redis/${name}`
    const acted = act(moveAside(app2, 'why'), /aside/, [], { ...FILES, [path]: undefined })
    expectRefusal(acted, /^this node is not prepared\n$/)
    expect(acted.asked).toEqual([])
  })

  test('a server that was started answers, or that is said', () => {
    const acted = act(startServer(want, app2, 'why'), /start/, [[/:6379 (ping|role)/, '!LOADING']], FILES)
    expectRefusal(acted, /the server does not answer/, started('redis-server'))
  })

  test('Sentinel that was started answers, or that is said', () => {
    const acted = act(startSentinel(app2, 'why'), /start/, [[/^127.0.0.1:26379 ping/, REFUSED]], FILES)
    expectRefusal(acted, /Sentinel does not answer/, started('redis-sentinel'), expect.anything())
  })

  test('a file that nobody can read stays as it is', () => {
    const unread: Answers = [[/^setpriv .*(cat|grep)/, '!Permission denied']]
    const server = act(restartServer(want, app2, 'why'), /./, [...unread, ...REPLICA, ...MASTER, ...HERE], FILES)
    expect([server.code, server.output, server.wrote]).toEqual([1, expect.stringMatching(/redis.conf cannot/), {}])
    const sentinel = act(startSentinel(app2, 'why'), /./, [...unread, ...starting('redis-sentinel')], FILES)
    expectRefusal(sentinel, /its sentinel.conf cannot be read/)
  })

  test('a server that does not write its file is not restarted', () => {
    const acted = act(
      restartServer(want, app2, 'why'),
      /./,
      [[/rewrite/, '!ERR'], ...REPLICA, ...MASTER, ...HERE],
      FILES,
    )
    expectRefusal(acted, /the server does not write its file/, ['config rewrite'])
  })
})

describe('a server that is to follow', () => {
  const [LET_GO, FOLLOW, SAVE] = ['client unpause', 'replicaof 10.0.0.1 6379', 'config rewrite']
  const step = followMaster(want, app2, app1, 'why')
  const here: Answers = [
    [/info persistence/, 'rdb_bgsave_in_progress:0'],
    [/info keyspace/, keyspace(0)],
    [/^127.0.0.1:6379 info replication/, link(), /replicaof/],
    [/^127.0.0.1:6379 info replication/, link('up', '10.0.0.9')],
    ...[...REPLICA, ...MASTER, ...HERE],
  ]
  const mute: Answers = [
    [/^127.0.0.1:6379 info replication/, 'role:slave'],
    [/info keyspace/, keyspace(3)],
  ]
  const elsewhere: Answers = [[/^10.0.0.1:6379 info replication/, 'master_replid:r1\nmaster_repl_offset:101']]

  test.each<Refusal>([
    ['does not answer', [[/ping$/, '!']], /its server does not answer/],
    ['does not say what its history is', mute, /does not say what its history is/, [LET_GO, LET_GO]],
    ['does not do so', [[/replicaof/, '!ERR no']], /does not follow: ERR no/, [LET_GO, FOLLOW, LET_GO]],
    ['does not write that', [[/rewrite/, '!']], /write its file/, [LET_GO, FOLLOW, LET_GO, SAVE, LET_GO]],
    ['stays alone', [[/info replication/, link('down')]], /does not follow app1\n$/, [LET_GO]],
    ['lacks some', elsewhere, /does not catch up with app1/, [LET_GO, FOLLOW, LET_GO, SAVE, LET_GO]],
  ])('and %s', (_, answers, says, changed) => {
    expectRefusal(act(step, /follow/, [...answers, ...here]), says, changed)
  })
})

describe('a replica becomes the master', () => {
  const of = { node: app2, others: [app3], watchers: [app1, app2, app3], stopped: [], fenced: [] } as const
  const step = promoteReplica(want, { do: 'promote replica', ...of, why: 'why' })
  const here: Answers = [
    [/^127.0.0.1:6379 info server/, `run_id:${app2.seen.redis.runId}`],
    [/^10.0.0.1:6379 role/, REFUSED],
    [/^10.0.0.3:6379 role/, 'slave'],
    [/^127.0.0.1:6379 role/, 'master', /replicaof no one/],
    ...[...REPLICA, ...HERE],
  ]
  const PROMOTE = 'replicaof no one'

  test.each<Refusal>([
    ['not one that was started again', [[/info server/, 'run_id:other']], /not as it was seen/],
    ['not beside another one', [[/^10.0.0.3:6379 role/, 'master']], /10.0.0.3 is a master, or cannot be asked/],
    ['not beside one that nobody saw', [[/^10.0.0.1:6379 role/, 'master']], /10.0.0.1 is a master: nothing is done/],
    ['or does not do so', [[/replicaof/, '!ERR no']], /does not become the master: ERR no/, [PROMOTE]],
    ['or is none behind that', [[/^127.0.0.1:6379 role/, 'slave']], /did not become the master/, [PROMOTE]],
    ['or does not write that', [[/rewrite/, '!']], /does not write its file/, [PROMOTE, 'config rewrite']],
  ])('%s', (_, answers, says, changed) => {
    expectRefusal(act(step, /become/, [...answers, ...here]), says, changed)
  })

  test('not where a Sentinel fails over: it forgets nothing', () => {
    const acted = act(step, /watches nothing/, watching('127.0.0.1', '10.0.0.1', 's_down,failover_in_progress'))
    expectRefusal(acted, /a failover is under way/)
  })
})

describe('behind a planned failover', () => {
  const step = failOver(want, app1, app2, 'why')
  const [FOLLOW, LET_GO, SAVE] = ['replicaof 10.0.0.2 6379', 'client unpause', 'config rewrite']
  const GO = ['client pause 20000 write', '10.0.0.2:26379 sentinel failover cache']
  const here: Answers = [
    [/^10.0.0.2:6379 role/, 'master'],
    [/^10.0.0.2:6379 info replication/, 'master_replid:r1\nslave_repl_offset:100'],
    [/sentinel failover/, 'OK'],
    [/^127.0.0.1:6379 info replication/, link('up', '10.0.0.2'), /replicaof/],
    ...['10.0.0.1', '10.0.0.2', '10.0.0.3'].flatMap((one) => watching(one, '10.0.0.2')),
    ...[[/^127.0.0.1:6379 role/, 'master'] as const, ...MASTER, ...HERE],
    [/^127.0.0.1:6379 info replication/, 'master_repl_offset:100'],
  ]
  const other = watching('10.0.0.3', '10.0.0.1')

  test.each<Refusal>([
    ['the former master does not follow', [[/replicaof/, '!ERR no']], /not follow: ERR no/, [...GO, FOLLOW]],
    ['a Sentinel names another one', other, /do not agree that app2/, [...GO, FOLLOW, LET_GO, SAVE]],
    [
      'the former master stays alone',
      [[/^127.0.0.1:6379 info replication/, link('down', '10.0.0.2'), /replicaof/]],
      ...([/does not follow app2 yet/, [...GO, FOLLOW, LET_GO, SAVE]] as const),
    ],
  ])('%s, and that is said', (_, answers, says, changed) => {
    expectRefusal(act(step, /hand over/, [...answers, ...here]), says, changed)
  })

  test('all is well', () => {
    const acted = act(step, /hand over/, here)
    expect([acted.code, acted.output, changes(acted)]).toEqual([0, '', [...GO, FOLLOW, LET_GO, SAVE]])
  })
})

describe('settings that are changed', () => {
  const maxmemory = { ...want, settings: { maxmemory: '8' } }
  const names = ['maxmemory', 'failover-timeout', 'announce-ip']
  const step = setSettings(maxmemory, app2, names, 'why')
  const SERVER = ['config set maxmemory 8', 'config rewrite']
  const SENTINEL = ['sentinel set cache failover-timeout 20000', 'sentinel config set announce-ip 10.0.0.2']
  const here: Answers = [[/sentinel (set|config set)/, 'OK'], [/info memory/, 'used_memory:8'], ...HERE]
  const settings = (answers: Answers, there: Readonly<Record<string, string>> = FILES) =>
    act(step, /^set/, [...answers, ...here], there)

  test.each<Refusal>([
    ['of the server', [[/config set max/, '!ERR no']], /^maxmemory: ERR no/, SERVER.slice(0, 1)],
    ['in its file', [[/rewrite/, '!ERR']], /does not write its file/, SERVER],
    ['of Sentinel', [[/sentinel set/, '!ERR no']], /^failover-timeout: ERR no/, [...SERVER, ...SENTINEL.slice(0, 1)]],
    ['of its address', [[/announce-ip/, '!ERR no']], /^announce-ip: ERR no/, [...SERVER, ...SENTINEL]],
  ])('or not: %s', (_, answers, says, changed) => {
    expectRefusal(settings(answers), says, changed)
  })

  test('in a file that somebody put there, which is ours again', () => {
    expect(settings([], { [CONF]: 'port 0\n' }).wrote).toEqual({ [CONF]: `${OURS}port 0\n` })
    const unread: Answers = [[/^setpriv .* cat/, '!Permission denied']]
    expectRefusal(settings(unread, { [CONF]: 'port 0\n' }), /redis.conf cannot be read: Permission denied/, SERVER)
  })
})

describe('Sentinels that are told', () => {
  const step = watchMaster(want, [app2], app1, 'why', ['stray'])

  test.each<Refusal>([
    ['do not answer', [[/26379 ping/, REFUSED]], /its Sentinel does not answer/],
    ['would watch one that is none', [[/^10.0.0.1:6379 role/, 'slave']], /app1 is not the master any more/],
  ])('to forget, and %s', (_, answers, says) => {
    expectRefusal(act(step, /forget/, [...answers, ...watching('127.0.0.1'), ...MASTER, ...HERE], FILES), says)
  })

  test('to forget do so with what nobody wants watched, and with nothing where their file is none of ours', () => {
    const forget = (file: string) =>
      act(step, /forget/, [...watching('127.0.0.1'), ...MASTER, ...HERE], { [SENTINEL_CONF]: file })
    expect(changes(forget(OURS))).toEqual(['sentinel remove stray'])
    expect(changes(forget('port 26379\n'))).toEqual([])
  })

  test('and do not find all others', () => {
    const few: Answers = [[/26379 sentinel master/, 'flags\nmaster\nnum-slaves\n1\nnum-other-sentinels\n0']]
    const whole = createSet(want, app1, [app2, app3], 'why')
    const acted = act(whole, /knows all/, [...few, ...watching('127.0.0.1'), ...MASTER])
    expectRefusal(acted, /Sentinel does not know all: 1 replicas and 0 other Sentinels/)
  })

  test('that a node left, and it did not, or how many have to agree, and they do not take it', () => {
    const [leave] = assess(desired(4), set({}, 4), { remove: 'app4' }).decision.steps
    if (!leave) throw new Error('no step')
    const still: Answers = [[/^10.0.0.1:6379 info replication/, 'slave0:ip=10.0.0.4,port=6379']]
    const here = [...watching('127.0.0.1'), ...MASTER]
    expectRefusal(act(leave, /forget/, [...still, ...here]), /app4 follows the master still/)
    const quorum: Answers = [
      [/sentinel (replicas|sentinels)/, ''],
      [/sentinel set/, '!ERR no'],
    ]
    expectRefusal(act(leave, /forget/, [...quorum, ...here]), /^quorum: ERR no/, ['sentinel set cache quorum 2'])
  })
})
