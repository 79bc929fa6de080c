import type { Command } from 'commander'
import { exitCodes } from '../model/error.ts'
import type { StatusCluster } from '../model/status.ts'
import { noteClocks, noteReverts } from './note-open.ts'
import { type OpenedEnvironment, openEnvironment, openRun } from './open-run.ts'
import { type Finish, type ReachOptions, withReach } from './options.ts'
import { openOutput } from './output.ts'
import { requireFolders, writePage } from './page-file.ts'

export function statusCommand(program: Command, finish: Finish): void {
  withReach(program.command('status'))
    .description('show what is open on the hosts: runs that have not ended, handlers owed, and how clusters stand')
    .argument('<environment>')
    .argument('[playbook]', 'whose clusters are looked at')
    .option('--html <file>', 'write it as one HTML page')
    .action(async (environment: string, playbook: string | undefined, options: StatusOptions) => {
      finish(await statusVerb(environment, playbook, options))
    })
}

interface StatusOptions extends ReachOptions {
  readonly html?: string
}

async function statusVerb(environment: string, playbook: string | undefined, options: StatusOptions): Promise<number> {
  requireFolders([options.html])
  const { findProject } = await import('../load/project.ts')
  const { lookForStatus } = await import('../run/look-for-status.ts')
  const { statusText } = await import('../report/status-text.ts')
  const { statusJson } = await import('../report/json.ts')
  const { statusPage } = await import('../report/status-page.ts')
  const output = openOutput(options)
  const opened = await openEnvironment(findProject(process.cwd()), environment, options)
  const { inventory, limit, pool } = opened
  try {
    const hosts = inventory.hosts.map(({ name }) => name).filter((name) => limit.has(name))
    const { status: open, hellos } = await lookForStatus(pool, environment, hosts)
    const clusters = await lookAtClusters(opened, environment, playbook, options)
    const status = { ...open, ...(clusters.length > 0 && { clusters }) }
    output.print(statusText(status, output.paint))
    await noteClocks(hellos)
    await noteReverts(hellos)
    output.document(statusJson(status))
    if (options.html) await writePage(statusPage(status, new Date()), options.html, opened.redactor)
    const lost = status.hosts.some(({ unreachable }) => unreachable !== undefined)
    return lost ? exitCodes.unreachable : exitCodes.done
  } finally {
    pool.close()
  }
}

/** The clusters of the playbook. That it cannot be read here keeps nobody from seeing the rest. */
async function lookAtClusters(
  opened: OpenedEnvironment,
  environment: string,
  playbook: string | undefined,
  options: ReachOptions,
): Promise<readonly StatusCluster[]> {
  const { lookForClusters } = await import('../run/look-for-clusters.ts')
  const { errorText } = await import('../report/error-text.ts')
  try {
    const { context } = await openRun(
      environment,
      playbook,
      { ...options, check: false },
      { ...opened, ran: undefined },
    )
    return await lookForClusters(context)
  } catch (error) {
    process.stderr.write(`clusters are not shown: ${errorText(error, false)}`)
    return []
  }
}
