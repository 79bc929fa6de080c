import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import site from '../../playbooks/site.ts'
import { projectSources } from '../../src/load/sources.ts'
import type { Inventory } from '../../src/model/inventory.ts'
import type { Plan } from '../../src/model/plan.ts'
import { compileTasks, probesOf } from '../../src/plan/compile.ts'
import { decideAll } from '../../src/plan/decide.ts'
import { expandHost, type FactTable, phaseHosts } from '../../src/plan/expand.ts'
import { presentChange, presentMayMove } from '../../src/plan/present.ts'
import { planJson } from '../../src/report/json.ts'
import { plain } from '../../src/report/paint.ts'
import { planText } from '../../src/report/plan-text.ts'
import type { Pieces } from '../../src/shell/probe-script.ts'
import { blankHost } from './blank-host.ts'

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')
const names = ['app1', 'app2']
const inventory: Inventory = {
  environment: 'golden',
  file: 'inventories/golden.yaml',
  groups: { app: names },
  hosts: names.map((name, index) => ({
    name,
    groups: ['app'],
    vars: { domain: 'hello.example.test', port: 3000 },
    connection: { address: `192.0.2.${index + 1}`, become: 'sudo', transport: 'openssh' },
  })),
}
const facts: FactTable = new Map(names.map((name) => [name, { memory: { total: 1024, swap: 0 } }]))

/** The plan of the shipped playbook against canned answers: everything between the inventory and the words, no host. */
function planOf(answers: (host: string) => Pieces): Plan {
  const sources = projectSources(root)
  const parts = site.phases.flatMap((phase) =>
    phaseHosts(phase, inventory, new Set(names)).map((host) => {
      const tasks = expandHost(phase, host, inventory, facts).map((task) => ({ ...task, where: task.where.replace(`${root}/`, '') }))
      const compiled = compileTasks(host, tasks, sources)
      return { phase: phase.name, host, decisions: decideAll(compiled, blankHost(probesOf(compiled), answers(host))) }
    }),
  )
  const changes = parts.flatMap(({ phase, host, decisions }) => decisions.flatMap((decision) => presentChange(phase, host, decision, {}) ?? []))
  const tasks = parts.reduce((sum, { decisions }) => sum + decisions.length, 0)
  return {
    environment: 'golden',
    playbook: site.name,
    phases: site.phases.map(({ name, strategy }) => ({ name, strategy, hosts: names })),
    changes,
    mayMove: parts.flatMap(({ phase, host, decisions }) => presentMayMove(phase, host, decisions)),
    unreachable: [{ host: 'app3', message: 'app3: connection refused by 192.0.2.3' }],
    problems: [{ host: 'app1', phase: 'base', task: 'file /etc/motd', where: 'playbooks/site.ts:14', message: 'cannot be read: file /etc/motd: Permission denied', hint: 'reading it may need root: become: sudo in the inventory' }],
    summary: { hosts: names.length, tasks, changes: changes.length, unchanged: tasks - changes.length, unreachable: 1 },
  }
}

test('the first plan of the shipped playbook, on bare hosts', async () => {
  const plan = planOf(() => new Map())

  await expect(planText(plan, plain)).toMatchFileSnapshot('site/bare.txt')
  await expect(`${JSON.stringify(planJson(plan), null, 2)}\n`).toMatchFileSnapshot('site/bare.json')
})
