import type { Command } from 'commander'
import { exitCodes } from '../model/error.ts'
import type { Plan } from '../model/plan.ts'
import { openRun } from './open-run.ts'
import { type Finish, type PlaybookOptions, withPlaybook } from './options.ts'
import { openOutput } from './output.ts'

export function planCommand(program: Command, finish: Finish): void {
  withPlaybook(program.command('plan'))
    .description('show what apply would do; nothing is changed')
    .argument('<environment>')
    .argument('[playbook]')
    .action(async (environment: string, playbook: string | undefined, options: PlaybookOptions) => {
      finish(await plan(environment, playbook, options))
    })
}

async function plan(environment: string, playbook: string | undefined, options: PlaybookOptions): Promise<number> {
  const output = openOutput(options)
  const { context, checked, close } = await openRun(environment, playbook, options, () => undefined)
  try {
    const { survey } = await import('../run/survey.ts')
    const { makePlan } = await import('../run/make-plan.ts')
    const looked = survey(context, [...context.playbook.phases.keys()])
    await Promise.all([checked, looked.catch(() => undefined)])
    const made = await makePlan(context, await looked)
    const { planText } = await import('../report/plan-text.ts')
    const { planJson } = await import('../report/json.ts')
    output.print(planText(made, output.paint))
    output.document(planJson(made))
    return exitOfPlan(made)
  } finally {
    close()
  }
}

/** A plan that could not be made for every host says so by its exit code. */
export function exitOfPlan({ problems, unreachable }: Plan): number {
  if (problems.length > 0) return exitCodes.failed
  return unreachable.length > 0 ? exitCodes.unreachable : exitCodes.done
}
