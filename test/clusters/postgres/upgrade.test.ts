import { describe, expect, test } from 'vitest'
import { failover, made } from './support/histories.ts'
import { findingsOf, judge, refusedOf, run, stepsOf } from './support/run.ts'
import { at, crash, healthy, type Shape, type Software, start, type World } from './support/world.ts'

type Change = (world: World) => void

const OLD = '15.18-0+deb12u1'
const NEW = '15.20-0+deb12u1'
const goal = { upgrade: true } as const

/** All nodes run the old version, but for what is said; the new one is listed everywhere. */
function software(more: Readonly<Record<string, Partial<Software>>> = {}): Change {
  return ({ nodes }) => {
    for (const node of nodes)
      node.software = {
        ...{
          runs: OLD,
          installed: OLD,
          listed: NEW,
          newest: NEW,
          age: 60,
          pooler: false,
          held: [],
          unfinished: [],
          unknown: [],
        },
        ...more[node.host],
      }
  }
}

const all = (hosts: readonly string[], one: Partial<Software>) => Object.fromEntries(hosts.map((host) => [host, one]))
const newest = { runs: NEW, installed: NEW }

function both(...changes: readonly Change[]): Change {
  return (world) => {
    for (const change of changes) change(world)
  }
}

describe('a minor upgrade', () => {
  test.each<[string, Shape, Change, readonly string[]]>([
    [
      'of three: standbys, another primary, the former one',
      {},
      software(),
      ['upgrade server: app2', 'upgrade server: app3', 'switch over: app1 to app2', 'upgrade server: app1'],
    ],
    [
      'of two that confirm each other',
      { nodes: 2, durability: 'sync' },
      software(),
      ['upgrade server: app2', 'switch over: app1 to app2', 'upgrade server: app1'],
    ],
    [
      'with a replica and a witness, which never take over',
      { nodes: 2, replicas: 1, witness: true },
      software(),
      [
        ...['upgrade server: app2', 'upgrade server: off1', 'upgrade server: vote1'],
        ...['switch over: app1 to app2', 'upgrade server: app1'],
      ],
    ],
    ['of the only one', { nodes: 1 }, software(), ['upgrade packages: app1', 'restart primary: app1']],
    [
      'of one member and a replica',
      { nodes: 1, replicas: 1 },
      software(),
      ['upgrade server: off1', 'upgrade packages: app1', 'restart primary: app1'],
    ],
    [
      'that was begun',
      {},
      software({ app2: newest }),
      ['upgrade server: app3', 'switch over: app1 to app2', 'upgrade server: app1'],
    ],
    ['whose last is left', {}, software(all(['app1', 'app2'], newest)), ['upgrade server: app3']],
    [
      'that was installed, and not begun',
      {},
      software(all(['app1', 'app2', 'app3'], { installed: NEW })),
      ['upgrade server: app2', 'upgrade server: app3', 'switch over: app1 to app2'],
    ],
    [
      'that was installed on the only one',
      { nodes: 1 },
      software({ app1: { installed: NEW } }),
      ['restart primary: app1'],
    ],
    ['there is none', {}, software(all(['app1', 'app2', 'app3'], { ...newest, held: ['postgresql-15'] })), []],
    [
      'of pgbouncer only: no server restarts',
      {},
      software(all(['app1', 'app2', 'app3'], { ...newest, pooler: true })),
      ['upgrade packages: app2', 'upgrade packages: app3', 'upgrade packages: app1'],
    ],
    [
      'that was broken off on a host',
      {},
      software({
        ...all(['app1', 'app2', 'app3'], newest),
        app3: { ...newest, unfinished: ['postgresql-15'] },
      }),
      ['upgrade server: app3'],
    ],
    [
      'by old lists, which know of it',
      {},
      software({ app3: { age: 4000 } }),
      [
        ...['refresh package lists: app3', 'upgrade server: app2', 'upgrade server: app3'],
        ...['switch over: app1 to app2', 'upgrade server: app1'],
      ],
    ],
    [
      'that was cut off in a switchover: what that left comes first',
      {},
      both(software(all(['app2', 'app3'], newest)), (world) => {
        failover(world)
        for (const { daemon } of world.nodes) daemon.active = false
      }),
      ['rejoin standby: app1', 'start repmgrd: app1, app2, app3', 'upgrade server: app1'],
    ],
  ])('%s', (_, shape, change, steps) => {
    const world = made(shape, change)
    expect(stepsOf(world, goal)).toEqual(steps)
    const ran = run(world, goal)
    expect(ran.done).toEqual(steps)
    expect(stepsOf(ran.world, goal)).toEqual([])
    expect(ran.world.nodes.map((node) => node.software?.runs)).toEqual(world.nodes.map(() => NEW))
    expect(findingsOf(ran.world)).toEqual([])
  })

  test('lists that are old are refreshed, and the rest is shown then', () => {
    const old = all(['app1', 'app2', 'app3'], { listed: OLD, age: 90_000 })
    const world = made({}, software({ ...old, app3: { listed: OLD } }))
    delete at(world, 'app2').software?.age
    const [step, more] = judge(world, goal).decision.steps
    expect(step).toMatchObject({ name: 'refresh package lists', about: 'app1, app2' })
    expect(step?.reason).toBe('package lists are old: app1 25 h, app2 has none')
    expect(more).toBeUndefined()
    expect(() => run(world, goal)).toThrow(/not shown before: app2 upgrade server/)
  })

  test('a node whose lists know of less than those of others looks again, as long as they are not quite new', () => {
    const steps = (age: number) => stepsOf(made({}, software({ app3: { listed: OLD, age } })), goal)[0]
    expect(steps(400)).toBe('refresh package lists: app3')
    expect(steps(200)).toBe('upgrade server: app2')
  })

  test('once it has begun nobody looks again for what mirrors of other ages do not have', () => {
    const begun = software({ app2: newest, app3: { listed: OLD, age: 400 } })
    expect(stepsOf(made({}, begun), goal)[0]).toMatch(/^switch over/)
  })

  test('a hint names all that cannot be seen', () => {
    const hint = (...hosts: readonly string[]) => {
      const world = made({ nodes: 5 }, software())
      for (const host of hosts) at(world, host).reachable = false
      return judge(world, goal).decision.refusal?.hint
    }
    const env = made({}, software()).desired.environment
    expect(hint('app3')).toBe(`bring it back, or take it out for good: deploy db remove-node ${env} app3`)
    expect(hint('app3', 'app4')).toBe(
      `bring them back, or take them out for good: deploy db remove-node ${env} app3; deploy db remove-node ${env} app4`,
    )
  })

  test('a step says from which version to which', () => {
    const world = made({}, software({ app3: { installed: NEW } }))
    expect(judge(world, goal).decision.steps.map(({ about, reason }) => `${about}: ${reason}`)).toEqual([
      `app2: postgresql-15 ${OLD} → ${NEW}`,
      `app3: it runs ${OLD}, and ${NEW} is installed`,
      'app1 to app2: the primary itself is to be upgraded, and follows then',
      `app1: postgresql-15 ${OLD} → ${NEW}`,
    ])
  })

  test('is nothing that a repair does', () => {
    expect(stepsOf(made({}, software()))).toEqual([])
  })

  test.each<[string, Shape, Change, RegExp]>([
    [
      'a standby is down',
      {},
      both(software(), (world) => crash(at(world, 'app3'))),
      /^the cluster is not whole; first: start server app3$/,
    ],
    [
      'a node cannot be seen',
      {},
      both(software(), (world) => {
        at(world, 'app3').reachable = false
      }),
      /^app3 cannot be seen/,
    ],
    [
      'the witness cannot be seen',
      { nodes: 2, witness: true },
      both(software(), (world) => {
        at(world, 'vote1').reachable = false
      }),
      /^vote1 cannot be seen/,
    ],
    [
      'two are primaries',
      {},
      both(software(), (world) => {
        failover(world)
        start(at(world, 'app1'))
      }),
      /split brain/,
    ],
    [
      'there is no primary',
      {},
      both(software({ app2: newest }), (world) => {
        for (const { host } of world.nodes) crash(at(world, host))
      }),
      /^no server takes writes$/,
    ],
    ['another major version is offered', {}, software({ app2: { listed: '16.1-1' } }), /^app2 is offered 16.1-1/],
    ['it is held back', {}, software({ app3: { held: ['postgresql-15'] } }), /^postgresql-15 is held back on app3$/],
    [
      'apt does not know',
      {},
      software({ app3: { unknown: ['repmgr'] } }),
      /what is offered to app3: apt says nothing of repmgr$/,
    ],
    [
      'a node does not say',
      {},
      both(software(), (world) => {
        delete at(world, 'app1').software
      }),
      /what is offered to app1: apt says nothing of its packages$/,
    ],
  ])('not while %s', (_, shape, change, why) => {
    expect(refusedOf(made(shape, change), goal)).toMatch(why)
  })
})

describe('versions that differ', () => {
  const evidence = (world: World) => judge(world).findings.find(({ name }) => name === 'versions differ')?.evidence

  test('are told of', () => {
    expect(evidence(made({}, software({ app2: newest })))).toEqual([`app1: ${OLD}`, `app2: ${NEW}`, `app3: ${OLD}`])
    expect(findingsOf(made({}, software({ app2: newest })))).toEqual(['(warning) versions differ'])
  })

  test('so is a server that was not restarted since', () => {
    expect(evidence(made({ nodes: 1 }, software({ app1: { installed: NEW } })))).toEqual([
      `app1: ${OLD}, and ${NEW} is installed`,
    ])
  })

  test('all of one version is no word worth, nor is what nobody knows', () => {
    expect(evidence(made({ witness: true }, software()))).toBeUndefined()
    expect(evidence(healthy())).toBeUndefined()
  })
})
