import type { Command } from 'commander'
import { exitCodes } from '../model/error.ts'
import type { Plan } from '../model/plan.ts'
import { openRun } from './open-run.ts'
import { type Finish, type PlaybookOptions, withPlaybook } from './options.ts'
import { openOutput } from './output.ts'
import { showPlan } from './show-plan.ts'

export function planCommand(program: Command, finish: Finish): void {
  withPlaybook(program.command('plan'))
    .description('show what apply would do; nothing is changed')
    .argument('<environment>')
    .argument('[playbook]')
    .action(async (environment: string, playbook: string | undefined, options: PlaybookOptions) => {
      finish(await planVerb(environment, playbook, options))
    })
}

async function planVerb(environment: string, playbook: string | undefined, options: PlaybookOptions): Promise<number> {
  const output = openOutput(options)
  const run = await openRun(environment, playbook, options)
  try {
    const { plan } = await showPlan(run, output)
    const { planJson } = await import('../report/json.ts')
    output.document(planJson(plan))
    return exitOfPlan(plan)
  } finally {
    run.close()
  }
}

/** A plan that could not be made for every host says so by its exit code. */
export function exitOfPlan({ problems, unreachable }: Plan): number {
  if (problems.some(({ waits }) => !waits)) return exitCodes.failed
  if (problems.length > 0) return exitCodes.unreachable
  return unreachable.length > 0 ? exitCodes.unreachable : exitCodes.done
}
