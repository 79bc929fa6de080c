import { describe, expect, test } from 'vitest'
import type { ClusterGoal } from '../../../src/model/cluster.ts'
import { destroy, failover, lose, made, REMOVED, swapRows } from './support/histories.ts'
import { judge, refusedOf, run, stepsOf } from './support/run.ts'
import { OTHER } from './support/surveys.ts'
import { at, bare, crash, fresh, healthy, type Shape, settle, stop, type World } from './support/world.ts'

/** What a case comes to: its steps, and behind them a whole cluster with nothing left to do. */
function expectSteps(world: World, steps: readonly string[], goal: ClusterGoal = {}): void {
  expect(stepsOf(world, goal)).toEqual(steps)
  expect(run(world, goal).done).toEqual(steps)
}

describe('a whole cluster', () => {
  test.each([1, 2, 3, 4, 5])('of %i nodes needs nothing', (nodes) => {
    expectSteps(healthy({ nodes }), [])
  })

  test.each<[string, Shape]>([
    ['durability sync', { durability: 'sync' }],
    ['a replica', { replicas: 1 }],
    ['two of two places', { nodes: 2, replicas: 2, durability: 'sync' }],
    ['a witness', { nodes: 2, witness: true }],
  ])('with %s needs nothing', (_, shape) => {
    expectSteps(healthy(shape), [])
  })

  test('after a failover, whoever is the primary, needs nothing but the old primary', () => {
    expectSteps(made({}, failover), ['rejoin standby: app1', 'start repmgrd: app1'])
  })

  test('says who is the primary, and why', () => {
    expect(judge(healthy()).decision.primary).toEqual({
      host: 'app1',
      why: 'it alone takes writes, on timeline 1; app2 and app3 stream from it',
    })
    expect(judge(healthy({ nodes: 1 })).decision.primary?.why).toContain('nobody streams from it')
  })
})

describe('bare hosts', () => {
  test.each<[Shape, readonly string[]]>([
    [{ nodes: 1 }, ['create primary: app1', 'point pgbouncer: app1', 'start repmgrd: app1']],
    [
      { nodes: 2 },
      ['create primary: app1', 'clone standby: app2', 'point pgbouncer: app1, app2', 'start repmgrd: app1, app2'],
    ],
    [
      { nodes: 3 },
      [
        'create primary: app1',
        'clone standby: app2, app3',
        'point pgbouncer: app1, app2, app3',
        'start repmgrd: app1, app2, app3',
      ],
    ],
    [
      { nodes: 2, replicas: 1, witness: true },
      [
        'create primary: app1',
        'clone standby: app2, off1',
        'register witness: vote1',
        'point pgbouncer: app1, app2, off1, vote1',
        'start repmgrd: app1, app2, off1, vote1',
      ],
    ],
  ])('%o', (shape, steps) => {
    expectSteps(bare(shape), steps)
  })

  test('database clusters with nothing in them, as the package makes them, are none; of one image they are one', () => {
    const world = bare()
    for (const node of world.nodes) Object.assign(node, { data: fresh(OTHER), server: 'up' })
    expectSteps(world, [
      'create primary: app1',
      'clone standby: app2, app3',
      'point pgbouncer: app1, app2, app3',
      'start repmgrd: app1, app2, app3',
    ])
  })

  test('packages need not be there yet: they are when the steps come', () => {
    expect(
      stepsOf(
        made(
          {},
          (world) =>
            world.nodes.forEach((node) => {
              node.prepared = false
            }),
          bare,
        ),
      ),
    ).toHaveLength(4)
  })

  test('a replica that comes first in the inventory does not become the primary', () => {
    const world = bare({ nodes: 2, replicas: 1 })
    const nodes = world.desired.nodes.toReversed()
    expectSteps({ ...world, nodes: world.nodes.toReversed(), desired: { ...world.desired, nodes } }, [
      'create primary: app2',
      'clone standby: off1, app1',
      'point pgbouncer: off1, app2, app1',
      'start repmgrd: off1, app2, app1',
    ])
  })

  test('a primary that was just created, and no more', () => {
    const world = made(
      {},
      (each) => {
        Object.assign(at(each, 'app1'), { data: fresh('7000000000000000001'), server: 'up' })
        each.access = false
      },
      bare,
    )
    expectSteps(world, [
      'set access: app1',
      'repair registration: app1',
      'clone standby: app2, app3',
      'point pgbouncer: app1, app2, app3',
      'start repmgrd: app2, app3',
    ])
  })

  test.each<[string, (world: World) => void]>([
    [
      'one cannot be reached',
      (world) => {
        at(world, 'app3').reachable = false
      },
    ],
    [
      'one has remains of data',
      (world) => {
        at(world, 'app3').remains = true
      },
    ],
    [
      'one runs a server without a directory',
      (world) => {
        at(world, 'app3').server = 'hung'
      },
    ],
  ])('nothing is created while %s', (_, change) => {
    expect(refusedOf(made({}, change, bare))).toMatch(/^no server (that answers )?takes writes, and .*app3/)
  })
})

