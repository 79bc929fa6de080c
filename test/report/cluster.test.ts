import { describe, expect, test } from 'vitest'
import type { Plan, PlannedCluster } from '../../src/model/plan.ts'
import type { StatusCluster } from '../../src/model/status.ts'
import { clusterLines } from '../../src/report/cluster-text.ts'
import { planMarkdown } from '../../src/report/markdown.ts'
import { plain } from '../../src/report/paint.ts'
import { planPage } from '../../src/report/plan-page.ts'
import { planText } from '../../src/report/plan-text.ts'
import { statusPage } from '../../src/report/status-page.ts'
import { statusText } from '../../src/report/status-text.ts'

const cluster: StatusCluster = {
  name: 'main',
  kind: 'postgres',
  nodes: [
    { host: 'app1', role: 'primary', state: ['writable', 'timeline 3'] },
    { host: 'app2', role: 'standby', upstream: 'app1', state: ['streaming', 'sync', 'lag 0 bytes'] },
    { host: 'app10', role: 'down', state: ['shut down in recovery'] },
  ],
  primary: { host: 'app1', why: 'it writes on timeline 3, and app2 streams from it' },
  findings: [
    {
      ...{ name: 'standby down', host: 'app10', severity: 'fault', message: 'its server does not run' },
      evidence: ['postmaster: none', 'unit: \u001b[2Jfailed <script>'],
    },
    { name: 'old data', severity: 'warning', message: 'look', evidence: Array.from({ length: 10 }, (_, n) => `${n}`) },
  ],
  steps: [
    {
      ...{ name: 'start server', about: 'app10', reason: 'its server does not run', effect: 'it streams from app1' },
      actions: [
        { host: 'app1', title: 'look' },
        { host: 'app10', title: 'start the server' },
        { host: 'app2', title: 'look' },
      ],
    },
  ],
}

const refused: StatusCluster = {
  ...cluster,
  steps: [],
  refusal: {
    why: 'two nodes write',
    sides: [
      { host: 'app1', evidence: ['writes at 0/50B34E8'] },
      { host: 'app2', evidence: ['writes at 0/509F9E8'] },
    ],
    hint: 'stop the one that nobody used',
  },
}

test('a cluster in a plan: nodes, findings with evidence, steps with reason, effect and actions', () => {
  expect(
    clusterLines(cluster, plain).join('\n'),
  ).toBe(`    primary app1: it writes on timeline 3, and app2 streams from it
    app1   primary  writable, timeline 3
    app2   standby  from app1, streaming, sync, lag 0 bytes
    app10  down     shut down in recovery
    fault: standby down, app10: its server does not run
        postmaster: none
        unit: \\x1b[2Jfailed <script>
    warning: old data: look
        0
        1
        2
        3
        4
        5
        6
        7
        and 2 more lines
  1. start server app10
      because its server does not run
      then it streams from app1
      ! look  [app1 app2]
      ! start the server  [app10]`)
})

test('a refusal names both sides, and what would make it safe', () => {
  expect(clusterLines(refused, plain).slice(-6).join('\n')).toBe(`    refused: two nodes write
      app1
        writes at 0/50B34E8
      app2
        writes at 0/509F9E8
    stop the one that nobody used`)
})

test('what would make it safe is told in lines that can be read, the command whole', () => {
  const command = 'deploy repair-db prod --cluster main --accept-data-loss app1=552'
  const hint = `by what was seen app2 is the one to keep (standbys that stream from it: 1). Look at what the others have; when nobody needs it, give it up: ${command}`
  const lines = clusterLines({ ...refused, refusal: { why: 'two', sides: [], hint } }, plain)
  expect(lines.slice(-2)).toEqual([
    '    by what was seen app2 is the one to keep (standbys that stream from it: 1).',
    `    Look at what the others have; when nobody needs it, give it up: ${command}`,
  ])
})

const status = { environment: 'prod', hosts: [{ host: 'app1', owed: [] }], runs: [] }

