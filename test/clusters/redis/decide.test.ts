import { describe, expect, test } from 'vitest'
import { assess, judge } from '../../../src/clusters/redis/decide.ts'
import type { Intent } from '../../../src/clusters/redis/intents.ts'
import type { Desired } from '../../../src/clusters/redis/model.ts'
import type { ClusterGoal } from '../../../src/model/cluster.ts'
import { at, BARE, type Change, desired, known, linkTo, type Redis, sentinels, set } from './support/surveys.ts'

type Changes = Readonly<Record<number, Change>>
/** Findings by name and node; then steps, or why it is refused; then what was agreed to. */
type Case = readonly [
  what: string,
  changes: Changes,
  findings: readonly string[],
  ends: readonly string[] | RegExp,
  goal?: ClusterGoal,
]

function words(intent: Intent): string {
  switch (intent.do) {
    case 'create set':
      return `create set ${intent.master.host}`
    case 'wait for sentinel':
      return 'wait for sentinel'
    case 'rotate password':
      return `rotate password ${intent.nodes.map(({ host }) => host).join(' ')}${intent.given.map(({ node, keys }) => ` saving ${node.host}=${keys}`).join('')}`
    case 'watch master':
      return `${intent.do} ${intent.nodes.map(({ host }) => host).join(' ')}${intent.do === 'watch master' && intent.stray.length > 0 ? ` without ${intent.stray.join()}` : ''}`
    case 'fail over':
      return `fail over ${intent.from.host} ${intent.to.host}`
    case 'follow master':
      return `follow master ${intent.node.host} ${intent.master.host}${intent.given ? ` =${intent.given.keys}` : ''}`
    case 'promote replica': {
      const fenced = intent.fenced.map(({ node, keys }) => ` fencing ${node.host}=${keys}`).join('')
      const told = intent.watchers.length < 3 ? ` told by ${intent.watchers.map(({ host }) => host).join(' ')}` : ''
      return `promote replica ${intent.node.host}${fenced}${told}`
    }
    case 'set settings':
      return `set settings ${intent.node.host} ${intent.names.join()}`
    default:
      return `${intent.do} ${intent.node.host}`
  }
}

function check(want: Desired, [, changes, findings, ends, goal = {}]: Case): void {
  const verdict = judge(want, set(changes, want.nodes.length), goal)
  const found = verdict.findings.map(({ name, host }) => (host ? `${name}: ${host}` : name))
  expect(found.toSorted()).toEqual(findings.toSorted())
  if (ends instanceof RegExp) {
    expect(verdict.refusal && `${verdict.refusal.why}; ${verdict.refusal.hint}`).toMatch(ends)
    expect(verdict.intents).toEqual([])
  } else {
    expect(verdict.refusal).toBeUndefined()
    expect(verdict.intents.map(words)).toEqual(ends)
  }
  const { decision } = assess(want, set(changes, want.nodes.length), goal)
  expect(decision.steps).toHaveLength(verdict.intents.length)
  const names = decision.steps.map(({ name, about }) => `${name} ${about}`)
  expect(new Set(names).size).toBe(names.length)
}

const cache = desired()
const durable = desired(3, 'durable')

const YOUNG: Redis = { uptime: 4 }
const replicaOf = (number: number, more: Redis = {}, link = {}): Change => ({
  redis: { role: 'replica', master: linkTo(number, link), ...more },
})
const broken = (seconds: number, more: Redis = {}): Change => replicaOf(1, more, { link: 'down', downFor: seconds })
const aMaster: Redis = { role: 'master', master: undefined as never }
const DOWN: Change = { redis: null }
const GONE: Change = { gone: true }
const log = { appendOnly: { bytes: 500, age: 60 } }
const nobody = { follows: undefined as never }
const silentFor = (milliseconds: number) => ({ lastOk: milliseconds, flags: ['master', 's_down', 'o_down'] })

describe('a set that nothing is wrong with', () => {
  test.each<Case>([
    ['needs nothing', {}, [], []],
    [
      'needs nothing when it is empty',
      { 1: { redis: { keys: 0, changes: 0 } }, 2: { redis: { keys: 0 } }, 3: { redis: { keys: 0 } } },
      [],
      [],
    ],
    ['needs nothing when a replica lags', { 2: { redis: { offset: 900, keys: 11 } } }, [], []],
    [
      'needs nothing whatever a unit is said to be',
      { 2: { seen: { units: { redis: 'failed', sentinel: 'failed' } } } },
      [],
      [],
    ],
    ['needs nothing where ckquorum fails', sentinels({ usable: false }), [], []],
    [
      'is told of other sets that its Sentinels watch',
      { 2: { seen: { sentinel: foreign('other', '192.168.1.1') } } },
      ['Sentinel watches other sets: app2'],
      [],
    ],
  ])('%s', (...one) => check(cache, one as readonly unknown[] as Case))

  test('says who is the master, and why', () => {
    expect(judge(cache, set(), {}).master).toEqual({
      host: 'app1',
      why: 'it alone says that it is a master; 3 of 3 Sentinels name it, 2 replicas are linked to it',
    })
  })
})

function foreign(name: string, address: string) {
  const [, survey] = set()
  const sentinel = survey && survey.unreachable === undefined ? survey.sentinel : undefined
  const [first] = sentinel?.masters ?? []
  if (!sentinel || !first) throw new Error('no Sentinel')
  return { ...sentinel, masters: [first, { ...first, name, address }] }
}

const left = (number: number): Change => ({
  ...BARE,
  disk: { ...BARE.disk, configured: { redis: false, sentinel: true }, monitors: at(number) },
})

test.each<Case>([
  [
    'joins again, whatever lies on its disk',
    { 2: { ...BARE, disk: { ...BARE.disk, ...log, left: true } } },
    ['no configuration: app2'],
    ['join set app2'],
  ],
])('a node that left a durable set by command and is in the inventory %s', (...one) =>
  check(durable, one as readonly unknown[] as Case),
)

