import { describe, expect, test } from 'vitest'
import { assess } from '../../../src/clusters/postgres/decide.ts'
import type { Loss } from '../../../src/clusters/postgres/model.ts'
import type { ClusterGoal } from '../../../src/model/cluster.ts'
import { destroy, failover, made } from './support/histories.ts'
import { judge, refusedOf, run, stepsOf } from './support/run.ts'
import { surveysOf } from './support/surveys.ts'
import {
  at,
  become,
  commit,
  crash,
  dataNodes,
  noise,
  promote,
  type Shape,
  start,
  stop,
  type World,
  write,
} from './support/world.ts'

type Change = (world: World) => void
type Given = NonNullable<ClusterGoal['acceptLoss']>

/** Nobody reaches it, and nobody follows it any more. */
function lost(...hosts: readonly string[]): Change {
  return (world) => {
    for (const host of hosts) {
      crash(at(world, host))
      at(world, host).reachable = false
    }
  }
}

function emptied(host: string): Change {
  return (world) => {
    crash(at(world, host))
    delete at(world, host).data
  }
}

function blackout(world: World): void {
  for (const node of dataNodes(world)) {
    crash(node)
    node.daemon.active = false
  }
}

const both =
  (...changes: readonly Change[]): Change =>
  (world) => {
    for (const change of changes) change(world)
  }

const START = ['stop repmgrd: app2, app3', 'promote standby: app2', 'follow primary: app3']

describe('the furthest standby is promoted where somebody gave up the last primary', () => {
  test.each<[string, Shape, Change, Given, readonly string[]]>([
    [
      'its host is lost',
      {},
      lost('app1'),
      { app1: 'unknown' },
      [...START, 'point pgbouncer: app2, app3', 'start repmgrd: app2, app3'],
    ],
    [
      'in sync',
      { durability: 'sync' },
      lost('app1'),
      { app1: 'unknown' },
      [...START, 'point pgbouncer: app2, app3', 'start repmgrd: app2, app3'],
    ],
    [
      'its data is gone: it is cloned anew',
      {},
      emptied('app1'),
      { app1: 'unknown' },
      [
        'stop repmgrd: app1, app2, app3',
        ...START.slice(1),
        'clone standby: app1',
        'point pgbouncer: app1, app2, app3',
        'start repmgrd: app1, app2, app3',
      ],
    ],
    [
      'two of three are lost',
      {},
      lost('app1', 'app3'),
      { app1: 'unknown', app3: 'unknown' },
      ['stop repmgrd: app2', 'promote standby: app2', 'point pgbouncer: app2', 'start repmgrd: app2'],
    ],
    [
      'two of three are empty machines',
      {},
      both(emptied('app1'), (world) => destroy(world, 'app3')),
      { app1: 'unknown' },
      [
        'stop repmgrd: app1, app2',
        'promote standby: app2',
        'clone standby: app1, app3',
        'point pgbouncer: app1, app2, app3',
        'start repmgrd: app1, app2, app3',
      ],
    ],
    [
      'one is further than the first',
      {},
      both(lost('app1'), (world) => at(world, 'app3').data?.log.push(commit())),
      { app1: 'unknown' },
      [
        'stop repmgrd: app2, app3',
        'promote standby: app3',
        'follow primary: app2',
        'point pgbouncer: app2, app3',
        'start repmgrd: app2, app3',
      ],
    ],
    [
      'all servers are down: they start first, and tell how far they are',
      {},
      both(blackout, emptied('app1')),
      { app1: 'unknown' },
      [
        'start standbys: app2, app3',
        'promote standby: app2',
        'follow primary: app3',
        'clone standby: app1',
        'point pgbouncer: app1, app2, app3',
        'start repmgrd: app1, app2, app3',
      ],
    ],
    [
      'a replica is never promoted',
      { nodes: 2, replicas: 1 },
      lost('app1'),
      { app1: 'unknown' },
      [
        'stop repmgrd: app2, off1',
        'promote standby: app2',
        'follow primary: off1',
        'point pgbouncer: app2, off1',
        'start repmgrd: app2, off1',
      ],
    ],
    [
      'with a witness, which watches the new one',
      { nodes: 2, witness: true },
      lost('app1'),
      { app1: 'unknown' },
      ['stop repmgrd: app2', 'promote standby: app2', 'point pgbouncer: app2, vote1', 'start repmgrd: app2'],
    ],
    [
      'the last primary is there and cannot be mended: what only it has is none',
      {},
      (world) => crash(at(world, 'app1')),
      { app1: 0 },
      [
        'stop repmgrd: app1, app2, app3',
        'promote standby: app2',
        'rejoin standby: app1',
        'follow primary: app3',
        'point pgbouncer: app1, app2, app3',
        'start repmgrd: app1, app2, app3',
      ],
    ],
    [
      'the last primary hangs, and may write on: it is stopped first',
      {},
      (world) => {
        at(world, 'app1').server = 'hung'
      },
      { app1: 'unknown' },
      [
        'stop server: app1',
        'promote standby: app2',
        'clone standby anew: app1',
        'follow primary: app3',
        'point pgbouncer: app1, app2, app3',
        'start repmgrd: app1, app2, app3',
      ],
    ],
  ])('%s', (_, shape, change, acceptLoss, steps) => {
    const world = made(shape, change)
    expect(run(world, { acceptLoss }).done).toEqual(steps)
    expect(stepsOf(world, { acceptLoss })).toEqual(steps)
  })
})

