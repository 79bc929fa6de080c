import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import type { Desired, PostgresNode } from '../../../src/clusters/postgres/model.ts'
import { verifier } from '../../../src/clusters/postgres/scram.ts'
import * as steps from '../../../src/clusters/postgres/steps.ts'
import type { ClusterStep } from '../../../src/model/cluster.ts'
import { Secret } from '../../../src/model/secret.ts'

/** A name that does harm wherever it is not quoted. No cluster has one: a second wall. */
const ODD = `n'"$(reboot)\`x\`; #\\`
const node = (host: string, id: number): PostgresNode => ({ host, address: `10.0.0.${id}`, id, kind: 'member' })
const [db1, db2, db3, odd] = [node('db1', 1), node('db2', 2), node('db3', 3), node(ODD, 4)] as const
const witness: PostgresNode = { ...node('vote', 5), kind: 'witness' }

const users = [
  { name: 'repmgr', password: new Secret('repmgr', 'pass of repmgr'), superuser: true as const },
  { name: 'notes', password: new Secret('notes', 'pass of notes') },
]

function desired(...nodes: readonly PostgresNode[]): Desired {
  const databases = [{ name: 'notes', owner: 'notes', extensions: ['pgcrypto'] }]
  return { name: 'main', environment: 'lab', nodes, durability: 'sync', restartSettings: {}, users, databases }
}

/** Every step there is, about these nodes. */
function all(first: PostgresNode, second: PostgresNode, third: PostgresNode): readonly ClusterStep[] {
  const want = desired(first, second, third)
  const nodes = [first, second, third]
  return [
    steps.createPrimary(want, first),
    steps.cloneStandbys([second, third], first),
    steps.recloneStandby(second, first, 'why'),
    steps.rejoinStandby(second, first, 'why'),
    steps.startServer(first, 'why'),
    steps.followPrimary(second, first, 'why'),
    steps.resetSetting(first, 'wal_retrieve_retry_interval', 'why'),
    steps.repairRegistration(first, [second, third], 'why'),
    steps.startDaemon(nodes, 'why'),
    steps.stopDaemon(nodes, 'why'),
    steps.pointPgbouncer(nodes, first, 'why'),
    steps.setAccess(want, first, 'why'),
    steps.restartServer(second, first, 'why'),
    steps.restartPrimary(want, first, [second, third], 'why'),
    steps.startPrimary(first, {
      ...{ standbys: [second], off: [third], others: [second, third], otherwise: 'mend it' },
      newest: { timeline: 2, lsn: '0/3000148' },
    }),
    steps.startStandbys([second, third], [second, third]),
    steps.promoteStandby(first, {
      ...{ others: [second], off: [third], rest: [], witnesses: [witness], absent: [third], end: '0/3000148' },
    }),
    steps.stopServers([second, third], { armed: [first, third], again: { primary: first, nodes: [first] } }),
    steps.stopServers([second], { armed: [first] }),
    steps.registerWitness(want, witness, first, 'why'),
    steps.switchover(want, first, second, [third, witness], 'why'),
    steps.dropSlot(first, ODD, 'why'),
    steps.removeNode(first, second, true),
    steps.refreshLists(nodes, 'why'),
    steps.upgradePackages(first, first, 'why'),
    steps.upgradeServer(second, first, 'why'),
    steps.upgradeServer(witness, first, 'why'),
  ]
}

const actions = (step: ClusterStep) => step.stages.flat()
const titles = ({ stages }: ClusterStep) => stages.map((stage) => stage.map(({ host, title }) => `${host}: ${title}`))
const plain = all(db1, db2, db3).map((step) => [step.name, step] as const)

