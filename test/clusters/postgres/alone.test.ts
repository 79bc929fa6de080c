import { expect, test } from 'vitest'
import { topology } from '../../../src/clusters/postgres/topology.ts'
import { type Failure, nextStep } from '../../../src/run/next-step.ts'
import { act } from './support/act.ts'
import { made } from './support/histories.ts'
import { judge, nameOf } from './support/run.ts'
import { surveysOf } from './support/surveys.ts'
import { at, copy, settle, stop, type World } from './support/world.ts'

/** Steps as the engine does them while everything fails on one node: those of others, and the nodes that each is done on. */
function mended(start: World, ill: string): readonly string[] {
  const world = copy(start)
  settle(world)
  const done: string[] = []
  const failures: Failure[] = []
  for (;;) {
    const state = { ...judge(world), nodes: topology(world.desired, surveysOf(world)) }
    const step = nextStep(state, failures)
    if (!step) return done
    const hosts = step.stages.flat().map(({ host }) => host)
    const failed = hosts.includes(ill)
    const left = step.stages.map((stage) => stage.filter(({ host }) => host !== ill))
    if (left.some((stage) => stage.length > 0)) act(world, { ...step, stages: left })
    if (failed) failures.push({ end: { outcome: 'failed' }, hosts: [ill] })
    done.push(`${nameOf(step).split(':')[0]} on ${hosts.join(', ')}${failed ? ' failed' : ''}`)
    if (failed && !step.alone) return done
  }
}

const off = (world: World, ...hosts: readonly string[]) => {
  for (const host of hosts) at(world, host).daemon.active = false
}

test.each<[string, (world: World) => void, string, readonly string[]]>([
  [
    'a standby that cannot be started keeps repmgrd off nowhere else',
    (world) => {
      stop(at(world, 'app3'))
      off(world, 'app2', 'app3')
    },
    'app3',
    ['start server on app3 failed', 'start repmgrd on app2'],
  ],
  [
    'nor another one from being started',
    (world) => {
      stop(at(world, 'app2'))
      stop(at(world, 'app3'))
    },
    'app2',
    ['start server on app2 failed', 'start server on app3'],
  ],
  [
    'one that cannot follow stays without repmgrd, for it is stale',
    (world) => {
      at(world, 'app3').upstream = 'app2'
      off(world, 'app2', 'app3')
    },
    'app3',
    ['follow primary on app3 failed', 'start repmgrd on app2'],
  ],
])('%s', (_, change, ill, steps) => {
  expect(mended(made({}, change), ill)).toEqual(steps)
})
