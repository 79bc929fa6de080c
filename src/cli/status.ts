import type { Command } from 'commander'
import { exitCodes } from '../model/error.ts'
import { noteClocks, noteReverts } from './note-open.ts'
import { openEnvironment } from './open-run.ts'
import { type Finish, type ReachOptions, withReach } from './options.ts'
import { openOutput } from './output.ts'

export function statusCommand(program: Command, finish: Finish): void {
  withReach(program.command('status'))
    .description('show what is open on the hosts: runs that have not ended, and handlers owed')
    .argument('<environment>')
    .action(async (environment: string, options: ReachOptions) => {
      finish(await statusVerb(environment, options))
    })
}

async function statusVerb(environment: string, options: ReachOptions): Promise<number> {
  const { findProject } = await import('../load/project.ts')
  const { lookForStatus } = await import('../run/look-for-status.ts')
  const { statusText } = await import('../report/status-text.ts')
  const { statusJson } = await import('../report/json.ts')
  const output = openOutput(options)
  const { inventory, limit, pool } = await openEnvironment(findProject(process.cwd()), environment, options)
  try {
    const hosts = inventory.hosts.map(({ name }) => name).filter((name) => limit.has(name))
    const { status, hellos } = await lookForStatus(pool, environment, hosts)
    output.print(statusText(status, output.paint))
    await noteClocks(hellos)
    await noteReverts(hellos)
    output.document(statusJson(status))
    const lost = status.hosts.some(({ unreachable }) => unreachable !== undefined)
    return lost ? exitCodes.unreachable : exitCodes.done
  } finally {
    pool.close()
  }
}
