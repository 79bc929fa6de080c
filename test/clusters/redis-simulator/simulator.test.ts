import { expect, test } from 'vitest'
import { type End, type History, historyOf, type Judge, live, shortest } from './history.ts'
import { PLANTED } from './planted.ts'
import { Harm } from './promises.ts'

const RUNS = Number(process.env.RUNS ?? 300)
/** The same histories each time, unless another number is given: `SEED=7 RUNS=20000`. */
const SEED = Number(process.env.SEED ?? 1)

/** Within how many histories a wrong decision has to come out. */
const SOON = 1000

const numbered = (index: number) => historyOf(SEED * 1_000_003 + index)

/** What a history breaks; undefined: nothing. */
function brokenBy(history: History, judge?: Judge): string | undefined {
  try {
    live(history, judge)
    return undefined
  } catch (error) {
    if (error instanceof Harm) return error.message
    throw error
  }
}

function lived(history: History): End {
  try {
    return live(history)
  } catch (error) {
    if (!(error instanceof Harm)) throw error
    const least = shortest(history, (shorter) => brokenBy(shorter) !== undefined)
    throw new Error(`${JSON.stringify(least)} breaks: ${brokenBy(least)}`, { cause: error })
  }
}

test(
  'in any history no step of ours does harm, and a set becomes whole: where keys are at stake, when somebody agreed to what was asked',
  () => {
    const outcomes = { refused: 0, done: 0, stuck: 0, killed: 0, safe: 0, agreed: 0 }
    const start = performance.now()
    for (let index = 0; index < RUNS; index++) {
      const { first, ended, safe } = lived(numbered(index))
      outcomes[first]++
      if (safe) outcomes.safe++
      if (first !== 'done' && ended === 'done') outcomes.agreed++
    }
    const seconds = (performance.now() - start) / 1000
    if (process.env.RUNS) console.log(outcomes, `${Math.round(RUNS / seconds)} histories per second`)
    // Neither is an excuse for never doing anything.
    expect(outcomes.safe).toBeGreaterThan(RUNS / 4)
    expect(outcomes.done).toBeGreaterThan(RUNS / 3)
    expect(outcomes.stuck).toBeLessThan(RUNS / 50)
  },
  60_000 + RUNS * 50,
)

test.each(Object.entries(PLANTED))(
  'a wrong decision comes out: %s',
  (_, judge) => {
    const found = Array.from({ length: SOON }, (_, index) => index).find((index) => {
      // What breaks by itself tells nothing of the decision.
      return brokenBy(numbered(index), judge) !== undefined && brokenBy(numbered(index)) === undefined
    })
    expect(found).toBeDefined()
  },
  60_000,
)