describe('servers that cannot be asked', () => {
  const mute = (trouble: 'hung' | 'wrong password', follows?: number): Change => ({
    redis: null,
    seen: { trouble: { redis: trouble } },
    ...(follows === undefined ? { disk: nobody } : { disk: { follows: at(follows) } }),
  })
  const second: Change = { redis: aMaster }

  test.each<Case>([
    [
      'may have more than a replica that it follows by its file, and that is only to become the master',
      { 1: mute('wrong password', 3), 2: broken(99), 3: broken(99) },
      ['no master', 'password drift: app1'].concat([
        ...['replica of a dead address: app2', 'replica of a dead address: app3'],
        ...['app1', 'app2', 'app3'].map((host) => `Sentinel watches a wrong address: ${host}`),
      ]),
      /nobody can tell what app1 has/,
    ],
    [
      'depose no master for a replica that has nothing of its own',
      sentinels(
        { ...at(2), replicas: [known(1), known(3)] },
        { 1: replicaOf(2, { replicas: [] }), 2: second, 3: mute('hung', 1) },
      ),
      ['server hangs: app3'],
      /nobody can tell what app3 has; behind app2.*app3=unknown/,
    ],
    [
      'have nothing more where another one, of which the master has all, lists them',
      sentinels(
        { ...at(2), replicas: [known(1), known(3)] },
        {
          1: replicaOf(2, { replicas: [{ ...at(3), state: 'online', offset: 900, lag: 9 }] }),
          2: second,
          3: mute('hung', 1),
        },
      ),
      ['server hangs: app3'],
      ['join set app3'],
    ],
    [
      'are ended where nobody answers and they were given up, before another one is started',
      { 1: DOWN, 2: mute('wrong password'), 3: DOWN },
      ['no master', 'server down: app1', 'password drift: app2', 'server down: app3'].concat(
        [1, 2, 3].map((one) => `Sentinel watches a wrong address: app${one}`),
      ),
      ['end server app2'],
      { acceptLoss: { app2: 'unknown' } },
    ],
  ])('%s', (...one) => check(cache, one as readonly unknown[] as Case))
})

test.each<readonly [what: string, changes: Changes, hint: RegExp]>([
  [
    'a replica that has no room for its copy',
    { 2: { ...broken(90, { replId: 'r7' }), disk: { free: 4096 } } },
    /^first make room on the disk of app2: .*; then repair again\. Else look at what each has/,
  ],
  [
    'a master that takes another password',
    { 1: { redis: null, seen: { trouble: { redis: 'wrong password' } } } },
    /^first set our password again where it is another one, on app1 \(docs\/redis\.md: A password set by hand\); then/,
  ],
])('a refusal says first what gives nothing up: %s', (_, changes, hint) => {
  expect(judge(durable, set(changes), {}).refusal?.hint).toMatch(hint)
})

describe('bare hosts', () => {
  const all = { 1: BARE, 2: BARE, 3: BARE }
  const none = ['no set yet', 'no configuration: app1', 'no configuration: app2', 'no configuration: app3']
  const dump = { ...BARE, disk: { ...BARE.disk, dump: { bytes: 900, age: 9 } } }
  const plain: Change = { ...BARE, seen: { trouble: { redis: 'plain', sentinel: 'down' } } }
  const unread: Change = { ...BARE, seen: { trouble: { redis: 'hung' } } }
  test.each<Case>([
    ['become a set', all, none, ['create set app1']],
    ["become a set where Debian's own server runs", { ...all, 2: plain }, none, ['create set app1']],
    ['become a set of a cache whatever dump lies there', { ...all, 2: dump }, none, ['create set app1']],
    [
      'are left alone where a log lies on one, though a cache keeps none',
      { ...all, 2: { ...BARE, disk: { ...BARE.disk, ...log } } },
      ['no master', ...none.slice(1)],
      /no node is configured, and data lies on app2/,
    ],
    [
      'become a set of the one that Sentinels name, where they are left',
      { 1: left(3), 2: left(3), 3: BARE },
      ['no master', ...none.slice(1), 'lost majority of Sentinels', 'Sentinel down: app1', 'Sentinel down: app2'],
      ['create set app3'],
    ],
    [
      'are left alone where one cannot be asked',
      { ...all, 3: GONE },
      ['no set yet', 'cannot be asked: app3', ...none.slice(1, 3)],
      /what app3 has nobody can see.*app3=unknown/,
    ],
    [
      'become a set without one that was given up',
      { ...all, 3: GONE },
      ['no set yet', 'cannot be asked: app3', ...none.slice(1, 3)],
      ['create set app1'],
      { acceptLoss: { app3: 'unknown' } },
    ],
    [
      'are left alone where one hangs',
      { ...all, 2: unread },
      ['no master', ...none.slice(1)],
      /data lies on app2.*app2=unknown/,
    ],
  ])('%s', (...one) => check(cache, one as readonly unknown[] as Case))

  test.each<Case>([
    [
      'are left alone where a log lies on one',
      { ...all, 2: { ...BARE, disk: { ...BARE.disk, ...log } } },
      ['no master', ...none.slice(1)],
      /no node is configured, and data lies on app2/,
    ],
    [
      'become a set when that was given up',
      { ...all, 2: { ...BARE, disk: { ...BARE.disk, ...log } } },
      ['no master', ...none.slice(1)],
      ['create set app1'],
      { acceptLoss: { app2: 'unknown' } },
    ],
  ])('of a durable set %s', (...one) => check(durable, one as readonly unknown[] as Case))

  test.each<Case>([
    ['joins', { 2: BARE }, ['no configuration: app2'], ['join set app2']],
    [
      'joins whoever the master is',
      { ...failedOver(), 1: { ...BARE, sentinel: null } },
      ['no configuration: app1'],
      ['join set app1'],
    ],
    [
      'that is not prepared waits for the role',
      { 2: { ...BARE, seen: { prepared: false } } },
      ['no configuration: app2'],
      [],
    ],
    [
      'joins at once with another one',
      { 2: BARE, 3: BARE },
      ['no configuration: app2', 'no configuration: app3', 'lost majority of Sentinels'],
      ['join set app2', 'join set app3'],
    ],
  ])('one of a set that %s', (...one) => {
    // Replicas that are gone are known to Sentinel all the same.
    check(cache, one as readonly unknown[] as Case)
  })
})

/** app2 was made the master by Sentinel. `back`: milliseconds since app1, where it is a master again, says so to Sentinels. */
function failedOver(back = 5_000_000): Changes {
  const before = { replId: 'r1', upTo: 1000 }
  const id = { replId: 'r2', offset: 1400, before }
  const replicas = [known(1, { role: 'master', for: back }), known(3)]
  const sentinel = { ...at(2), configEpoch: 1, replicas }
  return {
    1: { ...replicaOf(2, id), sentinel, disk: { follows: at(2) } },
    2: { redis: { ...aMaster, ...id }, sentinel, disk: nobody },
    3: { ...replicaOf(2, id), sentinel, disk: { follows: at(2) } },
  }
}

