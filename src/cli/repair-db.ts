import type { Command } from 'commander'
import { CLUSTER_KINDS, type ClusterGoal, type ClusterKind } from '../model/cluster.ts'
import { DeployError, exitCodes } from '../model/error.ts'
import { commandOf, repairOrder } from './cluster-order.ts'
import { type ClusterOptions, clusterVerb } from './cluster-verb.ts'
import { type Finish, withLogins } from './options.ts'

export interface RepairOptions extends Omit<ClusterOptions, 'command'> {
  readonly cluster?: string
  readonly dryRun?: boolean
  readonly acceptDataLoss?: readonly string[]
  readonly salvage?: boolean
}

export function repairDbCommand(program: Command, finish: Finish): void {
  repairCommand(program, finish, 'postgres').option(
    '--salvage',
    'save the rows of what is given up as SQL, on its own node, before',
  )
}

export function repairRedisCommand(program: Command, finish: Finish): void {
  repairCommand(program, finish, 'redis')
}

/** What becomes of what is given up. */
const KEPT: Readonly<Record<ClusterKind, string>> = {
  postgres: 'the data is moved aside and kept',
  redis:
    'what can be counted is saved and kept. =unknown: only files on its disk are, what is in the memory of its server is gone',
}

function repairCommand(program: Command, finish: Finish, kind: ClusterKind): Command {
  const { name, repair, loss } = CLUSTER_KINDS[kind]
  return withCluster(withLogins(program.command(repair)))
    .description(`look at a ${name}, show what it needs and why, ask, do it, and prove it from the clients’ side`)
    .option(
      `--accept-data-loss <node=${loss}>`,
      `give up what only this node has, as the refusal says it; ${KEPT[kind]}. Repeatable`,
      (value: string, before: readonly string[]) => [...before, value],
      [],
    )
    .argument('[environment]', 'default: DEPLOY_ENV, else env of deploy.config.ts, else the only one')
    .action(async (environment: string | undefined, options: RepairOptions) => {
      finish(await repairVerb(kind, environment, options))
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

async function repairVerb(kind: ClusterKind, named: string | undefined, options: RepairOptions): Promise<number> {
  const { findProject } = await import('../load/project.ts')
  const { chooseEnvironment } = await import('./choose-environment.ts')
  const environment = await chooseEnvironment(findProject(process.cwd()), named)
  if (named === undefined) process.stderr.write(`environment ${environment}\n`)
  const { cluster, dryRun, acceptDataLoss = [], salvage, ...rest } = options
  const command = commandOf([CLUSTER_KINDS[kind].repair, environment], cluster)
  const goal = repairGoal(kind, acceptDataLoss, salvage)
  const order = { ...repairOrder(kind, environment, cluster), dryRun, goal }
  return await clusterVerb(order, { ...rest, command })
}

/** @throws DeployError (exit 64) where nothing is given up that could be saved before. */
export function repairGoal(kind: ClusterKind, acceptDataLoss: readonly string[], salvage = false): ClusterGoal {
  const acceptLoss = acceptedLoss(kind, acceptDataLoss)
  if (!salvage) return { acceptLoss }
  if (acceptDataLoss.length > 0) return { acceptLoss, salvage }
  const message = '--salvage saves what --accept-data-loss gives up, and that was not given'
  const hint = 'give both: --accept-data-loss NODE=BYTES --salvage'
  throw new DeployError({ code: 'E_CLUSTER', message, exit: exitCodes.usage, hint })
}

/** @throws DeployError (exit 64) for what no refusal prints. */
export function acceptedLoss(
  kind: ClusterKind,
  values: readonly string[],
): Readonly<Record<string, number | 'unknown'>> {
  const nodes = values.map((value) => value.split('=')[0] ?? '')
  const twice = nodes.find((node, index) => nodes.indexOf(node) !== index)
  if (twice !== undefined)
    throw new DeployError({
      code: 'E_CLUSTER',
      message: `--accept-data-loss names ${twice} twice`,
      exit: exitCodes.usage,
    })
  return Object.fromEntries(
    values.map((value) => {
      const [, node, count = ''] = /^([^=\s]+)=(\d+|unknown)$/.exec(value) ?? []
      if (node === undefined) {
        const message = `--accept-data-loss takes NODE=${CLUSTER_KINDS[kind].loss.toUpperCase()} or NODE=unknown, as the refusal prints it, not '${value}'`
        throw new DeployError({ code: 'E_CLUSTER', message, exit: exitCodes.usage })
      }
      return [node, count === 'unknown' ? count : Number(count)]
    }),
  )
}
