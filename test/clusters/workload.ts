import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'

/** A pgbouncer that a client writes through. */
export interface Access {
  readonly host: string
  readonly address: string
}

export interface WorkloadOptions {
  readonly through: readonly Access[]
  readonly database: string
  readonly user: string
  readonly password: string
  /** The file of the CA's certificate. */
  readonly ca: string
}

/** What became of the commits of a workload, each known by a number of its own. */
export interface Written {
  /** The server said that they are committed: none of them may be missing. */
  readonly acknowledged: readonly number[]
  /** The connection ended while they were committed: they may be there or not. */
  readonly unknown: readonly number[]
  /** They were refused, and are not there. */
  readonly refused: number
  /** The longest time between two acknowledged commits, in milliseconds, over all clients together. */
  readonly longestPause: number
  /** The same of each client by itself, by the host whose pgbouncer it writes through. */
  readonly pauses: Readonly<Record<string, number>>
}

/** Clients that write without end: one through each pgbouncer, a row and commit each time. */
export interface Workload {
  /** How many commits were acknowledged so far. */
  readonly count: () => number
  /** Ends the clients, and says what became of their commits. */
  end(): Promise<Written>
  /** The numbers that are missing or should not be there, as the table holds them now. */
  lost(): Promise<readonly number[]>
}

/** Milliseconds between two commits of one client. */
const EVERY = 20
/** Milliseconds until a client that was refused tries again. */
const AGAIN = 200
/** Milliseconds in which a commit must be acknowledged before its connection is given up. */
const PATIENCE = 60_000

/** Makes the table `w`, where it is not there, and starts a client for each pgbouncer. */
export async function startWorkload(options: WorkloadOptions): Promise<Workload> {
  const acknowledged: number[] = []
  const unknown: number[] = []
  let refused = 0
  let number = 0
  let ended = false
  let last = performance.now()
  let longestPause = 0
  const pauses: Record<string, number> = {}
  await withClient(options, options.through, async (client) => {
    await client.query('create table if not exists w (n bigint primary key, at timestamptz default now())')
    number = Number((await client.query('select coalesce(max(n), 0) as top from w')).rows[0].top)
  })

  async function write(through: Access): Promise<void> {
    let client: pg.Client | undefined
    let ownLast = performance.now()
    while (!ended) {
      const own = ++number
      try {
        client ??= await connect(options, through)
        await client.query('insert into w (n) values ($1)', [own])
        acknowledged.push(own)
        const now = performance.now()
        longestPause = Math.max(longestPause, now - last)
        pauses[through.host] = Math.max(pauses[through.host] ?? 0, now - ownLast)
        last = now
        ownLast = now
      } catch (error) {
        // A server that refused has an SQLSTATE; a link that broke has none, and nobody knows.
        if (client === undefined || isRefusal(error)) refused++
        else unknown.push(own)
        client?.end().catch(() => undefined)
        client = undefined
      }
      // A login costs both ends more than a commit.
      await delay(client ? EVERY : AGAIN)
    }
    await client?.end().catch(() => undefined)
  }

  const writers = options.through.map(write)
  return {
    count: () => acknowledged.length,
    async end() {
      ended = true
      await Promise.all(writers)
      return { acknowledged, unknown, refused, longestPause, pauses }
    },
    lost: () =>
      withClient(options, options.through, async (client) => {
        const { rows } = await client.query('select n from w')
        const there = new Set(rows.map(({ n }) => Number(n)))
        return acknowledged.filter((one) => !there.has(one))
      }),
  }
}

/** The error of a server that did not commit, which it says with a code; 57P01 and 57P02 come while it may have. */
function isRefusal(error: unknown): boolean {
  const code = (error as { readonly code?: unknown }).code
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !['57P01', '57P02'].includes(code)
}

async function connect({ database, user, password, ca }: WorkloadOptions, { address }: Access): Promise<pg.Client> {
  const client = new pg.Client({
    ...{ host: address, port: 6432, database, user, password },
    ssl: { ca: readFileSync(ca), rejectUnauthorized: true },
    connectionTimeoutMillis: 5000,
    query_timeout: PATIENCE,
  })
  // An idle connection that breaks is met at the next query.
  client.on('error', () => undefined)
  await client.connect()
  return client
}

/** One connection through the first pgbouncer that takes it. */
async function withClient<T>(
  options: WorkloadOptions,
  through: readonly Access[],
  use: (client: pg.Client) => Promise<T>,
): Promise<T> {
  let last: unknown
  for (const access of through) {
    try {
      const client = await connect(options, access)
      try {
        return await use(client)
      } finally {
        await client.end()
      }
    } catch (error) {
      last = error
    }
  }
  throw last
}