describe('and what is told of it', () => {
  test('why it is the one', () => {
    const world = made({}, lost('app1'))
    expect(judge(world, { acceptLoss: { app1: 'unknown' } }).decision.primary).toEqual({
      host: 'app2',
      why: 'no primary is left, and it is the furthest of its standbys, on timeline 1 at 0/3000208; app3 holds nothing that it does not',
    })
    const alone = made({}, lost('app1', 'app3'))
    const acceptLoss = { app1: 'unknown', app3: 'unknown' } as const
    expect(judge(alone, { acceptLoss }).decision.primary?.why).toMatch(
      /^no primary is left, and it is the only standby that is left, on timeline 1 at .*; no other node is left that has data$/,
    )
  })

  test.each<[string, Shape, Change, RegExp]>([
    [
      'what has to be agreed to, all at once, and what comes of it',
      {},
      lost('app1', 'app3'),
      /\. When the data of app1 and app3 is lost for good, and they are surely off \(else there are two primaries\), give it up: deploy repair-db prod --cluster main --accept-data-loss app1=unknown --accept-data-loss app3=unknown; then app2 is the primary: no primary is left, and it is the only standby that is left, on timeline 1 /,
    ],
    ['in async: what is lost', {}, lost('app1'), /What only app1 had is lost, and nobody can tell how much that is$/],
    [
      'in sync: nothing that clients were told of',
      { durability: 'sync' },
      lost('app1'),
      /Durability is sync: what clients were told of is on two members, so none of it is lost$/,
    ],
    [
      'in sync, with one that is seen to hold something else: who followed it is not known',
      { durability: 'sync' },
      (world) => {
        failover(world)
        write(at(world, 'app1'))
        for (const host of ['app1', 'app2']) crash(at(world, host))
        at(world, 'app1').readable = false
      },
      /--accept-data-loss app1=unknown; then app2 is the primary: .*What only app1 had is lost/,
    ],
    [
      'in sync, with two members lost: it may have been on these two',
      { durability: 'sync' },
      lost('app1', 'app3'),
      /What only app1 and app3 had is lost/,
    ],
    [
      'a standby that nobody reaches may have been promoted: the last primary starts without it',
      {},
      both(blackout, lost('app3')),
      /give it up: deploy repair-db prod --cluster main --accept-data-loss app3=unknown; then app1 is the primary: it was the last primary/,
    ],
  ])('%s', (_, shape, change, hint) => {
    expect(judge(made(shape, change)).decision.refusal?.hint).toMatch(hint)
  })

  test('what was agreed to already is told again: only all of it together helps', () => {
    const acceptLoss = { app1: 'unknown' } as const
    const { refusal } = judge(made({}, lost('app1', 'app3')), { acceptLoss }).decision
    expect(refusal?.hint).toContain('--accept-data-loss app1=unknown --accept-data-loss app3=unknown; then app2')
    expect(refusal?.hint).toContain('What only app1 and app3 had is lost')
  })

  test('what was agreed to and has no object any more is not; what was written off, and would not follow, has one', () => {
    const world = made({ nodes: 4 }, lost('app1', 'app3'))
    const hint = (acceptLoss: Given) => judge(world, { acceptLoss }).decision.refusal?.hint
    expect(hint({ app1: 'unknown', app4: 120 })).toContain('app1=unknown --accept-data-loss app3=unknown; then app2')
    expect(hint({ app4: 'unknown' })).toContain(
      '--accept-data-loss app4=unknown --accept-data-loss app1=unknown --accept-data-loss app3=unknown; then app2',
    )
  })

  test('sync by the playbook, and not by how servers run, promises nothing', () => {
    const world = made({ durability: 'sync' }, lost('app1'))
    const surveys = surveysOf(world).map((one) =>
      one.unreachable === undefined && one.server ? { ...one, server: { ...one.server, waits: false } } : one,
    )
    expect(assess(world.desired, surveys, {}).decision.refusal?.hint).toMatch(/What only app1 had is lost/)
  })

  test('sync promises nothing where one that is left follows another one: that one may have confirmed something else', () => {
    const world = made({ durability: 'sync' }, lost('app1'))
    at(world, 'app3').upstream = 'app2'
    expect(judge(world).decision.refusal?.hint).toMatch(/What only app1 had is lost/)
  })

  test('sync promises nothing where one that is left is down: whom it followed is not seen', () => {
    const world = made({ durability: 'sync' }, lost('app1'))
    crash(at(world, 'app3'))
    expect(judge(world).decision.refusal?.hint).toMatch(/What only app1 had is lost/)
  })

  test('sync promises nothing where data of a member was given up before', () => {
    const world = made({ durability: 'sync' }, lost('app1'))
    const { data } = at(world, 'app3')
    if (data) at(world, 'app3').aside.push(data)
    expect(judge(world).decision.refusal?.hint).toMatch(/What only app1 had is lost/)
  })

  test('no more is asked for than is needed: not of a former primary that the one to keep has all of', () => {
    const world = made({ nodes: 2, replicas: 1 }, (each) => {
      crash(at(each, 'app1'))
      const [both = 0, more = 0] = [commit(), commit()]
      at(each, 'app2').data?.log.push(both)
      at(each, 'off1').data?.log.push(both, more)
    })
    const { refusal } = judge(world).decision
    expect(refusal?.why).toContain('app2 and off1 each hold, or may hold')
    expect(refusal?.hint).toContain('--cluster main --accept-data-loss off1=120; then app2 is the primary')
    expect(refusal?.hint).not.toContain('nobody can tell')
    expect(stepsOf(world, { acceptLoss: { off1: 120 } })).toContain('promote standby: app2')
  })

  test('nor of a standby that starts, and tells how far it is, before one is promoted', () => {
    const world = made({ nodes: 4 }, (each) => {
      lost('app1')(each)
      promote(at(each, 'app3'))
      become(each, at(each, 'app4'), at(each, 'app3'))
      at(each, 'app2').data?.log.push(commit())
      for (const host of ['app3', 'app4']) crash(at(each, host))
      at(each, 'app4').readable = false
      for (const { pooler } of each.nodes) pooler.target = 'app2'
    })
    const { refusal } = judge(world).decision
    expect(refusal?.hint).toContain('--accept-data-loss app1=unknown --accept-data-loss app3=120; then app2 is')
    expect(refusal?.hint).toMatch(/What only app1 had is lost/)
    const acceptLoss = { app1: 'unknown', app3: 120 } as const
    expect(stepsOf(world, { acceptLoss }).slice(0, 3)).toEqual([
      ...['stop repmgrd: app2, app3, app4', 'start standbys: app4', 'promote standby: app2'],
    ])
  })

  test('where no node is away, each is to be looked at', () => {
    const world = made({ nodes: 2 }, (each) => {
      write(at(each, 'app1'))
      failover(each)
      crash(at(each, 'app2'))
    })
    expect(judge(world).decision.refusal?.hint).toMatch(
      /^look at what each of them has\. When nobody needs what only app1 has, give it up: /,
    )
  })

  test('what helps when the last primary does not start', () => {
    const world = made({}, (each) => {
      write(at(each, 'app1'), [commit(), commit()])
      crash(at(each, 'app1'))
      at(each, 'app3').data?.log.pop()
    })
    const script = judge(world).decision.steps.find(({ name }) => name === 'start primary')?.stages[0]?.[0]?.script
    expect(script).toMatch(
      /give up what only it has, and app2 is promoted: deploy repair-db prod --cluster main --accept-data-loss app1=\d+/,
    )
  })
})

