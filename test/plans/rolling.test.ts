import { expect, test } from 'vitest'
import type { Plan, PlannedChange, PlannedPool } from '../../src/model/plan.ts'
import { planPage } from '../../src/report/plan-page.ts'
import { planJson } from '../../src/report/json.ts'
import { planMarkdown } from '../../src/report/markdown.ts'
import { plain } from '../../src/report/paint.ts'
import { planText } from '../../src/report/plan-text.ts'
import { schemaErrors } from '../docs/schema.ts'

const change = (host: string): PlannedChange => ({
  ...{ phase: 'app', host, task: 'file /srv/version', key: 'path:/srv/version', where: 'playbooks/site.ts:9' },
  ...{ action: 'change', fields: [{ name: 'content', from: '2 bytes', to: '3 bytes' }], notes: [], honesty: 'exact' },
  notify: ['reload nginx'],
})
const rejoin: PlannedChange = {
  ...{ phase: 'app', host: 'app10', task: 'rejoin haproxy app on lb1', key: 'rejoin:app', where: 'playbooks/site.ts:5' },
  ...{ action: 'rejoin', fields: [{ name: 'serving', from: 'out since run 20260101-000000-abcd', to: true }] },
  ...{ notes: ['not healthy: http://127.0.0.1/healthz: it answered 503'], honesty: 'exact', notify: [] },
}
const pool: PlannedPool = {
  ...{ through: 'haproxy app on lb1', nodes: 4, serving: 2, floor: 1 },
  out: [
    { host: 'app3', why: 'down (L4CON)' },
    { host: 'app10', why: 'drained' },
  ],
}

function planOf(more: Partial<PlannedPool> = {}): Plan {
  const waves = [
    { hosts: ['app3', 'app10'], serving: 2 },
    { hosts: ['app1'], serving: 3 },
    { hosts: ['app2'], serving: 3 },
  ]
  const hosts = ['app1', 'app2', 'app3', 'app10']
  return {
    environment: 'prod',
    playbook: 'A pool',
    phases: [
      { name: 'app, prepare', strategy: 'parallel', hosts },
      { name: 'app', strategy: 'rolling', hosts, waves: more.refusal ? waves.slice(0, 1) : waves, pool: { ...pool, ...more } },
    ],
    changes: [change('app1'), change('app2'), change('app3'), change('app10'), rejoin],
    mayMove: [],
    unreachable: [],
    problems: [],
    summary: { hosts: 4, tasks: 8, changes: 5, unchanged: 4, unreachable: 0 },
  }
}

const REFUSED = { refusal: 'without app1 only 1 of 4 would serve, and the floor is 2: app3 is down (L4CON)', floor: 2 }

test('a plan with waves', async () => {
  const plan = planOf()

  await expect(planText(plan, plain)).toMatchFileSnapshot('rolling/plan.txt')
  await expect(planMarkdown(plan)).toMatchFileSnapshot('rolling/plan.md')
  const [, page] = planPage(plan, new Date(0)).split('</style>')
  await expect(`${page}`).toMatchFileSnapshot('rolling/plan.html')
  expect(schemaErrors('plan', JSON.parse(JSON.stringify(planJson(plan))))).toEqual([])
})

test('a plan that is refused', async () => {
  const plan = planOf(REFUSED)

  await expect(planText(plan, plain)).toMatchFileSnapshot('rolling/refused.txt')
  expect(planMarkdown(plan)).toContain(`    refused: ${REFUSED.refusal}`)
  expect(planPage(plan, new Date(0))).toContain(`<p class="refusal">Refused: ${REFUSED.refusal}</p>`)
  expect(schemaErrors('plan', JSON.parse(JSON.stringify(planJson(plan))))).toEqual([])
})

test('a phase that has nothing to do shows no waves', () => {
  const plan = { ...planOf(), changes: [] }

  expect(planText(plan, plain)).not.toContain('wave')
  expect(planPage(plan, new Date(0))).not.toContain('class="waves"')
})

test('nothing that a balancer says moves a terminal, or is read as Markdown or HTML', () => {
  const bad = '<img src=x onerror=alert(1)>\u001b[2J\n```\n# x'
  const plan = planOf({ through: bad, refusal: bad, out: [{ host: 'app3', why: bad }] })

  const text = planText(plan, plain)
  const page = planPage(plan, new Date(0))
  const markdown = planMarkdown(plan)

  expect(text).toContain('<img src=x onerror=alert(1)>\\x1b[2J\\n```\\n# x: 2 of 4 serving now')
  expect(text + page + markdown).not.toContain('\u001b')
  expect(page).not.toContain('<img')
  expect(page.split('&lt;img src=x onerror=alert(1)&gt;\\x1b[2J')).toHaveLength(4)
  expect(markdown).toContain('````diff')
  expect(markdown).not.toMatch(/^# x/m)
})

test.each([
  ['a count that is no number', { ...pool, floor: '1' }],
  ['nothing of who is out', { ...pool, out: undefined }],
  ['a field that is not documented', { ...pool, mood: 'good' }],
])('the schema finds a pool with %s', (_title, wrong) => {
  const [first, second] = planOf().phases
  const plan = { ...planOf(), phases: [first, { ...second, pool: wrong }] } as Plan

  expect(schemaErrors('plan', JSON.parse(JSON.stringify(planJson(plan))))).not.toEqual([])
})
