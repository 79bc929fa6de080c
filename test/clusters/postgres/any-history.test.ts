import fc from 'fast-check'
import { expect, test } from 'vitest'
import { act } from './support/act.ts'
import { EVENTS, HARMLESS, histories, lived } from './support/events.ts'
import { judge, nameOf, run } from './support/run.ts'
import { isBlank, surveysOf } from './support/surveys.ts'
import { whole } from './support/whole.ts'
import { at, begins, copy, type Data, dataNodes, register, settle, type World, writers } from './support/world.ts'

const RUNS = Number(process.env.RUNS ?? 200)
/** The same histories each time, unless another number is given: `SEED=7 RUNS=3000`. */
const seed = Number(process.env.SEED ?? 1)

/** Repairs until nothing is left to do, or somebody has to choose. Throws `Harm` for what must never be done. */
function repair(world: World): void {
  const done: string[] = []
  for (let { decision } = judge(world); decision.steps[0]; { decision } = judge(world)) {
    expect(decision.refusal).toBeUndefined()
    const [step] = decision.steps
    const before = JSON.stringify(surveysOf(world))
    act(world, step)
    // What cannot be started stays so: the engine gives up then.
    if (JSON.stringify(surveysOf(world)) === before) return
    done.push(nameOf(step))
    if (done.length > 40) throw new Error(`no end: ${done.join(', ')}`)
  }
}

test('whatever happened, no step does harm, and a cluster that is not left alone becomes whole', () => {
  const outcomes = { refused: 0, whole: 0, stuck: 0 }
  fc.assert(
    fc.property(histories(Object.keys(EVENTS), 9), (history) => {
      const world = lived(history)
      repair(world)
      const { refusal, steps } = judge(world).decision
      if (refusal) outcomes.refused++
      else if (steps.length > 0) outcomes.stuck++
      else {
        expect(whole(world)).toBe(true)
        outcomes.whole++
      }
    }),
    { numRuns: RUNS, seed },
  )
  if (process.env.RUNS) console.log(outcomes)
  // Neither is an excuse for never doing anything.
  expect(outcomes.whole).toBeGreaterThan(RUNS / 5)
  expect(outcomes.refused).toBeGreaterThan(RUNS / 20)
}, 120_000)

test('two that take writes are left alone, whatever else is wrong', () => {
  fc.assert(
    fc.property(histories(Object.keys(EVENTS), 9), (history) => {
      const world = lived(history)
      const all = writers(world).filter(({ reachable, data }) => reachable && data && !isBlank(data))
      const systems = all.map(({ data }) => data?.system)
      fc.pre(new Set(systems).size < systems.length)
      const { decision } = judge(world)
      expect(decision.steps).toEqual([])
      expect(decision.refusal).toBeDefined()
    }),
    { numRuns: RUNS / 4, seed },
  )
}, 120_000)

test('a commit that the primary has not is touched by no step', () => {
  fc.assert(
    fc.property(histories(Object.keys(EVENTS), 9), (history) => {
      const world = lived(history)
      const { primary, steps } = judge(world).decision
      const log = dataNodes(world).find(({ host }) => host === primary?.host)?.data?.log
      fc.pre(log !== undefined)
      const past = dataNodes(world).filter(({ data }) => {
        const records = data?.log.filter((record, index) => record > 0 && log?.[index] !== record) ?? []
        return records.length > 0 && !begins(log ?? [], data?.log ?? [])
      })
      const touching = steps.filter(({ name }) =>
        ['clone standby', 'clone standby anew', 'rejoin standby'].includes(name),
      )
      const touched = touching.flatMap(({ stages }) => stages.flat().map(({ host }) => host))
      expect(past.filter(({ host }) => touched.includes(host)).map(({ host }) => host)).toEqual([])
    }),
    { numRuns: RUNS / 2, seed },
  )
}, 120_000)

test('nothing is created where any node has data', () => {
  fc.assert(
    fc.property(histories([...Object.keys(EVENTS), 'data is deleted', 'data is deleted'], 12), (history) => {
      const world = lived(history)
      const holds = (data: Data | undefined) => data !== undefined && !isBlank(data)
      fc.pre(dataNodes(world).some(({ data, remains, reachable }) => holds(data) || remains || !reachable))
      expect(judge(world).decision.steps.map(({ name }) => name)).not.toContain('create primary')
    }),
    { numRuns: RUNS / 2, seed },
  )
}, 120_000)

test('the same survey gives the same answer, and a refusal has no steps', () => {
  fc.assert(
    fc.property(histories(Object.keys(EVENTS), 9), (history) => {
      const world = lived(history)
      const one = judge(world)
      expect(judge(copy(world))).toEqual(one)
      if (one.decision.refusal) expect(one.decision.steps).toEqual([])
      if (one.decision.refusal) expect(one.decision.refusal.sides.length).toBeGreaterThan(0)
    }),
    { numRuns: RUNS / 4, seed },
  )
}, 120_000)

test('faults of standbys: every step was shown at first, none comes twice, each is needed', () => {
  fc.assert(
    fc.property(histories(HARMLESS, 6), fc.array(fc.boolean(), { maxLength: 30 }), (history, luck) => {
      const world = lived(history, true)
      // What a server that is down hides, no plan can show.
      for (const node of dataNodes(world)) {
        if (node.server !== 'down' || !node.data?.signal) continue
        node.slots.clear()
        node.upstream = 'app1'
        // Whether following registers it, or that is a step of its own, comes out when it runs.
        if (!world.rows?.some(({ id }) => id === node.id)) register(world, node, at(world, 'app1'))
      }
      const flips = [...luck]
      // Followers and units heal by themselves, at any time.
      const heal = (now: World) => {
        const [primary] = writers(now)
        for (const node of dataNodes(now)) {
          if (flips.shift() && node.pooler.answers && primary) node.pooler.target = primary.host
          if (flips.shift() && node.daemon.enabled && node.server === 'up')
            node.daemon.active ||= node.data?.signal === false
        }
        settle(now)
      }
      expect(whole(run(world, {}, heal).world)).toBe(true)
    }),
    { numRuns: RUNS / 2, seed },
  )
}, 120_000)
