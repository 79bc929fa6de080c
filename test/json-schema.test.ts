import { describe, expect, test } from 'vitest'
import type { Plan, PlannedChange } from '../src/model/plan.ts'
import { applyJson, planJson } from '../src/report/json.ts'
import { trackOutcomes } from '../src/report/outcomes.ts'
import { summarise } from '../src/report/summary.ts'
import { blocksOf } from './docs/markdown.ts'
import { publishedSchema, schemaErrors } from './docs/schema.ts'

const change: PlannedChange = {
  phase: 'web',
  host: 'app1',
  task: 'file /etc/motd',
  name: 'the greeting',
  key: 'path:/etc/motd',
  where: 'playbooks/site.ts:7',
  action: 'change',
  fields: [
    { name: 'content', from: '3 bytes', to: '4 bytes' },
    { name: 'mode', from: null, to: '0644' },
    { name: 'uid', from: 1, to: 2 },
    { name: 'enabled', from: false, to: true },
  ],
  diff: '@@ -1,1 +1,1 @@\n-old\n+new',
  notes: ['more'],
  honesty: 'exact',
  notify: ['restart app'],
}

const owed: PlannedChange = {
  ...{ phase: 'web', host: 'app2', task: 'handler restart app', key: 'handler:0123456789abcdef', where: '' },
  ...{ action: 'handler', fields: [{ name: 'owed', from: 'since run r', to: null }], notes: [], notify: [] },
  honesty: 'opaque',
}

const plan: Plan = {
  environment: 'lab',
  playbook: 'Test',
  phases: [
    { name: 'first', strategy: 'once', hosts: [] },
    { name: 'web', strategy: 'parallel', hosts: ['app1', 'app2', 'app3'] },
  ],
  changes: [change, owed],
  mayMove: [{ phase: 'web', host: 'app1', task: 'service app', key: 'service:app.service', after: 'apt app' }],
  unreachable: [{ host: 'app3', message: 'app3: no route to root@192.0.2.3', hint: 'look' }],
  problems: [
    { host: 'app4', phase: 'web', task: 'file /root/x', where: 'playbooks/site.ts:9', message: 'cannot be read' },
    { host: 'app1', phase: 'web', message: 'the facts of app3 are needed', waits: true },
  ],
  summary: { hosts: 2, tasks: 4, changes: 2, unchanged: 3, unreachable: 1 },
}

function applied(): object {
  const outcomes = trackOutcomes(plan)
  const task = {
    type: 'task',
    phase: 'web',
    host: 'app1',
    task: change.task,
    key: change.key,
    where: change.where,
  } as const
  outcomes.take({ ...task, state: 'start' })
  outcomes.take({ ...task, state: 'failed', output: Buffer.from([0x1b, 0xff, 0x0a]), code: 7, note: 'why' })
  const handler = { type: 'handler', phase: 'web', host: 'app2', handler: 'restart app' } as const
  outcomes.take({ ...handler, where: '', state: 'changed', output: Buffer.from('ok') })
  outcomes.take({ ...handler, handler: 'other', where: '', state: 'dropped' })
  const result = {
    hosts: [
      { host: 'app1', outcome: 'failed', message: 'why' },
      { host: 'app2', outcome: 'changed' },
    ],
  } as const
  return applyJson({
    plan,
    run: '20260101-000000-abcd',
    results: outcomes.results(),
    hosts: summarise(plan, ['app1', 'app2'], result),
    traffic: new Map([['app1', { trips: 3, bytesOut: 100, bytesIn: 50 }]]),
    seconds: 1.23456,
  })
}

/** What a reader of the printed document gets. */
function printed(document: object): Record<string, unknown> {
  return JSON.parse(JSON.stringify(document)) as Record<string, unknown>
}

describe('plan', () => {
  test('a plan with everything in it fits the schema', () => {
    expect(schemaErrors('plan', printed(planJson(plan)))).toEqual([])
  })

  test('so does the example of the documentation', () => {
    const [example] = examples()
    expect(schemaErrors('plan', example)).toEqual([])
  })

  test.each([
    ['a field that is not documented', { ...plan, extra: 1 }],
    ['a missing field', { ...plan, mayMove: undefined }],
    ['an unknown action', { ...plan, changes: [{ ...change, action: 'touch' }] }],
    ['a change without fields', { ...plan, changes: [{ ...change, fields: [] }] }],
    ['a value that is an object', { ...plan, changes: [{ ...change, fields: [{ name: 'x', from: {}, to: 1 }] }] }],
    ['another format', { ...plan, format: 2 }],
  ])('%s is found', (_title, wrong) => {
    expect(schemaErrors('plan', printed({ format: 1, ...wrong }))).not.toEqual([])
  })

  test('the schema lets fields through that it does not know: later versions may add some', () => {
    expect(JSON.stringify(publishedSchema('plan'))).not.toContain('additionalProperties')
    expect(JSON.stringify(publishedSchema('apply'))).not.toContain('additionalProperties')
  })
})

describe('apply', () => {
  test('a run with every kind of outcome fits the schema', () => {
    expect(schemaErrors('apply', printed(applied()))).toEqual([])
  })

  test('so does one that had nothing to do', () => {
    const empty = { ...plan, changes: [], mayMove: [], unreachable: [], problems: [] }
    const document = applyJson({ plan: empty, run: undefined, results: [], hosts: [], traffic: new Map(), seconds: 0 })
    expect(schemaErrors('apply', printed(document))).toEqual([])
  })

  test('so does the example of the documentation, behind the fields of the plan', () => {
    const [planned = {}, ended = {}] = examples()
    expect(schemaErrors('apply', { ...planned, ...ended })).toEqual([])
  })

  test('both schemas say the same of what both documents have', () => {
    const [planned, ended] = [publishedSchema('plan'), publishedSchema('apply')]
    expect(ended.$defs).toMatchObject(planned.$defs as object)
    expect(ended.properties).toMatchObject(planned.properties as object)
  })
})

/** The JSON documents that docs/json.md prints. */
function examples(): readonly Record<string, unknown>[] {
  return blocksOf('docs/json.md')
    .filter(({ language }) => language === 'json')
    .map(({ lines }) => JSON.parse(lines.join('\n')) as Record<string, unknown>)
}
