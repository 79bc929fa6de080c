import { CLUSTER_KINDS } from '../model/cluster.ts'
import { DeployError, exitCodes } from '../model/error.ts'
import type { Phase } from '../model/playbook.ts'
import { unknownName } from '../model/unknown-name.ts'
import { applyOpened } from './apply.ts'
import type { ApplyOptions } from './apply-options.ts'
import type { ClusterOrder } from './cluster-order.ts'
import { type Inherited, type OpenedRun, openRun } from './open-run.ts'
import { openOutput } from './output.ts'
import { exitOfPlan } from './plan.ts'
import { showPlan } from './show-plan.ts'

/** Options of the verbs that act on a cluster. */
export type ClusterOptions = Omit<ApplyOptions, 'check' | 'limit' | 'prune' | 'saved'>

/**
 * Plans, shows, asks and does what one cluster of the environment's playbook needs, and proves it from the clients' side.
 * Only its nodes are contacted. A type error somewhere in the project is told, and stops nothing: it must not keep anybody
 * from mending a database at night.
 */
export async function clusterVerb(
  order: ClusterOrder,
  options: ClusterOptions,
  inherited?: Inherited,
): Promise<number> {
  const { findProject } = await import('../load/project.ts')
  const { startTypeCheck } = await import('../load/type-check.ts')
  const check = startTypeCheck(findProject(process.cwd()), { warns: true })
  try {
    const opened = await openRun(order.environment, undefined, { ...options, check: false }, inherited)
    try {
      const run = { ...opened, ...(await narrowed(opened, order)), checked: told(check.result) }
      if (order.dryRun) return await showOnly(run, options)
      return await applyOpened(run, { ...options, check: false })
    } finally {
      opened.close()
    }
  } finally {
    check.stop()
  }
}

async function showOnly(run: OpenedRun, options: ClusterOptions): Promise<number> {
  const { planJson } = await import('../report/json.ts')
  const output = openOutput(options)
  const { plan } = await showPlan(run, output, {})
  output.document(planJson(plan))
  return exitOfPlan(plan)
}

/** A plan of the cluster's own phases, and nothing else. */
async function narrowed({ context }: OpenedRun, order: ClusterOrder): Promise<Pick<OpenedRun, 'context'>> {
  const { compileClusters } = await import('../plan/compile-clusters.ts')
  const { phaseHosts } = await import('../plan/expand.ts')
  const { phases } = context.playbook
  const there = phases.filter(
    (phase) => phase.cluster && phaseHosts(phase, context.inventory, context.limit).length > 0,
  )
  const name = chosenName(there, order, context.playbook.name)
  // Only this one is made: another one that cannot be made must not keep anybody from mending it.
  const place = phases.findIndex((phase) => phase.name === name)
  const [cluster] = compileClusters(context, [place], () => new Map()).values()
  if (!cluster) throw new Error(`no cluster was made of ${name}`)
  for (const host of named(order)) requireNode(cluster.nodes, host, order)
  // What steps set on a server has to fit the files of the nodes: a password, for example. Another primary has no such needs.
  const { primary, remove, upgrade } = order.goal ?? {}
  const wanted = primary !== undefined || remove !== undefined || upgrade ? [name] : [`${name}, prepare`, name]
  const left = phases.filter((phase) => wanted.includes(phase.name)).map((phase) => withoutTasksOf(phase, remove))
  const playbook = { ...context.playbook, phases: left }
  return { context: { ...context, playbook, goal: order.goal ?? {} } }
}

/** A node that leaves is given nothing any more: what starts at its boot, for example, is not put back. */
function withoutTasksOf(phase: Phase, left: string | undefined): Phase {
  if (left === undefined) return phase
  return { ...phase, tasks: (host, site) => (host.name === left ? [] : phase.tasks(host, site)) }
}

function chosenName(there: readonly Phase[], { cluster, kind }: ClusterOrder, playbook: string): string {
  const names = there.filter((phase) => kind === undefined || phase.kind === kind).map(({ name }) => name)
  const [only] = names
  const wanted = kind === undefined ? 'cluster' : CLUSTER_KINDS[kind].name
  if (there.some(({ name }) => name === cluster && !names.includes(name))) throw usage(`${cluster} is no ${wanted}`)
  if (only === undefined) throw usage(`playbook "${playbook}" has no ${wanted}`)
  if (cluster === undefined) {
    if (names.length === 1) return only
    throw usage(`there are several clusters: ${names.join(', ')}`, 'name one: --cluster NAME')
  }
  if (names.includes(cluster)) return cluster
  const { message, hint } = unknownName('cluster', cluster, names)
  throw usage(message, hint)
}

/** A node that is to leave is not among them: it may have left the inventory before, and then only its peers know it. */
function named({ adds, goal }: ClusterOrder): readonly string[] {
  return [adds, goal?.primary, ...Object.keys(goal?.acceptLoss ?? {})].filter((host) => host !== undefined)
}

/** Known before anybody is asked. */
function requireNode(nodes: readonly string[], host: string, { environment, adds }: ClusterOrder): void {
  if (nodes.includes(host)) return
  const { message, hint } = unknownName('node', host, nodes)
  const joins = 'put it into the inventory first, in a group of the cluster'
  throw usage(message, adds ? joins : (hint ?? `deploy status ${environment}`))
}

function usage(message: string, hint?: string): DeployError {
  return new DeployError({ code: 'E_CLUSTER', message, exit: exitCodes.usage, ...(hint && { hint }) })
}

/** What the type-check says, as a warning. */
async function told(checked: Promise<void>): Promise<void> {
  await checked.catch(async (error: unknown) => {
    const { errorText } = await import('../report/error-text.ts')
    process.stderr.write(`${errorText(error, false)}The cluster is looked after all the same.\n`)
  })
}
