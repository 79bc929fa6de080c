import type { Command } from 'commander'
import { exitCodes } from '../model/error.ts'
import { applyOpened } from './apply.ts'
import { openEnvironment } from './open-run.ts'
import { type Finish, type ReachOptions, withReach } from './options.ts'

interface RollbackOptions extends ReachOptions {
  readonly yes?: boolean
}

export function rollbackCommand(program: Command, finish: Finish): void {
  withReach(program.command('rollback'))
    .description('put back the files and links that a run replaced, and run its handlers again')
    .argument('<environment>')
    .argument('[run]', 'default: the last one of which hosts keep something')
    .option('--yes', 'do not ask (needed where nobody can answer)')
    .action(async (environment: string, run: string | undefined, options: RollbackOptions) => {
      finish(await rollbackVerb(environment, run, options))
    })
}

async function rollbackVerb(environment: string, named: string | undefined, options: RollbackOptions): Promise<number> {
  const { findProject, projectName } = await import('../load/project.ts')
  const { projectSources } = await import('../load/sources.ts')
  const { rollbackOf } = await import('../run/rollback.ts')
  const { errorText } = await import('../report/error-text.ts')
  const { safeLine } = await import('../report/safe.ts')
  const root = findProject(process.cwd())
  const { pool, inventory, limit: asked, knownHosts, redactor } = await openEnvironment(root, environment, options)
  try {
    const all = inventory.hosts.map(({ name }) => name).filter((name) => asked.has(name))
    const project = projectName(root)
    const { run, holder, playbook, hosts, lost } = await rollbackOf(pool, { project, environment }, all, named)
    if (!options.json) process.stdout.write(`Back behind run ${safeLine(holder)}\n\n`)
    for (const error of lost) process.stderr.write(errorText(error, options.verbose ?? false))
    const scope = { project, environment, playbook: '' }
    const limit = new Set(hosts)
    const context = { root, inventory, playbook, sources: projectSources(root), scope, limit, pool, redactor }
    const opened = { context, playbookName: '', knownHosts, checked: Promise.resolve(), close: () => pool.close() }
    const command = `rollback ${environment} ${run}`
    const exit = await applyOpened(opened, { ...options, check: false, command })
    if (exit === exitCodes.done && !options.json) process.stdout.write(`\n${reminder(run)}\n`)
    return exit === exitCodes.done && lost.length > 0 ? exitCodes.unreachable : exit
  } finally {
    pool.close()
  }
}

function reminder(run: string): string {
  return `The project still says what run ${run} did: change it there too, or the next apply does it again.`
}
