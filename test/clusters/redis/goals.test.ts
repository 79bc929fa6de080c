// What is done about who is in a set, and who is its master; and of hosts that only left the inventory.
import { describe, expect, test } from 'vitest'
import { assess, judge } from '../../../src/clusters/redis/decide.ts'
import type { Desired, WatchedMaster } from '../../../src/clusters/redis/model.ts'
import type { ClusterGoal } from '../../../src/model/cluster.ts'
import { at, type Change, desired, known, linkTo, type Redis, set } from './support/surveys.ts'

type Changes = Readonly<Record<number, Change>>
/** Steps, or why it is refused. */
type Case = readonly [what: string, changes: Changes, ends: readonly string[] | RegExp]

const four = desired(4)
const GONE: Change = { gone: true }
const drift: Redis = { differing: [{ name: 'maxmemory', running: '1', wanted: '2' }] }
const aMaster: Redis = { role: 'master', master: undefined as never }
const busy = { flags: ['master', 'failover_in_progress'] }

function ended(want: Desired, changes: Changes, goal: ClusterGoal, surveys = set(changes, want.nodes.length)) {
  const { refusal, unknown, steps } = assess(want, surveys, goal).decision
  if (unknown) return `unknown: ${unknown.message}; ${unknown.hint}`
  if (refusal) return `${refusal.why}; ${refusal.hint}`
  return steps.map(({ name, about }) => `${name} ${about}`)
}

function check(want: Desired, goal: ClusterGoal): (...one: Case) => void {
  return (_, changes, ends) => {
    const found = ended(want, changes, goal)
    if (ends instanceof RegExp) expect(found).toMatch(ends)
    else expect(found).toEqual(ends)
  }
}

/** All Sentinels of four nodes say the same beside what they say themselves. */
function all(change: Partial<WatchedMaster>, others: Changes = {}): Changes {
  return Object.fromEntries([1, 2, 3, 4].map((one) => [one, { sentinel: change, ...others[one] }]))
}

describe('another master on purpose', () => {
  test.each<Case>([
    ['is made by a planned failover', {}, ['fail over app1 to app2']],
    [
      'is not made where something is to be mended',
      { 3: { redis: drift } },
      /not whole: settings differ \(app3\); first: deploy repair-redis prod --cluster cache/,
    ],
    ['is not made where a node cannot be asked', { 4: GONE }, /not whole: cannot be asked \(app4\)/],
    ['is not made of a server that is down', { 2: { redis: null } }, /not whole: server down \(app2\)/],
    ['waits while Sentinel makes one', { 2: { sentinel: busy } }, ['wait for sentinel app1']],
  ])('%s', check(four, { primary: 'app2' }))

  test('it is already needs nothing', () => {
    expect(ended(four, {}, { primary: 'app1' })).toEqual([])
  })

  test('as it is already, what is wrong beside is mended', () => {
    expect(ended(four, { 3: { redis: drift } }, { primary: 'app1' })).toEqual(['set settings app3'])
  })
})

test('newer packages are brought by the role', () => {
  expect(ended(four, {}, { upgrade: true })).toMatch(/cache is a set of Redis.*packages: 'latest'.*deploy apply prod/)
})

/** What is said of app4 behind its removal: nothing. */
const without = (quorum: number): Partial<WatchedMaster> => ({
  ...{ quorum, replicas: [2, 3].map((one) => known(one)) },
  sentinels: [1, 2, 3].map((one) => ({ ...at(one), flags: [] })),
})
const follower = (number: number) => ({ ...at(number), state: 'online', offset: 1000, lag: 0 })
const left: Change = {
  redis: null,
  sentinel: null,
  disk: { configured: { redis: false, sentinel: false }, follows: undefined as never, monitors: undefined as never },
}
const out = (quorum: number, last: Change): Changes =>
  all(without(quorum), { 1: { sentinel: without(quorum), redis: { replicas: [follower(2), follower(3)] } }, 4: last })
