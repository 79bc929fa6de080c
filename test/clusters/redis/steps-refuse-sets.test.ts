import { describe, expect, test } from 'vitest'
import {
  createSet,
  failOver,
  joinSet,
  resetSentinel,
  restartSentinel,
  rotatePassword,
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
  REFUSED,
  type Refusal,
  SENTINEL_CONF,
  starting,
  want,
  watching,
} from './support/answers.ts'
import { type Answers, act } from './support/fake-cli.ts'

/** All three Sentinels watch app1. */
const WATCHED: Answers = ['127.0.0.1', '10.0.0.1', '10.0.0.2', '10.0.0.3'].flatMap((one) => watching(one))
const failing = (address: string): Answers => watching(address, '10.0.0.1', 'master,failover_in_progress')
const gone: Refusal = ['what it watches is no master', [[/^10.0.0.1:6379 role/, 'slave']], /is none: nothing is done/]

describe('Sentinel forgets what it found', () => {
  const step = resetSentinel(want, app2, 'why')
  const reset = (answers: Answers) => act(step, /reset/, [...answers, ...WATCHED, ...MASTER, ...HERE])
  const RESET = 'sentinel reset cache'

  test.each<Refusal>([
    gone,
    ['it fails over', failing('127.0.0.1'), /a failover is under way/],
    ['it does not do so', [[/sentinel reset/, '0']], /does not forget/, [RESET]],
    ['it may not', [[/sentinel reset/, '!NOPERM']], /does not forget/, [RESET]],
  ])('not where %s', (_, answers, says, changed) => {
    expectRefusal(reset(answers), says, changed)
  })

  test('and says so where it does not find the others again', () => {
    const alone: Answers = [
      [/^127.0.0.1:26379 sentinel master/, 'flags\nmaster\nnum-slaves\n2\nnum-other-sentinels\n1'],
    ]
    expectRefusal(reset([...alone, [/reset/, '1']]), /has not found the others yet/, [RESET])
    expect(reset([...watching('10.0.0.3', '10.0.0.9'), ...alone, [/reset/, '1']]).code).toBe(0)
  })
})

describe('Sentinel is restarted', () => {
  const step = restartSentinel(want, app2, 'why')
  const restart = (answers: Answers) => act(step, /restart/, [...answers, ...WATCHED, ...MASTER, ...HERE])
  const ALL = ['stop', 'reset-failed', 'start'].map((verb) => `systemctl ${verb} redis-sentinel`)

  test.each<Refusal>([
    gone,
    ['another one watches another master', watching('10.0.0.3', '10.0.0.9'), /only 1 others watch meanwhile/],
    ['another one does not answer', [[/^10.0.0.1:26379/, REFUSED]], /only 1 others watch meanwhile/],
    ['it fails over', failing('127.0.0.1'), /a failover is under way/],
    ['it says nothing of that', [[/^127.0.0.1:26379 sentinel master/, '!']], /a failover is under way/],
  ])('not where %s', (_, answers, says) => {
    expectRefusal(restart(answers), says)
  })

  test('and says so where it forgot', () => {
    const forgot: Answers = [[/^127.0.0.1:26379 sentinel (master|get)/, '', /^systemctl start/]]
    expectRefusal(restart(forgot), /does not know what it knew/, ALL)
    expect(changes(restart([]))).toEqual(ALL)
  })
})

describe('Sentinel watches another master', () => {
  const step = watchMaster(want, [app2], app1, 'why', [])
  const MONITOR = ['sentinel remove cache', 'sentinel monitor cache 10.0.0.1 6379 2']
  const SET = 'sentinel set cache down-after-milliseconds 3000 failover-timeout 20000 parallel-syncs 1'
  const PASSWORD = '< SENTINEL SET cache auth-pass "a password"'
  const watch = (answers: Answers) =>
    act(
      step,
      /^watch/,
      [...answers, [/26379 (sentinel (monitor|set|remove)|<)/, 'OK'], ...watching('127.0.0.1', ''), ...MASTER],
      FILES,
    )

  test.each<Refusal>([
    ['that is none any more', [[/^10.0.0.1:6379 role/, 'slave']], /app1 is not the master any more/, []],
    ['not where it may not', [[/monitor/, '!ERR no']], /does not watch it: ERR no/, MONITOR],
    ['not with its own settings', [[/ set /, '!ERR no']], /does not take its settings: ERR no/, [...MONITOR, SET]],
    ['not without its password', [[/</, '!ERR']], /change of passwords was not/, [...MONITOR, SET, PASSWORD]],
  ])('%s', (_, answers, says, changed) => {
    const acted = watch(answers)
    expectRefusal(acted, says, says.source.startsWith('change') ? [...(changed ?? []), PASSWORD] : changed)
  })

  test('with all of that, or nothing where it does so already', () => {
    expect(changes(watch([]))).toEqual([...MONITOR, SET, PASSWORD])
    expect(changes(watch(watching('127.0.0.1')))).toEqual([])
  })
})

