import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { digitalOcean } from '../../src/balancers/digital-ocean.ts'
import { readLoadBalancer } from '../../src/balancers/digital-ocean-state.ts'
import type { Balancer, HttpCall } from '../../src/model/balancer.ts'
import { redactor } from '../../src/model/redaction.ts'
import { Secret } from '../../src/model/secret.ts'
import { takeStages, viewPool } from '../../src/run/balancer-calls.ts'
import { callHttp } from '../../src/run/http-call.ts'
import type { Pool } from '../../src/run/pool.ts'
import { type DigitalOceanServer, type KeptBalancer, refuse, send, startDigitalOcean } from './digital-ocean-server.ts'

const ID = '4de7ac8b-495b-4884-9a69-1050c6793cd6'
const TOKEN = 'dop_v1_0123456789abcdef'
const RUN = '20261126-010203-abcd'
const token = new Secret('doToken', TOKEN)
const never = new AbortController().signal

/** Nodes with a health flag, in memory: what `lookAtNode`, `raiseFlag` and `lowerFlag` do on real ones is tested there. */
function nodesInMemory() {
  const flags = new Map<string, string>()
  const connections = new Map<string, number>()
  const lowered = new Map<string, number>()
  const age = { flag: 100, lowered: 100 }
  const ask = async (host: string, { script }: { script: string }) => {
    let said = ''
    if (script.includes("printf 'lowered")) {
      const mark = flags.get(host)
      if (lowered.has(host)) said += `lowered ${age.lowered * 1000}\n`
      if (mark !== undefined) said += `flag ${age.flag * 1000} ${mark}\n`
      said += `connections ${connections.get(host) ?? 0}\n`
    } else {
      const raised = /^p=\S+ n=(\S+)$/m.exec(script)?.[1]
      if (raised) flags.set(host, raised)
      else if (flags.delete(host)) lowered.set(host, 1)
    }
    const end = { words: ['end', '0'], before: Buffer.from(said) }
    return [{ words: ['called'], before: Buffer.alloc(0) }, end]
  }
  return { flags, connections, age, pool: { ask, reopen: () => undefined } as unknown as Pool }
}