describe('--salvage', () => {
  const salvage = true
  const NOTHING = '--salvage saves no row of app1: what it has cannot be read'

  test('of a node that is away nothing is saved: the refusal says so, and the step', () => {
    const world = made({}, lost('app1'))
    expect(judge(world).decision.refusal?.hint).not.toContain('--salvage')
    const { refusal } = judge(world, { acceptLoss: { app1: 1 }, salvage }).decision
    expect(refusal?.hint).toContain(`--accept-data-loss app1=unknown --salvage; then app2 is the primary`)
    expect(refusal?.hint).toContain(`. ${NOTHING}`)
    const { decision, findings } = judge(world, { acceptLoss: { app1: 'unknown' }, salvage })
    expect(decision.steps.find(({ name }) => name === 'promote standby')?.effect).toContain(`; ${NOTHING}`)
    expect(findings.find(({ name }) => name === 'unreachable')?.message).toContain(`; ${NOTHING}`)
  })

  test('nor of one whose data is gone, whoever becomes the primary', () => {
    const gone = judge(made({}, emptied('app1')), { acceptLoss: { app1: 'unknown' }, salvage }).decision
    expect(gone.steps.find(({ name }) => name === 'promote standby')?.effect).toContain(`; ${NOTHING}`)
    const dark = made({}, both(blackout, lost('app3')))
    const { steps } = judge(dark, { acceptLoss: { app3: 'unknown' }, salvage }).decision
    expect(steps.find(({ name }) => name === 'start primary')?.effect).toContain('; --salvage saves no row of app3: ')
  })

  test('what can be read is saved, and only of that it is silent', () => {
    const world = made({}, (each) => crash(at(each, 'app1')))
    const { steps } = judge(world, { acceptLoss: { app1: 0 }, salvage }).decision
    expect(steps.find(({ name }) => name === 'promote standby')?.effect).not.toContain('--salvage')
  })
})

