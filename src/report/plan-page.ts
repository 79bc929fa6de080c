import { ACTION_KEY } from '../model/cluster.ts'
import { ownMessage } from '../model/own-message.ts'
import type { Action, Plan, PlannedChange, PlannedPhase, PlanProblem } from '../model/plan.ts'
import { clusterBlock } from './cluster-page.ts'
import { page, type Tile, tileList } from './page.ts'
import { text } from './page-text.ts'

const VERBS: Readonly<Record<Action, string>> = {
  create: 'create',
  change: 'change',
  remove: 'remove',
  run: 'run',
  handler: 'owed',
  rejoin: 'rejoin',
}

/** A plan as one HTML page that needs nothing else: no script, no font, no other file. `made`: when, for its foot. */
export function planPage(plan: Plan, made: Date): string {
  const body = `${tiles(plan)}
${troubles('Unreachable', plan.unreachable)}${troubles('Cannot be planned', plan.problems)}
${hostTable(plan)}
${plan.phases.map((phase) => phaseSection(plan, phase.name)).join('')}
${mayMove(plan)}${leftBehind(plan)}`
  return page({ title: `Plan for ${plan.environment}`, about: plan.playbook, body, made })
}

function tiles({ summary, changes, phases }: Plan): string {
  const count = (action: Action) => changes.filter((change) => change.action === action).length
  const all: readonly Tile[] = [
    [phases.filter(({ cluster }) => cluster?.refusal).length, 'refused', 'trouble'],
    [count('create'), 'to create', 'create'],
    [count('change'), 'to change', 'change'],
    [count('remove'), 'to remove', 'remove'],
    [count('run'), 'to run', 'run'],
    [count('handler'), 'handlers owed', 'handler'],
    [count('rejoin'), 'to rejoin', 'handler'],
    [summary.unreachable, 'unreachable', 'trouble'],
    [summary.unchanged, `of ${summary.tasks} as wanted`, 'calm'],
  ]
  return tileList(all.filter(([number, , kind]) => number > 0 || kind === 'calm'))
}

function troubles(title: string, problems: readonly PlanProblem[]): string {
  if (problems.length === 0) return ''
  const items = problems.map(
    ({ host, task, where, message, hint }) =>
      `<li><b>${text(host)}</b>${task ? ` ${text(task)}` : ''}${where ? ` <code>${text(where)}</code>` : ''}<br>${text(ownMessage(host, message))}${hint ? `<br><i>${text(hint)}</i>` : ''}</li>`,
  )
  return `<section class="trouble"><h2>${text(title)}</h2><ul>${items.join('')}</ul></section>\n`
}

/** Hosts down, phases across: how much is to be done where. */
function hostTable(plan: Plan): string {
  const hosts = [...new Set(plan.phases.flatMap((phase) => phase.hosts))]
  const lost = new Set(plan.unreachable.map(({ host }) => host))
  const cell = (host: string, phase: Plan['phases'][number]) => {
    if (!phase.hosts.includes(host)) return '<td class="none"></td>'
    if (lost.has(host)) return '<td class="trouble">unreachable</td>'
    const count = plan.changes.filter((change) => change.host === host && change.phase === phase.name).length
    return count === 0 ? '<td class="calm">as wanted</td>' : `<td class="change">${count}</td>`
  }
  const head = plan.phases
    .map(({ name, strategy }) => `<th>${text(name)} <small>${text(strategy)}</small></th>`)
    .join('')
  const rows = hosts.map(
    (host) => `<tr><th>${text(host)}</th>${plan.phases.map((phase) => cell(host, phase)).join('')}</tr>`,
  )
  return `<div class="wide"><table><thead><tr><th></th>${head}</tr></thead><tbody>${rows.join('')}</tbody></table></div>`
}

function phaseSection(plan: Plan, name: string): string {
  const changes = plan.changes.filter((change) => change.phase === name)
  const phase = plan.phases.find((one) => one.name === name)
  const cluster = phase?.cluster
  if (changes.length === 0 && !cluster) return ''
  const plainOnes = changes.filter(({ key }) => !key.startsWith(ACTION_KEY))
  const groups = Map.groupBy(plainOnes, ({ host: _host, ...change }) => JSON.stringify(change))
  return `<section><h2>${text(name)}</h2>${phase ? waves(phase) : ''}${[...groups.values()].map(changeBlock).join('')}${cluster ? clusterBlock(cluster) : ''}</section>\n`
}