describe('after a failover', () => {
  const whole = failedOver()
  const demoted: Change = { sentinel: failedOver(0)[1]?.sentinel ?? null }
  const seenReplica = { sentinel: { ...at(2), configEpoch: 1, replicas: [known(1), known(3)] } }
  test.each<Case>([
    ['nothing is to be done, and nobody is moved', whole, [], []],
    [
      'the former master, which is down, begins anew',
      { ...whole, 1: { ...whole[1], redis: null, disk: nobody } },
      ['former master: app1'],
      ['join set app1'],
    ],
    [
      'the former master, whose file says whom to follow, is started',
      { ...whole, 1: { ...whole[1], redis: null } },
      ['server down: app1'],
      ['start server app1'],
    ],
    [
      'the former master is left to Sentinel for a while',
      { ...failedOver(5000), 1: { ...whole[1], redis: aMaster } },
      ['two masters', 'two masters: app1'],
      ['wait for sentinel'],
    ],
    [
      'what a former master has that Sentinel just made a replica is gone in a moment',
      {
        ...failedOver(0),
        1: { ...replicaOf(2, { offset: 1200, keys: 13 }, { link: 'down', downFor: 1 }), ...demoted },
      },
      ['diverged replication ids', 'replica link down: app1'],
      ['wait for sentinel'],
    ],
    [
      'what a replica has that somebody pointed to the master is a case for somebody',
      { ...whole, 1: { ...replicaOf(2, { offset: 1200, keys: 13 }, { link: 'down', downFor: 50 }), ...seenReplica } },
      ['diverged replication ids', 'replica link down: app1'],
      /app1=13$/,
    ],
    [
      'a former master that lacks nothing of it follows, when Sentinel does nothing',
      { ...whole, 1: { ...whole[1], redis: aMaster } },
      ['two masters', 'two masters: app1'],
      ['follow master app1 app2'],
    ],
    [
      'a former master without a key follows',
      { ...whole, 1: { ...whole[1], redis: { ...aMaster, replId: 'r9', keys: 0, changes: 0 } } },
      ['two masters', 'empty master: app1', 'two masters: app1'],
      ['follow master app1 app2'],
    ],
    [
      'a former master with keys of its own is a case for somebody',
      { ...whole, 1: { ...whole[1], redis: { ...aMaster, offset: 1200, keys: 13 } } },
      ['two masters', 'diverged replication ids', 'two masters: app1'],
      /app1 and app2 are masters at the same time: app1 has 13 keys.*--accept-data-loss app1=13$/,
    ],
    [
      'a former master with more keys is none the better for it',
      { ...whole, 1: { ...whole[1], redis: { ...aMaster, replId: 'r9', offset: 9000, keys: 900 } } },
      ['two masters', 'diverged replication ids', 'two masters: app1'],
      /app1=900$/,
    ],
    [
      'what a former master has is saved and given up when somebody agreed',
      { ...whole, 1: { ...whole[1], redis: { ...aMaster, offset: 1200, keys: 13 } } },
      ['two masters', 'diverged replication ids', 'two masters: app1'],
      ['follow master app1 app2 =13'],
      { acceptLoss: { app1: 13 } },
    ],
    [
      'what was written since somebody agreed is not given up',
      { ...whole, 1: { ...whole[1], redis: { ...aMaster, offset: 1200, keys: 14 } } },
      ['two masters', 'diverged replication ids', 'two masters: app1'],
      /app1 has 14 keys of a history of its own, of which it wrote 200 bytes since they parted \(13 were accepted\)/,
      { acceptLoss: { app1: 13 } },
    ],
    [
      'what can be counted is not given up unseen',
      { ...whole, 1: { ...whole[1], redis: { ...aMaster, offset: 1200, keys: 14 } } },
      ['two masters', 'diverged replication ids', 'two masters: app1'],
      /app1=14/,
      { acceptLoss: { app1: 'unknown' } },
    ],
    [
      'a master that took writes which left nothing is told of',
      { ...whole, 1: { ...whole[1], redis: { ...aMaster, replId: 'r9', keys: 0, changes: 3 } } },
      ['two masters', 'empty master: app1', 'diverged replication ids', 'two masters: app1'],
      /app1=0$/,
    ],
  ])('%s', (...one) => check(cache, one as readonly unknown[] as Case))
})

describe('a cache whose master came back without a key', () => {
  const empty: Redis = { ...YOUNG, keys: 0, changes: 0, replId: 'r9', offset: 20, replicas: [] }
  const named = ['empty master: app1', 'diverged replication ids', 'replica link down: app2', 'replica link down: app3']
  test.each<Case>([
    [
      'must not empty its replicas',
      { 1: { redis: empty }, 2: broken(1), 3: broken(1) },
      named,
      ['promote replica app2 fencing app1=0'],
    ],
    [
      'must not empty them where links say that they are up',
      { 1: { redis: empty } },
      named,
      ['promote replica app2 fencing app1=0'],
    ],
    [
      'the replica that is ahead takes over',
      { 1: { redis: empty }, 2: broken(1), 3: broken(1, { offset: 1200 }) },
      named,
      ['promote replica app3 fencing app1=0'],
    ],
    [
      'is left to Sentinel while that has another one take over',
      {
        ...sentinels({ flags: ['master', 'failover_in_progress'], lastOk: 4000 }),
        1: { redis: empty },
        2: { ...broken(1), sentinel: { flags: ['master', 'failover_in_progress'], lastOk: 4000 } },
        3: broken(1),
      },
      named,
      ['wait for sentinel'],
    ],
    [
      'a write to it is a case for somebody',
      { 1: { redis: { ...empty, keys: 1, changes: 1 } }, 2: broken(60), 3: broken(60) },
      named.slice(1),
      /app2 has 12 keys.*app3 has 12 keys.*=12/,
    ],
    [
      'is given up with the key that was written to it',
      { 1: { redis: { ...empty, keys: 1, changes: 1 } }, 2: broken(60), 3: broken(60) },
      named.slice(1),
      ['promote replica app2 fencing app1=1'],
      { acceptLoss: { app1: 1 } },
    ],
    [
      'is refused where one is away',
      { 1: { redis: empty }, 2: broken(1), 3: GONE },
      ['empty master: app1', 'diverged replication ids', 'cannot be asked: app3', 'replica link down: app2'],
      /app3, which cannot be asked/,
    ],
    [
      'is told of when it emptied all',
      {
        1: { redis: { ...empty, uptime: 900 } },
        2: { redis: { keys: 0, replId: 'r9', offset: 20 } },
        3: { redis: { keys: 0, replId: 'r9', offset: 20 } },
      },
      ['emptied set'],
      [],
    ],
  ])('%s', (...one) => check(cache, one as readonly unknown[] as Case))
})

