import { judge as decide } from '../../../src/clusters/redis/decide.ts'
import type { Intent, Verdict } from '../../../src/clusters/redis/intents.ts'
import type { Desired, NodeSurvey } from '../../../src/clusters/redis/model.ts'
import type { ClusterGoal } from '../../../src/model/cluster.ts'
import { type Luck, luckOf, NO_LUCK } from '../simulator/random.ts'
import { Refused, stagesOf } from './carry-out.ts'
import { pass, tick } from './daemons.ts'
import { alone, HAPPENINGS, powerComes, write } from './happenings.ts'
import { Broken, type Given } from './promises.ts'
import { begin, type Keys, masters, NOTHING, type Shape, type Sim } from './sim.ts'
import { desiredOf, surveysOf, surveysOneByOne } from './survey.ts'

export type Judge = (desired: Desired, surveys: readonly NodeSurvey[], goal: ClusterGoal) => Verdict

/** What happened, to which nodes, and the seed of all chance within it. */
export type Happened = readonly [name: string, node: number, by: number, luck: number]

export interface History {
  readonly shape: Shape
  /** How long it is left to itself at the end, when all hosts are there: seconds. */
  readonly left: number
  /** No server and no Sentinel begins by itself when hosts come back in the end. */
  readonly dark: boolean
  readonly events: readonly Happened[]
}

export type Ended = 'done' | 'refused' | 'stuck' | 'killed'

export interface End {
  readonly first: Ended
  readonly ended: Ended
  readonly safe: boolean
}

const REPAIR = 'we repair'
const NAMES = [
  ...Object.entries(HAPPENINGS).flatMap(([name, { often }]) => Array.from({ length: often }, () => name)),
  ...Array.from({ length: 14 }, () => REPAIR),
]

export function historyOf(seed: number): History {
  const luck = luckOf(seed)
  const shape: Shape = {
    nodes: luck.pick([3, 3, 3, 3, 4, 5]) ?? 3,
    persistence: luck.chance(0.6) ? 'cache' : 'durable',
    hasty: luck.chance(0.3),
  }
  const events = Array.from(
    { length: 2 + luck.int(12) },
    (): Happened => [luck.pick(NAMES) ?? REPAIR, luck.int(60), luck.int(60), luck.int(2 ** 31)],
  )
  return { shape, left: luck.pick([0, 10, 100]) ?? 0, dark: luck.chance(0.3), events }
}

/** Lives a history, with repairs of ours in it; in the end all hosts are there that are not lost, and it is repaired. */
export function live(history: History, judge: Judge = decide): End {
  const sim = begin(history.shape)
  pass(sim, 10)
  for (const machine of sim.machines) write(sim, machine, 2)
  pass(sim, 5)
  for (const event of history.events) happen(sim, event, judge)
  return lastRepair(sim, judge, history)
}

function happen(sim: Sim, [name, which, other, seed]: Happened, judge: Judge): void {
  const luck = luckOf(seed)
  const { machines } = sim
  if (name === REPAIR) {
    const killedIn = luck.chance(0.4) ? 1 + luck.int(5) : undefined
    repair(sim, { judge, luck, killedIn, answer: () => undefined })
    return
  }
  const [machine, by] = [machines[which % machines.length], machines[other % machines.length]]
  if (machine && by) HAPPENINGS[name]?.happen(sim, machine, by, luck)
}

interface Operator {
  readonly judge: Judge
  readonly luck: Luck
  readonly killedIn?: number | undefined
  /** What he says to a refusal. */
  readonly answer: (hint: string) => Given | undefined
}

interface Ran {
  readonly ended: Ended
  readonly why: string
}

/** How often one step is tried in a run. */
const TRIES = 2
const LONGEST = 40
/** What is seen of one node may come up when another one was given up, or when it was ended and can be counted. */
const ANSWERS = 5

