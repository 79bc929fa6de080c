import { CLUSTER_KINDS, type ClusterNode, type ClusterRefusal, type Finding, roleName } from '../model/cluster.ts'
import type { PlannedCluster, PlannedClusterStep } from '../model/plan.ts'
import { fold } from './fold.ts'
import type { Colour, Paint } from './paint.ts'
import { safeLine } from './safe.ts'

/** Lines of evidence that are shown of one finding. */
const EVIDENCE = 8

/** A cluster in a plan: its nodes, what is wrong with what was seen, and each step with its reason. */
export function clusterLines(cluster: PlannedCluster, paint: Paint): readonly string[] {
  return [
    ...topologyLines(cluster, paint),
    ...cluster.steps.flatMap((step, index) => stepLines(step, index + 1, paint)),
    ...(cluster.refusal ? refusalLines(cluster.refusal, paint) : []),
  ]
}

/** A cluster as it is: who is primary and why, every node, every finding. */
export function topologyLines(
  { kind, nodes, findings, primary }: Pick<PlannedCluster, 'kind' | 'nodes' | 'findings' | 'primary'>,
  paint: Paint,
): readonly string[] {
  const width = Math.max(0, ...nodes.map(({ host }) => host.length))
  const named = nodes.map((node) => ({ ...node, shown: roleName(kind, node.role) }))
  const roles = Math.max(0, ...named.map(({ shown }) => shown.length))
  return [
    ...(primary
      ? [`    ${paint('bold', `${CLUSTER_KINDS[kind].primary} ${primary.host}`)}: ${safeLine(primary.why)}`]
      : []),
    ...named.map((node) => nodeLine(node, { width, roles }, paint)),
    ...findings.flatMap((finding) => findingLines(finding, paint)),
  ]
}

const ROLES: Readonly<Partial<Record<ClusterNode['role'], Colour>>> = {
  primary: 'green',
  standby: 'green',
  witness: 'green',
}

function nodeLine(
  { host, role, shown, upstream, state }: ClusterNode & { readonly shown: string },
  { width, roles }: { readonly width: number; readonly roles: number },
  paint: Paint,
): string {
  const told = [...(upstream ? [`from ${upstream}`] : []), ...state].map(safeLine).join(', ')
  return `    ${host.padEnd(width)}  ${paint(ROLES[role] ?? 'yellow', shown.padEnd(roles))}  ${told}`.trimEnd()
}

function findingLines({ name, host, severity, message, evidence }: Finding, paint: Paint): readonly string[] {
  const colour = severity === 'fault' ? 'red' : 'yellow'
  const left = evidence.length - EVIDENCE
  return [
    `    ${paint(colour, `${severity}: ${name}${host ? `, ${host}` : ''}`)}: ${safeLine(message)}`,
    ...evidence.slice(0, EVIDENCE).map((line) => paint('dim', `        ${safeLine(line)}`)),
    ...(left > 0 ? [paint('dim', `        and ${left} more lines`)] : []),
  ]
}

/** A step with its reason, what is so behind it, and each action with its hosts; the number is its place in a plan. */
export function stepLines(
  { name, about, reason, effect, actions }: PlannedClusterStep,
  number: number | undefined,
  paint: Paint,
): readonly string[] {
  const place = number === undefined ? '' : `${number}. `
  return [
    `  ${paint('cyan', `${place}${safeLine(name)}`)} ${safeLine(about)}`,
    paint('dim', `      because ${safeLine(reason)}`),
    paint('dim', `      then ${safeLine(effect)}`),
    ...[...Map.groupBy(actions, ({ title }) => title)].map(
      ([title, group]) => `      ! ${safeLine(title)}  ${paint('dim', `[${group.map(({ host }) => host).join(' ')}]`)}`,
    ),
  ]
}

/** Why a cluster is left alone: both sides with what was seen, and what would make it safe. */
export function refusalLines({ why, sides, hint }: ClusterRefusal, paint: Paint): readonly string[] {
  return [
    `    ${paint('red', 'refused')}: ${safeLine(why)}`,
    ...sides.flatMap(({ host, evidence }) => [
      `      ${paint('bold', host)}`,
      ...evidence.map((line) => `        ${safeLine(line)}`),
    ]),
    ...fold(safeLine(hint)).map((line) => `    ${line}`),
  ]
}
