import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type LoadOptions, type LoadResult, startLoad } from './load.ts'

describe('the load client', () => {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-load-'))
  const at = (name: string) => join(folder, name)
  let tls: { key: Buffer; cert: Buffer }
  let other: Buffer

  beforeAll(() => {
    for (const name of ['own', 'other']) makeCertificate(at(`${name}.key`), at(`${name}.crt`))
    tls = { key: readFileSync(at('own.key')), cert: readFileSync(at('own.crt')) }
    other = readFileSync(at('other.crt'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  /** Asks until the server has answered so many requests. */
  async function load(node: Node, requests: number, options: Partial<LoadOptions> = {}): Promise<LoadResult> {
    const server = node.listen(tls)
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const load = await startLoad({
      address: '127.0.0.1',
      port,
      name: 'app.test',
      ca: `${tls.cert}`,
      pause: 5,
      ...options,
    })
    await expect.poll(() => node.requests, { timeout: 20_000 }).toBeGreaterThanOrEqual(requests)
    const result = await load.stop()
    server.closeAllConnections()
    server.close()
    return result
  }

  test('counts what it asked and who answered, and nothing as failed, of a server that is right', async () => {
    const node = new Node()
    const result = await load(node, 400)
    expect(result).toMatchObject({ total: node.requests, failed: 0, failures: {} })
    expect(result.methods).toEqual({ GET: node.requests - node.posts, POST: node.posts })
    expect(node.posts).toBeGreaterThan(node.requests / 5)
    expect(Object.keys(result.versions)).toEqual(['1'])
    expect(result.nodes).toMatchObject({ one: { count: node.requests } })
    expect(result.nodes.one!.last).toBeGreaterThan(result.nodes.one!.first)
    expect(result.nodes.one!.last).toBeLessThanOrEqual(result.seconds)
    expect(result.latency.max).toBeGreaterThanOrEqual(result.latency.p99)
    expect(result.latency.p99).toBeGreaterThanOrEqual(result.latency.p50)
  })

  test('keeps connections and opens new ones', async () => {
    const kept = await load(new Node(), 100, { keeping: 4, opening: 0 })
    expect(kept.connections).toBe(4)
    const node = new Node()
    const opened = await load(node, 100, { keeping: 0, opening: 4 })
    expect(opened.connections).toBe(node.requests)
  })

  test('counts each wrong status, reset, cut answer and timeout, once', async () => {
    const node = new Node()
    node.wrong = (number) => WRONG[number % 20]
    const result = await load(node, 400, { timeout: 500 })
    const failures = Object.entries(result.failures).map(([name, count]) => [name.split(' ').at(-1), count] as const)
    const counted = (what: string) => failures.reduce((sum, [name, count]) => sum + (name === what ? count : 0), 0)
    expect(counted('502')).toBe(node.done['502'])
    expect(counted('timeout')).toBe(node.done.hang)
    expect(counted('ECONNRESET')).toBe((node.done.reset ?? 0) + (node.done.cut ?? 0))
    expect(result.failed).toBe(Object.values(node.done).reduce((sum, count) => sum + count, 0))
    expect(result.total).toBe(node.requests)
  })

  test('records when a version was seen first and last', async () => {
    const node = new Node()
    node.version = () => (node.requests < 200 ? '1' : '2')
    const { versions } = await load(node, 400)
    expect(Object.keys(versions)).toEqual(['1', '2'])
    expect(versions['2']!.last).toBeGreaterThan(versions['1']!.last)
  })

  test('takes no server whose certificate another CA has signed', async () => {
    const server = new Node().listen(tls)
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const load = await startLoad({ address: '127.0.0.1', port, name: 'app.test', ca: `${other}` })
    const result = await load.stop()
    server.close()
    expect(result.failed).toBe(result.total)
    expect(Object.keys(result.failures).join()).toContain('CERT')
  })
})

type Wrong = '502' | 'reset' | 'cut' | 'hang'

/** Which requests of twenty go wrong, and how. */
const WRONG: Partial<Record<number, Wrong>> = { 7: '502', 11: 'reset', 13: 'cut', 17: 'hang' }

/** A server that fails as it is told, and knows how often it did. */
class Node {
  requests = 0
  posts = 0
  readonly done: Partial<Record<Wrong, number>> = {}
  version = () => '1'
  wrong = (_number: number): Wrong | undefined => undefined

  listen(tls: { key: Buffer; cert: Buffer }): Server {
    return createServer(tls, (request, response) => {
      this.requests++
      if (request.method === 'POST') this.posts++
      const wrong = this.wrong(this.requests)
      if (wrong) this.done[wrong] = (this.done[wrong] ?? 0) + 1
      if (wrong === 'hang') return
      if (wrong === 'reset') return void request.socket.destroy()
      response.setHeader('X-Node', 'one')
      if (wrong === 'cut') {
        response.writeHead(request.method === 'POST' ? 201 : 200, { 'content-length': 100 }).write('half')
        return void setImmediate(() => request.socket.destroy())
      }
      const status = wrong ? 502 : request.method === 'POST' ? 201 : 200
      response.writeHead(status).end(JSON.stringify({ version: this.version() }))
    }).listen(0, '127.0.0.1')
  }
}

function makeCertificate(key: string, certificate: string): void {
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1']
  const names = ['-subj', '/CN=app.test', '-addext', 'subjectAltName=DNS:app.test']
  execFileSync('openssl', [...args, ...names, '-keyout', key, '-out', certificate], { stdio: 'ignore' })
}