/** One run: a survey, a step, and again. Between the survey and the step the world goes on. */
export function repair(sim: Sim, { judge, luck, killedIn, answer }: Operator, agreed: Given = {}): Ran {
  const tries = new Map<string, number>()
  let given = agreed
  let stages = 0
  let answers = 0
  for (let round = 0; round < LONGEST; round++) {
    const { refusal, intents } = judge(desiredOf(sim), surveysBy(sim, luck), { acceptLoss: given })
    if (refusal) {
      const more = answers < ANSWERS ? answer(refusal.hint) : undefined
      if (!more) return { ended: 'refused', why: `${refusal.why}; ${refusal.hint}` }
      answers++
      given = more
      continue
    }
    const [intent] = intents
    if (!intent) return { ended: 'done', why: '' }
    meanwhile(sim, luck)
    const name = nameOf(intent)
    tries.set(name, (tries.get(name) ?? 0) + 1)
    if ((tries.get(name) ?? 0) > TRIES) return { ended: 'stuck', why: `${name} does not help` }
    try {
      for (const stage of stagesOf(sim, intent, given)) {
        if (killedIn !== undefined && ++stages >= killedIn) return { ended: 'killed', why: name }
        stage()
        if (luck.chance(0.2)) tick(sim)
      }
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      return { ended: 'stuck', why: `${name}: ${error.message}` }
    }
    given = behind(given, intent)
  }
  return { ended: 'stuck', why: 'no end of steps' }
}

/** Hosts answer within seconds of each other, and clients go on writing. */
function surveysBy(sim: Sim, luck: Luck): readonly NodeSurvey[] {
  if (!luck.chance(0.5)) return surveysOf(sim)
  return surveysOneByOne(sim, luck.shuffled(sim.machines), () => {
    const machine = luck.chance(0.3) ? luck.pick(sim.machines) : undefined
    if (machine) write(sim, machine, 1)
    tick(sim)
  })
}

function nameOf(intent: Intent): string {
  return 'node' in intent ? `${intent.do} ${intent.node.host}` : intent.do
}

/** What was given up is used up by the step that replaces it. */
function behind(given: Given, intent: Intent): Given {
  const used =
    intent.do === 'follow master' && intent.given
      ? [intent.node.host]
      : intent.do === 'promote replica'
        ? intent.fenced.filter((one) => one.given).map(({ node }) => node.host)
        : intent.do === 'end server'
          ? [intent.node.host]
          : []
  return Object.fromEntries(Object.entries(given).filter(([host]) => !used.includes(host)))
}

function meanwhile(sim: Sim, luck: Luck): void {
  if (luck.chance(0.2)) pass(sim, 1 + luck.int(3))
  const machine = luck.chance(0.2) ? luck.pick(sim.machines) : undefined
  if (machine) write(sim, machine, 1)
  const name = luck.chance(0.04) ? luck.pick(Object.keys(HAPPENINGS)) : undefined
  if (name) happen(sim, [name, luck.int(60), luck.int(60), luck.int(1e9)], decide)
}

/** How often we repair when nothing hinders us. */
const RUNS = 4

function lastRepair(sim: Sim, judge: Judge, { left, dark }: History): End {
  for (const machine of sim.machines) {
    alone(sim, machine, 0)
    powerComes(sim, machine, !dark)
    if (machine.server) machine.server.lagsUntil = undefined
  }
  pass(sim, left)
  const safe = nothingAtStake(sim)
  const held = kept(sim)
  const { elections } = sim
  const first = repairs(sim, judge, () => undefined)
  // What Sentinel loses is not ours.
  const own = elections === sim.elections
  if (safe && first.ended !== 'done' && (own || first.ended === 'stuck'))
    throw new Broken(`no key is at stake, and it ends ${first.ended}: ${first.why}`)
  if (safe && own && kept(sim).size < held.size)
    throw new Broken(`${held.size} keys could be kept, and ${kept(sim).size} were`)
  if (first.ended === 'done') return { first: 'done', ended: 'done', safe }
  let second = repairs(sim, judge, consentOf)
  if (/power it off/.test(second.why)) {
    // Who was lost just now is still heard of: somebody looks again.
    pass(sim, 120)
    second = repairs(sim, judge, consentOf)
  }
  if (second.ended !== 'done' && !/by hand/.test(second.why))
    throw new Broken(`what was asked for was given, and it ends ${second.ended}: ${second.why}`)
  return { first: first.ended, ended: second.ended, safe }
}