describe('status', () => {
  test('says what would mend it', () => {
    expect(statusText({ ...status, clusters: [cluster] }, plain)).toContain('    to mend it: deploy repair-db prod\n')
  })

  test('says why it is left alone', () => {
    const text = statusText({ ...status, clusters: [refused] }, plain)
    expect(text).toMatch(
      / refused: two nodes write\n +app1\n +writes at .*\n +app2\n +writes at .*\n +stop the one that nobody used\n/,
    )
    expect(text).not.toContain('repair-db')
  })

  test('says that a cluster is whole', () => {
    const whole = { ...cluster, findings: [], steps: [] }
    expect(statusText({ ...status, clusters: [whole] }, plain)).toContain('    whole\n')
  })

  test('as a page: each node has a box, each standby an arrow; nothing of a host is read as HTML', () => {
    const page = statusPage({ ...status, clusters: [cluster] }, new Date(0))
    expect(page.match(/<g class="(\w+)"/g)).toEqual(['<g class="primary"', '<g class="standby"', '<g class="away"'])
    expect(page.match(/<path class="flow"/g)).toHaveLength(1)
    expect(page).toContain('failed &lt;script&gt;')
    expect(page).not.toContain('<script')
    expect(page).not.toContain('\u001b')
  })

  test('a node that follows a node of its own row is drawn with an arrow along the row', () => {
    const nodes = cluster.nodes.map((node) => (node.host === 'app10' ? { ...node, upstream: 'app2' } : node))
    const page = statusPage({ ...status, clusters: [{ ...cluster, nodes }] }, new Date(0))
    expect(page).toMatch(/<path class="flow" d="M\d+ \d+H\d+"\/>/)
  })
})

const change: Plan['changes'][number] = {
  ...{ phase: 'main', host: 'app1', task: 'file /srv/own', key: 'file:/srv/own', where: 'site.ts:1', action: 'create' },
  ...{ fields: [], notes: [], honesty: 'exact', notify: [] },
}

/** A plan of one cluster. */
function planOf(found: PlannedCluster, changes: Plan['changes'] = []): Plan {
  return {
    ...{ environment: 'prod', playbook: 'Database', changes, mayMove: [], unreachable: [], problems: [] },
    phases: [{ name: 'main', strategy: 'cluster', hosts: ['app1', 'app2'], cluster: found }],
    summary: { hosts: 2, tasks: 4, changes: changes.length, unchanged: 4 - changes.length, unreachable: 0 },
  }
}

describe('a plan', () => {
  test('of a cluster that is refused says so, and not that there is nothing to do', () => {
    const text = planText(planOf(refused), plain)
    expect(text).toMatch(/\nPlan: nothing is done on 2 hosts: main is refused; 4 of 4 tasks as wanted\.\n$/)
    expect(text.match(/two nodes write/g)).toHaveLength(1)
    expect(text).not.toContain('nothing to do')
  })

  test('that is refused does not promise what waits for it', () => {
    expect(planText(planOf(refused, [change]), plain)).toMatch(
      /\nPlan: nothing is done on 2 hosts: main is refused, and 1 change waits for that; 3 of 4 tasks as wanted\.\n$/,
    )
  })

  test('of a cluster that is whole shows who is who, and that there is nothing to do', () => {
    const text = planText(planOf({ ...cluster, findings: [], steps: [] }), plain)
    expect(text).toContain('    app2   standby  from app1, streaming, sync, lag 0 bytes\n')
    expect(text).toMatch(/\nPlan: nothing to do on 2 hosts; 4 of 4 tasks as wanted\.\n$/)
  })

  test('as a page says at its head that it is refused', () => {
    const page = planPage(planOf(refused), new Date(0))
    expect(page).toMatch(/class="tiles"><li class="trouble"><b>1<\/b>refused</)
    expect(planPage(planOf(cluster), new Date(0))).not.toContain('refused')
  })

  test('as Markdown has the cluster too, refused or whole', () => {
    expect(planMarkdown(planOf(refused))).toContain('    refused: two nodes write\n')
    expect(planMarkdown(planOf(refused))).toMatch(/^\*\*Plan: nothing is done .*main is refused/m)
    expect(planMarkdown(planOf(refused))).toContain('| app1 | ⚠️ refused |')
    expect(planMarkdown(planOf({ ...cluster, findings: [], steps: [] }))).toContain('    app1   primary  writable')
  })
})