/** The pool wave by wave: which nodes are out, and how many serve meanwhile. */
function waves({ pool, waves: all = [] }: PlannedPhase): string {
  if (!pool) return ''
  const { through, nodes, serving, floor, out, refusal } = pool
  const bar = (count: number) =>
    Array.from({ length: nodes }, (_, index) => `<i class="${index < count ? 'up' : 'away'}"></i>`).join('')
  const rows = [
    `<tr><th>now</th><td></td><td class="pool">${bar(serving)}</td><td>${serving} of ${nodes} serving</td></tr>`,
    ...all.map(
      ({ hosts, serving: count }, index) =>
        `<tr><th>wave ${index + 1}</th><td>${hosts.map((host) => `<span class="host">${text(host)}</span>`).join('')}</td><td class="pool">${bar(count)}</td><td>${count} of ${nodes} serving</td></tr>`,
    ),
  ]
  const idle = out.map(({ host, why }) => `<p class="note"><span class="host">${text(host)}</span> ${text(why)}</p>`)
  const no = refusal ? `<p class="refusal">Refused: ${text(refusal)}</p>` : ''
  return `<p class="note">Through ${text(through)}, never fewer than ${floor} serving.</p><table class="waves">${rows.join('')}</table>${idle.join('')}${no}`
}

function changeBlock(group: readonly PlannedChange[]): string {
  const [change] = group
  if (!change) return ''
  const hosts = group.map(({ host }) => `<span class="host">${text(host)}</span>`).join('')
  const notify = change.notify.length > 0 ? `<span class="then">then ${text(change.notify.join(', '))}</span>` : ''
  const fields = change.fields.map(
    ({ name, from, to }) =>
      `<tr><th>${text(name)}</th><td>${value(from)}</td><td class="arrow">→</td><td>${value(to)}</td></tr>`,
  )
  return `<details open class="${change.action}"><summary><span class="verb">${VERBS[change.action]}</span> <b>${text(change.task)}</b>${change.name ? ` (${text(change.name)})` : ''} ${hosts}${notify}</summary>
<table class="fields">${fields.join('')}</table>
${honesty(change)}${change.notes.map((note) => `<p class="note">${text(note)}</p>`).join('')}${change.diff ? diff(change.diff) : ''}${change.where ? `<p class="where"><code>${text(change.where)}</code></p>` : ''}
</details>
`
}

function honesty({ honesty: word, action }: PlannedChange): string {
  if (word === 'exact' || action === 'handler') return ''
  return `<p class="note">${word === 'opaque' ? 'Will run' : 'Decided by its guard'}: what it changes is not known.</p>`
}

function diff(lines: string): string {
  const kind = (line: string) => ({ '+': 'add', '-': 'del', '@': 'hunk' })[line[0] ?? ''] ?? 'same'
  const painted = lines
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => `<span class="${kind(line)}">${text(line) || ' '}</span>`)
  return `<pre>${painted.join('')}</pre>`
}

function mayMove({ mayMove: items }: Plan): string {
  if (items.length === 0) return ''
  const groups = Map.groupBy(items, ({ task, after }) => `${task}\0${after}`)
  const lines = [...groups.values()].map((group) => {
    const [item] = group
    return `<li>${text(item?.task ?? '')} after ${text(item?.after ?? '')} ${group.map(({ host }) => `<span class="host">${text(host)}</span>`).join('')}</li>`
  })
  return `<section><details><summary>As wanted now, but may move (${lines.length})</summary><ul>${lines.join('')}</ul></details></section>`
}

function leftBehind({ left = [] }: Plan): string {
  if (left.length === 0) return ''
  const lines = left.map(
    ({ host, task, why }) => `<li>${text(task)}: ${text(why)} <span class="host">${text(host)}</span></li>`,
  )
  return `<section><details open><summary>No longer declared, and left there (${lines.length})</summary><ul>${lines.join('')}</ul></details></section>`
}

function value(shown: PlannedChange['fields'][number]['from']): string {
  return shown === null ? '<i>none</i>' : `<code>${text(String(shown))}</code>`
}
