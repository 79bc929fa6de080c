import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  followMaster,
  joinSet,
  moveAside,
  restartServer,
  startSentinel,
  startServer,
} from '../../../src/clusters/redis/steps.ts'
import {
  app1,
  app2,
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
} from './support/answers.ts'
import { type Answers, act, type Files, STAMP } from './support/fake-cli.ts'

const STARTED = ['systemctl reset-failed redis-server', 'systemctl start redis-server']
const HASH = `#${createHash('sha256').update('a password').digest('hex')}`

describe('a server that is down is started', () => {
  const step = startServer(want, app2, 'why')
  const master: Files = { [CONF]: `${OURS}appendonly no\n` }
  const known: Files = { ...master, [SENTINEL_CONF]: 'sentinel known-replica cache 10.0.0.9 6379\n' }
  const start = (answers: Answers, there: Files) =>
    act(step, /start/, [...answers, ...starting('redis-server'), [/:6379 role/, REFUSED]], there)

  test.each<[...Required<Refusal>, Files]>([
    ['not where its file is none of ours', [], /its redis.conf is none of ours/, [], { [CONF]: 'port 6379\n' }],
    ['not where it has no file', [], /its redis.conf is none of ours/, [], {}],
    ['not beside a master', [[/^10.0.0.3:6379 role/, 'master']], /10.0.0.3 is the master by now/, [], master],
    ['not beside one that only Sentinel knows', [[/^10.0.0.9:6379 role/, 'master']], /10.0.0.9 is the/, [], known],
    ['not beside one that refuses us', [[/^10.0.0.1:6379 role/, '!WRONGPASS']], /whether 10.0.0.1 is/, [], master],
  ])('%s', (_, answers, says, changed, there) => {
    expectRefusal(start(answers, there), says, changed)
  })

  test('as a master beside nobody: all nodes were asked, also without a file of Sentinel', () => {
    const acted = start([[/^10.0.0.3:6379 role/, '!Could not connect: No route to host']], master)
    expect([acted.code, changes(acted)]).toEqual([0, STARTED])
    const asked = acted.asked.filter((one) => /^10.*role$/.test(one))
    expect(asked).toEqual(['10.0.0.1:6379 role', '10.0.0.3:6379 role'])
    expect(Object.keys(acted.wrote)).toEqual([CONF])
  })

  test.each(['replicaof', 'slaveof'])('as a replica by its %s, and what it keeps itself stays', (name) => {
    const kept = `${name} 10.0.0.1 6379\nmasterauth "x"\nuser default on ${HASH}\nuser NAME on #1 ~x\n`
    const acted = start([[/^10.*role/, 'master']], { [CONF]: `${OURS}port 1\nsave 1 1\n${kept}` })
    expect([acted.code, changes(acted)]).toEqual([0, STARTED])
    expect(acted.wrote[CONF]).toMatch(new RegExp(`^${OURS}bind [^]*\n${kept.replaceAll(/[*.]/g, '.')}$`))
    expect(acted.wrote[CONF]).not.toMatch(/save|port 1/)
  })

  test('and one that hangs writes its file itself', () => {
    const acted = start([[/^127.0.0.1:6379 role/, '!']], FILES)
    expect([acted.code, changes(acted), acted.wrote]).toEqual([0, STARTED, {}])
  })

  test.each(['chown', 'mv'])('not with a file that %s leaves unfinished', (program) => {
    const acted = start([[new RegExp(`^${program} `), '!']], FILES)
    expectRefusal(acted, /redis.conf cannot be written/)
  })

  test('and says so where it does not start', () => {
    expectRefusal(start([[/^systemctl start/, '!']], { ...FILES }), /redis-server does not start/, STARTED, {
      [CONF]: expect.stringContaining('replicaof 10.0.0.1 6379'),
    })
  })
})

describe('Sentinel is started', () => {
  const step = startSentinel(app2, 'why')
  const own = `${OURS}port 0\nuser default on ${HASH} ~* &* +@all\n`
  const RAN = ['systemctl reset-failed redis-sentinel', 'systemctl start redis-sentinel']
  const start = (before: string, there: Files, more: Answers = []) =>
    act(step, /start/, [...more, ...starting('redis-sentinel', before)], there)

  test.each<[string, Files]>([
    ['is none of ours', { [SENTINEL_CONF]: 'port 26379\n' }],
    ['is missing', {}],
  ])('not where its file %s', (_, there) => {
    expectRefusal(start(REFUSED, there), /its sentinel.conf is none of ours/)
  })

  test('with its file as it is, where our password opens it', () => {
    const acted = start(REFUSED, { [SENTINEL_CONF]: own })
    expect([acted.code, changes(acted), acted.wrote]).toEqual([0, RAN, {}])
  })

  test('with our password in place of another one, and all else as it was', () => {
    const others = `${OURS}port 0\nuser NAME on #1\nsentinel myid 5\n`
    const acted = start('!WRONGPASS', { [SENTINEL_CONF]: `${others}user default on #9 ~* &* +@all\n` })
    expect([acted.code, changes(acted)]).toEqual([0, ['systemctl stop redis-sentinel', ...RAN]])
    expect(acted.wrote).toEqual({ [SENTINEL_CONF]: `${others}user default on ${HASH} ~* &* +@all\n` })
  })

  test('not where the file cannot be put there', () => {
    const acted = start('!NOAUTH', { [SENTINEL_CONF]: `${OURS}user default on #9\n` }, [[/^mv /, '!']])
    expectRefusal(acted, /sentinel.conf cannot be written/, ['systemctl stop redis-sentinel'])
  })
})

