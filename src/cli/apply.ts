import type { Command } from 'commander'
import type { ClusterStep } from '../model/cluster.ts'
import { DeployError, exitCodes } from '../model/error.ts'
import type { Emit, RunEvent } from '../model/event.ts'
import type { Plan, PlanProblem } from '../model/plan.ts'
import type { Redactor } from '../model/redaction.ts'
import type { SavedPlan } from '../model/saved-plan.ts'
import { fold } from '../report/fold.ts'
import type { Paint } from '../report/paint.ts'
import type { StepAsk } from '../run/agree-step.ts'
import type { ApplyResult } from '../run/apply.ts'
import type { Approve } from '../run/approval.ts'
import type { Context } from '../run/context.ts'
import type { Survey } from '../run/survey.ts'
import { type ApplyOptions, named, saved, type TypedOptions } from './apply-options.ts'
import { type Inherited, type OpenedRun, openRun } from './open-run.ts'
import { type Finish, withPlaybook, withPrune } from './options.ts'
import { type Output, openOutput } from './output.ts'
import { exitOfPlan } from './plan.ts'
import { showEnd } from './show-end.ts'
import { showPlan } from './show-plan.ts'

export function applyCommand(program: Command, finish: Finish): void {
  withPrune(withPlaybook(program.command('apply')))
    .description('plan, show, ask, do it, and prove that the hosts are as wanted')
    .argument('[environment]', 'not with --plan')
    .argument('[playbook]')
    .option('--yes', 'do not ask (needed where nobody can answer)')
    .option('--plan <file>', 'do what this saved plan says, or refuse: deploy plan ENV --out FILE')
    .option('--events <file>', 'write each event as a line of JSON, as it happens')
    .action(async (environment: string | undefined, playbook: string | undefined, options: TypedOptions) => {
      const asked =
        options.plan === undefined ? named(environment, playbook, options) : await saved(environment, options)
      finish(await applyVerb(asked.environment, asked.playbook, asked.options))
    })
}

export async function applyVerb(
  environment: string,
  playbook: string | undefined,
  options: ApplyOptions,
  inherited?: Inherited,
): Promise<number> {
  const run = await openRun(environment, playbook, options, inherited)
  try {
    return await applyOpened(run, options)
  } finally {
    run.close()
  }
}

/** Plans, shows, asks, and does it; gives the exit code. */
export async function applyOpened(run: OpenedRun, options: ApplyOptions): Promise<number> {
  const began = performance.now()
  const output = openOutput(options)
  const { hasWork } = await import('../run/has-work.ts')
  const { trackOutcomes } = await import('../report/outcomes.ts')
  const { prune = false, instead } = options
  const { plan, survey, context } = await showPlan(run, output, { prune, instead })
  if (options.saved) await requireSaved(options.saved, { ...run, context }, survey)
  requireFloor(plan, survey)
  requireSafeData(plan)
  const outcomes = trackOutcomes(plan)
  const events = options.events === undefined ? undefined : await openEvents(options.events, context.redactor, plan)
  const emit = (event: RunEvent) => {
    outcomes.take(event)
    events?.take(event)
  }
  const work = hasWork(context, survey, instead)
  const ended = work ? await carryOut(context, plan, survey, emit, output, options) : undefined
  const proof = !work && context.goal ? await proveClusters(context, survey, output) : exitCodes.done
  const hosts = survey.phases.map(({ host }) => host)
  events?.end(ended?.result.hosts ?? [])
  const seconds = (performance.now() - began) / 1000
  await showEnd(
    {
      plan,
      hosts,
      result: ended?.result,
      results: outcomes.results(),
      traffic: run.context.pool.traffic(),
      seconds,
      command: options.command,
    },
    output,
  )
  return exitOfApply(plan, ended?.result, ended?.interrupted) || proof
}

/** Proves clusters that nothing was to be done about; gives the exit code. */
async function proveClusters(context: Context, { clusters }: Survey, output: Output): Promise<number> {
  const { prove, provenWords } = await import('../run/cluster-proof.ts')
  const { safeLine } = await import('../report/safe.ts')
  let exit: number = exitCodes.done
  for (const { cluster, lost } of clusters.values()) {
    const wrong = await prove(context, cluster, lost)
    if (wrong.length === 0) output.print(`Proven: ${provenWords(cluster, lost, context.goal)}.\n`)
    else exit = exitCodes.failed
    for (const line of wrong) process.stderr.write(`not proven: ${safeLine(line)}\n`)
  }
  return exit
}

/**
 * Nodes that serve nobody may rejoin before a wave that is refused: then more of them serve.
 *
 * @throws DeployError `E_FLOOR` (exit 4) when a phase would leave too few nodes serving; nothing was touched.
 */
function requireFloor({ phases, environment }: Plan, { hellos }: Survey): void {
  const phase = phases.find(({ pool, waves }) => pool?.refusal && waves?.[0]?.serving !== pool.serving)
  if (!phase) return
  throw new DeployError({
    code: 'E_FLOOR',
    message: `phase ${phase.name} is refused, and nothing was changed: ${phase.pool?.refusal}`,
    hint: [...hellos.values()].some(({ holder }) => holder)
      ? `another run may have a node out: deploy status ${environment}`
      : 'mend the node that does not serve first (--limit), or lower the floor of the phase',
    exit: exitCodes.refused,
  })
}

