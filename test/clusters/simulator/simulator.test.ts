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
  [
    'a primary that lost its end wrote on in the same places: a standby that has what was there before, and that only a clone mends, is cloned without a question; what it had is kept beside it',
    '{"shape":{"nodes":2},"lies":true,"dark":false,"events":[["power goes",134,51,339797509],["we repair",51,3,1413737521],["power comes back",246,36,938953117],["we repair",45,18,1738292662],["what it needs is not kept",301,22,404400370]]}',
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
  [
    'in sync nothing is promised of a node that is lost where another one wrote apart from it: what it confirmed may be what is not kept',
    '{"shape":{"nodes":4,"durability":"sync"},"lies":false,"dark":false,"events":[["a node is alone",55,14,1344455313],["power goes",151,47,652215663],["time passes",8,19,1710434451],["several clients commit",3,41,1749923573],["a host is lost for good",114,23,2071222728],["power goes everywhere",50,6,692790718],["hosts come back, servers do not",28,53,2023233018]]}',
  ],
  [
    'a figure that was agreed to once is not printed again for more than there is: what is written since is not in it',
    '{"shape":{"nodes":5},"lies":false,"dark":true,"events":[["a node is alone",129,4,1299795348],["several clients commit",5,31,1054058708],["time passes",27,0,431224444],["cables are mended",18,38,1737172149],["we repair",15,58,2056532830],["time passes",4,45,1701141958],["a disk is full",153,18,1508716005],["we repair",28,32,1988382087],["a node is alone",115,59,1100901425],["time passes",3,21,647447448],["cables are mended",44,37,840083248],["we repair",53,36,1426999067]]}',
  ],
  [
    'what was agreed to be given up of a node is used up when its data was replaced: what it has then is not meant',
    '{"shape":{"nodes":3,"durability":"sync"},"lies":false,"dark":false,"events":[["a node is alone",107,24,957292313],["several clients commit",57,20,335910308],["a client commits",3,52,1413866589],["time passes",32,25,1495344051],["cables are mended",29,33,275827627],["we repair",32,28,168037246],["power goes",132,51,633257946],["time passes",42,47,1410216231],["several clients commit",17,30,482217577],["power goes everywhere",50,4,1511867299],["hosts come back, servers do not",11,45,1635715958],["we repair",20,19,1379946151]]}',
  ],
  [
    'a standby whose signal was removed since it was seen is not started: it would take writes',
    '{"shape":{"nodes":3},"lies":false,"dark":false,"events":[["a node is alone",127,46,1076316796],["time passes",5,24,1792846925],["cables are mended",56,15,1441691359],["we repair",45,47,725974291],["a node is alone",37,26,1800304475],["a standby dies",9,55,936538926],["repmgrd stops everywhere",37,21,1202977253],["we repair",35,21,1449897165]]}',
  ],
  [
    'a standby of one that wrote on the timeline of the primary apart from it: places tell no figure of what it holds',
    '{"shape":{"nodes":5},"lies":true,"dark":true,"events":[["a server is stopped",15,49,105330019],["a split, and we are on one side",25,49,2111648506],["time passes",39,2,2041625194],["we repair",57,14,595928536],["cables are mended",9,22,1049783054],["we repair",59,53,1177641400]]}',
  ],
  [
    'of a node that follows one whose rewind was cut off it is told what it holds: that one wrote nothing apart',
    '{"shape":{"nodes":5},"lies":false,"dark":false,"events":[["a server dies",101,7,1323024379],["time passes",17,10,18188409],["a server dies",102,56,19817666],["we repair",21,26,1346997271],["it is told to follow",14,40,869939658]]}',
  ],
  [
    'what is agreed to of a standby of one that was given up is still asked for in the same words when that one was cloned',
    '{"shape":{"nodes":4,"durability":"sync"},"lies":false,"dark":true,"events":[["several clients commit",113,27,909351553],["a node is alone",142,53,1460642016],["several clients commit",48,18,1036886906],["time passes",14,47,1430672565],["servers die everywhere",29,40,322219486],["cables are mended",34,18,502071031],["we repair",44,6,1814660144],["repmgrd stops everywhere",56,13,89184780],["a host is lost for good",151,56,453324284]]}',
  ],
]

test.each(MENDED)('%s', (_, history) => {
  expect(brokenBy({ ...(JSON.parse(history) as History), strict: true })).toBeUndefined()
})
