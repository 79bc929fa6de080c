import type { ClusterDecision } from '../../model/cluster.ts'
import { type UnknownName, unknownName } from '../../model/unknown-name.ts'
import { nobodyWrites } from './fencing.ts'
import type { Desired } from './model.ts'
import { nodeId, slotName } from './node-id.ts'
import { side } from './sides.ts'
import { removeNode, switchover } from './steps.ts'
import { isLive, type Live, type View } from './view.ts'

export function mendWords({ environment }: Pick<Desired, 'environment'>): string {
  return `look at it: deploy status ${environment}; mend it: deploy repair-db ${environment}`
}

/** Another primary, on purpose: only where everything else is whole. */
export function withPrimary(view: View, primary: Live, decision: ClusterDecision, host: string): ClusterDecision {
  const { desired, nodes, witnesses, unreachable } = view
  if (host === primary.host) return decision
  const kind = desired.nodes.find((node) => node.host === host)?.kind
  if (kind !== 'member') return refused(`${host} cannot be the primary: ${whyNot(kind)}`, view, 'choose another node')
  if (unreachable.length > 0)
    return refused(
      `${unreachable.map(({ node }) => node.host).join(', ')} cannot be seen, and might take a switchover for a failure`,
      view,
      `bring the node back, or take it out for good: deploy db remove-node ${desired.environment}`,
    )
  const first = decision.steps.map(({ name, about }) => `${name} ${about}`).join(', ')
  if (first !== '') return refused(`the cluster is not whole; first: ${first}`, view, mendWords(desired))
  const to = nodes.find((node) => node.host === host)
  if (!to) return decision
  const others = [...nodes.filter((node) => node !== primary && node !== to), ...witnesses.filter(isLive)]
  return { ...decision, steps: [switchover(desired, primary, to, others, `${host} is to be the primary`)] }
}

/** Without a primary nobody can say who is in a cluster: that is mended by itself first. */
export function withoutAny(view: View, decision: ClusterDecision): ClusterDecision {
  const hint = `mend that first: deploy repair-db ${view.desired.environment}`
  return decision.refusal ? decision : refused(nobodyWrites(view), view, hint)
}

function whyNot(kind: string | undefined): string {
  if (kind === undefined) return 'it is no node of the cluster'
  return kind === 'replica' ? 'it is a replica, which never becomes one' : 'it is the witness, which has no data'
}

/** A node that leaves for good, also one that the playbook does not name any more. `view`: without it. */
export function withRemoval(
  all: View,
  view: View,
  primary: Live,
  decision: ClusterDecision,
  host: string,
): ClusterDecision {
  const { desired, nodes } = view
  if (primary.host === host)
    return refused(
      `${host} is the primary`,
      view,
      `let another node become the primary first: deploy db switchover ${desired.environment}`,
    )
  const member = desired.nodes.some((one) => one.host === host && one.kind === 'member')
  if (member && desired.durability === 'sync' && nodes.filter(({ kind }) => kind === 'member').length < 2)
    return refused(
      `without ${host} no standby is left to confirm commits, and writing would wait`,
      view,
      'add a node before, or set durability to async in the playbook',
    )
  const { registered, slots } = primary.seen.server
  const known = registered?.find(({ name }) => name === host)
  const named = desired.nodes.find((one) => one.host === host)
  const node = named ?? { host, id: known?.id ?? nodeId(host) }
  if (!known && !slots.some(({ name }) => name === slotName(node)))
    // No refusal: behind its removal nobody knows a node that had left the playbook before.
    return named ? decision : { ...decision, unknown: unknownNode(host, view, registered ?? []) }
  const reachable = all.nodes.some((one) => one.host === host)
  return { ...decision, steps: [...decision.steps, removeNode(primary, node, reachable)] }
}

function unknownNode(host: string, { desired }: View, registered: readonly { readonly name: string }[]): UnknownName {
  const known = new Set([...desired.nodes.map((node) => node.host), ...registered.map(({ name }) => name)])
  return { hint: `deploy status ${desired.environment} shows who is in it`, ...unknownName('node', host, known) }
}

/** Nothing is done, and each node is shown with what was seen of it. */
export function refused(why: string, view: View, hint: string): ClusterDecision {
  return { steps: [], refusal: { why, sides: view.nodes.map((node) => side(node)), hint } }
}