/** @throws DeployError `E_DATA_AT_STAKE` (exit 4) when a cluster must be left alone; nothing was touched. */
function requireSafeData({ phases }: Plan): void {
  const phase = phases.find(({ cluster }) => cluster?.refusal)
  const refusal = phase?.cluster?.refusal
  if (!phase || !refusal) return
  throw new DeployError({
    code: 'E_DATA_AT_STAKE',
    message: `cluster ${phase.name} is left alone, and nothing was changed: ${refusal.why}`,
    hint: fold(refusal.hint).join('\n  '),
    exit: exitCodes.refused,
  })
}

async function openEvents(file: string, redactor: Redactor, { environment, playbook }: Plan) {
  const { openEventsFile } = await import('./events-file.ts')
  return openEventsFile(file, redactor, environment, playbook)
}

/** Refuses when the project or a host is not what the saved plan was made of. Nothing was touched by then. */
async function requireSaved(saved: SavedPlan, { context, knownHosts }: OpenedRun, survey: Survey): Promise<void> {
  const { requireUnchanged } = await import('../plan/save-plan.ts')
  const { seenBy } = await import('../run/seen.ts')
  requireUnchanged(saved, seenBy(context, survey, knownHosts), new Set(survey.lost.map(({ host }) => host)))
}

/** What an apply did, and the exit code of the signal that stopped it. */
interface Ended {
  readonly result: ApplyResult
  readonly interrupted: number | undefined
}

async function carryOut(
  context: Context,
  plan: Plan,
  survey: Survey,
  told: Emit,
  output: Output,
  options: ApplyOptions,
): Promise<Ended> {
  const { apply } = await import('../run/apply.ts')
  const { watchRun } = await import('./watch.ts')
  const { listenForInterrupts } = await import('./interrupts.ts')
  const approve = await consent(plan, survey, options)
  const blocked = new Set(plan.problems.filter(({ waits }) => !waits).map(({ host }) => host))
  const watch = await watchRun(
    output,
    plan.phases.flatMap(({ hosts }) => hosts),
  )
  const emit = (event: RunEvent) => {
    told(event)
    watch.take(event)
  }
  output.progress('\n')
  const { command, instead, takes = [], prune = false } = options
  const pause = async (question: string) => {
    await watch.end()
    const { confirm } = await import('./confirm.ts')
    return options.yes || !process.stdin.isTTY ? true : confirm(question)
  }
  const ask: StepAsk = async (cluster, step) => {
    await watch.end()
    const { confirm } = await import('./confirm.ts')
    output.print(`\n${await stepText(cluster, step, output.paint)}\n\n`)
    return confirm('Do it?')
  }
  const askStep = options.yes || options.saved ? undefined : ask
  const interrupts = listenForInterrupts(plan.environment)
  try {
    const { stop } = interrupts
    const asks = { approve, pause, askStep }
    const result = await apply(context, survey, { command, ...asks, blocked, emit, prune, instead, takes, stop })
    return { result, interrupted: interrupts.exit() }
  } finally {
    await watch.end()
    interrupts.close()
  }
}

/** A step that the plan could not show. */
async function stepText(cluster: string, step: ClusterStep, paint: Paint): Promise<string> {
  const { stepLines } = await import('../report/cluster-text.ts')
  const { presentStep } = await import('../plan/cluster-task.ts')
  const intro = `Cluster ${cluster} needs a step that the plan could not show before what it showed was done:`
  return [intro, ...stepLines(presentStep(step), undefined, paint)].join('\n')
}

/** The consent to a plan: by having saved it, by `--yes`, or by an answer on the terminal. */
async function consent(plan: Plan, first: Survey, options: ApplyOptions): Promise<Approve> {
  const { approvalOf, approveAll, savedApprovalOf } = await import('../run/approval.ts')
  const { requireConsent } = await import('./confirm.ts')
  if (options.saved) return savedApprovalOf(plan, first)
  const { safeLine } = await import('../report/safe.ts')
  const takeover = options.instead === undefined ? '' : `Take over run ${safeLine(options.instead)}. `
  const question = `${takeover}Apply ${plan.changes.length} changes to ${plan.environment}?`
  await requireConsent(question, 'nothing was changed', options)
  return options.yes ? approveAll : approvalOf(plan, first)
}

/** Several at once: refused, interrupted, a node left out, failed, unreachable or unknown, in this order. */
function exitOfApply(plan: Plan, result: ApplyResult | undefined, interrupted: number | undefined): number {
  const outcomes = new Set(result?.hosts.map(({ outcome }) => outcome))
  if (outcomes.has('refused')) return exitCodes.refused
  if (interrupted !== undefined) return interrupted
  if (result?.hosts.some(({ leftOut }) => leftOut !== undefined)) return exitCodes.leftOut
  if (outcomes.has('failed')) return exitCodes.failed
  if (plan.problems.some(({ waits }) => !waits)) return exitCodes.failed
  if (outcomes.has('unknown')) return exitCodes.unreachable
  const waited = (problem: PlanProblem) =>
    !result?.hosts.some(({ host, phase }) => host === problem.host && phase === problem.phase)
  return exitOfPlan({ ...plan, phases: [], problems: plan.problems.filter(waited) })
}
