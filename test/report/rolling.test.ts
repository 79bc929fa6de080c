import { expect, onTestFinished, test, vi } from 'vitest'
import { showEnd } from '../../src/cli/show-end.ts'
import type { HostEvent, PhaseEvent, RunEvent } from '../../src/model/event.ts'
import type { Plan } from '../../src/model/plan.ts'
import type { HostStatus } from '../../src/model/status.ts'
import { safeJsonLine } from '../../src/report/json.ts'
import { liveView } from '../../src/report/live.ts'
import { plain } from '../../src/report/paint.ts'
import { eventLines } from '../../src/report/run-text.ts'
import { statusText } from '../../src/report/status-text.ts'
import { schemaErrors } from '../docs/schema.ts'

const wave: PhaseEvent = {
  ...{ type: 'phase', phase: 'app', state: 'start', hosts: ['app1'] },
  wave: { number: 2, of: 3, serving: 2, pool: 3 },
}
const told = (state: HostEvent['state'], message: string): HostEvent => ({ type: 'host', host: 'app1', state, message })

const TURN: readonly RunEvent[] = [
  wave,
  told('leaving', 'haproxy app on lb1'),
  told('checking', 'its health'),
  told('rejoining', 'haproxy app on lb1'),
  told('serving', 'haproxy app on lb1'),
  { type: 'part', phase: 'app', host: 'app1', outcome: 'changed' },
  { ...wave, state: 'end' },
]
const LEFT_OUT: readonly RunEvent[] = [
  wave,
  told('leaving', 'haproxy app on lb1'),
  told('out', 'of haproxy app on lb1: not healthy: http://127.0.0.1/: it answered 503\u001b[2J\nmore'),
  { type: 'part', phase: 'app', host: 'app1', outcome: 'failed' },
  { ...wave, state: 'end' },
]

test('a wave in a log: which one, how many serve meanwhile, and what each node does', () => {
  expect([...TURN, ...LEFT_OUT].flatMap((event) => eventLines(event, 6, plain))).toEqual([
    'app, wave 2 of 3 (app1)  2 of 3 serving',
    'app1    leaving   haproxy app on lb1',
    'app1    checking  its health',
    'app1    rejoining haproxy app on lb1',
    'app1    serving   haproxy app on lb1',
    'app, wave 2 of 3 (app1)  2 of 3 serving',
    'app1    leaving   haproxy app on lb1',
    'app1    out       of haproxy app on lb1: not healthy: http://127.0.0.1/: it answered 503\\x1b[2J',
    '    more',
  ])
})

test('the events of a wave fit the schema', () => {
  const at = new Date(0).toISOString()
  const lines = [...TURN, ...LEFT_OUT].map((event) => JSON.parse(safeJsonLine({ at, ...event })))

  expect(lines.flatMap((line) => schemaErrors('event', line))).toEqual([])
  expect(schemaErrors('event', { at, ...wave, wave: { number: 1, of: 2, serving: 3 } })).not.toEqual([])
  expect(schemaErrors('event', { at, ...wave, wave: { ...wave.wave, mood: 1 } })).not.toEqual([])
})

test('the live view: the wave, and in full when it is over who is out; it comes to its end', async () => {
  const printed: string[] = []
  const streams = [process.stdout, process.stderr].map((stream) => vi.spyOn(stream, 'write').mockReturnValue(true))
  onTestFinished(() => {
    for (const stream of streams) stream.mockRestore()
  })
  const view = liveView(6, plain, (text) => printed.push(text))

  for (const event of [...TURN, ...LEFT_OUT]) view.take(event)
  await view.end()

  const [first, ...rest] = printed
  expect(first).toBe('app, wave 2 of 3 (app1)  2 of 3 serving\n')
  expect(rest).toEqual([
    first,
    'app1    out       of haproxy app on lb1: not healthy: http://127.0.0.1/: it answered 503\\x1b[2J\n    more\n',
  ])
})

const out = (balancer: string, why: string) => ({
  balancer,
  why,
  run: 'run-a',
  since: '2026-01-01T00:00:00Z',
  playbook: 'site',
})
const nothing = { done: [], failed: [], handlers: [] }

