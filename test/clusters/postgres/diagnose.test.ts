import { describe, expect, test } from 'vitest'
import { assess } from '../../../src/clusters/postgres/decide.ts'
import type { SeenNode, ServerSeen } from '../../../src/clusters/postgres/model.ts'
import { destroy, failover, lose, made, swapRows } from './support/histories.ts'
import { findingsOf, judge, stepsOf } from './support/run.ts'
import { OTHER, surveysOf } from './support/surveys.ts'
import { at, bare, crash, fresh, healthy, type Shape, start, stop, type World, write } from './support/world.ts'

type Change = (world: World) => void

describe('what is found', () => {
  test.each<[string, Shape, Change, readonly string[]]>([
    ['nothing', {}, () => {}, []],
    ['nothing, in an orderly cluster of all kinds', { replicas: 1, witness: true, durability: 'sync' }, () => {}, []],
    ['F2', {}, (world) => crash(at(world, 'app2')), ['standby down app2']],
    ['F3', {}, (world) => destroy(world, 'app2'), ['no data app2', 'repmgrd app2']],
    [
      'F4',
      {},
      (world) => {
        failover(world)
        start(at(world, 'app1'))
      },
      [],
    ],
    [
      'F5',
      {},
      (world) => {
        failover(world)
        crash(at(world, 'app2'))
      },
      ['no primary', 'server down app1', 'server down app2'],
    ],
    ['F9', {}, (world) => lose(world, 'app2'), ['loaded gun app2', 'beyond WAL app2']],
    [
      'F10',
      {},
      (world) => {
        Object.assign(at(world, 'app2'), { upstream: undefined })
      },
      ['loaded gun app2', 'wrong upstream app2'],
    ],
    ['F11', {}, swapRows, ['registration']],
    [
      'F12',
      {},
      (world) => {
        at(world, 'app2').pooler.paused = true
      },
      ['pgbouncer app2'],
    ],
    [
      'F14',
      {},
      (world) => {
        Object.assign(at(world, 'app2'), { data: fresh(OTHER) })
      },
      ['no data app2'],
    ],
    ['a former primary', {}, (world) => failover(world), ['former primary app1']],
    [
      'one that cannot be reached',
      {},
      (world) => {
        at(world, 'app3').reachable = false
      },
      ['unreachable app3'],
    ],
    [
      'a witness that cannot be reached',
      { nodes: 2, witness: true },
      (world) => {
        at(world, 'vote1').reachable = false
      },
      ['unreachable vote1'],
    ],
    [
      'packages are missing',
      {},
      (world) => {
        at(world, 'app3').prepared = false
      },
      ['not prepared app3'],
    ],
    [
      'no repmgrd',
      {},
      (world) => {
        at(world, 'app3').daemon.active = false
      },
      ['repmgrd app3'],
    ],
    [
      'repmgrd not at boot',
      {},
      (world) => {
        at(world, 'app3').daemon.enabled = false
      },
      ['repmgrd app3'],
    ],
    [
      'a stale setting',
      {},
      (world) => {
        at(world, 'app1').stale = true
      },
      ['stale setting app1'],
    ],
    [
      'access',
      {},
      (world) => {
        world.access = false
      },
      ['access app1'],
    ],
    [
      'old data',
      {},
      (world) => {
        at(world, 'app2').aside.push(fresh('1'))
      },
      ['(warning) old data app2'],
    ],
    [
      'a left slot',
      {},
      (world) => {
        at(world, 'app2').slots.set('app3', 'reserved')
      },
      ['(warning) left slot app2'],
    ],
    [
      'an unknown slot',
      {},
      (world) => {
        at(world, 'app1').slots.set('somebody', 'reserved')
      },
      ['(warning) unknown slot app1'],
    ],
    [
      'a certificate of 31 days',
      {},
      (world) => {
        at(world, 'app1').daysLeft = 31
      },
      [],
    ],
    [
      'a certificate of 30 days',
      {},
      (world) => {
        at(world, 'app1').daysLeft = 30
      },
      ['(warning) certificate app1'],
    ],
    [
      'a certificate of 8 days',
      {},
      (world) => {
        at(world, 'app1').daysLeft = 8
      },
      ['(warning) certificate app1'],
    ],
    [
      'F16 a certificate of 7 days',
      {},
      (world) => {
        at(world, 'app1').daysLeft = 7
      },
      ['certificate app1'],
    ],
    [
      'F16 an expired certificate',
      {},
      (world) => {
        at(world, 'app3').daysLeft = -1
      },
      ['certificate app3'],
    ],
    [
      'F15 a full disk',
      {},
      (world) => {
        at(world, 'app3').free = 1e8
      },
      ['(warning) little space app3'],
    ],
    [
      'a full disk',
      {},
      (world) => {
        at(world, 'app3').free = 1e6
      },
      ['disk full app3'],
    ],
    [
      'a standby that confirms nothing',
      { nodes: 2, durability: 'sync' },
      (world) => crash(at(world, 'app2')),
      ['standby down app2', 'no sync standby app1'],
    ],
    ['async, nobody confirms', { nodes: 2 }, (world) => crash(at(world, 'app2')), ['standby down app2']],
    [
      'only a replica streams, which confirms nothing',
      { nodes: 1, replicas: 1, durability: 'sync' },
      () => {},
      ['no sync standby app1'],
    ],
  ])('%s', (_, shape, change, found) => {
    expect(findingsOf(made(shape, change))).toEqual(found)
  })

  test('bare hosts have no fault', () => {
    expect(findingsOf(bare())).toEqual([])
    const blank = bare()
    for (const node of blank.nodes) node.prepared = false
    expect(findingsOf(blank)).toEqual([])
  })

  test('what was seen, line by line', () => {
    const world = made({}, (each) => {
      stop(at(each, 'app2'))
      at(each, 'app2').lines = ['one', 'two', 'three', 'four']
    })
    expect(judge(world).findings).toEqual([
      {
        name: 'standby down',
        host: 'app2',
        severity: 'fault',
        message: 'its server does not run',
        evidence: [
          'unit inactive',
          'control file: shut down in recovery',
          'a server runs: no',
          'slot repmgr_slot_2 on app1: reserved, inactive',
          'two',
          'three',
          'four',
        ],
      },
    ])
  })

  test('no finding shows a verifier or a password', () => {
    const world = made({}, (each) => {
      each.access = false
    })
    const text = JSON.stringify(judge(world).findings)
    expect(text).toContain('database notes is not there')
    expect(text).not.toMatch(/SCRAM|between nodes|of notes/)
  })
})

