import type { Command } from 'commander'
import { DeployError, exitCodes } from '../model/error.ts'
import type { RunEvent } from '../model/event.ts'
import type { Plan } from '../model/plan.ts'
import type { Outcomes } from '../report/outcomes.ts'
import type { ApplyResult } from '../run/apply.ts'
import type { Approve } from '../run/approval.ts'
import type { Context } from '../run/context.ts'
import type { Survey } from '../run/survey.ts'
import { quote } from '../shell/sh.ts'
import { openRun } from './open-run.ts'
import { type Finish, type PlaybookOptions, withPlaybook } from './options.ts'
import { type Output, openOutput } from './output.ts'
import { exitOfPlan } from './plan.ts'
import { showEnd } from './show-end.ts'
import { showPlan } from './show-plan.ts'

interface ApplyOptions extends PlaybookOptions {
  readonly yes?: boolean
  /** The command as typed, without `deploy` and `--yes`. */
  readonly command: string
}

export function applyCommand(program: Command, finish: Finish): void {
  withPlaybook(program.command('apply'))
    .description('plan, show, ask, do it, and prove that the hosts are as wanted')
    .argument('<environment>')
    .argument('[playbook]')
    .option('--yes', 'do not ask (needed where nobody can answer)')
    .action(async (environment: string, playbook: string | undefined, options: Omit<ApplyOptions, 'command'>) => {
      const limit = options.limit === undefined ? [] : ['--limit', quote(options.limit)]
      const command = ['apply', environment, ...(playbook ? [playbook] : []), ...limit].join(' ')
      finish(await applyVerb(environment, playbook, { ...options, command }))
    })
}

async function applyVerb(environment: string, playbook: string | undefined, options: ApplyOptions): Promise<number> {
  const began = performance.now()
  const output = openOutput(options)
  const run = await openRun(environment, playbook, options)
  try {
    const { hasWork } = await import('../run/apply.ts')
    const { trackOutcomes } = await import('../report/outcomes.ts')
    const { plan, survey } = await showPlan(run, output)
    const outcomes = trackOutcomes(plan)
    const result = hasWork(survey) ? await carryOut(run.context, plan, survey, outcomes, output, options) : undefined
    const hosts = survey.phases.map(({ host }) => host)
    const seconds = (performance.now() - began) / 1000
    await showEnd(
      {
        plan,
        hosts,
        result,
        results: outcomes.results(),
        traffic: run.context.pool.traffic(),
        seconds,
        command: options.command,
      },
      output,
    )
    return exitOfApply(plan, result)
  } finally {
    run.close()
  }
}

async function carryOut(
  context: Context,
  plan: Plan,
  survey: Survey,
  outcomes: Outcomes,
  output: Output,
  options: ApplyOptions,
): Promise<ApplyResult> {
  const { apply } = await import('../run/apply.ts')
  const { watchRun } = await import('./watch.ts')
  const approve = await consent(plan, survey, output, options)
  const blocked = new Set(plan.problems.filter(({ waits }) => !waits).map(({ host }) => host))
  const watch = await watchRun(
    output,
    plan.phases.flatMap(({ hosts }) => hosts),
  )
  const emit = (event: RunEvent) => {
    outcomes.take(event)
    watch.take(event)
  }
  output.progress('\n')
  return apply(context, survey, { command: options.command, approve, blocked, emit }).finally(watch.end)
}

/** The consent to a plan: by `--yes`, or by an answer on the terminal. */
async function consent(plan: Plan, first: Survey, output: Output, { yes }: ApplyOptions): Promise<Approve> {
  const { approvalOf, approveAll } = await import('../run/approval.ts')
  if (yes) return approveAll
  if (output.json || !process.stdin.isTTY || !process.stdout.isTTY) {
    throw new DeployError({
      code: 'E_CONSENT',
      message: 'nobody can be asked here, and --yes was not given; nothing was changed',
      hint: 'read the plan, then add --yes',
      exit: exitCodes.refused,
    })
  }
  const { confirm } = await import('./confirm.ts')
  if (!(await confirm(`Apply ${plan.changes.length} changes to ${plan.environment}?`))) {
    throw new DeployError({ code: 'E_CONSENT', message: 'not confirmed; nothing was changed', exit: exitCodes.refused })
  }
  return approvalOf(plan, first)
}

/** Several at once: refused, failed, unreachable or unknown, in this order. */
function exitOfApply(plan: Plan, result: ApplyResult | undefined): number {
  const outcomes = new Set(result?.hosts.map(({ outcome }) => outcome))
  if (outcomes.has('refused')) return exitCodes.refused
  if (outcomes.has('failed')) return exitCodes.failed
  if (plan.problems.some(({ waits }) => !waits)) return exitCodes.failed
  return outcomes.has('unknown') ? exitCodes.unreachable : exitOfPlan(plan)
}