const dead = (number: number) => ({ ...known(number), flags: ['slave', 's_down'] })
/** app4 is off, and all know that. */
const off = all(
  { replicas: [known(2), known(3), dead(4)], sentinels: [1, 2, 3].map((one) => ({ ...at(one), flags: [] })) },
  { 4: GONE },
)

const broken: Change = { redis: { master: linkTo(1, { link: 'down', downFor: 90 }) } }
const leaderless = all(
  { ...off[1]?.sentinel, lastOk: 90_000, flags: ['master', 's_down', 'o_down'] },
  { 1: { redis: null }, 2: broken, 3: broken, 4: GONE },
)

describe('a node that leaves', () => {
  test.each<Case>([
    ['is stopped and forgotten', {}, ['remove node app4']],
    ['is so too where its own settings are not as wanted', { 4: { redis: drift } }, ['remove node app4']],
    ['is so too where its server is down', { 4: { redis: null } }, ['remove node app4']],
    ['is forgotten where it is off', off, ['remove node app4']],
    [
      'stays where the set is not whole without it',
      { 2: { redis: null } },
      /not whole: server down \(app2\); first: deploy repair-redis prod --cluster cache/,
    ],
    ['stays where another one cannot be asked', { 2: GONE }, /not whole: cannot be asked \(app2\)/],
    ['is off, and stays where the others have no master', leaderless, /not whole: no master, .*server down \(app1\)/],
    [
      'stays where it has keys of its own',
      { 4: { redis: { replId: 'r9', keys: 7, master: linkTo(1, { link: 'down', downFor: 90 }) } } },
      /app4 has, or may have, what app1 has not; mend that first: deploy repair-redis/,
    ],
    ['stays where it is a second master', { 4: { redis: { ...aMaster, keys: 0, changes: 0 } } }, /app4 has, or may/],
    [
      'stays where only we cannot reach it',
      { 4: GONE },
      /cannot be reached from here, and the others hear from it; bring it back, or power it off/,
    ],
    ['waits while Sentinel is at work', { 2: { sentinel: busy } }, ['wait for sentinel app1']],
    [
      'has left: the others agree on as many as are left',
      out(3, left),
      ['set settings app1', 'set settings app2', 'set settings app3'],
    ],
    ['has left, and there is nothing to do', out(2, left), []],
    ['has left and is off, and there is nothing to do', out(2, GONE), []],
  ])('%s', check(four, { remove: 'app4' }))

  test('and is the master lets another one be it before', () => {
    expect(ended(four, {}, { remove: 'app1' })).toEqual(['fail over app1 to app2', 'remove node app1'])
    expect(ended(four, { 3: { redis: drift } }, { remove: 'app1' })).toMatch(/not whole: settings differ \(app3\)/)
  })

  test('leaves three at least', () => {
    expect(ended(desired(3), {}, { remove: 'app3' })).toMatch(/without app3 the set has 2 nodes, and it takes 3/)
  })

  test('is known', () => {
    expect(ended(four, {}, { remove: 'app5' })).toMatch(/unknown: node "app5" is not known .*app4.*; did you mean/)
    expect(ended(desired(3), {}, { remove: 'web9' }, set({}, 4))).toMatch(
      /unknown: node "web9" is not known \(nodes: .*; 10.0.0.4 is no node of the playbook .* put it back into the inventory/,
    )
  })

  test('is stopped before others forget it one by one, and only where it can be asked', () => {
    const titles = (changes: Changes) =>
      assess(four, set(changes, 4), { remove: 'app4' }).decision.steps[0]?.stages.map((stage) =>
        stage.map(({ host, title }) => `${host}: ${title}`).join(),
      )
    const forgets = ['app1: forget app4', 'app2: forget app4', 'app3: forget app4']
    expect(titles({})).toEqual(['app4: stop its server and its Sentinel for good', ...forgets])
    expect(titles(off)).toEqual(forgets)
  })
})

/** Three nodes of a set that app4 belongs to as well: it only left the inventory. */
describe('a host that only left the inventory', () => {
  const three = desired(3)
  const verdictOf = (changes: Changes) => judge(three, set(changes, 4).slice(0, 3), {})
  const ofNobody = (changes: Changes) =>
    verdictOf(changes).findings.filter(({ name }) => name === 'node of no playbook')
  /** app4 is the master that all follow. */
  const four4 = { ...at(4), runId: 'run4' }
  const follows = (link = {}): Change => ({
    redis: { ...{ role: 'replica' }, replicas: [], master: linkTo(4, link) } as Redis,
  })
  const led = (sentinel: Partial<WatchedMaster>, link = {}): Changes => {
    const watching = { ...four4, replicas: [1, 2, 3].map((one) => known(one)), ...sentinel }
    return Object.fromEntries([1, 2, 3].map((one) => [one, { ...follows(link), sentinel: watching }]))
  }
  const REFUSED = '10.0.0.4 is the master, and is no node of the playbook'

  test('is warned of by its address, with what it means and the way out', () => {
    expect(ofNobody({})).toEqual([
      expect.objectContaining({
        severity: 'warning',
        message: expect.stringMatching(
          /^10.0.0.4 .*may become the master.*deploy db remove-node prod HOST --cluster cache; or power it off/,
        ),
        evidence: expect.arrayContaining([
          'a server there follows app1',
          'the Sentinel of app2 knows a Sentinel there',
        ]),
      }),
    ])
    expect(verdictOf({}).intents).toEqual([])
  })

  test.each<[string, Changes, number]>([
    [
      'only the master tells of it',
      all({
        replicas: [2, 3].map((one) => known(one)),
        sentinels: [1, 2, 3].map((one) => ({ ...at(one), flags: [] })),
      }),
      1,
    ],
    ['only its Sentinel is up', all({ replicas: [known(2), known(3), dead(4)] }), 1],
    ['it is off, and a list has it still', off, 0],
  ])('is warned of while it is up: %s', (_, changes, count) => {
    expect(ofNobody(changes)).toHaveLength(count)
  })

  test('and is the master is left to be it, and the way out is said', () => {
    const { refusal, intents, findings } = verdictOf(led({}))
    expect(refusal?.why).toBe(REFUSED)
    expect(refusal?.hint).toMatch(
      /back into the inventory.*deploy db switchover prod HOST --cluster cache.*remove-node/,
    )
    expect(intents).toEqual([])
    expect(findings.map(({ name }) => name)).toContain('replica of no node')
  })

  test.each<[string, Changes, string | undefined]>([
    ['its Sentinels are told nothing, and replicas hear it', led({ address: '10.0.0.1', runId: 'run1' }), REFUSED],
    ['its replicas lost it, and Sentinels hear it', led({}, { link: 'down', downFor: 5 }), REFUSED],
    [
      'it is gone',
      led({ lastOk: 90_000, flags: ['master', 's_down', 'o_down'] }, { link: 'down', downFor: 90 }),
      undefined,
    ],
    ['it is gone, and links do not know it yet', led({ lastOk: 5000, flags: ['master', 's_down'] }), undefined],
    ['nobody was found there since Sentinels were told', led({ runId: '' }, { link: 'down', downFor: 90 }), undefined],
  ])('is the master only while it is heard: %s', (_, changes, why) => {
    expect(verdictOf(changes).refusal?.why).toBe(why)
  })

  test('a node is no stranger at an address that it has, or had', () => {
    const moved = all({ ...at(9), runId: 'run1' }, {})
    expect(judge(three, set(moved, 3), {}).refusal).toBeUndefined()
    expect(judge(three, set(moved, 3), {}).findings.map(({ name }) => name)).not.toContain('node of no playbook')
  })
})