describe('nobody is a master', () => {
  const replica = (from: number, more: Redis = {}, link = {}): Change => ({
    ...replicaOf(from, more, link),
    sentinel: { ...silentFor(90_000), reported: { role: 'replica', for: 90_000 } },
  })
  const gone = { link: 'down', downFor: 90 } as const
  const lost = (seconds: number): Changes => ({
    1: { redis: null, sentinel: { lastOk: seconds * 1000, flags: ['master', 's_down'] } },
    2: { ...broken(seconds), sentinel: { lastOk: seconds * 1000, flags: ['master', 's_down'] } },
    3: { ...broken(seconds), sentinel: { lastOk: seconds * 1000, flags: ['master', 's_down'] } },
  })
  const names = ['no master', 'server down: app1', 'replica of a dead address: app2', 'replica of a dead address: app3']
  const wrongs = ['app1', 'app2', 'app3'].map((one) => `Sentinel watches a wrong address: ${one}`)
  const circle = (second: Redis = {}): Changes => ({ 1: replica(2), 2: replica(3, second), 3: replica(1) })
  test.each<Case>([
    ['Sentinel is left to it for a while', lost(5), [...names, ...wrongs], ['wait for sentinel']],
    ['Sentinel is left to it for the longest it takes', lost(44), [...names, ...wrongs], ['wait for sentinel']],
    [
      'Sentinel is left to it where no replica had a link since it was booted',
      { ...lost(5), 2: { ...lost(5)[2], ...broken(-1, YOUNG) }, 3: { ...lost(5)[3], ...broken(-1, YOUNG) } },
      [...names, ...wrongs],
      ['wait for sentinel'],
    ],
    [
      'the best replica is promoted when Sentinel did nothing',
      lost(90),
      [...names, ...wrongs],
      ['promote replica app2'],
    ],
    [
      'the replica that is ahead is promoted',
      { ...lost(90), 3: { ...broken(90, { offset: 1100 }), sentinel: silentFor(90_000) } },
      [...names, ...wrongs],
      ['promote replica app3'],
    ],
    [
      'one of another history is a case for somebody',
      { ...lost(90), 3: { ...broken(90, { replId: 'r7', offset: 9999, keys: 3 }), sentinel: silentFor(90_000) } },
      [...names, ...wrongs],
      /app3 has 3 keys of a history of its own.*app3=3/,
    ],
    [
      'one of another history is given up',
      { ...lost(90), 3: { ...broken(90, { replId: 'r7', offset: 9999, keys: 3 }), sentinel: silentFor(90_000) } },
      [...names, ...wrongs],
      ['promote replica app2'],
      { acceptLoss: { app3: 3 } },
    ],
    [
      'one of another history without a key is nobody',
      { ...lost(90), 3: { ...broken(90, { replId: 'r7', offset: 9999, keys: 0 }), sentinel: silentFor(90_000) } },
      [...names, ...wrongs],
      ['promote replica app2'],
    ],
    [
      'one that continues the other one wins',
      {
        ...lost(90),
        3: {
          ...broken(90, { replId: 'r7', offset: 1500, before: { replId: 'r1', upTo: 1000 } }),
          sentinel: silentFor(90_000),
        },
      },
      [...names, ...wrongs],
      ['promote replica app3'],
    ],
    [
      'one that continues an older place does not',
      {
        ...lost(90),
        3: {
          ...broken(90, { replId: 'r7', offset: 1500, before: { replId: 'r1', upTo: 900 } }),
          sentinel: silentFor(90_000),
        },
      },
      [...names, ...wrongs],
      /history of its own/,
    ],
    [
      'nothing is done where the master cannot be asked',
      { ...lost(90), 1: GONE },
      ['no master', 'cannot be asked: app1', ...names.slice(2)],
      /there is no master, and what app1 has nobody can see.*app1=unknown/,
    ],
    [
      'a master that cannot be asked is given up',
      { ...lost(90), 1: GONE },
      ['no master', 'cannot be asked: app1', ...names.slice(2)],
      ['promote replica app2 told by app2 app3'],
      { acceptLoss: { app1: 'unknown' } },
    ],
    [
      'a circle of replicas is broken',
      circle(),
      ['no master', 'circle of replicas', ...['app1', 'app2', 'app3'].map((one) => `replica of no master: ${one}`)],
      ['promote replica app1'],
    ],
    [
      'the one that is ahead in a circle is promoted',
      circle({ offset: 1001 }),
      ['no master', 'circle of replicas', ...['app1', 'app2', 'app3'].map((one) => `replica of no master: ${one}`)],
      ['promote replica app2'],
    ],
    [
      'all empty, any of them will do',
      { 1: replica(9, { keys: 0 }, gone), 2: replica(9, { keys: 0 }, gone), 3: replica(9, { keys: 0 }, gone) },
      ['no master', ...['app1', 'app2', 'app3'].map((one) => `replica of a dead address: ${one}`)],
      ['promote replica app1'],
    ],
    [
      'all that answers was given up',
      { 1: replica(9, {}, gone), 2: replica(9, {}, gone), 3: replica(9, {}, gone) },
      ['no master', ...['app1', 'app2', 'app3'].map((one) => `replica of a dead address: ${one}`)],
      /give up fewer/,
      { acceptLoss: { app1: 12, app2: 12, app3: 12 } },
    ],
  ])('%s', (...one) => check(cache, one as readonly unknown[] as Case))
})

