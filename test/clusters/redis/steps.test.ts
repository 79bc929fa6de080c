import { describe, expect, test } from 'vitest'
import {
  failOver,
  followMaster,
  joinSet,
  promoteReplica,
  rotatePassword,
  setSettings,
} from '../../../src/clusters/redis/steps.ts'
import { app1, app2, app3, FILES, HERE, keyspace, MASTER, want } from './support/answers.ts'
import { type Acted, type Answers, act } from './support/fake-cli.ts'

const replication = (id: string, more = '') => `role:slave\nmaster_replid:${id}\n${more}`
/** Where it did not come so far, this was not asked. */
const changed = ({ asked }: Acted) => asked.filter((one) => /replicaof|bgsave|systemctl|failover|acl/.test(one))

describe('a server follows a master', () => {
  const alone: Answers = [
    [/^127.0.0.1:6379 role/, 'slave'],
    [/^127.0.0.1:6379 info persistence/, 'rdb_bgsave_in_progress:0\nrdb_saves:1'],
  ]
  const step = followMaster(want, app2, app1, 'why')
  const given = followMaster(want, app2, app1, 'why', { keys: 5 })
  const elsewhere: Answers = [
    [/^127.0.0.1:6379 info replication/, replication('r9', 'master_host:10.9.9.9\nslave_repl_offset:90')],
  ]
  const here: Answers = [
    [/^127.0.0.1:6379 info replication/, replication('r9', 'master_host:10.0.0.1\nslave_repl_offset:90')],
  ]

  test.each<[what: string, answers: Answers, says: RegExp]>([
    ['not when it does not say what it holds', [[/info keyspace/, '!'], ...elsewhere], /how many keys/],
    ['not when it is just loading', [[/info keyspace/, 'LOADING'], ...elsewhere], /how many keys/],
    ['not with keys of another history', [[/info keyspace/, keyspace(3)], ...elsewhere], /another history/],
    ['not when it does not say what it is', [[/^127.0.0.1:6379 role/, '!ERR'], ...elsewhere], /whether it is a master/],
    ['not one that was started again', [[/^10.0.0.1:6379 info server/, 'run_id:other'], ...elsewhere], /looked at/],
    ['not one that is none any more', [[/^10.0.0.1:6379 role/, 'slave'], ...elsewhere], /looked at/],
  ])('%s', (_, answers, says) => {
    const acted = act(step, /follow/, [...answers, ...alone, ...MASTER, ...HERE])
    expect([acted.code, acted.output]).toEqual([1, expect.stringMatching(says)])
    expect(changed(acted)).toEqual([])
  })

  test.each([
    ['elsewhere', elsewhere],
    ['at the master already, and hears nothing of it', here],
  ])('with what was given up saved first, where it points %s', (_, points) => {
    const failing: Answers = [[/bgsave/, '!ERR no space']]
    const acted = act(given, /follow/, [
      ...failing,
      [/info keyspace/, keyspace(5)],
      ...points,
      ...alone,
      ...MASTER,
      ...HERE,
    ])
    expect([acted.code, acted.output]).toEqual([1, expect.stringMatching(/does not save: ERR no space/)])
    expect(changed(acted)).toEqual(['127.0.0.1:6379 bgsave'])
  })

  test('not with more than was given up', () => {
    const acted = act(given, /follow/, [[/info keyspace/, keyspace(6)], ...here, ...alone, ...MASTER, ...HERE])
    expect(acted.output).toMatch(/it holds 6 keys by now, more than the 5/)
    expect(changed(acted)).toEqual([])
  })

  test('with writes held no longer than it takes, also those that a killed one left so', () => {
    const { asked } = act(step, /follow/, [[/info keyspace/, '!'], ...elsewhere, ...alone, ...MASTER, ...HERE])
    expect(asked.filter((one) => one.includes('client'))).toEqual([
      '127.0.0.1:6379 client unpause',
      '127.0.0.1:6379 client unpause',
    ])
  })
})

