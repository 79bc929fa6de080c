import { describe, expect, test } from 'vitest'
import { assess } from '../../../src/clusters/postgres/decide.ts'
import type { UnitSeen } from '../../../src/clusters/postgres/model.ts'
import { destroy, failover, made } from './support/histories.ts'
import { judge, refusedOf, run, stepsOf } from './support/run.ts'
import { surveysOf } from './support/surveys.ts'
import { at, crash, dataNodes, healthy, noise, promote, type Shape, stop, type World, write } from './support/world.ts'

type Change = (world: World) => void

/** All nodes lose power: whatever ran does not run any more. */
function blackout(world: World): void {
  for (const node of dataNodes(world)) {
    crash(node)
    node.daemon.active = false
  }
}

function stopAll(world: World, hosts: readonly string[]): void {
  for (const host of hosts) stop(at(world, host))
}

describe('the last primary starts first', () => {
  test.each<[string, Shape, Change, readonly string[]]>([
    ['one node', { nodes: 1 }, blackout, ['start primary: app1', 'start repmgrd: app1']],
    ['two nodes', { nodes: 2 }, blackout, ['start primary: app1', 'start server: app2', 'start repmgrd: app1, app2']],
    [
      'three nodes',
      {},
      blackout,
      ['start primary: app1', 'start server: app2', 'start server: app3', 'start repmgrd: app1, app2, app3'],
    ],
    [
      'with a replica, durability sync',
      { nodes: 2, replicas: 1, durability: 'sync' },
      blackout,
      ['start primary: app1', 'start server: app2', 'start server: off1', 'start repmgrd: app1, app2, off1'],
    ],
    [
      'a log that could not be read',
      {},
      (world) => {
        blackout(world)
        at(world, 'app1').readable = false
      },
      ['start primary: app1', 'start server: app2', 'start server: app3', 'start repmgrd: app1, app2, app3'],
    ],
    [
      'all stopped, the primary first',
      {},
      (world) => stopAll(world, ['app1', 'app2', 'app3']),
      ['start primary: app1', 'start server: app2', 'start server: app3'],
    ],
    [
      'all stopped, the primary last',
      {},
      (world) => stopAll(world, ['app3', 'app2', 'app1']),
      ['start primary: app1', 'start server: app2', 'start server: app3'],
    ],
    [
      'the standbys run, and their repmgrd may promote them',
      {},
      (world) => crash(at(world, 'app1')),
      ['stop repmgrd: app2, app3', 'start primary: app1', 'start repmgrd: app2, app3'],
    ],
    [
      'the primary was stopped in order, with its last record in one standby only',
      {},
      (world) => {
        stop(at(world, 'app1'))
        at(world, 'app2').data?.log.push(at(world, 'app1').data?.log.at(-1) ?? 0)
      },
      ['stop repmgrd: app2, app3', 'start primary: app1', 'start repmgrd: app2, app3'],
    ],
    [
      'one standby runs',
      {},
      (world) => {
        blackout(world)
        at(world, 'app2').server = 'up'
      },
      ['start primary: app1', 'start server: app3', 'start repmgrd: app1, app2, app3'],
    ],
    [
      'one standby is without data',
      {},
      (world) => {
        blackout(world)
        destroy(world, 'app3')
      },
      ['start primary: app1', 'start server: app2', 'clone standby: app3', 'start repmgrd: app1, app2, app3'],
    ],
    [
      'one standby was told to follow another one',
      {},
      (world) => {
        Object.assign(at(world, 'app3'), { upstream: 'app2', slotted: false })
        crash(at(world, 'app1'))
      },
      ['stop repmgrd: app2, app3', 'start primary: app1', 'follow primary: app3', 'start repmgrd: app2, app3'],
    ],
    [
      'behind a failover: the new primary, not the old one',
      {},
      (world) => {
        failover(world)
        blackout(world)
      },
      ['start primary: app2', 'rejoin standby: app1', 'start server: app3', 'start repmgrd: app1, app2, app3'],
    ],
    [
      'a former primary that hangs in its start',
      {},
      (world) => {
        blackout(world)
        at(world, 'app1').server = 'hung'
      },
      ['start primary: app1', 'start server: app2', 'start server: app3', 'start repmgrd: app1, app2, app3'],
    ],
    [
      'clients are sent elsewhere',
      { nodes: 2 },
      (world) => {
        blackout(world)
        at(world, 'app2').pooler.target = 'app2'
      },
      ['start primary: app1', 'start server: app2', 'point pgbouncer: app2', 'start repmgrd: app1, app2'],
    ],
  ])('%s', (_, shape, change, steps) => {
    const world = made(shape, change)
    expect(stepsOf(world)).toEqual(steps)
    expect(run(world).done).toEqual(steps)
  })

  test('and why it is the one, is told', () => {
    expect(judge(made({}, blackout)).decision.primary).toEqual({
      host: 'app1',
      why: 'it was the last primary, on timeline 1 at 0/3000208; app2 and app3 hold nothing that it does not',
    })
    expect(judge(made({ nodes: 1 }, blackout)).decision.primary?.why).toContain('no other node has data')
  })
})