describe('no server answers', () => {
  const off = (more: Change['disk'] = {}): Change => ({ redis: null, sentinel: null, disk: more })
  const names = [
    'no master',
    'server down: app1',
    'server down: app2',
    'server down: app3',
    'lost majority of Sentinels',
  ]
  const sentinelsDown = ['app1', 'app2', 'app3'].map((one) => `Sentinel down: ${one}`)
  const all = [...names, ...sentinelsDown]
  const dump = { dump: { bytes: 700, age: 99 } }
  test.each<Case>([
    ['of a cache, whom most Sentinels named begins', { 1: off(), 2: off(), 3: off() }, all, ['start server app1']],
    [
      'of a cache, whom most Sentinels named begins, whatever the inventory says',
      {
        1: off({ monitors: at(3), follows: at(3) }),
        2: off({ monitors: at(3), follows: at(3) }),
        3: off({ ...nobody, monitors: at(3) }),
      },
      all,
      ['start server app3'],
    ],
    [
      'old keys on the disk of a cache do not come back',
      { 1: off(dump), 2: off(), 3: off() },
      all,
      ['move aside app1', 'start server app1'],
    ],
    [
      'of a cache with one that cannot be asked nothing begins',
      { 1: off(), 2: off(), 3: GONE },
      [
        'no master',
        'cannot be asked: app3',
        ...names.slice(1, 3),
        'lost majority of Sentinels',
        ...sentinelsDown.slice(0, 2),
      ],
      /app3 has nobody can see/,
    ],
    [
      'of a cache where one hangs nothing begins',
      { 1: off(), 2: { ...off(), seen: { trouble: { redis: 'hung', sentinel: 'down' } } }, 3: off() },
      [
        'no master',
        'server down: app1',
        'server hangs: app2',
        'server down: app3',
        'lost majority of Sentinels',
        ...sentinelsDown,
      ],
      /what app2 has nobody can see/,
    ],
  ])('%s', (...one) => check(cache, one as readonly unknown[] as Case))

  test.each<Case>([
    ['the one that was the master begins', { 1: off(log), 2: off(log), 3: off(log) }, all, ['start server app1']],
    [
      'the one that Sentinels made the master begins',
      {
        1: off({ ...log, monitors: at(2) }),
        2: off({ ...log, ...nobody, monitors: at(2) }),
        3: off({ ...log, monitors: at(2), follows: at(2) }),
      },
      all,
      ['start server app2'],
    ],
    [
      'of two that were masters, neither',
      {
        1: off({ ...log, monitors: at(1) }),
        2: off({ ...log, ...nobody, monitors: at(2) }),
        3: off({ monitors: at(3), follows: at(2) }),
      },
      all,
      /there is no master, and what app2 has nobody can see/,
    ],
    [
      'replicas of nobody are started, so that they can be asked',
      { 1: off({ follows: at(9) }), 2: off({ ...log, follows: at(9) }), 3: off({ ...log, follows: at(9) }) },
      all,
      ['start server app2', 'start server app3'],
    ],
    [
      'the master is not started while another one cannot be asked',
      { 1: off(log), 2: off(log), 3: GONE },
      [
        'no master',
        'cannot be asked: app3',
        ...names.slice(1, 3),
        'lost majority of Sentinels',
        ...sentinelsDown.slice(0, 2),
      ],
      ['start server app2'],
    ],
  ])('of a durable set, %s', (...one) => check(durable, one as readonly unknown[] as Case))
})

