import type { ClusterDecision, ClusterGoal, ClusterStep, Finding } from '../../model/cluster.ts'
import { type Ailment, ailments, mendingSteps } from './mend.ts'
import type { Desired, NodeSurvey } from './model.ts'
import { nodeId } from './node-id.ts'
import { names, refusalOf, side } from './refusals.ts'
import { removeNode, switchover } from './steps.ts'
import { upkeep } from './upkeep.ts'
import { isLive, type Live, streamsFrom, type View, viewOf } from './view.ts'
import { warnings } from './warnings.ts'
import { withoutPrimary } from './without-primary.ts'

/** What a survey says is wrong, and what is to be done about it. */
export interface Assessment {
  readonly findings: readonly Finding[]
  readonly decision: ClusterDecision
}

/**
 * Judges a cluster by what its nodes themselves say. Pure. Steps are there only where no data is at stake; one refusal, and
 * nothing is done at all. Behind its first step, a new survey gives the rest of a decision.
 */
export function assess(desired: Desired, surveys: readonly NodeSurvey[], goal: ClusterGoal): Assessment {
  const view = withoutLeaving(viewOf(desired, surveys), goal)
  const [primary] = view.primaries
  const refusal = refusalOf(view)
  if (refusal) return { findings: warnings(view, undefined), decision: { steps: [], refusal } }
  if (!primary) return { findings: warnings(view, undefined), decision: withoutPrimary(view) }
  const found = ailments(view, primary)
  const kept = upkeep(view, primary, found)
  const steps = [...mendingSteps(view, primary, found), ...kept.flatMap((one) => one.steps)]
  const findings = [
    ...found.map(({ finding }) => finding),
    ...kept.flatMap((one) => one.findings),
    ...warnings(view, primary),
  ]
  const decision = { primary: { host: primary.host, why: whyPrimary(view, primary) }, steps }
  return { findings, decision: withGoal(view, primary, found, decision, goal) }
}

/** A node that is to leave is not looked after any more. */
function withoutLeaving(view: View, { remove }: ClusterGoal): View {
  if (remove === undefined || view.primaries.some(({ host }) => host === remove)) return view
  const stays = ({ host }: { readonly host: string }) => host !== remove
  return {
    ...view,
    nodes: view.nodes.filter(stays),
    unreachable: view.unreachable.filter(({ node }) => stays(node)),
    strangers: view.strangers.filter(stays),
  }
}

function whyPrimary({ nodes }: View, { address, seen }: Live): string {
  const followers = nodes.filter((node) => streamsFrom(node, { address } as Live))
  const stream =
    followers.length > 0
      ? `${names(followers)} ${followers.length > 1 ? 'stream' : 'streams'} from it`
      : 'nobody streams from it'
  return `it alone takes writes, on timeline ${seen.server.timeline}; ${stream}`
}

function withGoal(
  view: View,
  primary: Live,
  found: readonly Ailment[],
  decision: ClusterDecision,
  goal: ClusterGoal,
): ClusterDecision {
  if (goal.remove !== undefined) return withRemoval(view, primary, decision, goal.remove)
  if (goal.primary === undefined || goal.primary === primary.host) return decision
  const to = view.nodes.filter(isLive).find(({ host }) => host === goal.primary)
  if (to?.kind !== 'member')
    return refused(
      `${goal.primary} cannot be the primary: ${to ? 'it is a replica, which never becomes one' : 'its server does not answer'}`,
      view,
    )
  if (decision.steps.length > 0 || view.unreachable.length > 0) return refused('the cluster is not whole', view)
  const others = view.nodes.filter((node) => node !== primary && node !== to && !found.some((one) => one.node === node))
  return { ...decision, steps: [switchover(view.desired, primary, to, others, `${to.host} is to be the primary`)] }
}

/** Whom the primary knows, also one that the playbook does not name any more. */
function withRemoval(
  { desired, nodes, primaries }: View,
  primary: Live,
  decision: ClusterDecision,
  remove: string,
): ClusterDecision {
  const view = { desired, nodes, primaries, unreachable: [], strangers: [] }
  if (primary.host === remove) return refused(`${remove} is the primary: switch over first`, view)
  const known = primary.seen.server.registered?.find(({ name }) => name === remove)
  const slot = primary.seen.server.slots.some(({ name }) => name === `repmgr_slot_${nodeId(remove)}`)
  const left = nodes.filter((node) => node.kind === 'member')
  if (desired.durability === 'sync' && left.length < 2)
    return refused(`without ${remove} no standby is left to confirm commits, and writing would wait`, view)
  if (!known && !slot) return decision
  const node = desired.nodes.find(({ host }) => host === remove) ?? { host: remove, id: known?.id ?? nodeId(remove) }
  const named = desired.nodes.some(({ host }) => host === remove)
  const leave: ClusterStep = removeNode(desired, primary, node, named)
  return { ...decision, steps: [...decision.steps, leave] }
}

function refused(why: string, view: View): ClusterDecision {
  return {
    steps: [],
    refusal: { why, sides: view.nodes.map(side), hint: 'look at it: deploy status; mend it: deploy repair-db' },
  }
}
