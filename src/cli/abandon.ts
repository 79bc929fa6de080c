import type { Command } from 'commander'
import { exitCodes } from '../model/error.ts'
import { chooseRun, nothingOpen } from './choose-run.ts'
import { openEnvironment } from './open-run.ts'
import { type Finish, type ReachOptions, withLogins } from './options.ts'
import { openOutput } from './output.ts'

type AbandonOptions = Omit<ReachOptions, 'limit'> & { readonly yes?: boolean }

export function abandonCommand(program: Command, finish: Finish): void {
  withLogins(program.command('abandon'))
    .description('close a run that was cut off: its programs end before their next task, and its hosts are free again')
    .argument('<environment>')
    .argument('[run]', 'which one, when several are unfinished')
    .option('--yes', 'do not ask (needed where nobody can answer)')
    .action(async (environment: string, run: string | undefined, options: AbandonOptions) => {
      finish(await abandonVerb(environment, run, options))
    })
}

async function abandonVerb(environment: string, named: string | undefined, options: AbandonOptions): Promise<number> {
  const { findProject, projectName } = await import('../load/project.ts')
  const { lookForStatus } = await import('../run/look-for-status.ts')
  const { abandonRun, waitForPrograms } = await import('../run/take-over.ts')
  const { newRunId } = await import('../run/run-id.ts')
  const { ourselves } = await import('../run/holder.ts')
  const { safeLine } = await import('../report/safe.ts')
  const { statusText } = await import('../report/status-text.ts')
  const { statusJson } = await import('../report/json.ts')
  const { requireConsent } = await import('./confirm.ts')
  const output = openOutput(options)
  const root = findProject(process.cwd())
  const { pool, inventory } = await openEnvironment(root, environment, options)
  try {
    const all = inventory.hosts.map(({ name }) => name)
    const looked = await lookForStatus(pool, environment, all)
    const chosen = await chooseRun(looked, named, 'abandon')
    if (!chosen) {
      const { text, exit } = await nothingOpen(looked.status)
      process.stderr.write(text)
      return exit
    }
    const { run, hosts, working } = chosen.run
    output.print(statusText({ ...looked.status, hosts: chosen.hosts, runs: [chosen.run] }, output.paint))
    await requireConsent(`Close run ${safeLine(run)} as it is?`, 'nothing was changed', options)
    if (working.length > 0) {
      output.progress(`waiting for the task at work on ${working.join(', ')}\n`)
      await waitForPrograms(pool, working, environment, run)
    }
    const about = { command: `abandon ${environment}`, project: projectName(root), environment, playbook: '' }
    await abandonRun(pool, hosts, {
      run: newRunId(),
      owner: ourselves({ ...about, prune: false, hosts }),
      instead: run,
    })
    const { status } = await lookForStatus(pool, environment, all)
    output.print(statusText(status, output.paint))
    output.document(statusJson(status))
    return status.hosts.some(({ unreachable }) => unreachable !== undefined) ? exitCodes.unreachable : exitCodes.done
  } finally {
    pool.close()
  }
}