describe('servers that do not follow', () => {
  test.each<Case>([
    ['one that is down is started', { 2: DOWN }, ['server down: app2'], ['start server app2']],
    [
      'old keys on its disk are moved aside',
      { 2: { redis: null, disk: { dump: { bytes: 700, age: 99 } } } },
      ['stale dump file: app2'],
      ['join set app2'],
    ],
    [
      'one that is down and told to follow nobody begins anew',
      { 2: { redis: null, disk: nobody } },
      ['former master: app2'],
      ['join set app2'],
    ],
    [
      'one that is down and told a dead address begins anew',
      { 2: { redis: null, disk: { follows: at(9) } } },
      ['replica of a dead address: app2'],
      ['join set app2'],
    ],
    [
      'one that loads is waited for',
      { 2: { redis: null, seen: { trouble: { redis: 'loading' } } } },
      ['server loads: app2'],
      ['start server app2'],
    ],
    [
      'one that hangs begins anew',
      { 2: { redis: null, seen: { trouble: { redis: 'hung' } } } },
      ['server hangs: app2'],
      ['join set app2'],
    ],
    [
      'one whose password nobody knows begins anew',
      { 2: { redis: null, seen: { trouble: { redis: 'wrong password' } } } },
      ['password drift: app2'],
      ['join set app2'],
    ],
    [
      'one that hangs and follows nobody, as far as is known, is a case for somebody',
      { 1: { redis: { replicas: [] } }, 2: { redis: null, disk: nobody, seen: { trouble: { redis: 'hung' } } } },
      ['server hangs: app2'],
      /nobody can tell what app2 has.*app2=unknown/,
    ],
    [
      'one that hangs is given up',
      { 1: { redis: { replicas: [] } }, 2: { redis: null, disk: nobody, seen: { trouble: { redis: 'hung' } } } },
      ['server hangs: app2'],
      ['join set app2'],
      { acceptLoss: { app2: 'unknown' } },
    ],
    [
      'one that follows a dead address follows the master',
      { 2: replicaOf(9, {}, { link: 'down', downFor: 90 }) },
      ['replica of a dead address: app2'],
      ['follow master app2 app1'],
    ],
    [
      'one that follows a dead address is left to Sentinel for a while',
      { 2: replicaOf(9, {}, { link: 'down', downFor: 9 }) },
      ['replica of a dead address: app2'],
      ['wait for sentinel'],
    ],
    [
      'one that follows a replica follows the master',
      { 2: replicaOf(3) },
      ['replica of no master: app2'],
      ['follow master app2 app1'],
    ],
    [
      'one with keys of another history is a case for somebody',
      { 2: replicaOf(9, { replId: 'r5', keys: 7 }, { link: 'down', downFor: 90 }) },
      ['diverged replication ids', 'replica of a dead address: app2'],
      /app2 has 7 keys of a history of its own.*app2=7/,
    ],
    [
      'one with keys of another history is saved and follows',
      { 2: replicaOf(9, { replId: 'r5', keys: 7 }, { link: 'down', downFor: 90 }) },
      ['diverged replication ids', 'replica of a dead address: app2'],
      ['follow master app2 app1 =7'],
      { acceptLoss: { app2: 7 } },
    ],
    [
      'one whose link broke a moment ago connects by itself',
      { 2: broken(5) },
      ['replica link down: app2'],
      ['wait for sentinel'],
    ],
    [
      'one whose link broke a moment ago, and that says a wrong password, does not connect by itself',
      { 2: broken(5, { passwords: { own: true, forMaster: false, others: 0 } }) },
      ['password drift: app2', 'replica link down: app2'],
      ['rotate password app1 app2 app3'],
    ],
    [
      'nor does one whose master takes another password',
      { 1: { redis: { passwords: { own: false, forMaster: true, others: 1 } } }, 2: broken(5) },
      ['password drift: app1', 'replica link down: app2'],
      ['rotate password app1 app2 app3', 'follow master app2 app1'],
    ],
    [
      'one that began a moment ago connects by itself',
      { 2: broken(-1, { ...YOUNG, keys: 0, replId: 'r8' }) },
      ['replica link down: app2'],
      ['wait for sentinel'],
    ],
    [
      'one whose link is down for long is told again',
      { 2: broken(90) },
      ['replica link down: app2'],
      ['follow master app2 app1'],
    ],
    [
      'one without a key whose link is down for long is restarted',
      { 2: broken(90, { keys: 0 }) },
      ['replica link down: app2'],
      ['restart server app2'],
    ],
    [
      'one that gets a copy is waited for',
      { 2: replicaOf(1, { keys: 0, replId: 'r8' }, { link: 'down', downFor: 90, syncing: true }) },
      ['copying: app2'],
      ['follow master app2 app1'],
    ],
    [
      'nodes that cannot be asked do not hinder the others',
      { 2: DOWN, 3: GONE },
      ['cannot be asked: app3', 'server down: app2'],
      ['start server app2'],
    ],
    [
      'a replica of a replica that was asked later is no newer than the master',
      { 2: { redis: { offset: 1200 } }, 3: replicaOf(2, { offset: 1100 }) },
      ['replica of no master: app3'],
      ['follow master app3 app1'],
    ],
    [
      'a replica that was asked later, behind its link fell, is no newer than the master',
      { 2: broken(90, { offset: 1200 }) },
      ['replica link down: app2'],
      ['follow master app2 app1'],
    ],
    [
      'a master that was given up, and that Sentinels hear',
      { 1: GONE, 3: { sentinel: null } },
      ['cannot be asked: app1', 'no master', 'lost majority of Sentinels', 'Sentinel down: app3'].concat([
        ...['replica of a dead address: app2', 'replica of a dead address: app3'],
      ]),
      /app1 cannot be asked from here, and is the master for the others; mend the way to app1, or power it off/,
      { acceptLoss: { app1: 'unknown' } },
    ],
    [
      'a master that was given up, and that replicas hear where no Sentinel is left',
      { 1: GONE, 2: { sentinel: null }, 3: { sentinel: null } },
      ['cannot be asked: app1', 'no master', 'lost majority of Sentinels'].concat([
        ...['Sentinel down: app2', 'Sentinel down: app3'],
        ...['replica of a dead address: app2', 'replica of a dead address: app3'],
      ]),
      /app1 cannot be asked from here, and is the master for the others/,
      { acceptLoss: { app1: 'unknown' } },
    ],
    [
      'most cannot be asked: nothing is done',
      { 2: GONE, 3: GONE },
      ['cannot be asked: app2', 'cannot be asked: app3', 'lost majority of Sentinels'],
      /most of the set cannot be seen/,
    ],
    [
      'most cannot be asked, and were given up',
      { 2: GONE, 3: GONE },
      ['cannot be asked: app2', 'cannot be asked: app3', 'lost majority of Sentinels'],
      [],
      { acceptLoss: { app2: 'unknown', app3: 'unknown' } },
    ],
    [
      'one is away, and a Sentinel that may name the master is down: it is started first',
      {
        1: GONE,
        2: { redis: aMaster, sentinel: at(2) },
        3: { ...replicaOf(2), sentinel: null },
      },
      ['cannot be asked: app1', 'lost majority of Sentinels', 'Sentinel down: app3'],
      ['start sentinel app3'],
    ],
    [
      'one is away, and Sentinels name it',
      {
        1: GONE,
        2: { redis: aMaster, sentinel: silentFor(90_000) },
        3: { ...replicaOf(2), sentinel: silentFor(90_000) },
      },
      ['cannot be asked: app1', 'Sentinel watches a wrong address: app2', 'Sentinel watches a wrong address: app3'],
      /app2 is the likeliest master, and only 0 of 3 Sentinels name it/,
    ],
    ['a master refuses writes', { 1: { redis: { takesWrites: false } } }, ['min-replicas not met: app1'], []],
    [
      'what lies aside is told of',
      { 2: { disk: { aside: [{ path: '/var/lib/redis/aside-20260101T000000Z.rdb', bytes: 900 }] } } },
      ['old data: app2'],
      [],
    ],
    [
      'what takes no writes, and who else may log in, is told of',
      { 1: { redis: { diskFails: true } }, 2: { redis: { memoryFull: true } }, 3: { redis: { otherUsers: 'eve' } } },
      ['disk full: app1', 'memory full: app2', 'other users: app3'],
      [],
    ],
    [
      'a file that lost its first line, by which its start knows it, gets it again',
      { 1: { disk: { configured: { redis: false, sentinel: true } } } },
      ['unsaved settings: app1'],
      ['set settings app1 its first line'],
    ],
    ['whoever was not prepared is told of', { 2: { seen: { prepared: false } } }, ['not prepared: app2'], []],
  ])('%s', (...one) => check(cache, one as readonly unknown[] as Case))

  test.each([
    [700, ['wait for sentinel']],
    [46_000, undefined],
  ])('a former master that is seen again for %i ms', (roleFor, waits) => {
    const replicas = [known(2, { role: 'master', for: roleFor }), known(3)]
    const changes = sentinels({ replicas }, { 2: { redis: { ...aMaster, replId: 'r5' } } })
    const { intents, refusal } = judge(cache, set(changes), {})
    expect(refusal ? undefined : intents.map(words)).toEqual(waits)
  })
  test('Sentinels that watch nothing are told whom to watch before a link is waited for', () => {
    const nothing = { name: 'other', address: '10.0.0.9' }
    const { intents } = judge(cache, set(sentinels(nothing, { 2: broken(5) })), {})
    expect(intents.map(words)[0]).toBe('watch master app1 app2 app3')
    const { intents: later } = judge(cache, set({ 1: { sentinel: nothing }, 2: broken(5) }), {})
    expect(later.map(words)).toEqual(['wait for sentinel'])
  })
  test('a master that takes another password, and that Sentinels still hear, is not waited for', () => {
    const verdict = judge(cache, set({ 1: { redis: null, seen: { trouble: { redis: 'wrong password' } } } }), {})
    expect(verdict.refusal?.hint).toContain('app1=unknown')
    expect(verdict.refusal?.hint).not.toContain('saved')
  })
  const alone: Change = { redis: { replicas: [] } }
  const debians: Change = {
    ...DOWN,
    seen: { trouble: { redis: 'plain' } },
    disk: { configured: { redis: false, sentinel: true }, ...nobody },
  }
  test("one that Debian's own server runs on instead joins: what ours had in its memory is gone", () => {
    check(cache, ['', { 1: alone, 2: debians }, ['no configuration: app2'], ['join set app2']])
    check(durable, ['', { 1: alone, 2: debians }, ['no configuration: app2'], ['join set app2']])
  })
  test('what a durable one kept there is a case for somebody all the same', () => {
    const { disk } = debians
    expect(judge(durable, set({ 1: alone, 2: { ...debians, disk: { ...disk, ...log } } }), {}).refusal?.hint).toContain(
      'app2=unknown',
    )
  })
  test('one of a durable set that is down with what it kept is started, and not joined anew', () => {
    check(durable, ['', { 2: { redis: null, disk: log } }, ['server down: app2'], ['start server app2']])
  })
  test('the former master of a durable set begins anew, with what it had beside', () => {
    const whole = failedOver()
    check(durable, [
      '',
      { ...whole, 1: { ...whole[1], redis: null, disk: { ...log, ...nobody } } },
      ['former master: app1'],
      ['join set app1'],
    ])
  })
  test('where Sentinels were told to watch the master, and did not make it one, what the other one kept is asked for', () => {
    const changes = { 1: { redis: { replicas: [] } }, 2: { redis: null, disk: { ...log, ...nobody } } }
    expect(judge(durable, set(changes), {}).refusal?.hint).toContain('app2=unknown')
  })
  test('where no Sentinel agrees on the master, what the other one of a durable set kept is a case for somebody', () => {
    const changes = { 1: { redis: { replicas: [] } }, 2: { redis: null, disk: { ...log, ...nobody } }, ...{} }
    const none = Object.fromEntries(
      Object.entries({ 3: {}, ...changes }).map(([one, change]) => [
        one,
        { ...change, sentinel: { address: '10.0.0.9', ...silentFor(90_000) } },
      ]),
    )
    expect(judge(durable, set(none), {}).refusal?.hint).toContain('app2=unknown')
  })
})