describe.each(plain)('%s', (_, step) => {
  test('says what it is for', () => {
    for (const text of [step.name, step.about, step.reason, step.effect]) expect(text).not.toBe('')
  })

  test('its actions are known by host and title, and no host does two things at once', () => {
    const known = actions(step).map(({ host, title }) => `${host} ${title}`)
    expect(new Set(known).size).toBe(known.length)
    for (const stage of step.stages) expect(new Set(stage.map(({ host }) => host)).size).toBe(stage.length)
  })

  test('its scripts are shell, and every call that may hang has a limit', () => {
    for (const { script } of actions(step)) {
      execFileSync('sh', ['-n'], { input: script })
      const unlimited = script
        .split('\n')
        .filter((line) => /\b(systemctl (start|stop|restart|reload)|psql|journalctl) /.test(line))
        .filter((line) => !/timeout |\bpg (\$|"|\d)|took\(\)|began\(\)|ExecStopPost/.test(line))
      expect(unlimited).toEqual([])
    }
  })

  test('no script and no title holds a password or its verifier', () => {
    const secrets = users.flatMap(({ name, password }) => [password.reveal(), verifier(name, password).reveal()])
    for (const { script, title } of actions(step))
      for (const text of secrets) expect(`${title}\n${script}`).not.toContain(text)
  })
})

test('a name that is shell, SQL or a quote stays a name', () => {
  for (const step of [...all(odd, db2, db3), ...all(db1, odd, db3), ...all(db1, db2, odd)])
    for (const { script } of actions(step)) {
      execFileSync('sh', ['-n'], { input: script })
      expect(script).not.toContain(ODD)
    }
})

test('what sets access reads verifiers from its input, no passwords', () => {
  const [action] = actions(steps.setAccess(desired(db1, db2), db1, 'why'))
  const input = action?.input?.reveal() ?? ''
  for (const { name, password } of users) {
    expect(input).toContain(verifier(name, password).reveal())
    expect(input).not.toContain(password.reveal())
  }
})

test('a switchover looks first, hands over while clients are held and repmgrd is stopped, and starts that last', () => {
  expect(titles(steps.switchover(desired(db1, db2, db3), db1, db2, [db3, witness], 'why'))).toEqual([
    ['db1: look whether it can hand over', 'db2: look who it follows'],
    ['db1: stop repmgrd', 'db2: stop repmgrd', 'db3: stop repmgrd', 'vote: stop repmgrd'],
    ['db1: hold clients', 'db2: hold clients', 'db3: hold clients', 'vote: hold clients'],
    ['db1: hand over to db2'],
    ['db2: register the primary', 'db3: follow db2', 'vote: send clients to db2', 'db1: rejoin behind db2'],
    ['db1: start repmgrd', 'db2: start repmgrd', 'db3: start repmgrd', 'vote: start repmgrd'],
  ])
})

test('where repmgrd stays off behind a step that failed, the next command is whole', () => {
  const want = desired(db1, db2)
  for (const step of [steps.switchover(want, db1, db2, [], 'why'), steps.restartPrimary(want, db1, [db2], 'why')])
    expect(step.afterFailure?.map(({ script }) => script).join()).toContain('is mended: deploy repair-db lab')
})

test("repmgr's table: the primary before its standbys and again behind them, with no repmgrd at work", () => {
  expect(titles(steps.repairRegistration(db1, [db2, db3], 'why'))).toEqual([
    ['db1: stop repmgrd', 'db2: stop repmgrd', 'db3: stop repmgrd'],
    ['db1: register the primary'],
    ['db2: register the standby'],
    ['db3: register the standby'],
    ['db1: register the primary again'],
    ['db1: start repmgrd', 'db2: start repmgrd', 'db3: start repmgrd'],
  ])
})

test('all standbys are cloned at once; a node that leaves is stopped before it is forgotten', () => {
  expect(titles(steps.cloneStandbys([db2, db3], db1))).toEqual([
    ['db2: clone the data of db1', 'db3: clone the data of db1'],
  ])
  expect(titles(steps.removeNode(db1, db3, true))).toEqual([['db3: stop its services for good'], ['db1: forget db3']])
  expect(titles(steps.removeNode(db1, db3, false))).toEqual([['db1: forget db3']])
})

test('alone is what mends one node, or what is around it: no step that others build on', () => {
  const alone = all(db1, db2, db3).flatMap(({ name, alone }) => (alone ? [name] : []))
  expect(alone).toEqual([
    ...['clone standby', 'clone standby anew', 'rejoin standby', 'start server', 'follow primary'],
    ...['reset wal_retrieve_retry_interval', 'start repmgrd', 'point pgbouncer', `drop slot ${ODD}`],
  ])
})
