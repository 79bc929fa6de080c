import type { Command } from 'commander'
import { commandOf, repairOrder } from './cluster-order.ts'
import { type ClusterOptions, clusterVerb } from './cluster-verb.ts'
import { type Finish, withLogins } from './options.ts'

export interface RepairOptions extends Omit<ClusterOptions, 'command'> {
  readonly cluster?: string
  readonly dryRun?: boolean
}

export function repairDbCommand(program: Command, finish: Finish): void {
  withCluster(withLogins(program.command('repair-db')))
    .description(
      'look at a PostgreSQL cluster, show what it needs and why, ask, do it, and prove it from the clients’ side',
    )
    .argument('[environment]', 'default: DEPLOY_ENV, else env of deploy.config.ts, else the only one')
    .action(async (environment: string | undefined, options: RepairOptions) => {
      finish(await repairDbVerb(environment, options))
    })
}

/** Options of all verbs that act on one cluster. */
export function withCluster(command: Command): Command {
  return command
    .option('--cluster <name>', 'which one, when the playbook has several')
    .option('--dry-run', 'show the plan only; nothing is changed')
    .option('--yes', 'do not ask (needed where nobody can answer)')
    .option('--events <file>', 'write each event as a line of JSON, as it happens')
}

async function repairDbVerb(named: string | undefined, options: RepairOptions): Promise<number> {
  const { findProject } = await import('../load/project.ts')
  const { chooseEnvironment } = await import('./choose-environment.ts')
  const environment = await chooseEnvironment(findProject(process.cwd()), named)
  if (named === undefined) process.stderr.write(`environment ${environment}\n`)
  const { cluster, dryRun, ...rest } = options
  const command = commandOf(['repair-db', environment], cluster)
  return await clusterVerb({ ...repairOrder(environment, cluster), dryRun }, { ...rest, command })
}
