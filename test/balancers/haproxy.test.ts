import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { csvFields } from '../../src/balancers/csv.ts'
import { haproxy } from '../../src/balancers/haproxy.ts'
import { readServers } from '../../src/balancers/haproxy-state.ts'
import type { CallAnswer, NodeView } from '../../src/model/balancer.ts'

const RUN = '20261126-010203-abcd'
/** What `lookAtServers` printed on a real host with Debian's haproxy 2.6.12, captured there. */
const captured = (name: string) => readFileSync(join(import.meta.dirname, 'captured', `${name}.txt`), 'utf8')
const up = captured('up')

describe('readServers, on what haproxy 2.6 says', () => {
  const well = { state: 'serving', connections: 0, detail: 'UP, last check L7OK 200' }
  const drained = { state: 'drained', connections: 0, by: RUN, detail: 'DRAIN, last check L7OK 200' }
  test.each([
    ['up', 'app', { app1: well, app2: well }],
    ['drained-by-us-with-a-connection', 'app', { app1: { ...drained, connections: 1 }, app2: drained }],
    [
      'drained-by-us-and-down',
      'app',
      { app1: { ...drained, detail: 'DOWN, last check L4CON Connection refused' }, app2: drained },
    ],
    [
      'drained-by-us-and-by-hand',
      'app',
      {
        app1: { ...drained, detail: 'DOWN, last check L4CON Connection refused' },
        app2: { state: 'drained', connections: 0, detail: 'DRAIN, last check L7OK 200' },
      },
    ],
    [
      'down',
      'app',
      { app1: { state: 'down', connections: 0, detail: 'DOWN, last check L4CON Connection refused' }, app2: well },
    ],
    [
      'going-up',
      'app',
      { app1: { state: 'down', connections: 0, detail: 'DOWN 1/2, last check L7OK 200' }, app2: well },
    ],
    ['maint', 'app', { app1: { state: 'drained', connections: 0, detail: 'MAINT' }, app2: well }],
    [
      'weight-0',
      'app',
      { app1: { state: 'drained', connections: 0, detail: 'UP, last check L7OK 200, weight 0' }, app2: well },
    ],
    [
      'no-check-and-disabled',
      'other',
      {
        x: { state: 'serving', connections: 0, detail: 'no check' },
        off: { state: 'drained', connections: 0, detail: 'MAINT' },
      },
    ],
  ])('%s', (name, backend, servers) => {
    expect(Object.fromEntries(readServers(backend, captured(name)) ?? [])).toEqual(servers)
  })

  test('a backend that is not known: those that are', () => {
    expect(() => readServers('ap', captured('unknown-backend'))).toThrow(
      new Error('backend "ap" is not known (backends: app, other)'),
    )
  })

  test('haproxy is not there', () => {
    expect(readServers('app', 'absent\n')).toBeUndefined()
  })
})

