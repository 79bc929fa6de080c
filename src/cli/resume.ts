import type { Command } from 'commander'
import { DeployError, exitCodes } from '../model/error.ts'
import type { Owner } from '../shell/wire.ts'
import { applyVerb } from './apply.ts'
import type { ApplyOptions } from './apply-options.ts'
import { type Chosen, chooseRun, leftOutBy, nothingOpen } from './choose-run.ts'
import { claimedOrder } from './claimed-order.ts'
import { clusterVerb } from './cluster-verb.ts'
import { openEnvironment } from './open-run.ts'
import { type Finish, withCheck, withLogins } from './options.ts'
import { openOutput } from './output.ts'

type ResumeOptions = Omit<ApplyOptions, 'command' | 'instead' | 'saved' | 'limit' | 'prune'>

export function resumeCommand(program: Command, finish: Finish): void {
  withCheck(withLogins(program.command('resume')))
    .description('finish a run that was cut off, or that left a node out of its balancer: plan and apply what is left')
    .argument('<environment>')
    .argument('[run]', 'which one, when several are unfinished')
    .option('--yes', 'do not ask (needed where nobody can answer)')
    .option('--events <file>', 'write each event as a line of JSON, as it happens')
    .action(async (environment: string, run: string | undefined, options: ResumeOptions) => {
      finish(await resumeVerb(environment, run, options))
    })
}

async function resumeVerb(environment: string, named: string | undefined, options: ResumeOptions): Promise<number> {
  const { findProject, projectName } = await import('../load/project.ts')
  const { doneBy, lookForStatus } = await import('../run/look-for-status.ts')
  const { journaledCommand } = await import('../run/journal.ts')
  const { waitForPrograms } = await import('../run/take-over.ts')
  const { progressText } = await import('../report/status-text.ts')
  const output = openOutput(options)
  const root = findProject(process.cwd())
  const opened = await openEnvironment(root, environment, options)
  const { pool, inventory } = opened
  try {
    const all = inventory.hosts.map(({ name }) => name)
    const looked = await lookForStatus(pool, environment, all)
    const chosen = await chooseRun(looked, named, 'resume')
    const left = chosen ? undefined : leftOutBy(looked, projectName(root), named)
    if (left) {
      const limit = new Set(all.filter((host) => left.hosts.length === 0 || left.hosts.includes(host)))
      const command = `resume ${environment} ${left.run}`
      return await applyVerb(environment, left.playbook, { ...options, command }, { ...opened, limit, ran: undefined })
    }
    if (!chosen) {
      const { text, exit } = await nothingOpen(looked.status)
      process.stderr.write(text)
      return exit
    }
    const { run, playbook, prune, hosts, command: typed } = requireOurs(chosen, projectName(root), environment)
    const recorded = journaledCommand(root, run)
    const order = claimedOrder({ run, command: typed, recorded, environment, yes: options.yes })
    output.progress(progressText(run, chosen.hosts, output.paint))
    if (chosen.run.working.length > 0) {
      output.progress(`waiting for the programs at work on ${chosen.run.working.join(', ')}\n`)
      await waitForPrograms(pool, chosen.run.working, environment)
    }
    if (order) {
      const taking = { ...options, instead: run, takes: chosen.run.hosts, command: typed }
      return await clusterVerb(order, taking, { ...opened, ran: undefined })
    }
    const limit = new Set(all.filter((host) => hosts.includes(host)))
    const ran = await doneBy(pool, run, [...limit])
    const command = `resume ${environment} ${run}`
    return await applyVerb(
      environment,
      playbook,
      { ...options, prune, instead: run, takes: chosen.run.hosts, command },
      { ...opened, limit, ran },
    )
  } finally {
    pool.close()
  }
}

/** Another project's run is not ours to finish, and one that says nothing of itself nobody's. */
function requireOurs({ run, owner }: Chosen, project: string, environment: string): Owner & { readonly run: string } {
  const refuse = (why: string, hint: string) =>
    new DeployError({ code: 'E_NOT_OURS', message: `run ${run.run} ${why}`, hint, exit: exitCodes.refused })
  const abandon = `deploy abandon ${environment} ${run.run}`
  if (!owner) throw refuse('does not say what it was about, so it cannot be finished', abandon)
  if (owner.project !== project) throw refuse(`is of another project, ${owner.project}: finish it there`, abandon)
  if (owner.environment !== environment)
    throw refuse(`is of another environment, ${owner.environment}`, `deploy resume ${owner.environment}`)
  if (owner.playbook === '') throw refuse(`was no apply but: deploy ${owner.command}`, `${abandon}, and type it again`)
  return { ...owner, run: run.run }
}