describe('a unit that only would not start at boot is told as that, not as one that does not run', () => {
  type Units = SeenNode['units']
  const OFF = { active: 'active', enabled: false }

  test.each<[string, Partial<Units>, string, RegExp]>([
    ['repmgrd', { repmgrd: OFF }, 'it runs, and would not start at boot', /^repmgrd would not start at boot on app2$/],
    [
      'a dead repmgrd',
      { repmgrd: { active: 'inactive', enabled: false } },
      'nobody on it notices a lost primary',
      /^repmgrd does not run as it should on app2$/,
    ],
    [
      'pgbouncer',
      { pgbouncer: OFF },
      'clients are served, and pgbouncer would not start at boot',
      /^app2: clients are served, and pgbouncer would not start at boot$/,
    ],
    [
      'pgbouncer and its follower',
      { pgbouncer: OFF, follower: OFF },
      'clients are served, and pgbouncer and pgbouncer-follow would not start at boot',
      /pgbouncer-follow would not start at boot$/,
    ],
    [
      'a dead follower',
      { follower: { active: 'failed', enabled: false } },
      'nobody would send clients to another primary',
      /^app2: nobody would send/,
    ],
  ])('%s', (_, units, message, reason) => {
    const world = healthy()
    const surveys = surveysOf(world).map((survey) =>
      survey.host === 'app2' && survey.unreachable === undefined
        ? { ...survey, units: { ...survey.units, ...units } }
        : survey,
    )
    const { findings, decision } = assess(world.desired, surveys, {})
    expect(findings.map((finding) => [finding.host, finding.message])).toEqual([['app2', message]])
    expect(decision.steps.map((step) => step.reason)).toEqual([expect.stringMatching(reason)])
  })

  test('a step for several says of each what is wrong with it', () => {
    const world = made({}, (each) => {
      at(each, 'app1').pooler.follower = false
      at(each, 'app3').pooler.answers = false
    })
    expect(judge(world).decision.steps.map(({ reason }) => reason)).toEqual([
      'app1: nobody would send clients to another primary; app3: pgbouncer does not answer',
    ])
  })
})

/** The survey of a whole cluster, with something changed in what the primary says. */
function told(change: Partial<ServerSeen>, shape: Shape = {}) {
  const world = healthy(shape)
  const surveys = surveysOf(world).map((survey): SeenNode => {
    if (survey.unreachable !== undefined) throw new Error('unreachable')
    return survey.host === 'app1' && survey.server ? { ...survey, server: { ...survey.server, ...change } } : survey
  })
  return assess(world.desired, surveys, {})
}

