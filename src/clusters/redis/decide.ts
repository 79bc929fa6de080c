import type { ClusterDecision, ClusterGoal, Finding } from '../../model/cluster.ts'
import { type Choice, choose, likeliest } from './choose.ts'
import type { Start } from './cold-start.ts'
import { ailmentsOf } from './findings.ts'
import { withMaster, withUpgrade } from './goals.ts'
import type { Intent, Verdict } from './intents.ts'
import type { Desired, NodeSurvey } from './model.ts'
import { withRemoval } from './removal.ts'
import { stepOf } from './steps-of.ts'
import { strangeMaster } from './strangers.ts'
import { type View, viewOf } from './view.ts'
import { failingOver, healing } from './wait.ts'

/** What a survey says is wrong, and what is to be done about it. */
export interface Assessment {
  readonly findings: readonly Finding[]
  readonly decision: ClusterDecision
}

/**
 * Judges a set by what its servers and Sentinels themselves say. Pure. While Sentinel may still heal it, it waits; one refusal,
 * and nothing is done at all. Behind its first step, a new survey gives the rest of a decision.
 */
export function assess(desired: Desired, surveys: readonly NodeSurvey[], goal: ClusterGoal): Assessment {
  const verdict = judge(desired, surveys, goal)
  const { findings, master, refusal, unknown, intents } = verdict
  const decision = {
    ...(master && { primary: master }),
    ...(refusal && { refusal }),
    ...(unknown && { unknown }),
    steps: intents.map((intent) => stepOf(verdict.desired ?? desired, intent)),
  }
  return { findings, decision }
}

/** The same, as data. */
export function judge(desired: Desired, surveys: readonly NodeSurvey[], goal: ClusterGoal): Verdict {
  const view = viewOf(desired, surveys, goal)
  if (goal.upgrade) return withUpgrade(view)
  const verdict = judged(view)
  if (goal.primary !== undefined) return withMaster(view, verdict, goal.primary)
  return goal.remove === undefined ? verdict : withRemoval(view, verdict, goal.remove, judged)
}

/** What a set needs to be whole. */
function judged(view: View): Verdict {
  const choice = choose(view)
  const known = 'master' in choice ? choice.master : undefined
  const ailments = ailmentsOf(
    view,
    known ?? (view.masters.length > 1 ? likeliest(view, view.masters) : view.masters[0]),
  )
  const findings = ailments.map(({ finding }) => finding)
  const busy = failingOver(view)
  const strange = busy ? undefined : strangeMaster(view)
  if (strange) return { findings, intents: [], refusal: strange }
  const wait = busy ?? (saves(choice, view) ? undefined : healing(view, known))
  if (wait) return { findings, intents: [wait], ...('master' in choice && { master: masterOf(choice) }) }
  if ('refusal' in choice) return { findings, intents: [], refusal: choice.refusal }
  if ('intents' in choice) return { findings, intents: choice.intents, ...becoming(choice) }
  return { findings, master: masterOf(choice), intents: unique(ailments.flatMap(({ intents }) => intents)) }
}

/** Whether keys are saved by it that are gone in a few seconds: Sentinel does not do that. */
function saves(choice: Choice, { masters }: View): boolean {
  if (masters.length === 0 || !('intents' in choice)) return false
  return choice.intents.some((one) => one.do === 'promote replica' && one.fenced.every(({ keys }) => keys === 0))
}

function masterOf({ master, why }: Extract<Choice, { master: unknown }>): NonNullable<Verdict['master']> {
  return { host: master.host, why }
}

function becoming({ becomes, why }: Start): Pick<Verdict, 'master'> {
  return becomes ? { master: { host: becomes.host, why } } : {}
}

/** A node that joins gets its Sentinel with it. */
function unique(intents: readonly Intent[]): readonly Intent[] {
  const joins = new Set(intents.flatMap((one) => (one.do === 'join set' ? [one.node.host] : [])))
  const seen = new Set<string>()
  return intents.filter((one) => {
    if (one.do === 'start sentinel' && joins.has(one.node.host)) return false
    const key = 'node' in one ? `${one.do} ${one.node.host}` : one.do
    return seen.has(key) ? false : Boolean(seen.add(key))
  })
}
