import type { Command } from 'commander'
import { commandOf, DB_VERBS, type DbVerb, dbOrder, UPGRADE, upgradeOrder } from './cluster-order.ts'
import { clusterVerb } from './cluster-verb.ts'
import { type Finish, withLogins } from './options.ts'
import { type RepairOptions, withCluster } from './repair-db.ts'

export function dbCommand(program: Command, finish: Finish): void {
  const db = program
    .command('db')
    .description('change who is in a cluster of PostgreSQL or Redis, and who is its primary or master')
  for (const [name, { description }] of Object.entries(DB_VERBS)) {
    withCluster(withLogins(db.command(name)))
      .description(description)
      .argument('<environment>')
      .argument('<host>')
      .action(async (environment: string, host: string, options: RepairOptions) => {
        finish(await dbVerb(name as DbVerb, environment, host, options))
      })
  }
  withCluster(withLogins(db.command('upgrade')))
    .description(UPGRADE.description)
    .argument('<environment>')
    .action(async (environment: string, options: RepairOptions) => {
      finish(await upgradeVerb(environment, options))
    })
}

async function dbVerb(
  verb: DbVerb,
  environment: string,
  host: string,
  { cluster, dryRun, ...options }: RepairOptions,
): Promise<number> {
  const command = commandOf(['db', verb, environment, host], cluster)
  return await clusterVerb({ ...dbOrder(verb, environment, host, cluster), dryRun }, { ...options, command })
}

async function upgradeVerb(environment: string, { cluster, dryRun, ...options }: RepairOptions): Promise<number> {
  const command = commandOf(['db', 'upgrade', environment], cluster)
  return await clusterVerb({ ...upgradeOrder(environment, cluster), dryRun }, { ...options, command })
}