describe('digitalOcean', () => {
  let api: DigitalOceanServer
  let kept: KeptBalancer
  let nodes: ReturnType<typeof nodesInMemory>
  const plain = (more: object = {}) =>
    digitalOcean({ token, loadBalancer: ID, droplets: { app1: 11, app2: 12 }, api: api.url, every: 0.05, ...more })
  const reach = () => ({ pool: nodes.pool, redactor: redactor([]) })
  const leave = (balancer: Balancer, node: string, within = 5) =>
    takeStages(reach(), balancer, node, balancer.drain(node, RUN), { within, signal: never })
  const enter = (balancer: Balancer, node: string, within = 5) =>
    takeStages(reach(), balancer, node, balancer.join(node, RUN), { within, signal: never })
  const states = async (balancer: Balancer) =>
    [...(await viewPool(reach(), balancer, ['app1', 'app2'])).nodes.values()].map(({ state }) => state)

  beforeEach(async () => {
    api = await startDigitalOcean(TOKEN)
    kept = { status: 'active', tag: '', droplets: [11, 12, 99] }
    api.balancers.set(ID, kept)
    for (const id of [11, 12, 99]) api.account.add(id)
    nodes = nodesInMemory()
  })
  afterEach(() => api.close())

  test('a droplet leaves and rejoins; the load balancer takes a moment for each; others stay', async () => {
    api.settings.works = 200
    expect(await states(plain())).toEqual(['serving', 'serving'])
    expect(await leave(plain(), 'app1')).toEqual({ state: 'drained', listed: false, detail: 'not in its list' })
    expect(kept).toEqual({ status: 'active', tag: '', droplets: [12, 99] })
    expect(await states(plain())).toEqual(['drained', 'serving'])
    expect(await enter(plain(), 'app1')).toEqual({ state: 'serving' })
    expect([...kept.droplets].sort()).toEqual([11, 12, 99])
    expect(api.received.filter(({ method }) => method !== 'GET')).toEqual([
      ...['DELETE', 'POST'].map((method) => ({
        ...{ method, path: `/v2/load_balancers/${ID}/droplets`, token: `Bearer ${TOKEN}`, type: 'application/json' },
        body: { droplet_ids: [11] },
      })),
    ])
  })

  test('with a flag it is removed only when the flag was seen and no connection is left, and serves only when that is seen', async () => {
    const balancer = plain({ flag: { ports: [443] } })
    nodes.connections.set('app1', 2)
    await expect(leave(balancer, 'app1', 0.3)).rejects.toThrow(
      /waited for the load balancer to see its health flag and its connections to end; it is down by 20261126-010203-abcd with 2 connections \(in its list; its flag is raised\)$/,
    )
    expect(kept.droplets).toContain(11)
    nodes.connections.set('app1', 0)
    nodes.age.flag = 1
    await expect(leave(balancer, 'app1', 0.3)).rejects.toThrow(/serving .*seen after 2 s, not after 1\)$/)
    expect(kept.droplets).toContain(11)
    nodes.age.flag = 2
    expect(await leave(balancer, 'app1')).toMatchObject({ state: 'drained', drainedBy: RUN, outFor: 2 })
    expect(kept.droplets).not.toContain(11)

    nodes.age.lowered = 1
    await expect(enter(balancer, 'app1', 0.3)).rejects.toThrow(
      /it is down .*well again for 1 s, which is seen after 2 s\)$/,
    )
    expect(nodes.flags.size).toBe(0)
    nodes.age.lowered = 2
    expect(await enter(balancer, 'app1')).toMatchObject({ state: 'serving' })
  })

  test('a flag by hand, a droplet removed by hand: drained by nobody we know', async () => {
    nodes.flags.set('app1', 'maintenance')
    kept.droplets = [11]
    const { nodes: views } = await viewPool(reach(), plain({ flag: { ports: [] } }), ['app1', 'app2'])
    expect([...views.values()]).toEqual([
      { state: 'drained', outFor: 100, connections: 0, detail: 'in its list; the flag was put there by hand' },
      { state: 'drained', connections: 0, listed: false, detail: 'not in its list' },
    ])
  })

  test('what was done in a try whose answer was lost is done', async () => {
    api.instead.push((_request, response) => {
      kept.droplets = [12, 99]
      response.destroy()
    })
    expect(await leave(plain(), 'app1')).toMatchObject({ state: 'drained' })
    api.instead.push((_request, response) => {
      kept.droplets = [11, 12, 99]
      refuse(response, 422, 'unprocessable_entity', 'it has that droplet')
    })
    expect(await enter(plain(), 'app1')).toMatchObject({ state: 'serving' })
  })

  test('not found while the load balancer still works on the removal: waited for', async () => {
    kept.status = 'new'
    api.instead.push((_request, response) => refuse(response, 404, 'not_found', 'droplet 11 is not there'))
    setTimeout(() => Object.assign(kept, { status: 'active', droplets: [12, 99] }), 300)
    expect(await leave(plain(), 'app1')).toMatchObject({ state: 'drained' })
  })

  test('500 once, a limit, and a balancer that works on something else: tried again', async () => {
    api.instead.push((_request, response) => refuse(response, 500, 'server_error', 'Unexpected server-side error'))
    expect(await states(plain())).toEqual(['serving', 'serving'])
    const began = Date.now()
    const limited = { 'retry-after': '1' }
    api.instead.push((_request, response) =>
      refuse(response, 429, 'too_many_requests', 'API Rate limit exceeded.', limited),
    )
    expect(await states(plain())).toEqual(['serving', 'serving'])
    expect(Date.now() - began).toBeGreaterThan(950)
    api.instead.push((_request, response) =>
      refuse(response, 429, 'too_many_requests', 'API Rate limit exceeded.', {
        'ratelimit-reset': `${Date.now() / 1000 - 5}`.slice(0, 10),
      }),
    )
    expect(await states(plain())).toEqual(['serving', 'serving'])
    kept.status = 'new'
    setTimeout(() => {
      kept.status = 'active'
    }, 700)
    expect(await leave(plain(), 'app1')).toMatchObject({ state: 'drained' })
    const forbidden = api.received.filter(({ method }) => method === 'DELETE').length
    expect(forbidden).toBeGreaterThan(1)
  })

  test.each<[string, (server: DigitalOceanServer) => void, RegExp]>([
    [
      'a wrong token',
      (at) => at.instead.push((_q, r) => refuse(r, 401, 'Unauthorized', 'Unable to authenticate you')),
      /: GET http:\/\/127\.0\.0\.1:\d+\/v2\/load_balancers\/4de7ac8b-\S+ answered 401: Unable to authenticate you, request 4d9d8375-\S+$/,
    ],
    [
      'no such balancer',
      (at) => at.balancers.clear(),
      / answered 404: The resource you requested could not be found\., request /,
    ],
    [
      'a tag',
      (at) => Object.assign(at.balancers.get(ID) ?? {}, { tag: 'prod:web' }),
      /takes its droplets by the tag "prod:web": none of them can be taken out; give it a list of droplets$/,
    ],
    [
      'not active',
      (at) => Object.assign(at.balancers.get(ID) ?? {}, { status: 'errored' }),
      /the load balancer is "errored", not active$/,
    ],
    ['no JSON', (at) => at.instead.push((_q, r) => void r.end('<html>')), /the API answered no JSON: "<html>"$/],
    [
      'a limit that lasts',
      (at) =>
        at.instead.push((_q, r) =>
          refuse(r, 429, 'too_many_requests', 'API Rate limit exceeded.', { 'retry-after': '3000' }),
        ),
      /answered 429: API Rate limit exceeded\., request \S+ \(for 3000 s more\)$/,
    ],
    [
      'a redirect',
      (at) => at.instead.push((_q, r) => void r.writeHead(302, { location: 'http://127.0.0.1:9/' }).end()),
      /answered 302: a redirect, which is not followed$/,
    ],
    [
      'an endless answer',
      (at) => at.instead.push((_q, r) => void r.end(Buffer.alloc(1_100_000, 32))),
      /: the answer is longer than 1048576 bytes$/,
    ],
  ])('%s: says method, address, status and what the API said, never the token', async (_title, arrange, says) => {
    arrange(api)
    const error: Error = await viewPool(reach(), plain(), ['app1']).then(
      () => expect.fail('seen'),
      (thrown) => thrown,
    )
    expect(error.message).toMatch(says)
    expect(error.message).not.toContain(TOKEN)
    expect(error).toMatchObject({ code: 'E_BALANCER' })
  })

  test('nobody there: what the network said, after a few tries', async () => {
    await api.close()
    await expect(viewPool(reach(), plain(), ['app1'])).rejects.toThrow(
      /: GET http\S+: connect ECONNREFUSED 127\.0\.0\.1:\d+$/,
    )
  })

  test('what is refused for good is not tried until the time is over', async () => {
    api.account.delete(11)
    kept.droplets = [12]
    await expect(enter(plain(), 'app1', 60)).rejects.toThrow(
      /^app1 in digitalocean 4de7ac8b-\S+: POST \S+\/droplets answered 422: droplet 11 is not there, request /,
    )
    expect(api.received.filter(({ method }) => method === 'POST')).toHaveLength(1)
  })

  test('an end that comes from outside ends the wait', async () => {
    const ended = new AbortController()
    kept.status = 'new'
    setTimeout(() => ended.abort(), 100)
    const balancer = plain()
    await expect(
      takeStages(reach(), balancer, 'app1', balancer.drain('app1', RUN), { within: 60, signal: ended.signal }),
    ).rejects.toMatchObject({ code: 'E_INTERRUPTED' })
  })

  test('a token that no header can hold is not shown', async () => {
    const call: HttpCall = { kind: 'http', method: 'GET', url: api.url, token: new Secret('bad', 'geheim\n') }
    const answer = await callHttp(call, never)
    expect(answer).toEqual({
      ...{ state: 'unreadable', final: true },
      reason: '[secret:bad] cannot be a token: it has other characters',
    })
    expect(api.received).toEqual([])
  })

  test('a status that is fine is an answer', async () => {
    api.instead.push((_request, response) => send(response, 404, { id: 'not_found' }))
    const call: HttpCall = { kind: 'http', method: 'DELETE', url: api.url, token, fine: [404] }
    expect(await callHttp(call, never)).toMatchObject({ state: 'value', code: 404 })
  })

  test.each([
    [{ token: TOKEN }, 'digitalOcean: token must be a secret, e.g. site.secrets.doToken'],
    [{ loadBalancer: 'lb' }, 'digitalOcean: loadBalancer must be a UUID, not "lb"'],
    [
      { droplets: { app1: 0 } },
      'digitalOcean: app1 needs the id of its droplet, a whole number: droplets: { "app1": 123 }',
    ],
    [{ api: 'http://example.com' }, 'digitalOcean: api must begin with https://, not "http://example.com"'],
    [
      { api: 'https://me:pw@example.com' },
      'digitalOcean: api must be an address that begins with http:// or https://, without user and password',
    ],
    [{ every: -1 }, 'digitalOcean: every must be seconds from 0 to 3600, not -1'],
    [{ flag: { ports: [0] } }, 'digitalOcean: flag.ports must be a list of whole numbers from 1 to 65535, not [0]'],
  ])('%j is an error', (wrong, says) => {
    expect(() => plain(wrong)).toThrow(new Error(says))
  })

  test('a node without a droplet is named before anything is asked', async () => {
    await expect(viewPool(reach(), plain(), ['app3'])).rejects.toThrow(/app3 needs the id of its droplet/)
    expect(() => plain().drain('app3', RUN)).toThrow(/app3/)
    expect(api.received).toEqual([])
  })
})

