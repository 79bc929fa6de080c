import type { Emit } from '../model/event.ts'
import type { StepAsk } from './agree-step.ts'
import type { Approve } from './approval.ts'
import type { Context } from './context.ts'
import { ourselves } from './holder.ts'
import type { HostResult } from './host-phase.ts'
import { type Journal, openJournal } from './journal.ts'
import { lockHosts, releaseHosts } from './lock.ts'
import { recordOf } from './manifests.ts'
import type { PauseAsk } from './rolling.ts'
import { newRunId } from './run-id.ts'
import type { Survey } from './survey.ts'
import { type Run, walkPhases } from './walk-phases.ts'

/** How a run ended on each host, phase by phase. */
export interface ApplyResult {
  readonly run: string
  readonly hosts: readonly HostResult[]
  /** Hosts that kept their lock because they could not be reached at the end. */
  readonly locked: readonly string[]
}

/** What may be done, by whom it was asked for, and who looks on. */
export interface Order {
  /** The command line, for the journal and for others who meet the lock. */
  readonly command: string
  readonly approve: Approve
  /** Hosts that nothing is done on, because their plan has problems. */
  readonly blocked: ReadonlySet<string>
  readonly emit: Emit
  /** Asks a person whether to go on between two waves. */
  readonly pause: PauseAsk
  /** Asks a person about a step that the approved plan could not show. Missing: nobody is asked. */
  readonly askStep?: StepAsk | undefined
  /** Whether the plan takes away what no task keeps any more. */
  readonly prune: boolean
  /** The run to be taken over. */
  readonly instead?: string | undefined
  /** The hosts that it holds. */
  readonly takes: readonly string[]
  /** Aborted when the run shall stop: each host ends the task it is at, and nothing more is begun. */
  readonly stop: AbortSignal
}

/**
 * Carries out an approved plan: locks all hosts, walks the phases in order, surveys a phase again when one before it
 * changed something, and gives the locks back. A host that fails is left out of what follows; a failed `once` phase
 * ends the run, because what comes after may build on it; so does a rolling one. A run that was told to stop gives its locks back as well.
 */
export async function apply(context: Context, first: Survey, order: Order): Promise<ApplyResult> {
  const id = newRunId()
  const journal = openJournal(context.root, id, context.redactor)
  const hosts = [...new Set(first.phases.map(({ host }) => host))].filter((host) => !order.blocked.has(host))
  journal.append({
    event: 'run',
    run: id,
    environment: context.inventory.environment,
    playbook: context.playbook.name,
    command: order.command,
    hosts,
    ...(order.instead && { instead: order.instead }),
  })
  const { project, environment, playbook } = context.scope
  const owner = ourselves({ command: order.command, project, environment, playbook, prune: order.prune, hosts })
  const claim = { run: id, owner, instead: order.instead }
  const locks = await lockHosts(context, claim, [...new Set([...hosts, ...wholeGroups(first, hosts), ...order.takes])])
  const run: Run = {
    id,
    stop: order.stop,
    context,
    journal,
    locks,
    approve: order.approve,
    pause: order.pause,
    askStep: order.askStep,
    emit: order.emit,
    results: [],
    converged: new Map(),
    locked: [],
    dropped: new Set([...order.blocked, ...first.lost.map(({ host }) => host)]),
  }
  try {
    journal.append({
      event: 'locked',
      fences: Object.fromEntries([...locks.held].map(([host, { fence }]) => [host, fence])),
    })
    await walkPhases(run, first)
  } finally {
    noteEnd(run, { event: 'releasing' })
    await release(run)
    noteEnd(run, { event: 'end', locked: run.locked, results: run.results })
    journal.close()
  }
  return { run: id, hosts: run.results, locked: run.locked }
}

/**
 * All nodes of the pools and clusters that some hosts belong to, and the hosts of their balancers: two runs must not take
 * one node each out of one pool, or reload a balancer while a node is out of it.
 */
function wholeGroups({ rolling, clusters }: Survey, hosts: readonly string[]): readonly string[] {
  const pools = [...rolling.values()].map(({ nodes, balancer }) => ({ nodes, all: [...nodes, ...balancer.hosts] }))
  const whole = [...clusters.values()].map(({ cluster: { nodes } }) => ({ nodes, all: nodes }))
  return [...pools, ...whole]
    .filter(({ nodes }) => nodes.some((node) => hosts.includes(node)))
    .flatMap(({ all }) => all)
}

/** The locks are given back, and the end is told, whether or not it can be written down. */
function noteEnd({ journal, emit }: Run, entry: Parameters<Journal['append']>[0]): void {
  try {
    journal.append(entry)
  } catch (error) {
    emit({ type: 'note', message: (error as Error).message })
  }
}

/** Gives the locks back; what is as wanted now is recorded on each host in the same trip. */
async function release({ id, context, locks, converged, locked, emit }: Run): Promise<void> {
  const records = new Map(
    [...locks.held].flatMap(([host, { manifest }]) => {
      const record = recordOf(context.scope, manifest, converged.get(host) ?? [], id)
      return record === undefined ? [] : [[host, record] as const]
    }),
  )
  const released = await releaseHosts(context.pool, id, [...locks.held.keys()], records)
  locked.push(...released.locked)
  for (const host of released.unrecorded) {
    const message = `${host}: what was applied could not be written down there; deploy drift knows it after the next apply`
    emit({ type: 'note', message })
  }
}
