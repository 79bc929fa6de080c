import type { Command } from 'commander'
import { DeployError, exitCodes } from '../model/error.ts'
import type { RunEvent } from '../model/event.ts'
import type { Plan } from '../model/plan.ts'
import type { ApplyResult } from '../run/apply.ts'
import type { Approve } from '../run/approval.ts'
import type { Survey } from '../run/survey.ts'
import { openRun } from './open-run.ts'
import { type Finish, type PlaybookOptions, withPlaybook } from './options.ts'
import { type Output, openOutput } from './output.ts'
import { exitOfPlan } from './plan.ts'

interface ApplyOptions extends PlaybookOptions {
  readonly yes?: boolean
}

export function applyCommand(program: Command, finish: Finish): void {
  withPlaybook(program.command('apply'))
    .description('plan, show, ask, do it, and prove that the hosts are as wanted')
    .argument('<environment>')
    .argument('[playbook]')
    .option('--yes', 'do not ask (needed where nobody can answer)')
    .action(async (environment: string, playbook: string | undefined, options: ApplyOptions) => {
      finish(await applyVerb(environment, playbook, options))
    })
}

async function applyVerb(environment: string, playbook: string | undefined, options: ApplyOptions): Promise<number> {
  const began = performance.now()
  const output = openOutput(options)
  let emit: (event: RunEvent) => void = () => undefined
  const { context, checked, close } = await openRun(environment, playbook, options, (event) => emit(event))
  try {
    const { survey } = await import('../run/survey.ts')
    const { makePlan } = await import('../run/make-plan.ts')
    const { apply, hasWork } = await import('../run/apply.ts')
    const { watchRun } = await import('./watch.ts')
    const { planText } = await import('../report/plan-text.ts')
    const { trackOutcomes } = await import('../report/outcomes.ts')
    const looking = survey(context, [...context.playbook.phases.keys()])
    await Promise.all([checked, looking.catch(() => undefined)])
    const first = await looking
    const plan = await makePlan(context, first)
    output.print(planText(plan, output.paint))
    const outcomes = trackOutcomes(plan)
    let result: ApplyResult | undefined
    if (hasWork(first)) {
      const approve = await consent(plan, first, output, options)
      const blocked = new Set(plan.problems.map(({ host }) => host))
      const watch = await watchRun(
        output,
        first.phases.map(({ host }) => host),
      )
      emit = (event) => {
        outcomes.take(event)
        watch.take(event)
      }
      output.progress('\n')
      result = await apply(context, first, `apply ${environment}`, { approve, blocked }).finally(watch.end)
    }
    const { summarise } = await import('../report/summary.ts')
    const { applyJson } = await import('../report/json.ts')
    const hosts = summarise(
      plan,
      first.phases.map(({ host }) => host),
      result,
    )
    const { summaryLines } = await import('../report/run-text.ts')
    if (result || plan.unreachable.length > 0) {
      output.print(
        `${summaryLines(outcomes.results(), hosts, nextCommand(environment, hosts), output.paint).join('\n')}\n`,
      )
    }
    output.document(
      applyJson({
        plan,
        run: result?.run,
        results: outcomes.results(),
        hosts,
        traffic: context.pool.traffic(),
        seconds: (performance.now() - began) / 1000,
      }),
    )
    return exitOfApply(plan, result)
  } finally {
    close()
  }
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

function nextCommand(environment: string, hosts: readonly { readonly state: string }[]): string {
  return hosts.every(({ state }) => state === 'done') ? '' : `Mend the cause, then: deploy apply ${environment}`
}

/** Several at once: refused, failed, unreachable or unknown, in this order. */
function exitOfApply(plan: Plan, result: ApplyResult | undefined): number {
  const outcomes = new Set(result?.hosts.map(({ outcome }) => outcome))
  if (outcomes.has('refused')) return exitCodes.refused
  if (outcomes.has('failed')) return exitCodes.failed
  if (plan.problems.length > 0) return exitCodes.failed
  return outcomes.has('unknown') ? exitCodes.unreachable : exitOfPlan(plan)
}