describe('nobody is promoted', () => {
  test.each<[string, Shape, Change, RegExp]>([
    [
      'the primary cannot be reached',
      {},
      (world) => {
        crash(at(world, 'app1'))
        at(world, 'app1').reachable = false
      },
      /app1 cannot be asked, and may hold the newest data/,
    ],
    [
      'a standby cannot be reached: it may have been promoted',
      {},
      (world) => {
        blackout(world)
        at(world, 'app3').reachable = false
      },
      /app3 cannot be asked/,
    ],
    [
      'the primary is without data',
      {},
      (world) => {
        crash(at(world, 'app1'))
        delete at(world, 'app1').data
      },
      /all that is left are standbys: app1, which app2 and app3 followed, has no data, and what only it had is lost/,
    ],
    [
      'what lies on the primary cannot be read',
      {},
      (world) => {
        crash(at(world, 'app1'))
        delete at(world, 'app1').data
        at(world, 'app1').remains = true
      },
      /what lies on app1 cannot be read/,
    ],
    [
      'a standby that is down is the only one with data',
      {},
      (world) => {
        blackout(world)
        delete at(world, 'app1').data
        delete at(world, 'app2').data
      },
      /all that is left are standbys: app1 and app2, which may have been followed, have no data/,
    ],
    [
      'two were promoted apart from each other',
      {},
      (world) => {
        blackout(world)
        for (const host of ['app2', 'app3']) promote(at(world, host))
        delete at(world, 'app1').data
      },
      /app2 and app3 each hold, or may hold, what the others do not; app2 is the one to keep/,
    ],
    [
      'the old primary has commits that the new one has not',
      {},
      (world) => {
        write(at(world, 'app1'))
        failover(world)
        blackout(world)
      },
      /(app1 and app2|app2 and app1) each hold, or may hold/,
    ],
    [
      'the old primary could not be read',
      {},
      (world) => {
        write(at(world, 'app1'), [noise()])
        failover(world)
        blackout(world)
        at(world, 'app1').readable = false
      },
      /(app1 and app2|app2 and app1) each hold, or may hold/,
    ],
    [
      'a replica took writes',
      { nodes: 2, replicas: 1 },
      (world) => {
        blackout(world)
        promote(at(world, 'off1'))
      },
      /app1 and off1 each hold, or may hold/,
    ],
  ])('%s', (_, shape, change, why) => {
    const world = shape
    expect(refusedOf(made(world, change))).toMatch(why)
  })

  test('a standby was told to take over, and has not yet: running, or hung', () => {
    const world = made({}, (each) => crash(at(each, 'app1')))
    for (const answers of [true, false]) {
      const surveys = surveysOf(world).map((survey) => {
        if (survey.host !== 'app2' || survey.unreachable !== undefined || !survey.disk) return survey
        const { server, ...rest } = survey
        return { ...rest, ...(answers && server && { server }), disk: { ...survey.disk, promoted: true } }
      })
      const { refusal } = assess(world.desired, surveys, {}).decision
      expect(refusal?.why).toBe('no server takes writes, and app2 was told to take over, and has not yet')
      expect(refusal?.hint).toContain('look again in a moment')
    }
  })

  test('where nobody could read how far the last primary is, it has to reach where its standbys are', () => {
    const world = made({}, (each) => {
      blackout(each)
      at(each, 'app1').readable = false
    })
    const script = (one: World) => judge(one).decision.steps[0]?.stages[0]?.[0]?.script
    expect(script(world)).toContain('its log does not reach 0/3000208')
    at(world, 'app1').readable = true
    expect(script(world)).not.toContain('its log does not reach')
  })

  test('all nodes are sides of it, also those that cannot be seen', () => {
    const world = made({}, (each) => {
      blackout(each)
      at(each, 'app3').reachable = false
    })
    expect(judge(world).decision.refusal?.sides.map(({ host }) => host)).toEqual(['app1', 'app2', 'app3'])
    expect(judge(world).decision.refusal?.hint).toMatch(/^bring app3 back \(power, network\), then repair again\. /)
    const surveys = surveysOf(world).map((survey) =>
      survey.host === 'app1' && survey.unreachable === undefined
        ? { ...survey, units: { ...survey.units, postgresql: { active: 'activating', enabled: true } } }
        : survey,
    )
    expect(assess(world.desired, surveys, {}).decision.refusal?.hint).toMatch(
      /^the server of app1 just starts: look again/,
    )
    const armed = made({}, (each) => {
      crash(at(each, 'app1'))
      at(each, 'app1').reachable = false
    })
    expect(judge(armed).decision.refusal?.hint).toMatch(
      /^look again in a moment: repmgrd may just replace the primary; else bring app1 back/,
    )
  })

  test.each<[string, Partial<UnitSeen> | undefined, boolean]>([
    ['runs', undefined, true],
    ['just starts', { active: 'activating' }, true],
    ['is not told of in time', { active: 'unknown' }, true],
    ['does not run', { active: 'inactive' }, false],
    ['ended', { active: 'failed' }, false],
  ])('the primary lost its data, and repmgrd of its standbys may take over by itself: one that %s', (_, unit, soon) => {
    const world = made({}, (each) => {
      crash(at(each, 'app1'))
      delete at(each, 'app1').data
    })
    const surveys = surveysOf(world).map((survey) =>
      survey.unreachable === undefined && survey.server
        ? { ...survey, units: { ...survey.units, repmgrd: { ...survey.units.repmgrd, ...unit } } }
        : survey,
    )
    const { hint } = assess(world.desired, surveys, {}).decision.refusal ?? {}
    expect(hint?.startsWith('look again in a moment: repmgrd may just replace the primary; else bring back')).toBe(soon)
    expect(hint).toContain('bring back the data of app1 (its disk, or what was moved away), then repair again. ')
    expect(hint).toContain('When the data of app1 is lost for good, give it up: ')
  })

  test('two that may have been the primary, and have no data: both are named', () => {
    const world = made({}, (each) => {
      for (const host of ['app1', 'app2']) {
        crash(at(each, host))
        delete at(each, host).data
      }
      crash(at(each, 'app3'))
      for (const { daemon } of each.nodes) daemon.active = false
    })
    const { why, hint } = judge(world).decision.refusal ?? {}
    expect(why).toContain('app1 and app2, which may have been followed, have no data')
    expect(hint).toMatch(/^bring back the data of the one of app1 and app2 that was the primary \(its disk, or /)
    expect(hint).toContain('When the data of app1 and app2 is lost for good, give it up: ')
  })

  test('a server that runs on without its data directory may take writes, and its standbys stream from it', () => {
    const world = healthy()
    const surveys = surveysOf(world).map((survey) => {
      if (survey.host !== 'app1' || survey.unreachable !== undefined) return survey
      const { disk: _, server: __, ...rest } = survey
      return rest
    })
    const { decision, findings } = assess(world.desired, surveys, {})
    expect(decision.refusal?.why).toBe(
      'no server that answers takes writes, and the server of app1 runs without a data directory that can be read, and may take writes: what it has is lost when it ends',
    )
    expect(decision.refusal?.hint).toMatch(
      /^look again in a minute: a server whose data is gone ends by itself\. When nobody needs what only app1 has, give it up: /,
    )
    expect(findings.find(({ name }) => name === 'no primary')?.message).toBe('no server that answers takes writes')
  })
})
