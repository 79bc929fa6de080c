import type { ClusterDecision, ClusterGoal, Finding } from '../../model/cluster.ts'
import { names } from '../names.ts'
import { fencing } from './fencing.ts'
import { withoutAny, withPrimary, withRemoval } from './goals.ts'
import type { Desired, Loss, NodeSurvey } from './model.ts'
import type { Packages } from './parse-packages.ts'
import { refusalOf } from './refusals.ts'
import { withUpgrade } from './upgrade.ts'
import { type Live, streamsFrom, type View, viewOf } from './view.ts'
import { refusedWarnings, warnings } from './warnings.ts'
import { wholeSteps } from './whole.ts'
import { withoutPrimary } from './without-primary.ts'

/** What a survey says is wrong, and what is to be done about it. */
export interface Assessment {
  readonly findings: readonly Finding[]
  readonly decision: ClusterDecision
}

/**
 * Judges a cluster by what its nodes themselves say. Pure. Steps are there only where no data is at stake; one refusal, and
 * nothing is done at all. Behind its first step, a new survey gives the rest of a decision.
 *
 * @param losses what only one node has, where that was read
 * @param packages what hosts have and are offered, where that was asked
 */
export function assess(
  desired: Desired,
  surveys: readonly NodeSurvey[],
  goal: ClusterGoal,
  losses: ReadonlyMap<string, Loss> = new Map(),
  packages: ReadonlyMap<string, Packages> = new Map(),
): Assessment {
  const all = viewOf(desired, surveys, goal, losses)
  const view = withoutLeaving(all, goal)
  const [primary] = view.primaries
  const refusal = refusalOf(view)
  if (!primary || refusal)
    return {
      findings: [...warnings(view, surveys, primary), ...refusedWarnings(view, primary)],
      decision: refusal ? { steps: [], refusal } : decisionWithout(all, goal),
    }
  const first = fencing(view, primary)
  const { findings, steps } = wholeSteps(view, primary, { guessed: false, stopped: first.stopped })
  const decision = {
    primary: { host: primary.host, why: whyPrimary(view, primary) },
    steps: [...first.steps, ...steps],
  }
  return {
    findings: [...findings, ...warnings(view, surveys, primary)],
    decision: goal.upgrade
      ? withUpgrade(view, primary, decision, packages)
      : withGoal(all, view, primary, decision, goal),
  }
}

/** Of all nodes: who is to leave may be the one that has the newest data. */
function decisionWithout(all: View, { primary, remove, upgrade }: ClusterGoal): ClusterDecision {
  const decision = withoutPrimary(all)
  return primary === undefined && remove === undefined && !upgrade ? decision : withoutAny(all, decision)
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

function whyPrimary({ nodes }: View, primary: Live): string {
  const followers = nodes.filter((node) => streamsFrom(node, primary))
  const stream =
    followers.length > 0
      ? `${names(followers)} ${followers.length > 1 ? 'stream' : 'streams'} from it`
      : 'nobody streams from it'
  return `it alone takes writes, on timeline ${primary.seen.server.timeline}; ${stream}`
}

function withGoal(all: View, view: View, primary: Live, decision: ClusterDecision, goal: ClusterGoal): ClusterDecision {
  if (goal.remove !== undefined) return withRemoval(all, view, primary, decision, goal.remove)
  if (goal.primary !== undefined) return withPrimary(view, primary, decision, goal.primary)
  return decision
}
