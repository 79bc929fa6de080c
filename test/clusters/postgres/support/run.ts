import { type Assessment, assess } from '../../../../src/clusters/postgres/decide.ts'
import type { ClusterGoal, ClusterStep } from '../../../../src/model/cluster.ts'
import { act } from './act.ts'
import { packagesOf, surveysOf } from './surveys.ts'
import { copy, settle, type World } from './world.ts'

/** What is said of a world. */
export function judge(world: World, goal: ClusterGoal = {}): Assessment {
  return assess(world.desired, surveysOf(world), goal, new Map(), goal.upgrade ? packagesOf(world) : new Map())
}

/** All that can be known of it. */
function known(world: World): string {
  return JSON.stringify([surveysOf(world), [...packagesOf(world)]])
}

/** The steps that are decided, as people read them. */
export function stepsOf(world: World, goal: ClusterGoal = {}): readonly string[] {
  const { decision } = judge(world, goal)
  if (decision.refusal) throw new Error(`refused: ${decision.refusal.why}`)
  return decision.steps.map(nameOf)
}

export function nameOf({ name, about }: ClusterStep): string {
  return `${name}: ${about}`
}

/** What is refused; undefined: nothing. */
export function refusedOf(world: World, goal: ClusterGoal = {}): string | undefined {
  const { refusal, steps } = judge(world, goal).decision
  if (refusal && steps.length > 0) throw new Error('a refusal with steps')
  return refusal?.why
}

/** Findings as `name host`. */
export function findingsOf(world: World, goal: ClusterGoal = {}): readonly string[] {
  return judge(world, goal).findings.map(({ name, host, severity }) =>
    [...(severity === 'warning' ? ['(warning)'] : []), name, ...(host === undefined ? [] : [host])].join(' '),
  )
}

/** What an approval is of. */
function keysOf(steps: readonly ClusterStep[]): readonly string[] {
  return steps.flatMap(({ name, stages }) => stages.flat().map(({ host, title }) => `${host} ${name}: ${title}`))
}

export interface Ran {
  readonly world: World
  readonly done: readonly string[]
}

/**
 * Does the first step of each decision until there are none, as the engine does. Throws when a step was not in what was
 * shown at first, when one changes nothing, comes twice, or does harm.
 *
 * @param between what happens by itself behind each step
 */
export function run(start: World, goal: ClusterGoal = {}, between: (world: World) => void = () => {}): Ran {
  const world = copy(start)
  settle(world)
  const first = judge(world, goal).decision
  const shown = new Set(keysOf(first.steps))
  const done: string[] = []
  for (let { decision } = judge(world, goal); decision.steps[0]; { decision } = judge(world, goal)) {
    const [step] = decision.steps
    const name = nameOf(step)
    const news = keysOf([step]).filter((key) => !shown.has(key))
    if (news.length > 0)
      throw new Error(`not shown before: ${news.join(', ')}; shown: ${first.steps.map(nameOf).join(', ')}`)
    if (done.includes(name)) throw new Error(`${name} for a second time`)
    const before = known(world)
    act(world, step)
    if (known(world) === before) throw new Error(`${name} changes nothing`)
    between(world)
    settle(world)
    done.push(name)
  }
  const { refusal } = judge(world, goal).decision
  if (refusal && done.length > 0) throw new Error(`refused behind ${done.join(', ')}: ${refusal.why}`)
  return { world, done }
}