describe('a planned failover is given up', () => {
  const step = failOver(want, app1, app2, 'why')
  const PREFER = 'config set replica-priority 1'
  const preferred = (priority: number): Answers => [
    [/sentinel replicas cache/, `ip\n10.0.0.3\nslave-priority\n1\nip\n10.0.0.2\nslave-priority\n${priority}`],
  ]
  const here: Answers = [[/^127.0.0.1:6379 info replication/, link()], ...WATCHED, ...MASTER, ...HERE]

  test.each<Refusal>([
    ['the master is another one', [[/^10.0.0.1:6379 info server/, 'run_id:other']], /app1 is not the master any/],
    ['it follows another one', [[/^127.0.0.1:6379 info/, link('up', '10.0.0.9')]], /does not follow the master/],
    ['its link is down', [[/^127.0.0.1:6379 info/, link('down')]], /does not follow the master/],
    ['a Sentinel misses the master', watching('10.0.0.3', '10.0.0.1', 'master,s_down'), /of the master: master,s_down/],
    ['one fails over', failing('10.0.0.2'), /of the master: master,failover_in_progress/],
    ['it may not be preferred', [[/config set/, '!ERR no']], /ERR no/, [PREFER]],
    ['Sentinel does not see that', preferred(100), /does not see that it is preferred/, [PREFER]],
  ])('before anything happens where %s', (_, answers, says, changed) => {
    expectRefusal(act(step, /preferred/, [...answers, ...preferred(1), ...here]), says, changed)
  })

  const [PAUSE, LET_GO, GO] = ['client pause 20000 write', 'client unpause', '10.0.0.2:26379 sentinel failover cache']
  const offset = (at: number): Answers[number] => [/^10.0.0.2:6379 info replication/, `slave_repl_offset:${at}`]
  const behind: Answers = [[/^10.0.0.2:6379 info/, 'slave_repl_offset:100', /^10.0.0.2:6379 info/], offset(90)]
  const from: Answers = [
    [/^127.0.0.1:6379 role/, 'master'],
    [/^127.0.0.1:6379 info replication/, 'master_repl_offset:100'],
  ]
  test.each<Refusal>([
    ['they cannot be held', [[/client pause/, '!ERR no']], /writes cannot be held: ERR no/, [PAUSE, LET_GO]],
    ['nobody knows how many', [[/^127.0.0.1:6379 info/, '!']], /how much it wrote/, [PAUSE, LET_GO]],
    ['it takes too long', behind, /it takes too long/, [PAUSE, LET_GO]],
    ['Sentinel refuses', [[/sentinel failover/, '!NOGOODSLAVE']], /fail over: NOGOODSLAVE/, [PAUSE, GO, LET_GO]],
  ])('and writes go on where %s', (_, answers, says, changed) => {
    expectRefusal(act(step, /hand over/, [...answers, offset(100), ...from, ...here]), says, changed)
  })
})

describe('a new set', () => {
  const step = createSet({ ...want, settings: { 'min-replicas-to-write': '2' } }, app1, [app2, app3], 'why')
  const plain = (output: string): Answers => [[/:plain info keyspace/, output]]
  const nothing: Answers = [...plain(REFUSED), [/:6379 role/, REFUSED]]
  const foreign: Answers = [[/^10.0.0.3:6379 role/, 'slave']]

  test.each<Refusal>([
    ['a node holds keys', [[/^10.0.0.3:6379 info/, keyspace(3)], ...foreign], /10.0.0.3 holds keys, or does not say/],
    ['a node does not say so', [[/^10.0.0.3:6379 info/, '!'], ...foreign], /10.0.0.3 holds keys, or does not say/],
    ['a node refuses us', [[/^10.0.0.3:6379/, '!WRONGPASS']], /10.0.0.3 holds keys, or does not say/],
    ['somebody has keys here', plain(keyspace(1)), /none of ours holds keys here.*--accept-data-loss app1=unknown/],
    ['somebody wants a password', plain('!NOAUTH'), /does not say what it holds.*--accept-data-loss app1=unknown/],
    ['somebody is silent', plain('!'), /does not say what it holds/],
    ['somebody runs elsewhere', [], /runs here and listens elsewhere.*--accept-data-loss app1=unknown/],
  ])('is not made where %s', (_, answers, says) => {
    const acted = act(step, /look/, [...answers, ...nothing])
    expectRefusal(acted, says)
    // What is asked without a certificate gets no password.
    expect(acted.by.filter((one) => one.includes(':plain') && !one.startsWith('none: '))).toEqual([])
  })

  test.each<[string, Answers]>([
    ['nobody runs', [[/^systemctl is-active/, '!']]],
    ['what runs holds nothing', plain(keyspace(0))],
    ['a node is empty', [[/^10.0.0.3:6379 info/, keyspace(0)], ...foreign, [/^systemctl is-active/, '!']]],
  ])('is made where %s', (_, answers) => {
    const acted = act(step, /look/, [...answers, ...nothing])
    expect([acted.code, acted.output]).toEqual([0, ''])
    expect(new Set(changes(acted))).toEqual(new Set(['systemctl stop redis-server', 'systemctl stop redis-sentinel']))
  })

  test('has a master, or is none', () => {
    const started = ['systemctl reset-failed redis-server', 'systemctl start redis-server']
    expectRefusal(act(step, /start the master/, [[/role/, 'slave'], ...HERE]), /it is no master/, started)
  })

  test('takes writes, or is none', () => {
    const few: Answers = [[/^127.0.0.1:6379 info replication/, 'min_slaves_good_slaves:1']]
    expectRefusal(act(step, /takes writes/, few), /too few replicas confirm what it writes/)
  })

  test.each(['chown', 'mv'])('has no file that %s leaves unfinished', (program) => {
    const acted = act(step, /its files/, [[new RegExp(`^${program} `), '!']])
    expectRefusal(acted, /redis.conf cannot be written/)
  })
})

