import { describe, expect, test } from 'vitest'
import { assess } from '../../../src/clusters/postgres/decide.ts'
import type { ClusterGoal } from '../../../src/model/cluster.ts'
import { destroy, failover, made, REMOVED } from './support/histories.ts'
import { judge, refusedOf, stepsOf } from './support/run.ts'
import { OTHER, place, surveysOf } from './support/surveys.ts'
import {
  at,
  become,
  commit,
  crash,
  fresh,
  healthy,
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

/** A stranger's data, with a database of somebody's. */
function strange(world: World, host: string): void {
  const data = fresh(OTHER)
  data.log.push(commit())
  Object.assign(at(world, host), { data, server: 'up' })
}

/** A standby gets what its primary writes, and nobody else does. */
function ahead(world: World, host: string, records: readonly number[] = [commit()]): void {
  write(at(world, 'app1'), records)
  at(world, host).data?.log.push(...records)
}

/** An old primary that is stopped, behind a failover, with records that nobody got. */
function left(records: readonly number[], end: (world: World) => void = (world) => crash(at(world, 'app1'))): Change {
  return (world) => {
    write(at(world, 'app1'), records)
    end(world)
    failover(world)
  }
}

describe('refused, with both sides and what was seen of them', () => {
  test.each<[string, Shape, Change, RegExp]>([
    [
      'two primaries',
      {},
      (world) => {
        failover(world)
        start(at(world, 'app1'))
      },
      /^app1 and app2 take writes .*split brain/,
    ],
    [
      'two primaries, and a third node that cannot be reached',
      {},
      (world) => {
        failover(world)
        start(at(world, 'app1'))
        at(world, 'app3').reachable = false
      },
      /split brain/,
    ],
    [
      'two primaries on one timeline',
      {},
      (world) => {
        const node = at(world, 'app2')
        if (node.data) node.data.signal = false
      },
      /split brain/,
    ],
    [
      'two primaries of another system',
      { nodes: 4 },
      (world) => {
        for (const host of ['app3', 'app4']) strange(world, host)
      },
      /^app3 and app4 take writes .*split brain/,
    ],
    [
      'another system with data, in the place of a standby',
      {},
      (world) => strange(world, 'app3'),
      /^app3 has data of another database cluster than app1 and app2/,
    ],
    [
      'another system that is down',
      {},
      (world) => {
        strange(world, 'app3')
        stop(at(world, 'app3'))
      },
      /^app3 has data of another/,
    ],
    ['two systems of one node each', { nodes: 2 }, (world) => strange(world, 'app2'), /another database cluster/],
    [
      'an empty one that crashed: what was made in it may be in its log only',
      {},
      (world) => {
        Object.assign(at(world, 'app3'), { data: fresh(OTHER), server: 'down' })
      },
      /^app3 has data of another/,
    ],
    [
      'another system, and no primary',
      {},
      (world) => {
        strange(world, 'app3')
        crash(at(world, 'app1'))
      },
      /^app3 has data of another/,
    ],
    [
      'an empty primary beside remains of data',
      { nodes: 2 },
      (world) => {
        destroy(world, 'app2')
        at(world, 'app2').remains = true
        world.access = false
      },
      /^app1 takes writes, and has none of the databases; what lies on app2 cannot be read/,
    ],
    [
      'an empty primary beside a node that cannot be reached',
      { nodes: 2 },
      (world) => {
        at(world, 'app2').reachable = false
        world.access = false
      },
      /^app1 takes writes, and has none of the databases; what lies on app2 cannot be read/,
    ],
    [
      'two of three cannot be seen',
      {},
      (world) => {
        at(world, 'app2').reachable = false
        at(world, 'app3').reachable = false
      },
      /^most of the cluster cannot be seen: app2 and app3 may have another primary than app1/,
    ],
    [
      'a standby that got more than the new primary',
      {},
      (world) => {
        ahead(world, 'app3')
        failover(world)
      },
      /^app1 and app3 hold changes that the primary app2 does not have, or may: app1 120 bytes, app3 120 bytes$/,
    ],
    [
      'two of them',
      { nodes: 4 },
      (world) => {
        ahead(world, 'app3', [commit(), commit()])
        at(world, 'app4').data?.log.push(commit())
        failover(world)
      },
      /^app1, app3 and app4 hold changes .*: app1 240 bytes, app3 240 bytes, app4 120 bytes$/,
    ],
    [
      'a standby of a primary that cannot be seen, while the old one is back',
      {},
      (world) => {
        failover(world)
        start(at(world, 'app1'))
        at(world, 'app2').reachable = false
      },
      /^app3 holds changes that the primary app1 does not have, or may: app3 120 bytes$/,
    ],
    [
      'a standby on the same timeline that is ahead of the primary',
      {},
      (world) => {
        const node = at(world, 'app2')
        node.data?.log.push(commit())
        Object.assign(node, { upstream: undefined })
      },
      /app2 120 bytes/,
    ],
    [
      'a crashed former primary with commits that nobody got',
      {},
      left([commit(), commit()]),
      /^app1 holds .* app1 240 bytes/,
    ],
    [
      'one whose log could not be read',
      {},
      (world) => {
        left([])(world)
        at(world, 'app1').readable = false
      },
      /^app1 holds .* app1 an unknown number of bytes/,
    ],
    [
      'a former primary that was stopped in order, behind the fork',
      {},
      left([commit()], (world) => stop(at(world, 'app1'))),
      /^app1 holds .* app1 240 bytes/,
    ],
    [
      'one that made a checkpoint behind the fork, so that nobody sees its commits',
      {},
      (world) => {
        left([commit(), noise()])(world)
        const { data } = at(world, 'app1')
        if (data) data.checkpoint = data.log.length - 1
      },
      /^app1 holds .* app1 240 bytes/,
    ],
    [
      'a former primary that hangs',
      {},
      (world) => {
        failover(world)
        at(world, 'app1').server = 'hung'
      },
      /^app1 holds .* unknown/,
    ],
    [
      'two that were promoted to one timeline, at one place, of which one is down',
      {},
      (world) => {
        failover(world)
        twin(world, 'app3')
      },
      /^app3 holds .* unknown/,
    ],
    [
      'two that were promoted to one timeline at different places, and a third one',
      { nodes: 4 },
      (world) => {
        ahead(world, 'app3', [noise()])
        crash(at(world, 'app1'))
        failover(world, 'app1', 'app2')
        twin(world, 'app3')
        failover(world, 'app2', 'app4')
      },
      /^app3 holds .* app3 360 bytes$/,
    ],
    [
      'one that was promoted, took a commit and crashed before its first checkpoint',
      {},
      (world) => {
        failover(world)
        const node = at(world, 'app2')
        if (node.data) node.data.checkpoint = 0
        write(node)
        failover(world, 'app2', 'app3')
        at(world, 'app1').reachable = false
      },
      /^app2 holds .* app2 120 bytes/,
    ],
    [
      'a standby that crashed on a timeline that was left, and whose log could not be read',
      {},
      (world) => {
        crash(at(world, 'app3'))
        at(world, 'app3').readable = false
        failover(world)
      },
      /^app3 holds .* app3 an unknown number of bytes/,
    ],
    [
      'a standby that is starting up for ever, on a timeline that was left',
      {},
      (world) => {
        crash(at(world, 'app3'))
        failover(world)
        Object.assign(at(world, 'app3'), { server: 'hung', lines: [REMOVED] })
      },
      /^app3 holds .* unknown/,
    ],
  ])('%s', (_, shape, change, why) => {
    expect(refusedOf(made(shape, change))).toMatch(why)
  })

  test('a primary whose data directory is gone', () => {
    const world = healthy()
    const surveys = surveysOf(world).map((survey) => {
      if (survey.host !== 'app1' || survey.unreachable !== undefined) return survey
      const { disk: _, ...rest } = survey
      return rest
    })
    const { decision } = assess(world.desired, surveys, {})
    expect(decision.refusal?.why).toMatch(/^app1 takes writes, and its data directory is gone/)
    expect(decision.steps).toEqual([])
  })

  test('split brain: who streams from whom, timelines, places, forks, where clients go', () => {
    const world = made({}, (each) => {
      failover(each)
      start(at(each, 'app1'))
    })
    expect(judge(world).decision.refusal?.sides).toEqual([
      {
        host: 'app1',
        evidence: [
          'system 7000000000000000001',
          'timeline 1, at 0/3000280',
          'takes writes',
          'nobody streams from it',
          'its pgbouncer sends clients to 10.0.0.2',
        ],
      },
      {
        host: 'app2',
        evidence: [
          'system 7000000000000000001',
          'timeline 2, at 0/3000280',
          'timeline 2 began at 0/3000208',
          'takes writes',
          'streams to app3 (streaming, async)',
          'its pgbouncer sends clients to 10.0.0.2',
        ],
      },
    ])
  })

  test('diverged: the place where the histories part', () => {
    const world = made({}, left([commit(), commit()]))
    expect(judge(world).decision.refusal?.sides[1]).toEqual({
      host: 'app1',
      evidence: [
        'system 7000000000000000001',
        'timeline 1, at 0/30002F8',
        'app2 left timeline 1 at 0/3000208',
        'its last commit is at 0/3000280',
        'its server does not answer; its disk says: in production',
        'its pgbouncer sends clients to 10.0.0.2',
      ],
    })
  })
})

/** A standby is promoted apart from the others, and stopped. */
function twin(world: World, host: string): void {
  const node = at(world, host)
  if (!node.data || node.data.timeline > 1)
    Object.assign(node, { data: { ...structuredClone(at(world, 'app1').data), signal: true } })
  promote(node)
  stop(node)
}

describe('what somebody agreed to give up', () => {
  const two = () => made({}, left([commit(), commit()]))

  test('no more than was said: the node is cloned, and its data moved aside', () => {
    const world = two()
    expect(refusedOf(world)).toMatch(/app1 240 bytes$/)
    expect(stepsOf(world, { acceptLoss: { app1: 240 } })).toEqual(['clone standby anew: app1', 'start repmgrd: app1'])
    const { findings, decision } = judge(world, { acceptLoss: { app1: 240 } })
    expect(findings.map(({ name, host }) => `${name} ${host}`)).toContain('diverged app1')
    // Where it was seen to end is looked at again before anything is touched.
    expect(decision.steps[0]?.stages[0]?.[0]?.script).toContain(`[ "$ends" = ${place(1)} ]`)
  })

  test('more than was said, or of another node: refused, with both numbers', () => {
    expect(refusedOf(two(), { acceptLoss: { app1: 239 } })).toMatch(/app1 240 bytes, and 239 were accepted$/)
    expect(refusedOf(two(), { acceptLoss: { app2: 240 } })).toBe(
      'app2 is the only one that takes writes, and was to be given up as well',
    )
    expect(refusedOf(two(), { acceptLoss: { app1: 'unknown' } })).toMatch(/app1 240 bytes, and it was given up unseen$/)
    expect(refusedOf(two(), { acceptLoss: { toString: 240 } as Record<string, number> })).toMatch(/app1 240 bytes$/)
  })

  test('what was agreed to before is told again where it still has an object only', () => {
    const hint = (world: World, acceptLoss: Given) => judge(world, { acceptLoss }).decision.refusal?.hint
    expect(hint(two(), { app1: 239, app3: 120 })).toContain('--cluster main --accept-data-loss app1=240. The data')
    const split = made({ nodes: 4 }, (world) => {
      failover(world)
      start(at(world, 'app1'))
      delete at(world, 'app4').upstream
    })
    const kept = 'app4=unknown --accept-data-loss app1=120. Their servers'
    expect(hint(split, { app3: 120, app4: 'unknown' })).toContain(`--cluster main --accept-data-loss ${kept}`)
    const away = made({ nodes: 4 }, (world) => {
      for (const host of ['app2', 'app3', 'app4']) at(world, host).reachable = false
    })
    expect(hint(away, { app1: 5, app2: 'unknown' })).toContain(
      '--cluster main --accept-data-loss app2=unknown --accept-data-loss app3=unknown --accept-data-loss app4=unknown;',
    )
  })

  test('who asked for --salvage is told the command with it', () => {
    const hint = (world: World, goal: ClusterGoal) => judge(world, goal).decision.refusal?.hint
    const saved = { acceptLoss: { app1: 1 }, salvage: true } as const
    expect(hint(two(), { acceptLoss: { app1: 1 } })).toContain('app1=240. The data is moved aside then')
    expect(hint(two(), { acceptLoss: { app1: 1 } })).toContain('with --salvage its rows are saved as SQL first')
    expect(hint(two(), saved)).toContain('app1=240 --salvage. The data is moved aside then')
    expect(hint(two(), saved)).toContain('; its rows are saved as SQL first')
    const away = made({}, (world) => {
      for (const host of ['app2', 'app3']) at(world, host).reachable = false
    })
    expect(hint(away, saved)).toContain(
      'app3=unknown --salvage (--salvage saves no row of app2 and app3: what they have cannot be read); or take',
    )
  })

  test('what nobody can count is accepted as such only', () => {
    const world = two()
    at(world, 'app1').readable = false
    expect(refusedOf(world, { acceptLoss: { app1: 1e9 } })).toMatch(/unknown/)
    expect(judge(world).decision.refusal?.hint).toContain('--accept-data-loss app1=unknown')
    expect(stepsOf(world, { acceptLoss: { app1: 'unknown' } })).toContain('clone standby anew: app1')
  })

  test('is printed again for what there is by now, and not for nodes that hold nothing', () => {
    const world = made(
      { nodes: 4 },
      left([commit(), commit()], (each) => crash(at(each, 'app1'))),
    )
    twin(world, 'app3')
    const hint = judge(world, { acceptLoss: { app1: 1e9, app4: 100 } }).decision.refusal?.hint
    expect(hint).toContain('look at what it is; given up already: app1 240 bytes; when nobody needs it')
    expect(hint).toContain(
      'deploy repair-db prod --cluster main --accept-data-loss app1=240 --accept-data-loss app3=480.',
    )
  })

  test('of a standby of one that wrote apart from the primary on its timeline nobody can tell how much it holds', () => {
    const world = made({ nodes: 4 }, left([]))
    twin(world, 'app3')
    const { data } = at(world, 'app3')
    Object.assign(at(world, 'app4'), {
      data: { ...structuredClone(data), signal: true, clean: false },
      upstream: 'app3',
    })
    expect(refusedOf(world)).toMatch(/app3 an unknown number of bytes, app4 an unknown number of bytes$/)
  })

  test('where nothing is at stake it changes nothing', () => {
    expect(stepsOf(healthy(), { acceptLoss: { app2: 100 } })).toEqual([])
    const down = made({}, (world) => stop(at(world, 'app2')))
    expect(stepsOf(down, { acceptLoss: { app2: 100 } })).toEqual(['start server: app2'])
  })
})

describe('not refused', () => {
  test.each<[string, Change, readonly string[]]>([
    [
      'a crashed former primary that wrote no commit behind the fork',
      left([noise(), noise()]),
      ['rejoin standby: app1', 'start repmgrd: app1'],
    ],
    [
      'a former primary that was stopped before the failover',
      left([], (world) => stop(at(world, 'app1'))),
      ['rejoin standby: app1', 'start repmgrd: app1'],
    ],
    [
      'an empty system in the place of a standby, whose server is down',
      (world) => {
        Object.assign(at(world, 'app3'), { data: { ...fresh(OTHER), clean: true }, server: 'down' })
      },
      ['clone standby: app3', 'start repmgrd: app3'],
    ],
    [
      'a standby of a standby that was asked a moment later than the primary',
      (world) => {
        write(at(world, 'app1'))
        Object.assign(at(world, 'app3'), { upstream: 'app2' })
      },
      ['stop repmgrd: app3', 'follow primary: app3', 'start repmgrd: app3'],
    ],
    [
      'a standby that was down at the failover',
      (world) => {
        crash(at(world, 'app3'))
        failover(world)
        become(world, at(world, 'app1'), at(world, 'app2'))
      },
      ['start server: app3'],
    ],
  ])('%s', (_, change, steps) => {
    expect(stepsOf(made({}, change))).toEqual(expect.arrayContaining([...steps]))
  })
})

test('a standby of a standby was asked a moment later than the primary: it is not ahead', () => {
  const world = made({}, (each) => {
    Object.assign(at(each, 'app3'), { upstream: 'app2' })
    at(each, 'app2').slots.set('app3', 'reserved')
  })
  const late = surveysOf(world).map((survey) => {
    if (survey.host === 'app1' || survey.unreachable !== undefined || !survey.server) return survey
    return { ...survey, server: { ...survey.server, lsn: '0/4000000' } }
  })
  expect(assess(world.desired, late, {}).decision.steps.map(({ name }) => name)).toContain('follow primary')
  // From nobody that the primary feeds it can only have got it elsewhere.
  const alone = late.map((survey) => {
    if (survey.host !== 'app2' || survey.unreachable !== undefined || !survey.server) return survey
    const { receiver: _, ...rest } = survey.server
    return { ...survey, server: rest }
  })
  expect(assess(world.desired, alone, {}).decision.refusal?.why).toMatch(/^app2 and app3 hold/)
})