describe('Sentinels', () => {
  const nobodyElse = { replicas: [], sentinels: [] }
  const strayOf = foreign('old', '10.0.0.2')
  const differing = [{ name: 'announce-ip', running: '10.0.0.9', wanted: '10.0.0.2' }]
  test.each<Case>([
    ['one that is down is started', { 2: { sentinel: null } }, ['Sentinel down: app2'], ['start sentinel app2']],
    [
      'one that another password opens is started with ours',
      { 2: { sentinel: null, seen: { trouble: { sentinel: 'wrong password' } } } },
      ['password drift: app2'],
      ['start sentinel app2'],
    ],
    [
      'most are down',
      { 2: { sentinel: null }, 3: { sentinel: null } },
      ['lost majority of Sentinels', 'Sentinel down: app2', 'Sentinel down: app3'],
      ['start sentinel app2', 'start sentinel app3'],
    ],
    [
      'one that watches a dead address watches the master',
      { 2: { sentinel: { address: '10.0.0.9', ...silentFor(90_000) } } },
      ['Sentinel watches a wrong address: app2'],
      ['watch master app2'],
    ],
    [
      'one that watches a replica watches the master',
      { 2: { sentinel: at(3) } },
      ['Sentinel watches a wrong address: app2'],
      ['watch master app2'],
    ],
    [
      'all that watch a dead address watch the master',
      sentinels({ address: '10.0.0.9', ...silentFor(90_000), replicas: [] }),
      ['app1', 'app2', 'app3'].map((one) => `Sentinel watches a wrong address: ${one}`),
      ['watch master app1 app2 app3'],
    ],
    [
      'one that watches another name watches the master',
      { 2: { sentinel: { name: 'mymaster', address: '127.0.0.1' } } },
      ['Sentinel watches a wrong name: app2', 'Sentinel watches other sets: app2'],
      ['watch master app2'],
    ],
    [
      'a stray name is forgotten',
      { 2: { seen: { sentinel: strayOf } } },
      ['Sentinel watches a wrong name: app2'],
      ['watch master app2 without old'],
    ],
    [
      'one without a file joins',
      { 2: { sentinel: null, disk: { configured: { redis: true, sentinel: false } } } },
      ['Sentinel down: app2'],
      ['join set app2'],
    ],
    [
      'that of the master without a file watches it',
      { 1: { sentinel: null, disk: { configured: { redis: true, sentinel: false }, ...nobody } } },
      ['Sentinel down: app1'],
      ['watch master app1'],
    ],
    [
      'one that forgot a replica finds it again',
      { 2: { sentinel: { replicas: [known(2)] } } },
      ['forgotten replica: app2'],
      ['reset sentinel app2'],
    ],
    [
      'those that forgot are reset one after the other',
      { 2: { sentinel: nobodyElse }, 3: { sentinel: nobodyElse } },
      ['forgotten replica: app2', 'forgotten replica: app3'],
      ['reset sentinel app2', 'reset sentinel app3'],
    ],
    [
      'one that forgot another one finds it again',
      { 2: { sentinel: { sentinels: [] } } },
      ['forgotten Sentinel: app2'],
      ['reset sentinel app2'],
    ],
    [
      'one that forgot a replica waits while a node is away, which it would forget by that',
      { 2: { sentinel: { replicas: [known(2)] } }, 3: GONE },
      ['cannot be asked: app3'],
      [],
    ],
    [
      'one that counts on a dead address keeps it while a node is away',
      { 2: { sentinel: { sentinels: [at(1), at(9)].map((one) => ({ ...one, flags: ['s_down'] })) } }, 3: GONE },
      ['cannot be asked: app3', 'dead address known: app2'],
      [],
    ],
    [
      'all watch another port',
      sentinels({ port: 6380 }),
      [1, 2, 3].map((one) => `Sentinel watches a wrong address: app${one}`),
      ['watch master app1 app2 app3'],
    ],
    [
      'one that counts on a dead address forgets it',
      {
        2: {
          sentinel: {
            sentinels: [1, 3, 9].map((one) => ({ ...at(one), flags: one === 9 ? ['s_down'] : [] })),
          },
        },
      },
      ['dead address known: app2'],
      ['reset sentinel app2'],
    ],
    [
      'one that says a wrong address of itself says the right one before others find it again',
      {
        2: { seen: { sentinel: { ...young({}), uptime: 500, differing } } },
        3: { sentinel: { sentinels: [at(1), at(9)].map((one) => ({ ...one, flags: [] })) } },
      },
      ['forgotten Sentinel: app3', 'settings differ: app2'],
      ['set settings app2 announce-ip', 'reset sentinel app3'],
    ],
    ['one that just began is given time', { 2: { seen: { sentinel: young(nobodyElse) } } }, [], []],
    [
      'a failover that is under way is left alone',
      { 2: { sentinel: { flags: ['master', 'failover_in_progress'] } } },
      [],
      ['wait for sentinel'],
    ],
  ])('%s', (...one) => check(cache, one as readonly unknown[] as Case))
})

