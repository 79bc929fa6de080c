import { DeployError, exitCodes } from '../model/error.ts'
import type { Plan } from '../model/plan.ts'
import type { Context } from '../run/context.ts'
import type { Survey } from '../run/survey.ts'
import { noteHellos } from './note-open.ts'
import type { OpenedRun } from './open-run.ts'
import type { Output } from './output.ts'

export interface ShowOptions {
  /** The playbook is compiled twice, and must say the same both times. */
  readonly twice?: boolean
  /** What no task keeps any more is taken away. */
  readonly prune?: boolean
  /** The run that is taken over: it need not be told of once more. */
  readonly instead?: string | undefined
  /** How the plan reads. Omitted: as text for a terminal. */
  readonly as?: (plan: Plan) => string
}

/** A plan that was shown, and what it was made of. */
export interface ShownPlan {
  readonly plan: Plan
  readonly survey: Survey
  /** With `prune` its playbook has one more phase than the one that was read. */
  readonly context: Context
}

/** Looks at all hosts, makes the plan, and shows it. Nothing is shown before the playbooks are type-checked. */
export async function showPlan(
  { context: read, checked }: OpenedRun,
  output: Output,
  { twice = false, prune = false, instead, as }: ShowOptions,
): Promise<ShownPlan> {
  const { survey: look } = await import('../run/survey.ts')
  const { makePlan } = await import('../run/make-plan.ts')
  const { planText } = await import('../report/plan-text.ts')
  const looking = (async () => {
    const { context, left } = prune ? await (await import('../run/prune.ts')).addPruning(read) : { context: read }
    return { context, left, survey: await look(context, [...context.playbook.phases.keys()], { twice }) }
  })()
  await Promise.all([checked, looking.catch(() => undefined)])
  const { context, left, survey } = await looking
  // A run that is taken over may have come to its end: then nobody knows the node any more.
  if (instead === undefined) requireKnown(survey)
  const plan = { ...(await makePlan(context, survey)), ...(left && { left }) }
  await noteHellos(survey.hellos, plan.environment, instead)
  const { strays } = await import('../run/out.ts')
  const { straysText } = await import('../report/unfinished-text.ts')
  process.stderr.write(straysText(strays(context, survey)))
  output.print(as ? as(plan) : planText(plan, output.paint))
  return { plan, survey, context }
}

/** @throws DeployError `E_CLUSTER` (exit 64) when the node that is to leave a cluster is known to nobody. */
function requireKnown({ clusters }: Survey): void {
  for (const { state } of clusters.values()) {
    const { unknown } = state.decision
    if (unknown) throw new DeployError({ code: 'E_CLUSTER', exit: exitCodes.usage, ...unknown })
  }
}