describe('one fault, no data at stake', () => {
  test.each<[string, Shape, (world: World) => void, readonly string[]]>([
    ['F2 a standby that is down', {}, (world) => stop(at(world, 'app2')), ['start server: app2']],
    [
      'F2 one of which repmgrd noted that it is down: it notes that it is up as well',
      {},
      (world) => {
        stop(at(world, 'app2'))
        for (const row of world.rows ?? []) row.active = row.name !== 'app2'
      },
      ['start server: app2'],
    ],
    ['F2 a standby that lost power', {}, (world) => crash(at(world, 'app3')), ['start server: app3']],
    [
      'F2 a standby that hangs',
      {},
      (world) => {
        at(world, 'app2').server = 'hung'
      },
      ['start server: app2'],
    ],
    ['F2 a replica that is down', { replicas: 1 }, (world) => crash(at(world, 'off1')), ['start server: off1']],
    [
      'F2 with durability sync',
      { nodes: 2, durability: 'sync' },
      (world) => crash(at(world, 'app2')),
      ['start server: app2'],
    ],
    [
      'F3 a standby without data',
      {},
      (world) => destroy(world, 'app2'),
      ['clone standby: app2', 'start repmgrd: app2'],
    ],
    [
      'F3 remains of a standby',
      {},
      (world) => {
        destroy(world, 'app3')
        at(world, 'app3').remains = true
      },
      ['clone standby: app3', 'start repmgrd: app3'],
    ],
    [
      'two nodes that join at once',
      {},
      (world) => {
        destroy(world, 'app2')
        destroy(world, 'app3')
      },
      ['clone standby: app2, app3', 'start repmgrd: app2, app3'],
    ],
    [
      'F3 a file of its log is cut off: it runs, and gets no further',
      {},
      (world) => {
        const lines = ['LOG:  could not read from log segment 000000010000000000000009, offset 0: read 4096 of 8192']
        Object.assign(at(world, 'app2'), { upstream: undefined, lines })
      },
      ['stop repmgrd: app2', 'clone standby anew: app2', 'start repmgrd: app2'],
    ],
    [
      'F3 data that is damaged',
      {},
      (world) => {
        crash(at(world, 'app2'))
        at(world, 'app2').lines = ['PANIC:  could not locate a valid checkpoint record']
      },
      ['clone standby anew: app2', 'start repmgrd: app2'],
    ],
    [
      'F9 a standby whose slot is lost, and that serves stale reads',
      {},
      (world) => lose(world, 'app2'),
      ['stop repmgrd: app2', 'clone standby anew: app2', 'start repmgrd: app2'],
    ],
    [
      'F9 a stopped standby whose slot is lost',
      {},
      (world) => {
        lose(world, 'app3')
        stop(at(world, 'app3'))
      },
      ['clone standby anew: app3', 'start repmgrd: app3'],
    ],
    [
      'F9 a standby that is starting up for ever',
      {},
      (world) => {
        Object.assign(at(world, 'app2'), { server: 'hung', lines: [REMOVED] })
        at(world, 'app1').slots.delete('app2')
      },
      ['clone standby anew: app2', 'start repmgrd: app2'],
    ],
    [
      'F10 a standby of a standby',
      {},
      (world) => {
        Object.assign(at(world, 'app3'), { upstream: 'app2', slotted: false })
      },
      ['stop repmgrd: app3', 'follow primary: app3', 'start repmgrd: app3'],
    ],
    [
      'F10 a dead upstream',
      {},
      (world) => {
        Object.assign(at(world, 'app3'), { upstream: undefined })
      },
      ['stop repmgrd: app3', 'follow primary: app3', 'start repmgrd: app3'],
    ],
    [
      'F10 a slot that is missing',
      {},
      (world) => {
        at(world, 'app1').slots.delete('app2')
      },
      ['stop repmgrd: app2', 'follow primary: app2', 'start repmgrd: app2'],
    ],
    [
      'F10 no slot is used',
      {},
      (world) => {
        at(world, 'app2').slotted = false
      },
      ['follow primary: app2'],
    ],
    ['F11 roles are swapped in the table', {}, (world) => swapRows(world), ['repair registration: app1, app2, app3']],
    [
      'F11 a standby is not registered',
      {},
      (world) => {
        world.rows = world.rows?.filter(({ name }) => name !== 'app3')
      },
      ['repair registration: app1, app2, app3'],
    ],
    [
      'F11 a row is inactive',
      {},
      (world) => {
        for (const row of world.rows ?? []) row.active = row.name !== 'app2'
      },
      ['repair registration: app1, app2, app3'],
    ],
    [
      'F11 another address',
      {},
      (world) => {
        for (const row of world.rows ?? []) row.address = '10.9.9.9'
      },
      ['repair registration: app1, app2, app3'],
    ],
    [
      'F11 the primary is not registered, and a standby is without data',
      {},
      (world) => {
        destroy(world, 'app2')
        world.rows = []
      },
      ['repair registration: app1', 'clone standby: app2', 'repair registration: app1, app2, app3'],
    ],
    [
      'F12 a pgbouncer that points elsewhere',
      {},
      (world) => {
        at(world, 'app2').pooler.target = 'app3'
      },
      ['point pgbouncer: app2'],
    ],
    [
      'F12 a pgbouncer that is paused',
      {},
      (world) => {
        at(world, 'app1').pooler.paused = true
      },
      ['point pgbouncer: app1'],
    ],
    [
      'F12 a pgbouncer that is down',
      {},
      (world) => {
        at(world, 'app3').pooler.answers = false
      },
      ['point pgbouncer: app3'],
    ],
    [
      'F12 no follower',
      {},
      (world) => {
        at(world, 'app3').pooler.follower = false
      },
      ['point pgbouncer: app3'],
    ],
    [
      'F12 several',
      {},
      (world) => {
        for (const { pooler } of world.nodes) delete pooler.target
      },
      ['point pgbouncer: app1, app2, app3'],
    ],
    [
      'repmgrd does not run',
      {},
      (world) => {
        at(world, 'app2').daemon.active = false
      },
      ['start repmgrd: app2'],
    ],
    [
      'repmgrd does not start at boot',
      {},
      (world) => {
        at(world, 'app1').daemon.enabled = false
      },
      ['start repmgrd: app1'],
    ],
    [
      'F14 an empty cluster in the place of a standby',
      {},
      (world) => {
        Object.assign(at(world, 'app2'), { data: fresh(OTHER) })
      },
      ['clone standby: app2', 'start repmgrd: app2'],
    ],
    [
      'a failover left a node waiting for a day',
      {},
      (world) => {
        at(world, 'app3').stale = true
      },
      ['stop repmgrd: app3', 'reset wal_retrieve_retry_interval: app3', 'start repmgrd: app3'],
    ],
    [
      'a primary with that setting',
      {},
      (world) => {
        at(world, 'app1').stale = true
      },
      ['reset wal_retrieve_retry_interval: app1'],
    ],
    [
      'access',
      {},
      (world) => {
        world.access = false
      },
      ['set access: app1'],
    ],
    [
      'F2 a standby that is down, and nothing is kept for it',
      {},
      (world) => {
        stop(at(world, 'app2'))
        at(world, 'app1').slots.delete('app2')
      },
      ['stop repmgrd: app2', 'start server: app2', 'follow primary: app2', 'start repmgrd: app2'],
    ],
    [
      'F2 a standby that is down, and not registered',
      {},
      (world) => {
        stop(at(world, 'app2'))
        world.rows = world.rows?.filter(({ name }) => name !== 'app2')
      },
      ['start server: app2', 'repair registration: app1, app2, app3'],
    ],
    [
      'F2 a standby whose log tells of trouble that is over',
      {},
      (world) => {
        stop(at(world, 'app2'))
        at(world, 'app2').lines = [
          'PANIC:  could not locate a valid checkpoint record',
          REMOVED,
          'LOG:  completed backup recovery with redo LSN 0/12000028 and end LSN 0/12000100',
          'LOG:  started streaming WAL from primary at 0/13000000 on timeline 1',
        ]
      },
      ['start server: app2'],
    ],
    [
      'F10 a standby of a standby, through a slot there',
      {},
      (world) => {
        Object.assign(at(world, 'app3'), { upstream: 'app2' })
        at(world, 'app2').slots.set('app3', 'reserved')
      },
      ['stop repmgrd: app3', 'follow primary: app3', 'drop slot repmgr_slot_3: app2', 'start repmgrd: app3'],
    ],
    [
      'F11 another upstream',
      {},
      (world) => {
        for (const row of world.rows ?? []) if (row.name === 'app3') row.upstream = 2
      },
      ['repair registration: app1, app2, app3'],
    ],
    [
      'F14 an empty cluster in the place of the first node of two',
      { nodes: 2 },
      (world) => {
        failover(world)
        Object.assign(at(world, 'app1'), { data: fresh(OTHER), server: 'up' })
      },
      ['clone standby: app1', 'start repmgrd: app1'],
    ],
    [
      'a witness without a server',
      { nodes: 2, witness: true },
      (world) => {
        const vote = at(world, 'vote1')
        delete vote.data
        Object.assign(vote, { server: 'down', daemon: { active: false, enabled: true } })
      },
      ['register witness: vote1', 'start repmgrd: vote1'],
    ],
    [
      'a witness that watches a former primary',
      { nodes: 2, witness: true },
      (world) => {
        for (const row of world.rows ?? []) if (row.name === 'vote1') row.upstream = 2
      },
      ['register witness: vote1'],
    ],
    [
      'a standby that is down, and followed another one',
      {},
      (world) => {
        Object.assign(at(world, 'app3'), { upstream: 'app2' })
        at(world, 'app2').slots.set('app3', 'reserved')
        settle(world)
        stop(at(world, 'app3'))
      },
      [
        'stop repmgrd: app3',
        'start server: app3',
        'follow primary: app3',
        'drop slot repmgr_slot_3: app2',
        'start repmgrd: app3',
      ],
    ],
    ['a slot of nobody we know', {}, (world) => void at(world, 'app2').slots.set('somebody', 'reserved'), []],
    [
      'a slot of an earlier primary',
      {},
      (world) => {
        at(world, 'app2').slots.set('app3', 'reserved')
      },
      ['drop slot repmgr_slot_3: app2'],
    ],
  ])('%s', (_, shape, change, steps) => {
    const world = made(shape, change)
    // What a step makes right may make another one needless; nothing comes that was not shown.
    expect(stepsOf(world)).toEqual(expect.arrayContaining([...steps]))
    expect(run(world).done).toEqual(steps)
  })
})
