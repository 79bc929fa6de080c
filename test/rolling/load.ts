import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request } from 'node:https'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** Where the load goes, and how much of it there is. */
export interface LoadOptions {
  readonly address: string
  readonly port: number
  /** The name that the certificate must have. */
  readonly name: string
  /** The internal CA, as PEM. */
  readonly ca: string
  /** Clients that keep their connection. Default: 12. */
  readonly keeping?: number
  /** Clients that open a connection for each request. Default: 6. */
  readonly opening?: number
  /** Milliseconds between an answer and the next request of a client. Default: 25. */
  readonly pause?: number
  /** Milliseconds after which a request counts as failed. Default: 10,000. */
  readonly timeout?: number
}

/** Who answered: how often, and when first and last, in seconds since the start. */
export interface Seen {
  count: number
  readonly first: number
  last: number
}

/** What became of all requests. None is ever sent twice. */
export interface LoadResult {
  readonly total: number
  readonly failed: number
  /** What went wrong how often: `GET / 502`, `POST /api/notes ECONNRESET`, `GET /version timeout`. */
  readonly failures: Record<string, number>
  readonly methods: Record<string, number>
  /** By the version that an answer of /version tells. */
  readonly versions: Record<string, Seen>
  /** By the node that the header X-Node of an answer names. */
  readonly nodes: Record<string, Seen>
  /** Connections that were opened. */
  readonly connections: number
  /** Milliseconds. */
  readonly latency: { readonly p50: number; readonly p99: number; readonly max: number }
  readonly seconds: number
}

/** A load in a process of its own, so that the event loop of a test does not slow it down. */
export interface Load {
  /** Ends it; each client ends the request it is at. */
  stop(): Promise<LoadResult>
}

/** Starts a load; fulfilled when every client has got its first answer, right or wrong. */
export async function startLoad(options: LoadOptions): Promise<Load> {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = once(child, 'close')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  if ((await lines.next()).value !== 'started') throw new Error('the load did not start')
  return {
    async stop() {
      child.stdin.end()
      const { value } = await lines.next()
      await ended
      if (typeof value !== 'string') throw new Error('the load has no result')
      return JSON.parse(value) as LoadResult
    },
  }
}

interface Kind {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly status: number
  readonly body?: string
}

interface Answer {
  readonly status: number | undefined
  readonly node: string | undefined
  readonly text: string
}

/** Each client goes round in these, from a place of its own. */
const KINDS: readonly Kind[] = [
  { method: 'GET', path: '/version', status: 200 },
  { method: 'POST', path: '/api/notes', status: 201, body: JSON.stringify({ text: 'load' }) },
  { method: 'GET', path: '/api/notes', status: 200 },
  { method: 'GET', path: '/', status: 200 },
]

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(JSON.parse(process.argv[2] ?? '{}'))

async function main(options: LoadOptions): Promise<void> {
  const { keeping = 12, opening = 6 } = options
  const counts = counting()
  const stopped = new AbortController()
  const agents = Array.from({ length: keeping + opening }, (_, index) => agentOf(options, index < keeping))
  let waited = agents.length
  const first = () => {
    waited--
    if (waited === 0) process.stdout.write('started\n')
  }
  process.stdin.resume().once('end', () => stopped.abort())
  await Promise.all(agents.map((agent, index) => client(options, agent, index, counts, stopped.signal, first)))
  for (const agent of agents) agent.destroy()
  process.stdout.write(`${JSON.stringify(counts.result())}\n`)
}

function agentOf({ ca, name }: LoadOptions, keepAlive: boolean): Agent {
  return new Agent({ ca, servername: name, keepAlive, maxSockets: 1, maxCachedSessions: 0 })
}

async function client(
  options: LoadOptions,
  agent: Agent,
  start: number,
  counts: ReturnType<typeof counting>,
  stopped: AbortSignal,
  first: () => void,
): Promise<void> {
  const { pause = 25 } = options
  for (let index = start; !stopped.aborted; index++) {
    const kind = KINDS[index % KINDS.length]!
    const began = performance.now()
    try {
      counts.answer(kind, await ask(options, agent, kind, counts.connection), performance.now() - began)
    } catch (error) {
      counts.failure(kind, (error as NodeJS.ErrnoException).code ?? (error as Error).message)
    }
    if (index === start) first()
    await delay(pause)
  }
}

function ask(
  { address, port, name, timeout = 10_000 }: LoadOptions,
  agent: Agent,
  { method, path, body }: Kind,
  connection: () => void,
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const headers = { host: name, ...(body && { 'content-type': 'application/json', 'content-length': body.length }) }
  const sent = request({ host: address, port, agent, method, path, headers }, (response) => {
    let text = ''
    response.setEncoding('utf8').on('data', (piece: string) => {
      text += piece
    })
    response.on('error', reject)
    response.on('end', () => resolve({ status: response.statusCode, node: header(response.headers['x-node']), text }))
  })
  const late = setTimeout(() => sent.destroy(new Error('timeout')), timeout)
  sent.on('socket', (socket) => {
    if (socket.connecting) socket.once('connect', connection)
  })
  sent.on('error', reject)
  sent.end(body)
  return promise.finally(() => clearTimeout(late))
}

function header(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0]
}

function counting() {
  const start = performance.now()
  const times: number[] = []
  const counts = { total: 0, failed: 0, failures: {}, methods: {}, versions: {}, nodes: {}, connections: 0 } as {
    -readonly [K in keyof Omit<LoadResult, 'latency' | 'seconds'>]: LoadResult[K]
  }
  const now = () => Math.round(performance.now() - start) / 1000
  const failure = ({ method, path }: Kind, what: string) => {
    const name = `${method} ${path} ${what}`
    counts.total++
    counts.methods[method] = (counts.methods[method] ?? 0) + 1
    counts.failed++
    counts.failures[name] = (counts.failures[name] ?? 0) + 1
  }
  const see = (seen: Record<string, Seen>, name: string) => {
    const known = seen[name]
    if (known) Object.assign(known, { count: known.count + 1, last: now() })
    else seen[name] = { count: 1, first: now(), last: now() }
  }
  return {
    failure,
    connection: () => {
      counts.connections++
    },
    answer(kind: Kind, { status, node, text }: Answer, milliseconds: number) {
      if (node) see(counts.nodes, node)
      if (status !== kind.status) return failure(kind, String(status))
      counts.total++
      counts.methods[kind.method] = (counts.methods[kind.method] ?? 0) + 1
      times.push(milliseconds)
      if (kind.path === '/version') see(counts.versions, (JSON.parse(text) as { version: string }).version)
    },
    result(): LoadResult {
      const sorted = times.toSorted((a, b) => a - b)
      const at = (share: number) => Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? 0)
      return { ...counts, latency: { p50: at(0.5), p99: at(0.99), max: at(1) }, seconds: now() }
    },
  }
}