describe('a replica is restarted', () => {
  const step = restartServer(want, app2, 'why')
  const replica: Answers = [
    [/^127.0.0.1:6379 role/, 'slave'],
    [/^127.0.0.1:6379 info replication/, link()],
  ]
  const few: Answers = [[/^10.0.0.1:6379 info replication/, 'master_replid:r1\nmin_slaves_good_slaves:1']]
  const ALL = ['config rewrite', 'systemctl stop redis-server', ...STARTED]
  const restart = (answers: Answers, there: Files = FILES) =>
    act(step, /restart/, [...answers, ...replica, ...MASTER, ...HERE], there)

  test.each<Refusal>([
    ['not where it is a master', [[/^127.0.0.1:6379 role/, 'master']], /it is no replica/],
    ['not behind a server that is no master', [[/^10.0.0.1:6379 role/, 'slave']], /follows is no master/],
    ['not behind one that does not answer', [[/^10.0.0.1:6379 role/, REFUSED]], /follows is no master/],
    ['not where the master misses another one', few, /only 1 replicas confirm in time/],
  ])('%s', (_, answers, says) => {
    expectRefusal(restart(answers), says)
  })

  test('not where it is down, and would come back as a master', () => {
    const down = starting('redis-server')
    expectRefusal(restart(down, { [CONF]: OURS }), /it is no replica/)
  })

  test('also where too few confirm, as its own link is down', () => {
    const up: Answers = [[/^127.0.0.1:6379 info replication/, link(), /^systemctl start/]]
    const master: Answers = [
      [/^10.0.0.1:6379 info replication/, 'master_replid:r1\nmaster_repl_offset:90\nmin_slaves_good_slaves:1'],
    ]
    const acted = restart([...up, [/^127.0.0.1:6379 info replication/, link('down')], ...master])
    expect([acted.code, acted.output, changes(acted)]).toEqual([0, '', ALL])
  })

  test('also where one that is no node of the playbook follows as well', () => {
    const master: Answers = [
      [/^10.0.0.1:6379 info replication/, 'master_replid:r1\nmaster_repl_offset:90\nmin_slaves_good_slaves:3'],
    ]
    expect(changes(restart(master))).toEqual(ALL)
  })

  test.each(['chown', 'mv'])('and goes on with its file of before where %s fails', (program) => {
    const acted = restart([[new RegExp(`^${program} `), '!']])
    expectRefusal(acted, /redis.conf cannot be written(.|\n)*it runs with what it had/, ALL)
  })

  test('and not where that cannot be read', () => {
    expectRefusal(restart([[/^setpriv .* cat/, '!']]), /cannot be read: it is not restarted/, ALL.slice(0, 1))
  })

  test('and goes on with its file of before where it does not start with another one', () => {
    const acted = restart([
      [/^systemctl start/, '', /^systemctl start/],
      [/^systemctl start/, '!'],
    ])
    expectRefusal(acted, /does not start with what is wanted: it runs with what it had/, [...ALL, ...STARTED])
  })

  test.each<Refusal>([
    ['another link', [[/^127.0.0.1:6379 info replication/, link('down'), /^systemctl start/]], /follow its master/],
    ['less than all', [[/^10.0.0.1:6379 info replication/, 'master_replid:r1\nmaster_repl_offset:101']], /catch up/],
  ])('and says so where it comes back with %s', (_, answers, says) => {
    expectRefusal(restart(answers), says, ALL, { [CONF]: expect.stringContaining('replicaof 10.0.0.1') })
  })
})