test('a status with nodes that are out: alone, of two balancers, owing a handler, and held', () => {
  const hosts: readonly HostStatus[] = [
    { host: 'app1', owed: [], out: [out('haproxy app on lb1', 'not healthy: x\u001b[2J')] },
    { host: 'app2', owed: [], out: [out('haproxy app on lb1', 'being changed'), out('flag /out', 'a task failed')] },
    { host: 'app3', owed: [{ handler: 'reload', run: 'run-a' }], out: [out('flag /out', 'a task failed')] },
    { host: 'app4', owed: [], out: [] },
    {
      host: 'app5',
      held: { run: 'run-b', working: false, progress: nothing },
      owed: [{ handler: 'reload', run: 'run-a' }],
      out: [out('flag /out', 'about to rejoin')],
    },
  ]
  const run = { run: 'run-b', holder: 'run-b: alice on laptop', hosts: ['app5'], working: [] }

  expect(statusText({ environment: 'prod', hosts, runs: [run] }, plain)).toBe(`Status of prod
  app1  out          of haproxy app on lb1, since run run-a: not healthy: x\\x1b[2J
  app2  out          of haproxy app on lb1, since run run-a: being changed
                     of flag /out, since run run-a: a task failed
  app3  out          of flag /out, since run run-a: a task failed
                     owes handler reload, since run run-a
  app4  free
  app5  held         by run run-b
                     nothing was begun
                     out of flag /out, since run run-a: about to rejoin
                     owes handler reload, since run run-a

Mend the cause, then let them rejoin: deploy resume prod

Run run-b: alice on laptop
  holds app5; whether its process still lives cannot be told from here
  finish it: deploy resume prod
  close it as it is: deploy abandon prod

Status: 1 unfinished run, 4 nodes out of a balancer, 2 handlers owed on 5 hosts.
`)
})

test('a node that is out is held by the run that is to be finished: there is one next command', () => {
  const held = { run: 'run-b', working: false, progress: nothing }
  const hosts = [{ host: 'app1', held, owed: [], out: [out('flag /out', 'being changed')] }]
  const text = statusText({ environment: 'prod', hosts, runs: [] }, plain)

  expect(text).not.toContain('let them rejoin')
  expect(text).toContain('1 node out of a balancer on 1 host.')
})

const plan: Plan = {
  environment: 'prod',
  playbook: 'x',
  phases: [{ name: 'app', strategy: 'rolling', hosts: ['app1', 'app2'] }],
  changes: [],
  mayMove: [],
  unreachable: [],
  problems: [],
  summary: { hosts: 2, tasks: 2, changes: 2, unchanged: 0, unreachable: 0 },
}

/** What the end of an apply says, and its document. */
async function ended(more: object, second: object = { outcome: 'stopped', message: 'not begun' }) {
  const printed: string[] = []
  const documents: object[] = []
  const hosts = [
    { host: 'app1', phase: 'app', outcome: 'failed', message: 'not healthy: x', ...more },
    { host: 'app2', phase: 'app', ...second },
  ] as never
  await showEnd(
    {
      ...{ plan, hosts: ['app1', 'app2'], results: [], traffic: new Map(), seconds: 1, command: 'apply prod' },
      result: { run: 'run-a', hosts, locked: [] },
    },
    {
      ...{ json: false, paint: plain, live: false, ready: () => undefined, progress: () => undefined },
      print: (text) => printed.push(text),
      document: (value) => documents.push(value),
    },
  )
  return { text: printed.join(''), document: JSON.parse(JSON.stringify(documents[0])) }
}

test('the end of an apply names the node that was left out, and the command that lets it rejoin', async () => {
  const { text, document } = await ended({ leftOut: 'haproxy app on lb1' })

  expect(text).toBe(`
app1  failed       not healthy: x
app2  unfinished   not begun

app1 is out of haproxy app on lb1.
Mend the cause, then: deploy resume prod
`)
  expect(document.hosts[0]).toMatchObject({ host: 'app1', state: 'failed', leftOut: 'haproxy app on lb1' })
  expect(schemaErrors('apply', document)).toEqual([])
})

test('where nobody is out the next command is the one that was typed', async () => {
  const { text, document } = await ended({})

  expect(text).toContain('\nGo on with: deploy apply prod\n')
  expect(document.hosts[0]).not.toHaveProperty('leftOut')
})

test('two that are out', async () => {
  const { text } = await ended(
    { leftOut: 'haproxy app on lb1' },
    { outcome: 'unknown', message: 'lost', leftOut: 'haproxy app on lb1' },
  )

  expect(text).toContain('app1 is out of haproxy app on lb1.\napp2 is out of haproxy app on lb1.\nMend the cause')
})