describe('passwords are changed', () => {
  const step = rotatePassword(want, { do: 'rotate password', nodes: [app1, app2, app3], given: [], why: 'why' })
  const refusing: Answers = [
    [/</, '!ERR unknown command, with args beginning with: `default` `on` `"a password"`'],
    ...WATCHED,
    ...HERE,
  ]
  const sentinelOnly: Answers = [[/^127.0.0.1:6379 ping/, REFUSED], ...refusing]

  test.each([
    ['take the new', refusing, '127.0.0.1:6379 < ACL SETUSER default on "#'],
    ['take the new', sentinelOnly, '127.0.0.1:26379 < ACL SETUSER default on "#'],
    ['use the new', refusing, '127.0.0.1:6379 < CONFIG SET masterauth "a password"'],
    ['use the new', sentinelOnly, '127.0.0.1:26379 < SENTINEL SET cache auth-pass "a password"'],
    ['take no others', refusing, '127.0.0.1:6379 < ACL SETUSER default resetpass "#'],
    ['take no others', sentinelOnly, '127.0.0.1:26379 < ACL SETUSER default resetpass "#'],
  ])('or not, with no word of it in what is said (%s)', (title, answers, last) => {
    const acted = act(step, new RegExp(title), answers)
    expect([acted.code, acted.output]).toEqual([1, 'a change of passwords was not taken\n'])
    const told = acted.asked.filter((one) => !one.startsWith('no answer') && one.includes('<'))
    expect(told).toEqual([expect.stringContaining(last), expect.stringContaining(last)])
    expect(changes(acted).filter((one) => /^config|flushconfig/.test(one))).toEqual([])
    expect(acted.asked.filter((one) => !one.includes('<') && one.includes('a password'))).toEqual([])
  })
})

test('a server whose password is just being changed is opened by the one of before', () => {
  const step = rotatePassword(want, { do: 'rotate password', nodes: [app1, app2, app3], given: [], why: 'why' })
  const before: Answers = [
    [/^127.0.0.1:6379 (<|config)/, 'OK', /</],
    [/</, '!WRONGPASS'],
    ...[[/^127.0.0.1:26379/, REFUSED] as const, ...HERE],
  ]
  const acted = act(step, /take the new/, before, { ...FILES, [CONF]: `${FILES[CONF]}masterauth "another"\n` })
  expect([acted.code, changes(acted)]).toEqual([
    0,
    [...Array(2).fill(expect.stringMatching(/^< ACL/)), 'config rewrite'],
  ])
  expect(acted.by.flatMap((one) => /^(.*): .*</.exec(one)?.[1] ?? [])).toEqual(['a password', 'another'])
})

describe('a node joins', () => {
  const step = joinSet(want, app2, app1, 'why')
  const here: Answers = [
    [/:plain/, REFUSED],
    [/^127.0.0.1:6379 info replication/, link('up', '10.0.0.9')],
    ...MASTER,
    ...HERE,
  ]

  test('not where it answers by now, and holds keys', () => {
    const acted = act(step, /follow/, [[/^127.0.0.1:6379 info keyspace/, keyspace(3)], ...here], FILES)
    expect([acted.code, changes(acted), acted.wrote]).toEqual([0, [], {}])
    expect(acted.output).toBe('it answers by now, and holds keys: what is to be done is decided anew\n')
  })

  test('not where it answers by now, and does not say what it holds', () => {
    const acted = act(step, /follow/, [[/^127.0.0.1:6379 info keyspace/, 'LOADING'], ...here], FILES)
    expectRefusal(acted, /does not say how many keys it holds/)
  })

  test('and its data of before lies aside before it starts', () => {
    const lies = { ...FILES, '/var/lib/redis/dump.rdb': 'old keys' }
    const more: Answers = [[/^10.0.0.1:6379 role/, 'slave', /^systemctl stop redis-server/]]
    const acted = act(step, /follow/, [...more, ...starting('redis-server'), ...here], lies)
    const ended = ['systemctl kill -s KILL redis-server', 'systemctl stop redis-server']
    expectRefusal(acted, /app1 is not the master any more/, ended, expect.anything())
    expect(Object.keys(acted.wrote)).not.toContain(SENTINEL_CONF)
  })
})
