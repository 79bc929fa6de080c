import { describe, expect, test } from 'vitest'
import type { ClusterGoal } from '../../../src/model/cluster.ts'
import { failover, made } from './support/histories.ts'
import { judge, refusedOf, run, stepsOf } from './support/run.ts'
import { at, crash, healthy, type Shape, start, type World, write } from './support/world.ts'

type Change = (world: World) => void

describe('another primary', () => {
  test.each<[Shape, string, readonly string[]]>([
    [{}, 'app2', ['switch over: app1 to app2']],
    [{}, 'app3', ['switch over: app1 to app3']],
    [{ nodes: 2, replicas: 1 }, 'app2', ['switch over: app1 to app2']],
    [{ durability: 'sync', nodes: 5 }, 'app5', ['switch over: app1 to app5']],
    [{}, 'app1', []],
  ])('%o: %s', (shape, primary, steps) => {
    const { done, world } = run(healthy(shape), { primary })
    expect(done).toEqual(steps)
    expect(judge(world).decision.primary?.host).toBe(primary)
    expect(stepsOf(world)).toEqual([])
  })

  test.each<[string, Change, ClusterGoal, RegExp]>([
    [
      'a standby is down',
      (world) => crash(at(world, 'app3')),
      { primary: 'app2' },
      /not whole; first: start server app3/,
    ],
    [
      'it is down itself',
      (world) => crash(at(world, 'app2')),
      { primary: 'app2' },
      /not whole; first: start server app2/,
    ],
    [
      'a node cannot be seen',
      (world) => {
        at(world, 'app3').reachable = false
      },
      { primary: 'app2' },
      /^app3 cannot be seen/,
    ],
    [
      'it cannot be seen',
      (world) => {
        at(world, 'app2').reachable = false
      },
      { primary: 'app2' },
      /^app2 cannot be seen/,
    ],
    ['it is a replica', () => {}, { primary: 'off1' }, /^off1 cannot be the primary: it is a replica/],
    ['it is the witness', () => {}, { primary: 'vote1' }, /^vote1 cannot be the primary: it is the witness/],
    ['nobody knows it', () => {}, { primary: 'app9' }, /^app9 cannot be the primary: it is no node/],
    [
      'two are primaries',
      (world) => {
        failover(world)
        start(at(world, 'app1'))
      },
      { primary: 'app2' },
      /split brain/,
    ],
    [
      'there is no primary',
      (world) => {
        crash(at(world, 'app1'))
        delete at(world, 'app1').data
      },
      { primary: 'app2' },
      /no server takes writes/,
    ],
  ])('not while %s', (_, change, goal, why) => {
    expect(refusedOf(made({ replicas: 1, witness: true }, change), goal)).toMatch(why)
  })

  test('what is wrong with the primary itself is mended first', () => {
    const world = made({}, (each) => {
      at(each, 'app2').pooler.paused = true
    })
    expect(refusedOf(world, { primary: 'app2' })).toBe('the cluster is not whole; first: point pgbouncer app2')
  })
})

