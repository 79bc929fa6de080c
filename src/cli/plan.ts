import type { Command } from 'commander'
import { DeployError, exitCodes } from '../model/error.ts'
import type { Plan } from '../model/plan.ts'
import type { Redactor } from '../model/redaction.ts'
import type { Survey } from '../run/survey.ts'
import { type OpenedRun, openRun } from './open-run.ts'
import { type Finish, type PlaybookOptions, withPlaybook, withPrune } from './options.ts'
import { type Output, openOutput } from './output.ts'
import { requireFolders, writePage } from './page-file.ts'
import { showPlan } from './show-plan.ts'
import { version } from './version.ts'

interface PlanOptions extends PlaybookOptions {
  readonly out?: string
  readonly markdown?: boolean
  readonly html?: string
  readonly detailedExitcode?: boolean
  readonly facts?: string
}

export function planCommand(program: Command, finish: Finish): void {
  withPrune(withPlaybook(program.command('plan')))
    .description('show what apply would do; nothing is changed')
    .argument('<environment>')
    .argument('[playbook]')
    .option('--out <file>', 'save the plan, for: deploy apply --plan FILE')
    .option('--markdown', 'the plan as Markdown, for the summary of a CI job')
    .option('--html <file>', 'write the plan as one HTML page')
    .option('--detailed-exitcode', 'end with 2 when there is something to do')
    .option('--offline', 'contact no host: type-check, load and compile, and list the tasks')
    .option('--facts <file>', 'with --offline: what `deploy facts ENV --json` printed')
    .action(async (environment: string, playbook: string | undefined, options: PlanOptions) => {
      finish(await planVerb(environment, playbook, options))
    })
}

async function planVerb(environment: string, playbook: string | undefined, options: PlanOptions): Promise<number> {
  requireFit(options)
  const output = openOutput(options)
  const run = await openRun(environment, playbook, options)
  try {
    if (options.offline) return await (await import('./plan-offline.ts')).planOffline(run, output, options.facts)
    const as = options.markdown ? (await import('../report/markdown.ts')).planMarkdown : undefined
    const { prune = false } = options
    const { plan, survey, context } = await showPlan(run, output, { twice: true, prune, ...(as && { as }) })
    const { planJson } = await import('../report/json.ts')
    output.document(planJson(plan))
    if (options.html) {
      const { planPage } = await import('../report/plan-page.ts')
      await writePage(planPage(plan, new Date()), options.html, context.redactor)
    }
    if (options.out) await save({ ...run, context }, { plan, survey, prune }, options.out, output)
    const exit = exitOfPlan(plan)
    return exit === exitCodes.done && options.detailedExitcode && plan.changes.length > 0 ? exitCodes.differences : exit
  } finally {
    run.close()
  }
}

function requireFit(options: PlanOptions): void {
  const { json, markdown, offline, facts, out, html, detailedExitcode, prune, askSudoPassword } = options
  if (json && markdown) throw clash('--json and --markdown cannot both go to stdout')
  if (facts && !offline) throw clash('--facts goes with --offline only: else facts are read from the hosts')
  if (offline && (out || html || markdown || detailedExitcode || prune))
    throw clash('--offline contacts no host, so there is no plan to save, to show, to judge or to prune')
  if (offline && askSudoPassword) throw clash('--offline contacts no host, so no password is needed')
  requireFolders([out, html])
}

function clash(message: string): DeployError {
  return new DeployError({ code: 'E_OPTIONS', message, hint: 'deploy plan --help', exit: exitCodes.usage })
}

/** Writes the plan to a file. What could not be planned is in no saved plan, and a plan that has problems is not saved. */
async function save(
  { context, knownHosts, playbookName }: OpenedRun,
  { plan, survey, prune }: { readonly plan: Plan; readonly survey: Survey; readonly prune: boolean },
  file: string,
  output: Output,
) {
  const { seenBy } = await import('../run/seen.ts')
  const { savePlan } = await import('../plan/save-plan.ts')
  const { writeWhole } = await import('../load/write-whole.ts')
  const seen = seenBy(context, survey, knownHosts)
  const problem = plan.problems.find(({ waits }) => !waits)
  if (problem || seen.hosts.length === 0) {
    throw new DeployError({
      code: 'E_NOT_SAVED',
      message: `the plan was not saved: ${problem ? `${problem.host} cannot be planned as a whole` : 'no host was looked at'}`,
      hint: 'mend what the plan says above, or leave hosts out with --limit',
      exit: problem ? exitCodes.failed : exitCodes.unreachable,
    })
  }
  const head = {
    tool: version(),
    environment: plan.environment,
    playbook: playbookName,
    ...(prune && { prune }),
  }
  const saved = savePlan(head, seen, new Date())
  const text = `${JSON.stringify(saved, null, 1)}\n`
  requireNoSecret(text, context.redactor)
  writeWhole(file, text, 0o600)
  const without = plan.unreachable.map(({ host }) => host).join(', ')
  output.progress(`Saved${without && ` without ${without}`} until ${saved.expires}: deploy apply --plan ${file}\n`)
}

/** A saved plan goes to other places, and masked it would not be what its sum says. */
function requireNoSecret(text: string, redactor: Redactor): void {
  const [, name] = /\[secret:([^\]]+)\]/.exec(redactor.text(text)) ?? []
  if (name === undefined) return
  throw new DeployError({
    code: 'E_NOT_SAVED',
    message: `the plan was not saved: the name of a task, host or path in it holds the value of secret ${name}`,
    hint: 'choose a value that is no common word',
  })
}

/** A plan that could not be made for every host says so by its exit code. */
export function exitOfPlan({ phases, problems, unreachable }: Plan): number {
  if (phases.some(({ pool, cluster }) => pool?.refusal ?? cluster?.refusal)) return exitCodes.refused
  if (problems.some(({ waits }) => !waits)) return exitCodes.failed
  if (problems.length > 0) return exitCodes.unreachable
  return unreachable.length > 0 ? exitCodes.unreachable : exitCodes.done
}
