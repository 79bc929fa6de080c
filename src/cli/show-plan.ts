import type { Plan } from '../model/plan.ts'
import type { Survey } from '../run/survey.ts'
import type { OpenedRun } from './open-run.ts'
import type { Output } from './output.ts'

export interface ShowOptions {
  /** The playbook is compiled twice, and must say the same both times. */
  readonly twice?: boolean
  /** How the plan reads. Omitted: as text for a terminal. */
  readonly as?: (plan: Plan) => string
}

/** Looks at all hosts, makes the plan, and shows it. Nothing is shown before the playbooks are type-checked. */
export async function showPlan(
  { context, checked }: OpenedRun,
  output: Output,
  { twice = false, as }: ShowOptions = {},
): Promise<{ plan: Plan; survey: Survey }> {
  const { survey: look } = await import('../run/survey.ts')
  const { makePlan } = await import('../run/make-plan.ts')
  const { planText } = await import('../report/plan-text.ts')
  const { hasEnded, shownHolder } = await import('../run/holder.ts')
  const { safeLine } = await import('../report/safe.ts')
  const looking = look(context, [...context.playbook.phases.keys()], { twice })
  await Promise.all([checked, looking.catch(() => undefined)])
  const survey = await looking
  const plan = await makePlan(context, survey)
  for (const [host, { holder }] of survey.hellos) {
    if (holder && !hasEnded(holder))
      process.stderr.write(`${host} is locked now by run ${safeLine(shownHolder(holder))}\n`)
  }
  output.print(as ? as(plan) : planText(plan, output.paint))
  return { plan, survey }
}
