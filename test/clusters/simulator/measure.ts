// Lives many histories on all processors, and writes what came of it to docs/reliability.md. Options: --kind postgres or redis,
// --seed N, --runs N.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import type { ClusterKind } from '../../../src/model/cluster.ts'
import { Harm } from '../postgres/support/act.ts'
import * as redis from '../redis-simulator/history.ts'
import { PLANTED as PLANTED_OF_REDIS } from '../redis-simulator/planted.ts'
import { Harm as HarmOfRedis } from '../redis-simulator/promises.ts'
import { historyOf, live } from './history.ts'
import { PLANTED } from './planted.ts'
import { PLANTED_CONSENTS } from './planted-consents.ts'
import { sectionText, withSection } from './section.ts'

interface Simulator {
  /** Lives one history, and says how it ended. @throws a `harm` where a promise was broken. */
  readonly live: (number: number) => string
  readonly harm: new () => Error
  /** How many wrong decisions are planted. */
  readonly planted: number
}

const SIMULATORS: Readonly<Record<ClusterKind, Simulator>> = {
  postgres: {
    live: (number) => live(historyOf(number)).ended,
    harm: Harm,
    planted: Object.keys({ ...PLANTED, ...PLANTED_CONSENTS }).length,
  },
  redis: {
    live: (number) => redis.live(redis.historyOf(number)).ended,
    harm: HarmOfRedis,
    planted: Object.keys(PLANTED_OF_REDIS).length,
  },
}

/** The histories from one number up to another one. */
interface Share {
  readonly kind: ClusterKind
  readonly from: number
  readonly to: number
}

interface Lived {
  readonly outcomes: Readonly<Record<string, number>>
  readonly harms: readonly string[]
}

/** Violations that are told; one is too many already. */
const MOST = 10

function lived({ kind, from, to }: Share): Lived {
  const simulator = SIMULATORS[kind]
  const outcomes: Record<string, number> = {}
  const harms: string[] = []
  for (let number = from; number < to && harms.length < MOST; number++) {
    try {
      const ended = simulator.live(number)
      outcomes[ended] = (outcomes[ended] ?? 0) + 1
    } catch (error) {
      if (!(error instanceof simulator.harm)) throw error
      harms.push(`history ${number}: ${error.message}`)
    }
  }
  return { outcomes, harms }
}

function inWorker(share: Share): Promise<Lived> {
  const { promise, resolve, reject } = Promise.withResolvers<Lived>()
  const worker = new Worker(new URL(import.meta.url), { workerData: share, execArgv: process.execArgv })
  worker.once('message', resolve).once('error', reject)
  return promise
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      kind: { type: 'string', default: 'postgres' },
      seed: { type: 'string', default: '1' },
      runs: { type: 'string', default: '1000000' },
    },
  })
  const { kind } = values
  if (kind !== 'postgres' && kind !== 'redis') throw new Error(`--kind is postgres or redis, not ${kind}`)
  const [seed, runs] = [Number(values.seed), Number(values.runs)]
  if (!Number.isSafeInteger(seed) || !Number.isSafeInteger(runs) || runs < 1) throw new Error('--seed N --runs N')
  const [workers, first] = [availableParallelism(), seed * 1_000_003]
  const began = performance.now()
  const parts = await Promise.all(
    Array.from({ length: workers }, (_, index) =>
      inWorker({
        kind,
        from: first + Math.floor((runs * index) / workers),
        to: first + Math.floor((runs * (index + 1)) / workers),
      }),
    ),
  )
  const outcomes: Record<string, number> = {}
  for (const part of parts)
    for (const [name, count] of Object.entries(part.outcomes)) outcomes[name] = (outcomes[name] ?? 0) + count
  const harms = parts.flatMap((part) => part.harms)
  const file = join(import.meta.dirname, '../../../docs/reliability.md')
  const commit = execFileSync('git', ['-C', import.meta.dirname, 'describe', '--always', '--dirty'], {
    encoding: 'utf8',
  }).trim()
  const section = sectionText({
    ...{ kind, date: new Date().toISOString().slice(0, 10), commit, seed, outcomes, harms },
    // Where much breaks, not all are lived.
    ...{
      histories: Object.values(outcomes).reduce((sum, count) => sum + count, harms.length),
      seconds: (performance.now() - began) / 1000,
      planted: SIMULATORS[kind].planted,
    },
  })
  writeFileSync(file, withSection(readFileSync(file, 'utf8'), kind, section))
  console.log(section)
  process.exitCode = harms.length > 0 ? 1 : 0
}

if (isMainThread) await main()
else parentPort?.postMessage(lived(workerData as Share))