describe('a node leaves', () => {
  test.each<[string, Shape, Change, string, readonly string[]]>([
    ['a standby', {}, () => {}, 'app3', ['remove node: app3']],
    ['the last standby', { nodes: 2 }, () => {}, 'app2', ['remove node: app2']],
    [
      'a replica of a synchronous pair',
      { nodes: 2, replicas: 1, durability: 'sync' },
      () => {},
      'off1',
      ['remove node: off1'],
    ],
    ['one of three with durability sync', { durability: 'sync' }, () => {}, 'app2', ['remove node: app2']],
    [
      'one that cannot be reached',
      {},
      (world) => {
        at(world, 'app3').reachable = false
      },
      'app3',
      ['remove node: app3'],
    ],
    [
      'one that is down, and is not mended before',
      {},
      (world) => crash(at(world, 'app2')),
      'app2',
      ['remove node: app2'],
    ],
    [
      'one that holds what the primary has not',
      {},
      (world) => {
        at(world, 'app2').reachable = true
        write(at(world, 'app1'))
        failover(world)
      },
      'app1',
      ['remove node: app1'],
    ],
    [
      'while another one is mended',
      {},
      (world) => crash(at(world, 'app2')),
      'app3',
      ['start server: app2', 'remove node: app3'],
    ],
  ])('%s', (_, shape, change, remove, steps) => {
    const { done, world } = run(made(shape, change), { remove })
    expect(done).toEqual(steps)
    expect(stepsOf(world, { remove })).toEqual([])
  })

  test('what cannot be reached is not acted on', () => {
    const world = made({}, (each) => {
      at(each, 'app3').reachable = false
    })
    const [step] = judge(world, { remove: 'app3' }).decision.steps
    expect(step?.stages.flat().map(({ host }) => host)).toEqual(['app1'])
  })

  test('one that the playbook does not name any more', () => {
    const world = healthy({ nodes: 4 })
    const left = {
      ...world,
      desired: { ...world.desired, nodes: world.desired.nodes.slice(0, 3) },
      nodes: world.nodes.slice(0, 3),
    }
    expect(judge(left).findings.map(({ name, message }) => `${name}: ${message}`)).toEqual([
      expect.stringMatching(/^unknown slot: .*deploy db remove-node/),
      expect.stringMatching(/^unknown node: repmgr knows app4, .*deploy db remove-node/),
    ])
    const { done, world: after } = run(left, { remove: 'app4' })
    expect(done).toEqual(['remove node: app4'])
    expect(judge(after, { remove: 'app4' }).decision).toMatchObject({ steps: [], unknown: expect.anything() })
  })

  test('one that nobody knows is a wrong name: no refusal, for no data is at stake', () => {
    const { decision } = judge(healthy(), { remove: 'ap3' })
    expect(decision.refusal).toBeUndefined()
    expect(decision.unknown).toEqual({
      message: 'node "ap3" is not known (nodes: app3, app1, app2)',
      hint: 'did you mean app3?',
    })
    expect(judge(healthy(), { remove: 'zebra' }).decision.unknown?.hint).toBe('deploy status prod shows who is in it')
    expect(judge(healthy(), { remove: 'app3' }).decision.unknown).toBeUndefined()
  })

  test.each<[string, Shape, Change, string, RegExp]>([
    ['the primary', {}, () => {}, 'app1', /^app1 is the primary/],
    ['the only node', { nodes: 1 }, () => {}, 'app1', /^app1 is the primary/],
    [
      'the last standby that confirms commits',
      { nodes: 2, durability: 'sync' },
      () => {},
      'app2',
      /^without app2 no standby is left/,
    ],
    [
      'one of three while another one cannot be reached',
      { durability: 'sync' },
      (world) => {
        at(world, 'app3').reachable = false
      },
      'app2',
      /^without app2 no standby is left/,
    ],
    [
      'the last primary, which is down',
      {},
      (world) => {
        failover(world)
        for (const host of ['app2', 'app3']) crash(at(world, host))
      },
      'app2',
      /^no server takes writes$/,
    ],
    ['a node of a cluster that is yet to be', {}, destroyAll, 'app2', /^no server takes writes$/],
    [
      'one, while there is no primary',
      {},
      (world) => {
        crash(at(world, 'app1'))
        delete at(world, 'app1').data
      },
      'app2',
      /no server takes writes/,
    ],
    [
      'one of two primaries',
      {},
      (world) => {
        failover(world)
        start(at(world, 'app1'))
      },
      'app1',
      /split brain/,
    ],
  ])('not %s', (_, shape, change, remove, why) => {
    const world = made(shape, change)
    expect(refusedOf(world, { remove })).toMatch(why)
  })
})

function destroyAll(world: World): void {
  for (const node of world.nodes) {
    delete node.data
    node.server = 'down'
  }
}
