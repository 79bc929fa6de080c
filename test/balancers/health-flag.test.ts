import { describe, expect, test } from 'vitest'
import { readNode } from '../../src/balancers/flag.ts'
import { healthFlag } from '../../src/balancers/health-flag.ts'
import type { CallAnswer, NodeView } from '../../src/model/balancer.ts'

const RUN = '20261126-010203-abcd'
const URL = 'http://127.0.0.1/healthz'
const balancer = healthFlag({ url: URL, ports: [443], leave: 12, enter: 6 })
const value = (text: string, code = 0): CallAnswer => ({ state: 'value', code, body: Buffer.from(text) })
const view = (answer: CallAnswer) => balancer.read(['app1'], [answer]).nodes.get('app1')

describe('what a node says', () => {
  test.each<[string, NodeView]>([
    ['http 200 \nconnections 3\n', { state: 'serving', connections: 3 }],
    [`flag 5999 ${RUN}\nhttp 503 \nconnections 0\n`, { state: 'drained', drainedBy: RUN, outFor: 5, connections: 0 }],
    [
      'flag 5000 \nhttp 503 \nconnections 0\n',
      { state: 'drained', outFor: 5, connections: 0, detail: 'the flag was put there by hand' },
    ],
    [
      'flag 5000 see ticket 12\nhttp 503 \nconnections 0\n',
      { state: 'drained', outFor: 5, connections: 0, detail: 'the flag was put there by hand' },
    ],
    [
      `flag 5000 ${RUN}\nhttp 200 \nconnections 1\n`,
      {
        state: 'serving',
        drainedBy: RUN,
        outFor: 5,
        connections: 1,
        detail: `the flag is there, and ${URL} answers 200 all the same`,
      },
    ],
    [`flag -30000 ${RUN}\nhttp 503 \n`, { state: 'drained', drainedBy: RUN, outFor: -30 }],
    ['http 502 \nconnections 0\n', { state: 'down', connections: 0, detail: `${URL} answers 502` }],
    [
      'http 000 Failed to connect to 127.0.0.1 port 80\n',
      { state: 'down', detail: `${URL} does not answer (Failed to connect to 127.0.0.1 port 80)` },
    ],
    ['lowered 5999\nhttp 200 \n', { state: 'down', detail: 'well again for 5 s' }],
    ['lowered 6000\nhttp 200 \n', { state: 'serving' }],
    ['lowered -9000\nhttp 200 \n', { state: 'serving' }],
  ])('%j', (text, seen) => {
    expect(view(value(text))).toEqual(seen)
  })

  test('a node that cannot be asked is down, and the others are seen', () => {
    const answers: CallAnswer[] = [{ state: 'unreadable', reason: 'app1: no route' }, value('http 200 \n')]
    expect([...balancer.read(['app1', 'app2'], answers).nodes]).toEqual([
      ['app1', { state: 'down', detail: 'app1: no route' }],
      ['app2', { state: 'serving' }],
    ])
  })

  test.each<[CallAnswer, string]>([
    [value('curl is not installed there\n', 4), 'app1: curl is not installed there'],
    [value('', 0), 'app1: it did not say what its health check answers'],
    [value('http abc\n'), 'app1: it said "http abc"'],
    [value('connections -1\n'), 'app1: it said "connections -1"'],
    [value('connections 9999999999999999\n'), 'app1: it said "connections 9999999999999999"'],
    [value('connections 1 2\n'), 'app1: it said "connections 1 2"'],
    [value(`\u001b[2J${'x'.repeat(5000)}\n`), `app1: it said "\\u001b[2J${'x'.repeat(196)}"`],
  ])('nonsense is an error: %j', (answer, says) => {
    expect(() => view(answer)).toThrow(new Error(says))
  })

  test('a second line of the same kind does not add up', () => {
    expect(readNode('connections 1\nconnections 2\n')).toEqual({ connections: 2 })
  })
})

describe('leaving and rejoining', () => {
  test.each<[NodeView, boolean, boolean]>([
    [{ state: 'drained', outFor: 12, connections: 0 }, true, false],
    [{ state: 'drained', outFor: 11, connections: 0 }, false, false],
    [{ state: 'drained', outFor: 12, connections: 1 }, false, false],
    [{ state: 'drained', outFor: 12 }, false, false],
    [{ state: 'drained', outFor: -30, connections: 0 }, false, false],
    [{ state: 'serving', outFor: 99, connections: 0 }, false, true],
    [{ state: 'down', outFor: 99, connections: 0 }, false, false],
  ])('%j: has left %s, is back %s', (seen, left, back) => {
    expect([balancer.drain('app1', RUN)[0]?.until(seen), balancer.join('app1', RUN)[0]?.until(seen)]).toEqual([
      left,
      back,
    ])
  })

  test('where no ports are counted, the time alone is waited for', () => {
    const { drain } = healthFlag({ url: URL, ports: [], leave: 2 })
    expect(drain('app1', RUN)[0]?.until({ state: 'drained', outFor: 2 })).toBe(true)
    expect(drain('app1', RUN)[0]?.until({ state: 'drained', outFor: 1 })).toBe(false)
  })

  test('one script for each node', () => {
    expect(balancer.survey(['app1', 'app2']).map((call) => 'host' in call && call.host)).toEqual(['app1', 'app2'])
    expect(balancer.hosts).toEqual([])
  })
})

test.each([
  [{ file: 'out' }, 'healthFlag: file must be an absolute path of letters, digits and _ . @ + - , not "out"'],
  [{ file: '/var/../x' }, /^healthFlag: file must be an absolute path/],
  [
    { url: 'ftp://x' },
    'healthFlag: url must be an address that begins with http:// or https://, without user and password',
  ],
  [{ url: 'http://a b' }, /^healthFlag: url must be/],
  [{ ports: 443 }, 'healthFlag: ports must be a list of whole numbers from 1 to 65535, not 443'],
  [{ ports: [65536] }, /^healthFlag: ports must be/],
  [{ leave: -1 }, 'healthFlag: leave must be seconds from 0 to 3600, not -1'],
  [{ leave: Number.NaN }, /^healthFlag: leave must be seconds/],
  [{ enter: 4000 }, 'healthFlag: enter must be seconds from 0 to 3600, not 4000'],
])('%j is an error', (wrong, says) => {
  const make = () => healthFlag({ url: URL, ports: [443], leave: 12, ...(wrong as object) })
  expect(make).toThrow(says instanceof RegExp ? says : new Error(says))
})