describe('settings are set while a server runs', () => {
  const smaller = { ...want, settings: { maxmemory: '8388608' } }
  const step = setSettings(smaller, app2, ['maxmemory', 'replica-announce-ip'], 'why')
  const uses = (bytes: number): Answers => [
    [/info memory/, `used_memory:${bytes + 1000}\nmem_not_counted_for_evict:1000`],
    [/config set/, 'OK'],
    [/^127.0.0.1:6379 role/, 'slave'],
  ]

  test('not less memory than is in use', () => {
    const acted = act(step, /^set/, [...uses(8_388_609), ...HERE], FILES)
    expect([acted.code, acted.output]).toEqual([
      1,
      expect.stringMatching(/to be 8388608, and 8388609 bytes are in use/),
    ])
    expect(acted.asked.filter((one) => /config/.test(one))).toEqual([])
  })

  test('as much as is in use; and its master hears the address by a link that is made anew', () => {
    const acted = act(step, /^set/, [...uses(8_388_608), ...HERE], FILES)
    expect(acted.asked.filter((one) => /config set|client/.test(one))).toEqual([
      '127.0.0.1:6379 config set maxmemory 8388608',
      '127.0.0.1:6379 config set replica-announce-ip 10.0.0.2',
      '127.0.0.1:6379 client kill type master',
    ])
  })
})

describe('a master that is to be none', () => {
  const fenced = [{ node: app1, keys: 12, given: false }]
  const intent = { do: 'promote replica', node: app2, others: [], watchers: [], stopped: [], fenced } as const
  const step = promoteReplica(want, { ...intent, why: 'why' })
  const here: Answers = [
    [/^127.0.0.1:6379 role/, 'master'],
    [/info keyspace/, keyspace(12)],
    [/^127.0.0.1:6379 info persistence/, 'rdb_bgsave_in_progress:0'],
    [/^127.0.0.1:6379 info replication/, 'role:master\nmaster_replid:r1\nmaster_repl_offset:100'],
  ]
  const next = (id: string, at: number, before = 'r0') =>
    [
      /^10.0.0.2:6379 info replication/,
      replication(id, `master_replid2:${before}\nslave_repl_offset:${at}\nsecond_repl_offset:${at}`),
    ] as const

  test.each<[what: string, next: Answers[number], does: boolean]>([
    ['follows one that has all it wrote', next('r1', 100), true],
    ['goes on when the next one does not get what it wrote last', next('r1', 99), false],
    ['follows one that continues its history behind all it wrote', next('r2', 100, 'r1'), true],
    ['goes on when that continues it from before its end', next('r2', 99, 'r1'), false],
    ['goes on when the next one has another history', next('r9', 200), false],
  ])('%s', (_, of, does) => {
    const acted = act(step, /^be no master/, [of, ...here, ...HERE])
    expect([acted.code, changed(acted)]).toEqual([does ? 0 : 1, does ? ['127.0.0.1:6379 replicaof 10.0.0.2 6379'] : []])
    expect(acted.asked.at(-1)).toBe('127.0.0.1:6379 client unpause')
  })
})

describe('a replica is promoted', () => {
  const intent = {
    do: 'promote replica',
    node: app2,
    others: [app3],
    watchers: [app1, app2, app3],
    stopped: [],
    fenced: [],
  } as const
  const step = promoteReplica(want, { ...intent, why: 'why' })
  const asSeen: Answers = [
    [/^127.0.0.1:6379 info server/, `run_id:${app2.seen.redis.runId}`],
    [/^127.0.0.1:6379 info replication/, replication('r1')],
  ]
  const quiet: Answers = [[/:26379 sentinel master/, 'flags\ns_down']]
  test.each<[what: string, answers: Answers, says: RegExp]>([
    ['not one that was started again', [[/^127.0.0.1:6379 info server/, 'run_id:other']], /not as it was seen/],
    ['not one that was emptied', [[/^127.0.0.1:6379 info replication/, replication('r9')]], /not as it was seen/],
    ['not beside another master', [[/^10.0.0.3:6379 role/, 'master']], /10.0.0.3 is a master, or cannot be asked/],
    ['not beside a master that was not seen', [[/^10.0.0.1:6379 role/, 'master']], /10.0.0.1 is a master: nothing/],
    ['not beside one that cannot be asked', [[/^10.0.0.3:6379 role/, '!WRONGPASS']], /10.0.0.3 is a master, or/],
    [
      'not while any Sentinel fails over',
      [[/^10.0.0.1:26379 sentinel master/, 'flags\nfailover_in_progress']],
      /under way/,
    ],
  ])('%s', (_, answers, says) => {
    const acted = act(step, /^look/, [...answers, [/^10.0.0.3:6379 role/, 'slave'], ...quiet, ...asSeen, ...HERE])
    expect([acted.code, acted.output]).toEqual([1, expect.stringMatching(says)])
  })

  test('when all that is seen is so', () => {
    const acted = act(step, /^look/, [[/^10.0.0.3:6379 role/, 'slave'], ...quiet, ...asSeen, ...HERE])
    expect([acted.code, acted.output]).toEqual([0, ''])
  })

  test('and every Sentinel forgets, or nothing is done', () => {
    const refused = act(step, /watches nothing/, [[/sentinel remove/, '!ERR busy'], ...quiet, ...HERE])
    expect([refused.code, refused.output]).toEqual([1, expect.stringMatching(/does not forget: ERR busy/)])
    const forgotten = act(step, /watches nothing/, [
      [/sentinel remove/, '!ERR No such master with that name'],
      ...quiet,
    ])
    expect([forgotten.code, forgotten.output]).toEqual([0, ''])
    expect(step.stages[1]?.map(({ host }) => host)).toEqual(['app1', 'app2', 'app3'])
  })

  test('and behind a failure Sentinels watch whoever is the only master', () => {
    const after = { ...step, stages: [step.afterFailure ?? []] }
    const watches: Answers = [
      [/sentinel (monitor|set)/, 'OK'],
      [/^127.0.0.1:26379/, 'OK'],
      [/sentinel/, ''],
    ]
    const none: Answers = [[/ role/, 'slave']]
    expect(act(after, /again/, [...none, ...watches]).asked.filter((one) => one.includes('monitor'))).toEqual([])
    const one: Answers = [[/^10.0.0.3:6379 role/, 'master'], ...none]
    expect(act(after, /again/, [...one, ...watches]).asked.find((each) => each.includes('monitor'))).toContain(
      'monitor cache 10.0.0.3 6379',
    )
    expect(
      act(after, /again/, [[/^10.0.0.1:6379 role/, 'master'], ...one, ...watches]).asked.filter((each) =>
        each.includes('monitor'),
      ),
    ).toEqual([])
  })
})