describe('readLoadBalancer', () => {
  const check = { check_interval_seconds: 10, unhealthy_threshold: 3, healthy_threshold: 5 }
  const said = (more: object) =>
    JSON.stringify({ load_balancer: { status: 'active', tag: '', droplet_ids: [1], health_check: check, ...more } })

  test('reads droplets and how long a change of health takes', () => {
    expect(readLoadBalancer(said({}))).toEqual({ droplets: new Set([1]), leave: 40, enter: 60 })
    expect(readLoadBalancer(said({ tag: ' ' })).droplets).toEqual(new Set([1]))
  })

  test.each([
    ['[]', 'the API said no load_balancer'],
    ['null', 'the API said no answer'],
    [said({ droplet_ids: ['1'] }), 'the API said no droplet_ids'],
    [said({ droplet_ids: undefined }), 'the API said no droplet_ids'],
    [said({ status: 7 }), 'the load balancer is 7, not active'],
    [said({ health_check: null }), 'the API said no health_check'],
    [said({ health_check: { ...check, healthy_threshold: '5' } }), 'the API said "5" as healthy_threshold'],
    [
      said({ health_check: { ...check, check_interval_seconds: 1e9 } }),
      'the API said 1000000000 as check_interval_seconds',
    ],
  ])('%s is an error', (text, says) => {
    expect(() => readLoadBalancer(text)).toThrow(new Error(says))
  })
})
