import { expect, test } from 'vitest'
import { Harm } from '../postgres/support/act.ts'
import { type End, type History, historyOf, live, shortest } from './history.ts'
import type { Judge } from './operator.ts'
import { PLANTED } from './planted.ts'
import { PLANTED_CONSENTS } from './planted-consents.ts'

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
    const least = shortest(history, (shorter) => brokenBy(shorter) !== undefined)
    throw new Error(`${JSON.stringify(least)} breaks: ${brokenBy(least)}`, { cause: error })
  }
}

test(
  'in any history no step of ours does harm, and a cluster becomes whole: where data is at stake, when somebody agreed to what was asked',
  () => {
    const outcomes = { refused: 0, done: 0, stuck: 0, killed: 0, forgiven: 0, safe: 0, agreed: 0, erred: 0 }
    const start = performance.now()
    for (let index = 0; index < RUNS; index++) {
      const { first, ended, safe, erred } = lived(numbered(index))
      outcomes[first]++
      if (safe) outcomes.safe++
      if (first !== 'done' && ended === 'done') outcomes.agreed++
      if (erred) outcomes.erred++
    }
    const seconds = (performance.now() - start) / 1000
    if (process.env.RUNS) console.log(outcomes, `${Math.round(RUNS / seconds)} histories per second`)
    // Neither is an excuse for never doing anything.
    expect(outcomes.safe).toBeGreaterThan(RUNS / 4)
    expect(outcomes.done).toBeGreaterThan(RUNS / 3)
    expect(outcomes.refused).toBeGreaterThan(RUNS / 10)
    expect(outcomes.agreed).toBeGreaterThan(outcomes.refused * 0.9)
    expect(outcomes.stuck).toBeLessThan(RUNS / 50)
  },
  60_000 + RUNS * 50,
)

test.each(Object.entries({ ...PLANTED, ...PLANTED_CONSENTS }))('a wrong decision comes out: %s', (_, judge) => {
  const found = Array.from({ length: SOON }, (_, index) => index).find((index) => {
    // What breaks by itself tells nothing of the decision.
    return brokenBy(numbered(index), judge) !== undefined && brokenBy(numbered(index)) === undefined
  })
  expect(found).toBeDefined()
})

/** What breaks a promise today, where a disk lies about what it wrote. */
const KNOWN: readonly (readonly [reason: string, history: string])[] = [
  [
    'a last primary that lost its end starts although a standby, whose log nobody read, may hold more: refusing would hold up clusters whose disks do not lie',
    '{"shape":{"nodes":4,"durability":"sync"},"lies":true,"dark":false,"events":[["a node is alone",128,38,1455940736],["time passes",5,22,390851040],["several clients commit",43,42,999456707],["time passes",10,8,239052480],["power goes",104,32,328792069],["power goes everywhere",10,29,2005376370],["hosts come back, servers do not",54,58,89380495]]}',
  ],
]

test.each(KNOWN)('still known: %s', (_, history) => {
  expect(brokenBy({ ...(JSON.parse(history) as History), strict: true })).toBeDefined()
})

/** What broke a promise once. */
const MENDED: readonly (readonly [reason: string, history: string])[] = [
  [
    'two nodes that took over apart from each other, on timelines of one number: a third one that followed one of them is not started over the other',
    '{"shape":{"nodes":4,"durability":"sync"},"lies":false,"dark":false,"events":[["a node is alone",42,48,1220566259],["a server dies",159,43,1343890347],["time passes",3,42,1623956264],["several clients commit",14,21,364742201],["we repair",20,12,262349005],["power goes",154,34,1962417744],["time passes",52,7,444013706],["power goes everywhere",16,2,1283675848],["hosts come back, servers do not",4,10,298278387]]}',
  ],
  [
    'a former primary that lost its end, started again and wrote on in the same places is not rewound: its log is compared up to its end',
    '{"shape":{"nodes":3,"durability":"sync"},"lies":true,"dark":true,"events":[["several clients commit",21,55,2108182531],["power goes",118,5,2125608600],["time passes",43,49,519717462],["power goes",146,50,707394249],["power comes back",210,15,1905782659],["several clients commit",39,3,1560044429],["a server dies",153,11,630361123]]}',
  ],
  [
    'a rewind that was cut off behind the clean end that pg_rewind makes is not refused: nothing is at stake in it',
    '{"shape":{"nodes":3},"lies":false,"dark":false,"events":[["a node is alone",100,0,1],["a server writes by itself",100,0,1],["time passes",0,0,1],["a server dies",100,0,1],["cables are mended",0,0,1],["we repair",0,0,1837208]]}',
  ],
]

test.each(MENDED)('%s', (_, history) => {
  expect(brokenBy({ ...(JSON.parse(history) as History), strict: true })).toBeUndefined()
})