/** What the one master has. */
function kept(sim: Sim): Keys {
  const sets = sim.machines.flatMap(({ server }) => (server ? [server.keys] : []))
  return sets.toSorted((a, b) => b.size - a.size)[0] ?? NOTHING
}

export function consentOf(hint: string): Given | undefined {
  const given = [...hint.matchAll(/--accept-data-loss (\S+)=(\d+|unknown)/g)]
  if (given.length === 0) return undefined
  return Object.fromEntries(given.map(([, host = '', keys = '']) => [host, keys === 'unknown' ? keys : Number(keys)]))
}

function repairs(sim: Sim, judge: Judge, answer: Operator['answer']): Ran {
  let ran: Ran = { ended: 'stuck', why: '' }
  for (let run = 0; run < RUNS && ran.ended === 'stuck'; run++) {
    ran = repair(sim, { judge, luck: NO_LUCK, answer })
    if (ran.ended !== 'done') continue
    // Whoever has just begun finds the others in a moment.
    pass(sim, 60)
    const [intent] = judge(desiredOf(sim), surveysOf(sim), {}).intents
    if (!intent) break
    const why = `a second run has something to do: ${nameOf(intent)}: ${'why' in intent ? intent.why : ''}`
    // Restarts wait until all else is well, and what Sentinel knows is judged when it had its time.
    if (!['restart server', 'fail over', 'reset sentinel'].includes(intent.do)) throw new Broken(why)
    ran = { ended: 'stuck', why }
  }
  if (ran.ended === 'done') checkWhole(sim)
  return ran
}

function checkWhole(sim: Sim): void {
  const [master, ...more] = masters(sim)
  if (!master || more.length > 0)
    throw new Broken(`nothing is left to do, and there are ${more.length + (master ? 1 : 0)} masters`)
  const there = sim.machines.filter(({ gone }) => !gone)
  const silent = there.find(({ server }) => server?.mute)
  if (silent) throw new Broken(`nothing is left to do, and nobody can ask ${silent.host}`)
  for (const one of there) {
    if (one !== master && !(one.server?.link && one.server.follows === master.address))
      throw new Broken(`nothing is left to do, and ${one.host} does not follow`)
    if (one.sentinel?.master !== master.address)
      throw new Broken(`nothing is left to do, and the Sentinel of ${one.host} does not watch`)
    if (one.sentinel.replicas.size < there.length - 1)
      throw new Broken(`nothing is left to do, and the Sentinel of ${one.host} lacks a replica`)
  }
}

/** Whether there is one history only of which keys are left, as anybody can see. */
export function nothingAtStake(sim: Sim): boolean {
  const { machines } = sim
  const durable = sim.shape.persistence === 'durable'
  // What comes back by itself in a moment may empty others, or bring old keys.
  if (machines.some(({ gone, restartAt }) => gone || (restartAt !== undefined && !durable))) return false
  if (machines.some(({ server }) => server?.mute)) return false
  // Nobody acts while Sentinels do, whatever comes of it.
  if (machines.some(({ sentinel }) => sentinel?.failover)) return false
  if (durable && machines.some(({ server, disk }) => !server && disk.log && disk.log.size > 0)) return false
  const holders = machines.flatMap(({ server }) => (server && server.keys.size > 0 ? [server] : []))
  return (
    new Set(holders.map(({ replId }) => replId)).size < 2 &&
    masters(sim).every(({ server }) => server?.keys.size || server?.changes === 0)
  )
}

/** The same history with all left out that it does not need to fail. */
export function shortest(history: History, fails: (history: History) => boolean): History {
  for (let index = history.events.length - 1; index >= 0; index--) {
    const shorter = { ...history, events: history.events.toSpliced(index, 1) }
    if (fails(shorter)) return shortest(shorter, fails)
  }
  return history
}
