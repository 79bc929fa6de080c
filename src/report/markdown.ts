import type { Plan } from '../model/plan.ts'
import { plain } from './paint.ts'
import { planText } from './plan-text.ts'

const MARKS = { create: '➕', change: '✏️', remove: '🗑️', run: '▶️', handler: '🔁', rejoin: '↩️' } as const

/**
 * A plan as Markdown: a heading that says how much is to be done, a table of hosts, and the plan as text. Nothing that a
 * host or a playbook says is read as Markdown or HTML.
 */
export function planMarkdown(plan: Plan): string {
  const text = planText(plan, plain).trimEnd()
  const [title = '', ...body] = text.split('\n')
  const summary = body.at(-1) ?? ''
  const hosts = [
    ...new Set([...plan.phases.flatMap(({ hosts }) => hosts), ...plan.unreachable.map(({ host }) => host)]),
  ]
  const fence = fenceFor(text)
  return [
    `## ${escaped(title)}`,
    '',
    `**${escaped(summary)}**`,
    '',
    '| host | to do |',
    '| --- | --- |',
    ...hosts.map((host) => `| ${escaped(host)} | ${todo(plan, host)} |`),
    '',
    ...(hasBody(plan)
      ? [
          '<details open><summary>The plan</summary>',
          '',
          `${fence}diff`,
          ...body.slice(0, -1).map(asDiff),
          fence,
          '',
          '</details>',
          '',
        ]
      : []),
  ].join('\n')
}

/** A cluster is shown also where nothing is to be done about it, and why it is left alone. */
function hasBody({ phases, changes, problems, unreachable, left = [] }: Plan): boolean {
  return (
    changes.length + problems.length + unreachable.length + left.length > 0 || phases.some(({ cluster }) => cluster)
  )
}

function todo(plan: Plan, host: string): string {
  if (plan.unreachable.some((item) => item.host === host)) return '⚠️ unreachable'
  const counts = Object.entries(MARKS).flatMap(([action, mark]) => {
    const count = plan.changes.filter((change) => change.host === host && change.action === action).length
    return count > 0 ? [`${mark} ${count} to ${action === 'handler' ? 'pay' : action}`] : []
  })
  if (plan.problems.some((item) => item.host === host)) counts.push('⚠️ cannot be planned as a whole')
  const refused = plan.phases.some(({ cluster, hosts }) => cluster?.refusal && hosts.includes(host))
  if (refused) counts.unshift('⚠️ refused')
  return counts.join(', ') || 'nothing'
}

/** Lines of a diff begin with their sign only at the very left; a block `diff` colours nothing else. */
function asDiff(line: string): string {
  const [, sign, rest] = /^ {6}([+-])(.*)$/.exec(line) ?? []
  return sign === undefined ? line : `${sign}     ${rest}`
}

/** A fence longer than any run of backticks in the text. */
function fenceFor(text: string): string {
  const longest = Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length))
  return '`'.repeat(Math.max(3, longest + 1))
}

function escaped(text: string): string {
  return text.replace(/[\\`*_{}[\]()#+!|<>&~]/g, '\\$&')
}