describe('what may run, and nobody can tell', () => {
  test('a server without data that can be read is stopped first', () => {
    const world = made({}, (each) => {
      crash(at(each, 'app1'))
      at(each, 'app1').remains = true
      delete at(each, 'app1').data
    })
    const surveys = surveysOf(world).map((one) =>
      one.host === 'app1' && one.unreachable === undefined ? { ...one, running: true } : one,
    )
    const { steps } = assess(world.desired, surveys, { acceptLoss: { app1: 'unknown' } }).decision
    expect(steps.map(({ name, about }) => `${name} ${about}`).slice(0, 2)).toEqual([
      'stop server app1',
      'promote standby app2',
    ])
  })

  test('a host that answers, and tells nothing, is looked at before one is promoted; one that does not is asked from there', () => {
    const world = made({}, lost('app1'))
    const scriptsOf = (answered: boolean) => {
      const surveys = surveysOf(world).map((one) =>
        one.host === 'app1'
          ? { host: 'app1', unreachable: 'no end', ...(answered && { answered: true as const }) }
          : one,
      )
      const { steps } = assess(world.desired, surveys, { acceptLoss: { app1: 'unknown' } }).decision
      return steps.find(({ name }) => name === 'promote standby')?.stages ?? []
    }
    expect(scriptsOf(true)[0]?.map(({ host, title }) => `${host}: ${title}`)).toContain(
      'app1: look whether a server runs',
    )
    expect(scriptsOf(false)[0]?.map(({ host }) => host)).not.toContain('app1')
    for (const answered of [true, false])
      expect(scriptsOf(answered)[1]?.[0]?.script).toMatch(/for other in 'host=10\.0\.0\.1 /)
  })
})

describe('refused also where it was given up', () => {
  test.each<[string, Shape, Change, Given, RegExp]>([
    [
      'a node that nobody reaches still sends its log to another one: it runs',
      {},
      (world) => {
        at(world, 'app1').reachable = false
      },
      { app1: 'unknown' },
      /^no server takes writes, and app1 cannot be asked, but app2 and app3 stream from there/,
    ],
    [
      'the last primary has more than was agreed to',
      {},
      (world) => {
        write(at(world, 'app1'))
        crash(at(world, 'app1'))
      },
      { app1: 1 },
      /more would be lost than somebody agreed to: app1 \d+ bytes, and 1 were accepted/,
    ],
    [
      'bytes say nothing of a node that nobody reaches: it may have more, and it may run',
      {},
      lost('app1'),
      { app1: 360 },
      /app1 cannot be asked/,
    ],
    [
      'bytes say nothing of data that is gone',
      {},
      emptied('app1'),
      { app1: 360 },
      /app1, which app2 and app3 followed/,
    ],
    [
      'its standby streams from it, and was given up as well',
      {},
      (world) => {
        at(world, 'app1').reachable = false
        at(world, 'app2').upstream = 'app3'
      },
      { app1: 'unknown', app3: 'unknown' },
      /^no server takes writes, and app1 cannot be asked, but app3 streams from there/,
    ],
    [
      'one that was given up unseen is there again, and tells how much it has',
      {},
      (world) => {
        write(at(world, 'app1'), [commit(), commit()])
        stop(at(world, 'app1'))
      },
      { app1: 'unknown' },
      /more would be lost than somebody agreed to: app1 \d+ bytes, and it was given up unseen/,
    ],
    ['not all of those that nobody reaches', {}, lost('app1', 'app3'), { app1: 'unknown' }, /app3 cannot be asked/],
    [
      'nothing is left that has data',
      {},
      both(lost('app1'), emptied('app2'), emptied('app3')),
      { app1: 'unknown' },
      /no node that can be asked has data/,
    ],
    [
      'all that has data was given up',
      { nodes: 2 },
      blackout,
      { app1: 'unknown', app2: 'unknown' },
      /all that has data was to be given up/,
    ],
    [
      'only a replica is left',
      { nodes: 2, replicas: 1 },
      both(lost('app1', 'app2')),
      { app1: 'unknown', app2: 'unknown' },
      /only off1 has data, and cannot be the primary/,
    ],
    [
      'a replica is further than the member that is left',
      { nodes: 2, replicas: 1 },
      both(lost('app1'), (world) => at(world, 'off1').data?.log.push(commit())),
      { app1: 'unknown' },
      /app2 and off1 each hold, or may hold, what the others do not/,
    ],
  ])('%s', (_, shape, change, acceptLoss, why) => {
    expect(refusedOf(made(shape, change), { acceptLoss })).toMatch(why)
  })

  test('the primary of standbys is no node of the playbook', () => {
    const world = made({}, emptied('app1'))
    const surveys = surveysOf(world)
      .filter(({ host }) => host !== 'app1')
      .map((survey) => {
        if (survey.unreachable !== undefined || !survey.server?.upstream) return survey
        return { ...survey, server: { ...survey.server, upstream: { host: '10.9.9.9', slot: '' } } }
      })
    const desired = { ...world.desired, nodes: world.desired.nodes.filter(({ host }) => host !== 'app1') }
    const { refusal } = assess(desired, surveys, {}).decision
    expect(refusal?.why).toContain('standbys, of 10.9.9.9, which is no node of the playbook')
    expect(refusal?.hint).toContain('put that node into the inventory')
    expect(assess(desired, surveys, { acceptLoss: { app3: 'unknown' } }).decision.refusal?.why).toContain('10.9.9.9')
  })
})

describe('a standby that is ahead of a stopped primary of its timeline', () => {
  test.each<[string, Change, boolean]>([
    ['that ended in order: its log is of another one', (world) => stop(at(world, 'app1')), true],
    ['that crashed, and follows it: a disk lied', (world) => crash(at(world, 'app1')), false],
    [
      'that crashed, and follows another one: its log is of that one',
      (world) => {
        crash(at(world, 'app1'))
        at(world, 'app3').upstream = 'app2'
      },
      true,
    ],
  ])('%s', (_, change, refused) => {
    const world = made(
      {},
      both(lost('app2'), change, (each) => at(each, 'app3').data?.log.push(commit(), commit())),
    )
    const why = refusedOf(world, { acceptLoss: { app2: 'unknown' } })
    if (refused) expect(why).toContain('app1 and app3 each hold, or may hold, what the others do not')
    else expect(why).toBeUndefined()
  })
})

test('two standbys of one timeline that followed two nodes which nobody sees: both of these may have written', () => {
  const world = made(
    { nodes: 4 },
    both(lost('app1', 'app4'), (each) => {
      at(each, 'app3').upstream = 'app4'
    }),
  )
  const acceptLoss = { app1: 'unknown', app4: 'unknown' } as const
  expect(refusedOf(world, { acceptLoss })).toContain('app2 and app3 each hold, or may hold, what the others do not')
  expect(stepsOf(world, { acceptLoss: { ...acceptLoss, app3: 'unknown' } })).toContain('clone standby anew: app3')
})

test('a stopped primary, and a standby of its timeline that followed one that nobody sees', () => {
  const world = made(
    {},
    both(lost('app2'), (each) => {
      crash(at(each, 'app1'))
      at(each, 'app3').upstream = 'app2'
    }),
  )
  expect(refusedOf(world, { acceptLoss: { app2: 'unknown' } })).toContain('app1 and app3 each hold, or may hold')
})

describe('not refused', () => {
  test('a standby that has all that the last primary has, and more', () => {
    const world = made({}, (each) => {
      blackout(each)
      at(each, 'app3').data?.log.push(commit())
    })
    const { done, world: end } = run(world)
    expect(done.slice(0, 2)).toEqual(['start standbys: app2, app3', 'promote standby: app3'])
    expect(at(end, 'app1').data?.log).toEqual(at(end, 'app3').data?.log)
  })
})

describe('what steps look at before', () => {
  const scripts = (world: World, name: string, goal: ClusterGoal = {}) => {
    const stages = judge(world, goal).decision.steps.find((step) => step.name === name)?.stages ?? []
    return stages.map((stage) => stage.map(({ host, title }) => `${host}: ${title}`))
  }
  const forked: Change = (world) => {
    write(at(world, 'app1'))
    failover(world)
    crash(at(world, 'app2'))
  }

  test('one that took writes once still does not, whoever becomes the primary', () => {
    const first = made({ nodes: 2 }, forked)
    expect(scripts(first, 'start primary', { acceptLoss: { app1: 10_000 } })).toEqual([
      ['app1: look whether a server runs'],
      ['app2: start the primary'],
    ])
    const second = made({}, (world) => crash(at(world, 'app1')))
    expect(scripts(second, 'promote standby', { acceptLoss: { app1: 0 } })[0]).toEqual([
      ...['app3: look how far it is', 'app1: look whether a server runs'],
    ])
  })

  test('a standby streams from no other server than another standby', () => {
    const { decision } = judge(made({}, lost('app1')), { acceptLoss: { app1: 'unknown' } })
    const script = decision.steps.find(({ name }) => name === 'promote standby')?.stages[0]?.[0]?.script
    expect(script).toMatch(/sender_host not in \('\S*app2\S*, '\S*10\.0\.0\.2\S*, '\S*app3\S*, '\S*10\.0\.0\.3'/)
  })

  test('a last primary that lost its end: what helps then, with all that was agreed to', () => {
    const world = made(
      { nodes: 4 },
      both(lost('app4'), (each) => crash(at(each, 'app1'))),
    )
    at(world, 'app1').readable = false
    const { steps } = judge(world, { acceptLoss: { app4: 'unknown' } }).decision
    const script = steps.find(({ name }) => name === 'start primary')?.stages[0]?.[0]?.script
    expect(script?.match(/--accept-data-loss app4=unknown --accept-data-loss app1=unknown/g)).toHaveLength(2)
    const more = judge(world, { acceptLoss: { app4: 'unknown', app3: 120 } }).decision.steps
    expect(more.find(({ name }) => name === 'start primary')?.stages[0]?.[0]?.script).toMatch(
      /--accept-data-loss app4=unknown --accept-data-loss app1=unknown/,
    )
    expect(script).toMatch(/does not reach .* Now: mend this server/)
  })

  test('a standby that cannot follow, as its log is another one, is cloned anew where all it has is given up', () => {
    const world = made({}, (each) => {
      delete at(each, 'app3').upstream
    })
    expect(stepsOf(world)).toContain('follow primary: app3')
    expect(stepsOf(world, { acceptLoss: { app3: 'unknown' } })).toContain('clone standby anew: app3')
    expect(
      stepsOf(
        made({}, () => {}),
        { acceptLoss: { app3: 'unknown' } },
      ),
    ).toEqual([])
  })
})

describe('of several histories, the one that clients were told of', () => {
  const split: Change = (world) => {
    failover(world)
    start(at(world, 'app1'))
  }
  const kept = (world: World) =>
    /by what was seen (\S+) is the one to keep \((.*?)\)/.exec(judge(world).decision.refusal?.hint ?? '')

  test('synchronous standbys count first, then standbys, then commits, then clients; the number of a timeline never', () => {
    const world = made({ durability: 'sync' }, split)
    expect(kept(world)?.slice(1)).toEqual(['app2', 'synchronous standbys that stream from it: 1, from app1 fewer'])
    const async = made({}, split)
    expect(kept(async)?.slice(1)).toEqual(['app2', 'standbys that stream from it: 1, from app1 fewer'])
    // A stale standby that promoted itself has the highest timeline, and nobody follows it.
    const stale = made({ nodes: 4 }, (each) => {
      crash(at(each, 'app4'))
      promote(at(each, 'app4'))
      promote(at(each, 'app4'))
      start(at(each, 'app4'))
    })
    expect(kept(stale)?.[1]).toBe('app1')
  })

  test('a primary that was cut off still lists its standbys: they have to say the same', () => {
    const world = made({ durability: 'sync' }, split)
    const list = ['app2', 'app3'].map((name) => ({
      name,
      state: 'streaming',
      sync: 'quorum',
      ssl: true,
      lag: 0,
      address: '10.0.0.9',
    }))
    const surveys = surveysOf(world).map((one) =>
      one.host === 'app1' && one.unreachable === undefined && one.server
        ? { ...one, server: { ...one.server, standbys: list } }
        : one,
    )
    expect(assess(world.desired, surveys, {}).decision.refusal?.hint).toContain(
      'by what was seen app2 is the one to keep',
    )
  })

  test('commits behind the fork, where nobody follows either', () => {
    const world = made({ nodes: 2 }, split)
    const losses = (app1: number, app2: number) =>
      new Map<string, Loss>(
        Object.entries({ app1, app2 }).map(([host, commits]) => [host, { commits, tables: [], more: false }]),
      )
    const hint = (one: number, other: number) =>
      assess(world.desired, surveysOf(world), {}, losses(one, other)).decision.refusal?.hint
    expect(hint(3, 1)).toContain('app1 is the one to keep (commits that only it has: 3, on app2 fewer)')
    expect(hint(1, 3)).toContain('app2 is the one to keep (commits that only it has: 3, on app1 fewer)')
    expect(hint(1, 1)).toContain('app2 is the one to keep (pgbouncers that send clients there: 2, to app1 fewer)')
    // A log that was not read, or not to its end, may have more of them.
    const cut = (loss: readonly [string, Loss][]) =>
      assess(world.desired, surveysOf(world), {}, new Map(loss)).decision.refusal?.hint
    const [read, unread] = [...losses(3, 1)]
    if (!read || !unread) throw new Error('two were read')
    const pgbouncers = 'app2 is the one to keep (pgbouncers that send clients there: 2, to app1 fewer)'
    expect(cut([read])).toContain(pgbouncers)
    expect(cut([read, ['app2', { ...unread[1], more: true }]])).toContain(pgbouncers)
    for (const { pooler } of world.nodes) pooler.answers = false
    expect(hint(1, 1)).toContain('nothing that was seen tells them apart')
  })

  test('each one that takes writes has to be named, also one that has nothing of its own', () => {
    const world = made({ nodes: 2 }, (each) => {
      promote(at(each, 'app2'))
      for (const { pooler } of each.nodes) pooler.target = 'app2'
    })
    expect(judge(world).decision.refusal?.hint).toContain('--accept-data-loss app1=0. Their servers stop')
    expect(stepsOf(world, { acceptLoss: { app1: 0 } })[0]).toBe('stop server: app1')
  })

  test('nobody can tell how much a crashed primary has whose log was not read', () => {
    const world = made({ nodes: 2 }, (each) => {
      write(at(each, 'app1'))
      for (const host of ['app1', 'app2']) crash(at(each, host))
      start(at(each, 'app1'))
      promote(at(each, 'app2'))
      Object.assign(at(each, 'app2'), { readable: false })
    })
    expect(judge(world).decision.refusal?.hint).toContain('--accept-data-loss app2=unknown')
    expect(refusedOf(world, { acceptLoss: { app2: 10_000 } })).toContain('app2 an unknown number of bytes')
  })

  test('the others stop first, and nobody is promoted meanwhile; what they have is kept', () => {
    const world = made({}, (each) => {
      split(each)
      write(at(each, 'app1'), [noise()])
    })
    const acceptLoss = { app1: 10_000 }
    const { done, world: end } = run(world, { acceptLoss })
    expect(done.slice(0, 2)).toEqual(['stop server: app1', 'clone standby anew: app1'])
    expect(at(end, 'app1').aside).toHaveLength(1)
    // It may get more until then: how much it is, is judged when it cannot.
    expect(stepsOf(world, { acceptLoss: { app1: 'unknown' } })[0]).toBe('stop server: app1')
    expect(() => run(world, { acceptLoss: { app1: 'unknown' } })).toThrow(
      /^refused behind stop server: app1: app1 holds changes .* bytes, and it was given up unseen/,
    )
    expect(refusedOf(world, { acceptLoss: { app1: 'unknown', app2: 'unknown' } })).toMatch(/split brain/)
  })

  test('nothing is stopped for a figure that is too small already, or where nothing can be counted', () => {
    const world = made({}, (each) => {
      split(each)
      write(at(each, 'app1'), [commit(), commit()])
    })
    const bytes = Number(/app1=(\d+)/.exec(judge(world).decision.refusal?.hint ?? '')?.[1])
    expect(stepsOf(world, { acceptLoss: { app1: bytes } })[0]).toBe('stop server: app1')
    const { refusal } = judge(world, { acceptLoss: { app1: bytes - 1 } }).decision
    expect(refusal?.why).toMatch(new RegExp(`^app1 holds .* app1 ${bytes} bytes, and ${bytes - 1} were accepted$`))
    expect(refusal?.hint).toContain('--cluster main --accept-data-loss app1=unknown. ')
    expect(refusal?.hint).toContain(
      'app1 takes writes, and gets more meanwhile: by =unknown its server is stopped first, and its figure asked for then',
    )
    // What is behind the figure is no commit: a server writes by itself.
    const lastAt = (commits: number, at: string) =>
      new Map([['app1', { commits, lastAt: at, tables: [], more: false }]])
    const accepted = { acceptLoss: { app1: bytes - 1 } }
    const judged = (losses: ReturnType<typeof lastAt>) => assess(world.desired, surveysOf(world), accepted, losses)
    expect(judged(lastAt(2, '0/3000000')).decision.steps[0]?.name).toBe('stop server')
    expect(judged(lastAt(2, '0/4000000')).decision.steps).toEqual([])

    const twins = made({ nodes: 2 }, (each) => {
      const { data } = at(each, 'app2')
      if (data) data.signal = false
    })
    expect(refusedOf(twins, { acceptLoss: { app2: 10_000 } })).toMatch(
      /app2 an unknown number of bytes, and 10000 were/,
    )
    expect(stepsOf(twins, { acceptLoss: { app2: 'unknown' } })[0]).toBe('stop server: app2')
  })

  test('either may be given up, with those that follow it', () => {
    const world = made({}, (each) => {
      split(each)
      write(at(each, 'app2'), [noise()])
    })
    const why = refusedOf(world, { acceptLoss: { app2: 'unknown' } })
    expect(why).toMatch(/^app3 holds changes that the primary app1 does not have/)
    const acceptLoss = { app2: 'unknown', app3: 10_000 } as const
    expect(stepsOf(world, { acceptLoss })).toEqual(
      expect.arrayContaining(['stop server: app2', 'clone standby anew: app2', 'clone standby anew: app3']),
    )
  })

  test('a former primary whose log has no commit behind the fork is not rewound unasked: that leaves no copy', () => {
    const world = made({}, (each) => {
      write(at(each, 'app1'), [commit(), commit()])
      failover(each)
      crash(at(each, 'app1'))
    })
    const losses = new Map<string, Loss>([['app1', { commits: 0, tables: [], more: false }]])
    expect(assess(world.desired, surveysOf(world), {}, losses).decision.refusal?.why).toContain('(no commit)')
  })

  test('what a server wrote as it stopped was agreed to; a commit was not', () => {
    const world = made({}, (each) => {
      write(at(each, 'app1'), [commit(), commit()])
      failover(each)
      stop(at(each, 'app1'))
    })
    const bytes = Number(/app1 (\d+) bytes/.exec(refusedOf(world) ?? '')?.[1])
    const lastAt = (lsn: string) => new Map([['app1', { commits: 2, lastAt: lsn, tables: [], more: false }]])
    const why = (accepted: number, losses: ReturnType<typeof lastAt>) =>
      assess(world.desired, surveysOf(world), { acceptLoss: { app1: accepted } }, losses).decision.refusal?.why
    const end = surveysOf(world).flatMap((one) =>
      one.host === 'app1' && one.unreachable === undefined ? (one.disk?.log?.end ?? []) : [],
    )
    expect(end).toHaveLength(1)
    expect(why(bytes - 100, lastAt('0/3000000'))).toBeUndefined()
    expect(why(bytes - 100, lastAt(end[0] ?? ''))).toContain(`app1 ${bytes} bytes`)
    expect(why(bytes - 100, new Map())).toContain(`${bytes - 100} were accepted`)
  })
})
