import { setTimeout as delay } from 'node:timers/promises'
import { type RedisClient, redisClient } from './redis-client.ts'

export interface WriterOptions {
  readonly addresses: readonly string[]
  readonly set: string
  readonly ca: string
  /** Read anew at each connection. */
  readonly password: () => string
}

export interface WriterEnd {
  readonly acknowledged: readonly number[]
  /** What was said of each write that was refused, or of which nobody knows. */
  readonly refused: readonly string[]
  /** Milliseconds between two confirmed writes, at most. */
  readonly longestPause: number
  /** Milliseconds between two confirmed writes, of all times that one was refused between them. */
  readonly refusedFor: number
}

export interface Writer {
  readonly count: () => number
  readonly refusals: () => number
  end(): Promise<WriterEnd>
  /** The confirmed numbers that the master does not have. */
  lost(): Promise<readonly number[]>
}

const EVERY = 10

/** A client as an application is one: it asks any Sentinel who is the master, writes there, and asks again when it is refused. */
export async function startWriter(options: WriterOptions): Promise<Writer> {
  const { addresses, set, ca, password } = options
  const acknowledged: number[] = []
  const refused: string[] = []
  let [last, longestPause, refusedFor, ended, number] = [performance.now(), 0, 0, false, 0]
  let refusing = false
  let master: RedisClient | undefined
  const write = async () => {
    number++
    try {
      master ??= await connectMaster(options)
      await master.call('SET', `w:${number}`, String(number))
      acknowledged.push(number)
      const pause = performance.now() - last
      longestPause = Math.max(longestPause, pause)
      if (refusing) refusedFor += pause
      refusing = false
      last = performance.now()
    } catch (error) {
      refused.push(`${new Date().toISOString()} ${error instanceof Error ? error.message : String(error)}`)
      master?.close()
      master = undefined
      refusing = true
      await delay(50)
    }
  }
  const work = (async () => {
    while (!ended) {
      await write()
      await delay(EVERY)
    }
  })()
  return {
    count: () => acknowledged.length,
    refusals: () => refused.length,
    async end() {
      ended = true
      await work
      master?.close()
      return { acknowledged, refused, longestPause, refusedFor }
    },
    async lost() {
      const client = await connectMaster({ addresses, set, ca, password })
      const there = await Promise.all(
        acknowledged.map(async (each) => (await client.call('GET', `w:${each}`)) === String(each)),
      )
      client.close()
      return acknowledged.filter((_each, index) => !there[index])
    },
  }
}

async function connectMaster({ addresses, set, ca, password }: WriterOptions): Promise<RedisClient> {
  const address = await masterOf({ addresses, set, ca, password })
  return await redisClient(address, 6379, ca, password())
}

/** As the first Sentinel that answers says. */
export async function masterOf({ addresses, set, ca, password }: WriterOptions): Promise<string> {
  const errors: unknown[] = []
  for (const address of addresses) {
    try {
      const client = await redisClient(address, 26379, ca, password())
      const named = await client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', set)
      client.close()
      if (Array.isArray(named) && typeof named[0] === 'string') return named[0]
    } catch (error) {
      errors.push(error)
    }
  }
  throw new AggregateError(errors, 'no Sentinel names a master')
}
