import { expect, test } from 'vitest'
import { type History, historyOf, live, shortest } from './history.ts'
import type { Judge } from './operator.ts'
import { PLANTED } from './planted.ts'

const RUNS = Number(process.env.RUNS ?? 300)
/** The same histories each time, unless another number is given: `SEED=7 RUNS=20000`. */
const SEED = Number(process.env.SEED ?? 1)

/** What a history breaks; undefined: nothing. */
function brokenBy(history: History, judge?: Judge): string | undefined {
  try {
    live(history, judge)
    return undefined
  } catch (error) {
    return error instanceof Error ? `${error.constructor.name}: ${error.message}` : String(error)
  }
}

test('TRY', () => {
  const outcomes: Record<string, number> = {}
  const bad = new Map<string, number[]>()
  const start = performance.now()
  for (let index = 0; index < RUNS; index++) {
    const history = historyOf(SEED * 1_000_003 + index)
    try {
      const ended = live(history)
      outcomes[ended] = (outcomes[ended] ?? 0) + 1
    } catch (error) {
      const key = String(error).replaceAll(/(app|off|vote)\d/g, 'X').slice(0, 150)
      bad.set(key, [...(bad.get(key) ?? []), index])
      if ((bad.get(key)?.length ?? 0) === 1 && !String(error).includes('Harm')&& !String(error).includes('Broken')) console.log(error)
    }
  }
  console.log(outcomes, Math.round(RUNS / ((performance.now() - start) / 1000)), 'per s')
  for (const [key, list] of [...bad].toSorted((a, b) => b[1].length - a[1].length).slice(0, 12)) {
    console.log(list.length, key)
    if (process.env.SHRINK) console.log(JSON.stringify(shortest(historyOf(SEED * 1_000_003 + list[0]!), (h) => brokenBy(h)?.replaceAll(/(app|off|vote)\d/g, 'X').includes(key.slice(7, 60)) ?? false)))
  }
}, 170_000)

test('PLANTED', () => {
  for (const [name, judge] of Object.entries(PLANTED)) {
    const kinds: Record<string, number> = {}
    let n = 0
    let first = -1
    const most = Number(process.env.P ?? 200)
    for (let index = 0; index < most; index++) {
      const why = brokenBy(historyOf(SEED * 1_000_003 + index), judge)
      if (!why) continue
      n++
      if (first < 0) first = index
      const key = why.replaceAll(/(app|off|vote)\d/g, 'X').replaceAll(/\d+/g, 'N').slice(0, 100)
      kinds[key] = (kinds[key] ?? 0) + 1
    }
    console.log(name, n, 'of', most, 'first', first, kinds)
  }
}, 170_000)