describe('what the primary says', () => {
  const server = (() => {
    const [survey] = surveysOf(healthy())
    if (survey?.unreachable !== undefined || !survey?.server) throw new Error('no server')
    return survey.server
  })()

  test.each<[string, Partial<ServerSeen>, readonly string[]]>([
    ['it refuses writes', { readOnly: true }, ['read-only']],
    ['its repmgrd was told to pause', { paused: true }, ['repmgrd']],
    [
      'a slot keeps back more than it may still',
      { slots: server.slots.map((slot) => ({ ...slot, kept: 3e9, safe: 2e9 })) },
      ['slot bloat', 'slot bloat'],
    ],
    ['a slot keeps back less', { slots: server.slots.map((slot) => ({ ...slot, kept: 1e9, safe: 2e9 })) }, []],
    ['somebody set something', { autoConf: [{ name: 'work_mem', value: '1GB' }] }, ['foreign setting']],
    [
      'an extension is missing',
      { databases: server.databases.map((each) => ({ ...each, extensions: [] })) },
      ['access'],
    ],
    ['another owner', { databases: server.databases.map((each) => ({ ...each, owner: 'postgres' })) }, ['access']],
    ['another password', { roles: server.roles.map((role) => ({ ...role, verifier: 'md5abc' })) }, ['access']],
    ['a role is no superuser', { roles: server.roles.map((role) => ({ ...role, superuser: false })) }, ['access']],
    ['a role is one', { roles: server.roles.map((role) => ({ ...role, superuser: true })) }, ['access']],
    ['a role is missing', { roles: [] }, ['access']],
    [
      'more roles and databases are nobody’s business',
      { roles: [...server.roles, { name: 'x', superuser: true, verifier: '' }] },
      [],
    ],
  ])('%s', (_, change, found) => {
    expect(told(change).findings.map(({ name }) => name)).toEqual(found)
  })

  test('roles that are needed to follow are set before anybody follows', () => {
    const world = made({}, (each) => {
      each.access = false
      destroy(each, 'app3')
      swapRows(each)
    })
    expect(stepsOf(world)).toEqual([
      'set access: app1',
      'repair registration: app1',
      'clone standby: app3',
      'repair registration: app1, app2, app3',
    ])
  })

  test('a table that somebody made keeps it from being cloned over', () => {
    const world = made({}, (each) => {
      Object.assign(at(each, 'app3'), { data: fresh(OTHER) })
    })
    const surveys = surveysOf(world).map((survey) => {
      if (survey.host !== 'app3' || survey.unreachable !== undefined || !survey.disk) return survey
      return { ...survey, disk: { ...survey.disk, blank: false } }
    })
    expect(assess(world.desired, surveys, {}).decision.refusal?.why).toMatch(/^app3 has data of another/)
  })
})

test('a node that answers and tells nothing is not told as one that cannot be reached', () => {
  const world = made({}, () => undefined)
  const why = 'its answer cannot be read: its data directory has no control file that can be read'
  const surveys = surveysOf(world).map((survey) =>
    survey.host === 'app3' ? { host: 'app3', unreachable: why, answered: true as const } : survey,
  )
  const { findings, decision } = assess(world.desired, surveys, {})
  expect(findings.map(({ name, host, evidence }) => [name, host, evidence])).toContainEqual([
    'unreadable',
    'app3',
    [why],
  ])
  expect(findings.find(({ name }) => name === 'unreadable')?.message).toContain('mv /var/lib/postgresql/15/main ')
  expect(decision.steps).toEqual([])
  const none = surveys.map((survey) => (survey.host === 'app1' ? { host: 'app1', unreachable: 'no route' } : survey))
  expect(assess(world.desired, none, {}).decision.refusal?.hint).toContain('bring app1 back (power, network)')
})

test('what only the tasks of an apply bring is told so: a database in pgbouncer, commits that wait', () => {
  const world = made({ durability: 'sync' }, () => undefined)
  const surveys = surveysOf(world).map((survey) => {
    if (survey.unreachable !== undefined || !survey.server) return survey
    const standbys = survey.server.standbys.map((each) => ({ ...each, sync: 'async' }))
    const known = survey.pgbouncer?.filter(({ database }) => database !== 'notes') ?? []
    return { ...survey, server: { ...survey.server, standbys, waits: false }, pgbouncer: known }
  })
  const told = assess(world.desired, surveys, {}).findings.map(
    ({ name, host, message }) => `${name} ${host}: ${message}`,
  )
  expect(told).toContain('pgbouncer app1: pgbouncer does not know notes yet')
  expect(told).toContain('no sync standby app1: commits wait for no standby yet, as durability sync asks for')
})

test('what is not there is named', () => {
  const world = made({}, (each) => {
    at(each, 'app3').prepared = false
  })
  expect(judge(world).findings.find(({ name }) => name === 'not prepared')?.evidence).toEqual(['/usr/bin/repmgr'])
})

test('with a node that cannot be reached, the others are mended', () => {
  const world = made({}, (each) => {
    at(each, 'app3').reachable = false
    crash(at(each, 'app2'))
    at(each, 'app1').pooler.paused = true
    write(at(each, 'app1'))
  })
  expect(stepsOf(world)).toEqual(['start server: app2', 'point pgbouncer: app1'])
})