describe('a data set is saved before it is given up', () => {
  const [DATA, ASIDE] = ['/var/lib/redis/dump.rdb', `/var/lib/redis/aside-${STAMP}.rdb`]
  const CHECKED = `redis-check-rdb ${ASIDE}`
  const [LET_GO, SAVE] = ['client unpause', 'bgsave']
  const step = followMaster(want, app2, app1, 'why', { keys: 5 })
  const persistence = (more: string) => `rdb_bgsave_in_progress:${more}`
  const saving = (after: string): Answers => [
    [/info persistence/, persistence(after), /bgsave/],
    [/info persistence/, persistence('0\nrdb_saves:1\nrdb_last_bgsave_status:ok')],
  ]
  const saved = saving('0\nrdb_saves:2\nrdb_last_bgsave_status:ok')
  const follow = (answers: Answers) =>
    act(
      step,
      /follow/,
      [
        ...answers,
        [/^127.0.0.1:6379 role/, 'slave'],
        [/info keyspace/, keyspace(5)],
        [/bgsave/, 'Background saving started'],
        [/config get appendonly/, 'appendonly\nno'],
        [/^127.0.0.1:6379 info replication/, link('up'), /replicaof/],
        [/^127.0.0.1:6379 info replication/, link('up', '10.0.0.9')],
        ...MASTER,
        ...HERE,
      ],
      { [DATA]: 'five keys' },
    )

  test.each<Refusal>([
    ['it saves something else', [[/info persistence/, persistence('1')]], /it saves something else/, [LET_GO]],
    ['it saves for too long', saving('1'), /it saves for too long/, [LET_GO, SAVE, LET_GO]],
    ['it fails', saving('0\nrdb_saves:2\nrdb_last_bgsave_status:err'), /could not save/, [LET_GO, SAVE, LET_GO]],
    ['nothing was saved', saving('0\nrdb_saves:1\nrdb_last_bgsave_status:ok'), /could not/, [LET_GO, SAVE, LET_GO]],
  ])('not where %s', (_, answers, says, changed) => {
    expectRefusal(follow(answers), says, changed)
  })

  test('and clients write on where they cannot be told to wait', () => {
    const acted = follow([...saved, [/^127.0.0.1:6379 role/, 'master'], [/client pause/, '!ERR no']])
    expectRefusal(acted, /writes cannot be held: ERR no/, [LET_GO, 'client pause 900000 write', LET_GO])
  })

  test('and nothing is given up for what cannot be loaded', () => {
    const acted = follow([...saved, [/^redis-check-rdb /, '!Wrong signature']])
    const lies = { [DATA]: undefined, [ASIDE]: 'five keys' }
    expectRefusal(acted, /cannot be loaded: Wrong signature/, [LET_GO, SAVE, CHECKED, LET_GO], lies)
  })

  test.each([
    ['moved where nothing is kept', 'no', { [DATA]: undefined, [ASIDE]: 'five keys' }],
    ['copied where all is kept', 'yes', { [ASIDE]: 'five keys' }],
  ])('and is %s', (_, appendonly, wrote) => {
    const acted = follow([...saved, [/config get appendonly/, `appendonly\n${appendonly}`]])
    expect([acted.code, acted.output, acted.wrote]).toEqual([0, `its data set is saved: ${ASIDE}\n`, wrote])
    const behind = ['replicaof 10.0.0.1 6379', LET_GO, 'config rewrite', LET_GO]
    expect(changes(acted)).toEqual([LET_GO, SAVE, CHECKED, ...behind])
  })
})

describe('what lies on a disk is moved aside', () => {
  const step = moveAside(app2, 'why')
  const down: Answers = [[/^127.0.0.1:6379 (role|ping)/, REFUSED]]
  const [dump, only] = ['/var/lib/redis/dump.rdb', '/var/lib/redis/appendonly.aof']
  const lies: Files = { [dump]: 'old keys', [only]: 'older keys' }

  test.each<Refusal>([
    ['under a server that runs', [[/^127.0.0.1:6379 role/, 'slave']], /runs by now/],
    ['under one that hangs', [[/^127.0.0.1:6379 role/, '!']], /runs by now/],
    ['where something lies there', [[/^mv /, '']], /dump.rdb could not be moved aside/],
    ['where the disk is full', [[/^mv /, '!No space left']], /No space left/],
  ])('not %s', (_, answers, says) => {
    expectRefusal(act(step, /aside/, [...answers, ...down], lies), says)
  })

  test('and stays, all of it', () => {
    const aside = `/var/lib/redis/aside-${STAMP}`
    const acted = act(step, /aside/, down, lies)
    const wrote = { [dump]: undefined, [only]: undefined, [`${aside}.rdb`]: 'old keys', [`${aside}.aof`]: 'older keys' }
    expect([acted.code, acted.wrote]).toEqual([0, wrote])
    expect(acted.output).toBe(`what lay there is ${aside}.rdb now\nwhat lay there is ${aside}.aof now\n`)
  })

  test('or no server is started above it', () => {
    const join = joinSet(want, app2, app1, 'why')
    const acted = act(join, /follow/, [[/^mv /, ''], ...starting('redis-server'), ...MASTER], { ...FILES, ...lies })
    const ended = ['systemctl kill -s KILL redis-server', 'systemctl stop redis-server']
    expectRefusal(acted, /could not be moved aside/, ended)
  })
})
