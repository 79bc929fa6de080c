import { assess } from '../../../src/clusters/postgres/decide.ts'
import { OTHER } from '../postgres/support/surveys.ts'
import { whole } from '../postgres/support/whole.ts'
import type { Shape, WorldNode } from '../postgres/support/world.ts'
import { nothingAtStake } from './at-stake.ts'
import { flowAll, followersLook } from './clients.ts'
import { type Answer, askedFor, byTheBook, people } from './consent.ts'
import { Broken, Forgiven } from './given-up.ts'
import { HAPPENINGS, isFull, timePasses } from './happenings.ts'
import { type Ended, type Judge, type Ran, repair } from './operator.ts'
import { powerComes } from './power.ts'
import { type Luck, luckOf, NO_LUCK } from './random.ts'
import { begin, isWriter, type Sim } from './sim.ts'
import { chapter, FORMER, OTHERS, PRIMARY } from './stories.ts'

/** What happened, to which nodes, and the seed of all chance within it. */
export type Happened = readonly [name: string, node: number, by: number, luck: number]

export interface History {
  readonly shape: Shape
  readonly lies: boolean
  /** What is known to break a promise counts as well. */
  readonly strict?: true
  /** No server begins by itself when hosts come back in the end. */
  readonly dark: boolean
  readonly events: readonly Happened[]
}

export const SHAPES: readonly Shape[] = [
  { nodes: 2 },
  { nodes: 3 },
  { nodes: 3, durability: 'sync' },
  { nodes: 3, durability: 'sync' },
  { nodes: 2, witness: true },
  { nodes: 2, replicas: 1 },
  { nodes: 2, replicas: 1, witness: true, durability: 'sync' },
  { nodes: 4, durability: 'sync' },
  { nodes: 5 },
]

const REPAIR = 'we repair'
const NAMES = [
  ...Object.entries(HAPPENINGS).flatMap(([name, { often }]) => Array.from({ length: often * 10 }, () => name)),
  ...Array.from({ length: 120 }, () => REPAIR),
]

/** The history of a number. */
export function historyOf(seed: number): History {
  const luck = luckOf(seed)
  const shape = luck.pick(SHAPES) ?? {}
  const events = Array.from({ length: 1 + luck.int(8) }, () => chapter(luck, NAMES)).flat()
  return { shape, lies: luck.chance(0.1), dark: luck.chance(0.3), events }
}

/** How a history ended when all was there again. */
export interface End {
  /** Before anybody consented to anything. */
  readonly first: Ended | 'forgiven'
  readonly ended: Ended | 'forgiven'
  /** No data was at stake. */
  readonly safe: boolean
  readonly erred: boolean
}

/** Lives a history, with repairs of ours in it, and mends all that is not ours in the end. Throws `Harm`. */
export function live(history: History, judge: Judge = assess): End {
  const sim = begin(history)
  try {
    for (const event of history.events) {
      if (isFull(sim)) break
      happen(sim, event, judge)
    }
    return lastRepair(sim, judge, history.dark)
  } catch (error) {
    if (!(error instanceof Forgiven)) throw error
    return { first: 'forgiven', ended: 'forgiven', safe: false, erred: sim.erred }
  }
}

function happen(sim: Sim, [name, which, other, seed]: Happened, judge: Judge): void {
  const luck = luckOf(seed)
  const { nodes } = sim.world
  if (name === REPAIR) {
    const killedIn = luck.chance(0.5) ? 1 + luck.int(5) : undefined
    repair(sim, { judge, luck, killedIn, meanwhile: meanwhileOf(luck), answer: people(luck) })
    return
  }
  const [node, by] = [whom(sim, which), nodes[other % nodes.length]]
  if (node && by) HAPPENINGS[name]?.happen(sim, node, by, luck)
}

/** Whom a number means at this moment. */
function whom({ world: { nodes } }: Sim, which: number): WorldNode | undefined {
  const { [which % nodes.length]: any } = nodes
  const among = (fits: (node: WorldNode) => boolean) => {
    const all = nodes.filter((node) => node.kind !== 'witness' && fits(node))
    return all[which % all.length] ?? any
  }
  if (which >= OTHERS) return among((node) => !isWriter(node))
  if (which >= FORMER) return among((node) => !isWriter(node) && node.data?.signal === false)
  return which >= PRIMARY ? among(isWriter) : any
}

/** The world does not stand still while we look at it. */
function meanwhileOf(luck: Luck): (sim: Sim) => void {
  return (sim) => {
    if (isFull(sim)) return
    if (luck.chance(0.3)) happen(sim, ['a client commits', luck.int(60), 0, luck.int(1e9)], assess)
    if (luck.chance(0.1)) timePasses(sim)
    const name = luck.chance(0.03) ? luck.pick(NAMES) : undefined
    if (name && name !== REPAIR) happen(sim, [name, luck.int(60), luck.int(60), luck.int(1e9)], assess)
  }
}

/** How often we repair when nothing hinders us. */
const RUNS = 4

/** All hosts are there that are not lost for good, and all cables; nothing more happens but that log arrives. */
function lastRepair(sim: Sim, judge: Judge, dark: boolean): End {
  sim.world.cuts?.clear()
  for (const node of [...sim.world.nodes, ...sim.world.nodes]) {
    node.reachable = !node.off
    powerComes(sim, node, !dark)
  }
  timePasses(sim)
  const safe = nothingAtStake(sim)
  const { ended: first } = repairs(sim, judge, () => undefined)
  if (safe && first !== 'done') throw new Broken(`no data is at stake, and it ends ${first}`)
  const { erred } = sim
  if (first === 'done') return { first, ended: first, safe, erred }
  sim.full.clear()
  const { ended, question } = repairs(sim, judge, byTheBook)
  if (ended !== 'done') checkHelped(sim, ended, question?.words ?? '')
  return { first, ended, safe, erred }
}

/** What people do themselves. */
const BY_HAND = /by hand|in the playbook|into the inventory/

/** Where all was done that was asked for, it is whole, or people are told what they have to do themselves. */
function checkHelped(sim: Sim, ended: Ended, words: string): void {
  // A last primary that lost its end does not start, and it may be that no other member can go on.
  if (sim.rewritten || sim.torn.size > 0) throw new Forgiven()
  if (askedFor({ words })) throw new Broken(`what was asked for was given, and does not help: ${words}`)
  if (ended !== 'refused') throw new Broken(`all was agreed to, and it ends ${ended}`)
  const left = sim.world.nodes.some(
    ({ kind, data, rewinding }) => kind === 'member' && data && !rewinding && data.system !== OTHER,
  )
  if (left && !BY_HAND.test(words)) throw new Broken(`it is refused, and nothing helps: ${words}`)
}

function repairs(sim: Sim, judge: Judge, answer: Answer): Ran {
  let ran: Ran = { ended: 'stuck' }
  for (let run = 0; run < RUNS && ran.ended === 'stuck'; run++) {
    ran = repair(sim, { judge, luck: NO_LUCK, quiet: true, meanwhile: flowAll, answer })
    followersLook(sim)
  }
  if (ran.ended === 'done' && !whole(sim.world)) throw new Broken('nothing is left to do, and it is not whole')
  return ran
}

/** The same history with all left out that it does not need to fail. */
export function shortest(history: History, fails: (history: History) => boolean): History {
  for (let index = history.events.length - 1; index >= 0; index--) {
    const events = history.events.toSpliced(index, 1)
    if (fails({ ...history, events })) return shortest({ ...history, events }, fails)
  }
  return history
}