describe('readServers, on what no haproxy says', () => {
  const rows = (change: (line: string) => string) => up.split('\n').map(change).join('\n')
  const stats = (field: string, value: string) =>
    rows((line) => {
      if (!line.startsWith('app,app1,')) return line
      const names = csvFields((up.split('\n')[0] ?? '').slice(2))
      return csvFields(line)
        .map((old, index) => (names[index] === field ? value : old))
        .join(',')
    })
  test.each([
    ['nothing', '', 'no answer of haproxy: ""'],
    ['something else', 'Unknown command: help', 'no answer of haproxy: "Unknown command: help"'],
    ['half an answer', up.slice(0, 2100), /no answer of haproxy/],
    [
      'no state of a server',
      rows((line) => (/^3 app 1 /.test(line) ? '' : line)),
      'haproxy said no state of its server "app1"',
    ],
    [
      'an odd state',
      rows((line) => line.replace(/^(3 app 1 app1 \S+ 2) 0/, '$1 x')),
      'haproxy said "x" as srv_admin_state of a server',
    ],
    ['an odd status', stats('status', 'FINE'), 'haproxy said "FINE" of a server'],
    ['an odd count', stats('scur', '-1'), 'haproxy said "-1" as scur of a server'],
    ['no count', stats('scur', ''), 'haproxy said "" as scur of a server'],
    ['an open quote', stats('last_chk', '"Conn'), /^no statistics: "app,app1,/],
  ])('%s', (_title, text, says) => {
    expect(() => readServers('app', text)).toThrow(says instanceof RegExp ? says : new Error(says))
  })

  test.each([
    ['a mark that is no run', 'maintenance until noon'],
    ['a mark with more behind it', `${RUN}x`],
    ['an empty mark', ''],
  ])('%s is not ours', (_title, mark) => {
    const text = captured('drained-by-us-with-a-connection').replace(`mark app1 ${RUN}`, `mark app1 ${mark}`)
    expect(readServers('app', text)?.get('app1')).not.toHaveProperty('by')
    expect(readServers('app', text)?.get('app2')).toHaveProperty('by', RUN)
  })

  test('a mark whose server is not drained, or is put into maintenance since, says nothing', () => {
    expect(readServers('app', `${up}mark app1 ${RUN}\n`)?.get('app1')).not.toHaveProperty('by')
    expect(readServers('app', `${captured('maint')}mark app1 ${RUN}\n`)?.get('app1')).not.toHaveProperty('by')
  })
})

test.each([
  ['a,b,,c', ['a', 'b', '', 'c']],
  ['', ['']],
  ['a,"b, ""c""",', ['a', 'b, "c"', '']],
])('csv %j', (line, fields) => {
  expect(csvFields(line)).toEqual(fields)
})

describe('haproxy', () => {
  const value = (text: string, code = 0): CallAnswer => ({ state: 'value', code, body: Buffer.from(text) })
  const lost = (reason: string): CallAnswer => ({ state: 'unreadable', reason })
  const app1 = (answers: readonly CallAnswer[], options: object = {}): NodeView | undefined =>
    haproxy({ on: answers.length > 1 && !('flag' in options) ? ['lb1', 'lb2'] : 'lb1', backend: 'app', ...options })
      .read(['app1'], answers)
      .nodes.get('app1')
  const ours = value(captured('drained-by-us-with-a-connection'))
  const maint = value(captured('maint'))
  const down = value(captured('down'))
  const absent = value('absent\n')
  const flag = { flag: { ports: [443] } }

  test.each<[string, CallAnswer[], object]>([
    ['both drained', [ours, ours], { state: 'drained', drainedBy: RUN, connections: 2 }],
    ['one drained, one serving', [ours, value(up)], { state: 'serving', drainedBy: RUN, connections: 1 }],
    ['one drained by us, one by hand', [ours, maint], { state: 'drained', drainedBy: undefined }],
    ['one drained, one down', [ours, down], { state: 'down', drainedBy: RUN }],
    ['one down, one serving', [down, value(up)], { state: 'serving' }],
    ['one is not there', [ours, absent], { state: 'drained', drainedBy: RUN, connections: 1 }],
  ])('two balancers: %s', (_title, answers, view) => {
    const seen = app1(answers)
    expect({ ...seen, drainedBy: seen?.drainedBy }).toMatchObject(view)
  })

  test('two balancers say each what they see', () => {
    expect(app1([ours, down])?.detail).toBe(
      'lb1: DRAIN, last check L7OK 200; lb2: DOWN, last check L4CON Connection refused',
    )
  })

  test.each<[string, CallAnswer, CallAnswer, object]>([
    [
      'connections that only the node counts',
      ours,
      value(`flag 3000 ${RUN}\nconnections 7\n`),
      { state: 'drained', connections: 7, drainedBy: RUN },
    ],
    ['connections that only the balancer counts', ours, value(`flag 3000 ${RUN}\nconnections 0\n`), { connections: 1 }],
    [
      'a flag by hand beside our drain',
      ours,
      value('flag 3000 \nconnections 0\n'),
      { state: 'drained', drainedBy: undefined, detail: 'DRAIN, last check L7OK 200; health flag put there by hand' },
    ],
    [
      'a flag alone, seen by the checks',
      down,
      value(`flag 3000 ${RUN}\nconnections 0\n`),
      { state: 'drained', drainedBy: RUN },
    ],
    [
      'a flag alone, not seen yet',
      value(up),
      value(`flag 0 ${RUN}\nconnections 0\n`),
      { state: 'serving', drainedBy: RUN },
    ],
    [
      'a node that cannot be asked',
      ours,
      lost('app1: no route'),
      { state: 'drained', connections: undefined, detail: 'DRAIN, last check L7OK 200; app1: no route' },
    ],
    [
      'a node that says nonsense',
      ours,
      value('ss: not found'),
      { connections: undefined, detail: 'DRAIN, last check L7OK 200; it said "ss: not found"' },
    ],
  ])('with a flag: %s', (_title, balancer, node, view) => {
    const seen = app1([balancer, node], flag)
    expect({ ...seen, drainedBy: seen?.drainedBy, connections: seen?.connections }).toMatchObject(view)
  })

  test('a server that is not there is unknown, with those that are', () => {
    expect(app1([value(up)], { server: () => 'ap1' })).toEqual({
      ...{ state: 'unknown', detail: 'haproxy has no server ap1 (servers: app1, app2)' },
    })
  })

  test('no haproxy on any of its hosts: absent, and nobody is known', () => {
    const pool = haproxy({ on: ['lb1', 'lb2'], backend: 'app' }).read(['app1'], [absent, absent])
    expect(pool).toEqual({
      absent: true,
      nodes: new Map([['app1', { state: 'unknown', detail: 'haproxy has no server app1' }]]),
    })
    expect(haproxy({ on: ['lb1', 'lb2'], backend: 'app' }).read(['app1'], [absent, down])).not.toHaveProperty('absent')
  })

  test.each<[string, CallAnswer[], string]>([
    ['a host that cannot be reached', [lost('lb1: no route')], 'lb1: no route'],
    [
      'one that does not answer',
      [value('haproxy does not answer on its socket /run/x: \n', 1)],
      'lb1: haproxy does not answer on its socket /run/x:',
    ],
    ['a script that says nothing', [value('', 2)], 'lb1: ended with code 2'],
    [
      'an unknown backend',
      [value(captured('unknown-backend'))],
      'lb1: backend "app" is not known (backends: app, other)',
    ],
    ['no answer at all', [], 'lb1 was not asked'],
  ])('%s is an error', (_title, answers, says) => {
    expect(() => app1(answers)).toThrow(new Error(says))
  })

  test('a node leaves all balancers before its flag is raised, and rejoins in the other order', () => {
    const { drain, join, hosts, label } = haproxy({ on: ['lb1', 'lb2'], backend: 'app', ...flag })
    const order = (stages: ReturnType<typeof drain>) =>
      stages.map(({ calls }) => calls.map((call) => 'host' in call && call.host))
    expect(order(drain('app1', RUN))).toEqual([['lb1', 'lb2', 'app1']])
    expect(order(join('app1', RUN))).toEqual([['app1', 'lb1', 'lb2']])
    expect(hosts).toEqual(['lb1', 'lb2'])
    expect(label).toBe('haproxy app on lb1, lb2')
  })

  test.each<[NodeView, boolean, boolean]>([
    [{ state: 'drained', connections: 0 }, true, false],
    [{ state: 'drained', connections: 1 }, false, false],
    [{ state: 'drained' }, false, false],
    [{ state: 'down', connections: 0 }, false, false],
    [{ state: 'serving', connections: 0 }, false, true],
    [{ state: 'unknown' }, false, false],
  ])('%j: has left %s, is back %s', (view, left, back) => {
    const { drain, join } = haproxy({ on: 'lb1', backend: 'app' })
    expect([drain('app1', RUN)[0]?.until(view), join('app1', RUN)[0]?.until(view)]).toEqual([left, back])
  })

  test.each([
    [{ on: [] }, 'haproxy: on must name a host'],
    [
      { backend: 'a b' },
      'haproxy: backend must be a name as HAProxy takes it (letters, digits and - _ . :), not "a b"',
    ],
    [{ backend: '3' }, /^haproxy: backend must be a name/],
    [{ backend: '..' }, /^haproxy: backend must be a name/],
    [{ backend: 'a; shutdown' }, /^haproxy: backend must be a name/],
    [{ socket: 'run/x' }, 'haproxy: socket must be an absolute path of letters, digits and _ . @ + - , not "run/x"'],
    [{ socket: '/run/x,fork' }, /^haproxy: socket must be an absolute path/],
    [{ config: '/etc/../x' }, /^haproxy: config must be an absolute path/],
    [{ flag: { ports: ['443'] } }, 'haproxy: flag.ports must be a list of whole numbers from 1 to 65535, not ["443"]'],
    [{ flag: { file: 'out', ports: [] } }, /^haproxy: flag.file must be an absolute path/],
  ])('%j is an error', (wrong, says) => {
    const make = () => haproxy({ on: 'lb1', backend: 'app', ...(wrong as object) })
    expect(make).toThrow(says instanceof RegExp ? says : new Error(says))
  })

  test('before its health is asked the flag is lowered, and nothing is said to HAProxy', () => {
    const flagged = haproxy({ on: ['lb1', 'lb2'], backend: 'app', flag: { ports: [443] } })
    const calls = flagged.wake?.('app1', RUN).flatMap(({ calls }) => calls)
    expect(calls).toEqual([expect.objectContaining({ host: 'app1', script: expect.stringContaining('rm -f -- "$f"') })])
    expect(haproxy({ on: 'lb1', backend: 'app' }).wake).toBeUndefined()
  })

  test('a server name that would be another command is an error that names the node', () => {
    const { drain } = haproxy({ on: 'lb1', backend: 'app', server: () => 'x\nshutdown sessions' })
    expect(() => drain('app1', RUN)).toThrow(/^haproxy: the server of app1 must be a name/)
  })
})