describe('a node joins', () => {
  const step = joinSet(want, app2, app1, 'why')
  test.each([
    ['wants a password', '!NOAUTH Authentication required.', /does not say what it holds/],
    ['does not answer', '!', /does not say what it holds/],
    ['holds keys', keyspace(1), /holds keys here/],
  ])('not where a server of somebody else %s', (_, plain, says) => {
    const acted = act(step, /follow/, [[/:plain info keyspace/, plain], ...MASTER])
    expect([acted.code, acted.output]).toEqual([1, expect.stringMatching(says)])
    expect(changed(acted)).toEqual([])
  })
})

describe('a planned failover', () => {
  const step = failOver(want, app1, app2, 'why')
  const from: Answers = [
    [/^127.0.0.1:6379 role/, 'master'],
    [/^127.0.0.1:6379 info replication/, 'master_repl_offset:100'],
  ]
  const pauses = ({ asked }: Acted) => asked.filter((one) => one.includes('client')).map((one) => one.split(' ')[2])

  test('lets writes go on when the next one does not catch up', () => {
    const behind: Answers = [[/^10.0.0.2:6379 info replication/, 'slave_repl_offset:90']]
    const acted = act(step, /hand over/, [...behind, ...from, ...HERE])
    expect([acted.code, acted.output]).toEqual([1, expect.stringMatching(/does not catch up/)])
    expect([pauses(acted), changed(acted)]).toEqual([['pause', 'unpause'], []])
  })

  test('holds them until its end when Sentinel was told, and nobody became the master', () => {
    const told: Answers = [
      [/^10.0.0.2:6379 info replication/, 'slave_repl_offset:100'],
      [/sentinel failover/, 'OK'],
      [/^10.0.0.2:6379 role/, 'slave'],
    ]
    const acted = act(step, /hand over/, [...told, ...from, ...HERE])
    expect([acted.code, acted.output]).toEqual([1, expect.stringMatching(/did not become the master/)])
    expect(pauses(acted)).toEqual(['pause'])
  }, 20_000)
})

test('passwords are changed only when what the link would empty is saved', () => {
  const given = [{ node: app2, keys: 5 }]
  const step = rotatePassword(want, { do: 'rotate password', nodes: [app1, app2, app3], given, why: 'why' })
  expect([step.replaces, step.stages[0]?.map(({ host, title }) => [host, title])]).toEqual([
    ['app2'],
    [['app2', 'save its data set']],
  ])
  const acted = act(step, /save/, [[/info keyspace/, keyspace(6)], ...HERE])
  expect([acted.code, acted.output]).toEqual([1, expect.stringMatching(/more than the 5/)])
})
