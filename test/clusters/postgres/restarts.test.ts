import { describe, expect, test } from 'vitest'
import { destroy, made } from './support/histories.ts'
import { findingsOf, judge, run, stepsOf } from './support/run.ts'
import { at, crash, dataNodes, type Shape, type World } from './support/world.ts'

type Change = (world: World) => void

const MORE = { name: 'max_connections', running: '60', wanted: '100' }
const LESS = { name: 'max_connections', running: '60', wanted: "'40'" }
const OTHER = { name: 'shared_buffers', running: '16384 × 8kB', wanted: '64MB' }

function differing(setting: typeof MORE, hosts?: readonly string[]): Change {
  return (world) => {
    for (const node of dataNodes(world)) if (!hosts || hosts.includes(node.host)) node.differing = [setting]
  }
}

function both(...changes: readonly Change[]): Change {
  return (world) => {
    for (const change of changes) change(world)
  }
}

describe('settings that need a restart', () => {
  test.each<[string, Shape, Change, readonly string[]]>([
    [
      'on all of three: standbys one by one, then another primary',
      {},
      differing(MORE),
      ['restart server: app2', 'restart server: app3', 'switch over: app1 to app2'],
    ],
    ['on all of two', { nodes: 2 }, differing(OTHER), ['restart server: app2', 'switch over: app1 to app2']],
    ['on the only one', { nodes: 1 }, differing(MORE), ['restart primary: app1']],
    ['on a standby only', {}, differing(MORE, ['app3']), ['restart server: app3']],
    ['on the primary only', {}, differing(OTHER, ['app1']), ['switch over: app1 to app2']],
    [
      'a replica never takes over',
      { nodes: 1, replicas: 1 },
      differing(MORE),
      ['restart server: off1', 'restart primary: app1'],
    ],
    [
      'a limit that gets lower: the primary first, in its place',
      {},
      differing(LESS),
      ['restart primary: app1', 'restart server: app2', 'restart server: app3'],
    ],
    [
      'a limit that gets lower, while a standby is without data: it would not start with it',
      {},
      both(
        differing(LESS),
        (world) => destroy(world, 'app3'),
        (world) => {
          at(world, 'app3').differing = []
        },
      ),
      ['restart primary: app1', 'clone standby: app3', 'restart server: app2', 'start repmgrd: app3'],
    ],
    [
      'while a standby is down: that is mended first, and needs no restart',
      {},
      both(
        differing(MORE),
        (world) => crash(at(world, 'app2')),
        (world) => {
          at(world, 'app2').differing = []
        },
      ),
      ['start server: app2', 'restart server: app3', 'switch over: app1 to app2'],
    ],
    [
      'while a standby follows another one',
      {},
      both(differing(MORE), (world) => {
        Object.assign(at(world, 'app3'), { upstream: undefined })
      }),
      [
        'stop repmgrd: app3',
        'follow primary: app3',
        'restart server: app2',
        'restart server: app3',
        'switch over: app1 to app2',
      ],
    ],
  ])('%s', (_, shape, change, steps) => {
    const world = made(shape, change)
    expect(stepsOf(world)).toEqual(steps)
    expect(run(world).done).toEqual(steps)
  })

  test('wait while a node cannot be seen: its repmgrd might take that for a failure', () => {
    const world = made(
      {},
      both(differing(MORE), (each) => {
        at(each, 'app3').reachable = false
      }),
    )
    expect(stepsOf(world)).toEqual([])
    expect(findingsOf(world)).toEqual([
      '(warning) restart needed app1',
      '(warning) restart needed app2',
      'unreachable app3',
    ])
    expect(judge(world).findings[0]?.message).toContain('waits until every node can be seen')
  })

  test('repmgrd does not run while a primary restarts', () => {
    const [step] = judge(made({}, differing(LESS))).decision.steps
    const stages = step?.stages.map((stage) => stage.map(({ host, title }) => `${host} ${title}`)) ?? []
    expect(stages.at(1)).toEqual(['app1 stop repmgrd', 'app2 stop repmgrd', 'app3 stop repmgrd'])
    expect(stages.at(-1)).toEqual(['app1 start repmgrd', 'app2 start repmgrd', 'app3 start repmgrd'])
    expect(stages.slice(2, -1)).toContainEqual(['app1 restart the server'])
  })
})