function young(change: object) {
  const one = foreign('x', '10.0.0.1')
  return { ...one, uptime: 9, masters: one.masters.slice(0, 1).map((master) => ({ ...master, ...change })) }
}

describe('passwords and settings', () => {
  const differs = (name: string) => ({ differing: [{ name, running: '1', wanted: '2' }] })
  const drift = { passwords: { own: true, forMaster: false, others: 0 } }
  const late = { sentinel: { ...young({}), outdated: true } }
  const outdated: Change = { redis: { outdated: true }, seen: late }
  test.each<Case>([
    [
      'a wrong password is changed everywhere',
      { 2: { redis: drift } },
      ['password drift: app2'],
      ['rotate password app1 app2 app3'],
    ],
    [
      'a password comes before the link that needs it',
      { 2: broken(90, drift) },
      ['password drift: app2', 'replica link down: app2'],
      ['rotate password app1 app2 app3'],
    ],
    [
      'another password that opens it is dropped',
      { 1: { redis: { passwords: { own: true, forMaster: true, others: 1 } } } },
      ['password drift: app1'],
      ['rotate password app1 app2 app3'],
    ],
    [
      'passwords of Sentinels count',
      { 2: { seen: { sentinel: { ...young({}), uptime: 500, ...differs('auth-pass') } } } },
      ['password drift: app2'],
      ['rotate password app1 app2 app3'],
    ],
    [
      'a setting goes live',
      { 2: { redis: differs('maxmemory') } },
      ['settings differ: app2'],
      ['set settings app2 maxmemory'],
    ],
    [
      'a setting of a master goes live',
      { 1: { redis: differs('maxmemory') } },
      ['settings differ: app1'],
      ['set settings app1 maxmemory'],
    ],
    [
      'a setting of Sentinel goes live',
      { 2: { seen: { sentinel: { ...young({}), uptime: 500, ...differs('down-after-milliseconds') } } } },
      ['settings differ: app2'],
      ['set settings app2 down-after-milliseconds'],
    ],
    [
      'what the file does not say is saved',
      { 2: { redis: { unsaved: ['maxmemory'] } } },
      ['unsaved settings: app2'],
      ['set settings app2 maxmemory'],
    ],
    [
      'what the file says otherwise is saved',
      { 2: { disk: { fileDiffers: ['tls-port'] } } },
      ['unsaved settings: app2'],
      ['set settings app2 tls-port'],
    ],
    [
      'both are one step',
      { 2: { redis: { ...differs('maxmemory'), unsaved: ['appendfsync'] } } },
      ['settings differ: app2', 'unsaved settings: app2'],
      ['set settings app2 maxmemory,appendfsync'],
    ],
    [
      'a replica is restarted',
      { 2: { redis: differs('databases') } },
      ['restart needed: app2'],
      ['restart server app2'],
    ],
    [
      'the master hands over before',
      { 1: { redis: differs('databases') } },
      ['restart needed: app1'],
      ['fail over app1 app2', 'restart server app1'],
    ],
    [
      'all are restarted, the master last',
      { 1: { redis: differs('databases') }, 2: { redis: differs('databases') }, 3: { redis: differs('databases') } },
      ['restart needed: app2', 'restart needed: app3', 'restart needed: app1'],
      ['restart server app2', 'restart server app3', 'fail over app1 app2', 'restart server app1'],
    ],
    [
      'a replica whose files an update replaced is restarted',
      { 3: { redis: { outdated: true } } },
      ['restart needed: app3'],
      ['restart server app3'],
    ],
    [
      'behind an update all are, Sentinels one by one at last',
      { 1: outdated, 2: outdated, 3: outdated },
      ['app2', 'app3', 'app1', 'app1', 'app2', 'app3'].map((host) => `restart needed: ${host}`),
      [
        ...['restart server app2', 'restart server app3', 'fail over app1 app2', 'restart server app1'],
        ...['restart sentinel app1', 'restart sentinel app2', 'restart sentinel app3'],
      ],
    ],
    [
      'no Sentinel is restarted while one is down',
      { 2: { seen: late }, 3: { sentinel: null } },
      ['restart needed: app2', 'Sentinel down: app3'],
      ['start sentinel app3'],
    ],
    [
      'a setting that goes live comes before',
      { 2: { redis: { differing: [...differs('databases').differing, ...differs('timeout').differing] } } },
      ['settings differ: app2', 'restart needed: app2'],
      ['set settings app2 timeout', 'restart server app2'],
    ],
    [
      'nobody is restarted while one is away',
      { 2: { redis: differs('databases') }, 3: GONE },
      ['cannot be asked: app3', 'restart needed: app2'],
      [],
    ],
    [
      'nobody is restarted before one that is down is back',
      { 2: { redis: differs('databases') }, 3: DOWN },
      ['server down: app3', 'restart needed: app2'],
      ['start server app3'],
    ],
  ])('%s', (...one) => check(cache, one as readonly unknown[] as Case))
})
