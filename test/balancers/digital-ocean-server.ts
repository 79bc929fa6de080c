import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** A load balancer as the API keeps it. */
export interface KeptBalancer {
  status: 'new' | 'active' | 'errored'
  tag: string
  droplets: number[]
}

/** One request as it came in. */
export interface Received {
  readonly method: string
  readonly path: string
  readonly token: string
  readonly type: string | undefined
  readonly body: unknown
}

/**
 * A real HTTP server that answers as the published description of DigitalOcean's API v2 says, for load balancers and their
 * droplets. Written from that description; it shares no code with the client.
 */
export interface DigitalOceanServer {
  readonly url: string
  readonly token: string
  readonly balancers: Map<string, KeptBalancer>
  /** Droplets of the account. */
  readonly account: Set<number>
  readonly received: Received[]
  /** Milliseconds for which a change is worked on; the list shows it at the end only. */
  settings: { works: number }
  /** The next requests are answered by these instead, one each. */
  readonly instead: ((request: IncomingMessage, response: ServerResponse) => void)[]
  close(): Promise<void>
}

const CHECK = {
  protocol: 'http',
  port: 80,
  path: '/healthz',
  check_interval_seconds: 1,
  response_timeout_seconds: 1,
  healthy_threshold: 1,
  unhealthy_threshold: 1,
}

export async function startDigitalOcean(token: string): Promise<DigitalOceanServer> {
  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const api: DigitalOceanServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token,
    balancers: new Map(),
    account: new Set(),
    received: [],
    settings: { works: 0 },
    instead: [],
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = (await request.toArray()).join('')
    const { method = '', url: path = '' } = request
    const authorization = request.headers.authorization ?? ''
    const body = text === '' ? undefined : JSON.parse(text)
    api.received.push({ method, path, token: authorization, type: request.headers['content-type'], body })
    const other = api.instead.shift()
    if (other) return other(request, response)
    if (authorization !== `Bearer ${token}`) return refuse(response, 401, 'Unauthorized', 'Unable to authenticate you')
    const [, id = '', droplets] = /^\/v2\/load_balancers\/([^/]+)(\/droplets)?$/.exec(path) ?? []
    const balancer = api.balancers.get(id)
    if (!balancer) return refuse(response, 404, 'not_found', 'The resource you requested could not be found.')
    if (!droplets && method === 'GET') return send(response, 200, shown(id, balancer))
    if (droplets && method === 'POST') return change(response, balancer, body, true)
    if (droplets && method === 'DELETE') return change(response, balancer, body, false)
    return refuse(response, 404, 'not_found', 'The resource you requested could not be found.')
  }

  async function change(response: ServerResponse, balancer: KeptBalancer, body: unknown, add: boolean): Promise<void> {
    const ids = (body as { droplet_ids?: unknown })?.droplet_ids
    if (!Array.isArray(ids) || ids.length === 0)
      return refuse(response, 422, 'unprocessable_entity', 'need to provide either a tag or a list of droplets')
    if (balancer.tag !== '')
      return refuse(response, 422, 'unprocessable_entity', 'droplets cannot be assigned to a load balancer with a tag')
    if (balancer.status !== 'active')
      return refuse(response, 403, 'forbidden', "Load Balancer can't be updated while it processes previous actions")
    const missing = ids.find((id) => !(add ? api.account.has(id) : balancer.droplets.includes(id)))
    if (missing !== undefined)
      return refuse(
        response,
        add ? 422 : 404,
        add ? 'unprocessable_entity' : 'not_found',
        `droplet ${missing} is not there`,
      )
    balancer.status = 'new'
    response.writeHead(204, LIMITS).end()
    await delay(api.settings.works)
    balancer.droplets = balancer.droplets.filter((id) => !ids.includes(id)).concat(add ? ids : [])
    balancer.status = 'active'
  }
  return api
}

const LIMITS = { 'ratelimit-limit': '5000', 'ratelimit-remaining': '4816', 'ratelimit-reset': '1444931833' }

function shown(id: string, { status, tag, droplets }: KeptBalancer): unknown {
  return {
    load_balancer: {
      ...{ id, name: 'example-lb-01', ip: '104.131.186.241', size_unit: 1, status },
      created_at: '2017-02-01T22:22:58Z',
      forwarding_rules: [
        { entry_protocol: 'https', entry_port: 443, target_protocol: 'https', target_port: 443, tls_passthrough: true },
      ],
      health_check: CHECK,
      sticky_sessions: { type: 'none' },
      ...{ tag, droplet_ids: droplets, redirect_http_to_https: false, type: 'REGIONAL' },
    },
  }
}

export function send(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...LIMITS, ...headers })
  response.end(JSON.stringify(body))
}

/** An error as the API words it. */
export function refuse(
  response: ServerResponse,
  status: number,
  id: string,
  message: string,
  headers: Record<string, string> = {},
): void {
  send(response, status, { id, message, request_id: '4d9d8375-3c56-4925-a3e7-eb137fed17e9' }, headers)
}
