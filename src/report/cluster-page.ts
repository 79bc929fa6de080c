import {
  CLUSTER_KINDS,
  type ClusterKind,
  type ClusterNode,
  type ClusterRefusal,
  type Finding,
  roleName,
} from '../model/cluster.ts'
import type { PlannedCluster, PlannedClusterStep } from '../model/plan.ts'
import { text } from './page-text.ts'

/** A cluster as a part of a page: who follows whom as a picture, what is wrong, and what is to be done. */
export function clusterBlock(cluster: PlannedCluster): string {
  const { kind, nodes, primary, findings, steps, refusal } = cluster
  return [
    primary ? `<p><b>${CLUSTER_KINDS[kind].primary} ${text(primary.host)}</b>: ${text(primary.why)}</p>` : '',
    picture(kind, nodes),
    ...findings.map(findingBlock),
    ...steps.map(stepBlock),
    refusal ? refusalBlock(refusal) : '',
  ].join('\n')
}

const BOX = { width: 240, height: 74, gap: 28, drop: 64 } as const
/** Lines of a node's state that fit into its box, and letters that fit into a line. */
const [LINES, LETTERS] = [2, 30]

/** The head of the cluster above, those that follow it below, each with an arrow of what flows; the rest beside. */
function picture(kind: ClusterKind, nodes: readonly ClusterNode[]): string {
  const heads = nodes.filter(({ role }) => role === 'primary')
  const rest = nodes.filter(({ role }) => role !== 'primary')
  const columns = Math.max(heads.length, rest.length, 1)
  const width = columns * (BOX.width + BOX.gap) - BOX.gap
  const rows = (heads.length > 0 ? 1 : 0) + (rest.length > 0 ? 1 : 0)
  const height = rows * BOX.height + Math.max(0, rows - 1) * BOX.drop
  const at = new Map([...places(heads, columns, 0), ...places(rest, columns, heads.length > 0 ? 1 : 0)])
  const arrows = nodes.flatMap(({ host, upstream }) => {
    const [from, to] = [at.get(upstream ?? ''), at.get(host)]
    return from && to ? [arrow(from, to)] : []
  })
  const label = nodes.map(({ host, role }) => `${host}: ${roleName(kind, role)}`).join(', ')
  return `<div class="wide"><svg class="cluster" role="img" aria-label="${text(label)}" viewBox="-2 -2 ${width + 4} ${height + 4}" width="${width + 4}" height="${height + 4}">
<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>
${arrows.join('')}${nodes.map((node) => box(kind, node, at.get(node.host) ?? { x: 0, y: 0 })).join('')}
</svg></div>`
}

interface Place {
  readonly x: number
  readonly y: number
}

/** The boxes of one row, in the middle of the picture. */
function places(row: readonly ClusterNode[], columns: number, line: number): readonly (readonly [string, Place])[] {
  const step = BOX.width + BOX.gap
  const left = ((columns - row.length) * step) / 2
  return row.map(({ host }, index) => [host, { x: left + index * step, y: line * (BOX.height + BOX.drop) }] as const)
}

function arrow(from: Place, to: Place): string {
  const middle = BOX.width / 2
  if (from.y === to.y) {
    const [start, end] = from.x < to.x ? [from.x + BOX.width, to.x] : [from.x, to.x + BOX.width]
    return `<path class="flow" d="M${start} ${from.y + BOX.height / 2}H${end}"/>`
  }
  const turn = from.y + BOX.height + BOX.drop / 2
  return `<path class="flow" d="M${from.x + middle} ${from.y + BOX.height}V${turn}H${to.x + middle}V${to.y}"/>`
}

function box(kind: ClusterKind, { host, role, state }: ClusterNode, { x, y }: Place): string {
  const look = role === 'primary' || role === 'standby' || role === 'witness' ? role : 'away'
  const lines = fitted(state.join(', '))
    .map((line, index) => `<text class="state" x="12" y="${44 + index * 16}">${text(line)}</text>`)
    .join('')
  const title = `<title>${text(`${host}: ${[roleName(kind, role), ...state].join(', ')}`)}</title>`
  return `<g class="${look}" transform="translate(${x} ${y})">${title}<rect width="${BOX.width}" height="${BOX.height}" rx="8"/><text class="name" x="12" y="24">${text(host)}</text><text class="role" x="${BOX.width - 12}" y="24" text-anchor="end">${text(roleName(kind, role))}</text>${lines}</g>`
}

/** A text cut into lines of a box; what does not fit is in the box's title. */
function fitted(words: string): readonly string[] {
  const lines: string[] = ['']
  for (const word of words.split(' ')) {
    const last = lines.at(-1) ?? ''
    if (last.length + word.length >= LETTERS && last !== '') lines.push(word)
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`
  }
  return lines.length > LINES ? [...lines.slice(0, LINES - 1), `${lines[LINES - 1]} …`] : lines
}

function findingBlock({ name, host, severity, message, evidence }: Finding): string {
  const seen = evidence.length > 0 ? `<pre>${evidence.map((line) => `<span>${text(line)}</span>`).join('')}</pre>` : ''
  const who = host ? `<span class="host">${text(host)}</span>` : ''
  return `<details open class="${severity === 'fault' ? 'remove' : 'change'}"><summary><span class="verb">${severity}</span> <b>${text(name)}</b> ${who} ${text(message)}</summary>${seen}</details>`
}

function stepBlock({ name, about, reason, effect, actions }: PlannedClusterStep, index: number): string {
  const lines = actions.map(({ host, title }) => `<li>${text(title)} <span class="host">${text(host)}</span></li>`)
  return `<details open class="run"><summary><span class="verb">step ${index + 1}</span> <b>${text(name)}</b> ${text(about)}</summary><p class="note">Because ${text(reason)}</p><ol>${lines.join('')}</ol><p class="note">Then ${text(effect)}</p></details>`
}

function refusalBlock({ why, sides, hint }: ClusterRefusal): string {
  const rows = sides.map(
    ({ host, evidence }) =>
      `<tr><th>${text(host)}</th><td>${evidence.map((line) => `<code>${text(line)}</code>`).join('<br>')}</td></tr>`,
  )
  return `<section class="trouble"><h2>Left alone</h2><p>${text(why)}</p><table class="fields">${rows.join('')}</table><p><i>${text(hint)}</i></p></section>`
}
