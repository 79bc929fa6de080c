import { DeployError, exitCodes } from '../model/error.ts'
import type { Emit } from '../model/event.ts'
import type { PlanProblem } from '../model/plan.ts'
import { phaseHosts } from '../plan/expand.ts'
import type { Converged } from '../plan/manifest.ts'
import type { OwedHere } from '../shell/program.ts'
import type { Approve } from './approval.ts'
import type { Context } from './context.ts'
import { ourselves } from './holder.ts'
import { type HostPhaseResult, runHostPhase } from './host-phase.ts'
import { type Journal, openJournal } from './journal.ts'
import { type Locks, lockHosts, notLocked, releaseHosts } from './lock.ts'
import { handlerOf } from './make-plan.ts'
import { recordOf } from './manifests.ts'
import { isHere, rebootsUs } from './reboot.ts'
import { newRunId } from './run-id.ts'
import { type HostPhase, type Survey, survey } from './survey.ts'

/** How a run ended on each host, phase by phase. */
export interface ApplyResult {
  readonly run: string
  readonly hosts: readonly HostResult[]
  /** Hosts that kept their lock because they could not be reached at the end. */
  readonly locked: readonly string[]
}

export interface HostResult extends HostPhaseResult {
  readonly host: string
  readonly phase: string
}

interface Run {
  readonly id: string
  readonly emit: Emit
  readonly stop: AbortSignal
  readonly context: Context
  readonly journal: Journal
  readonly locks: Locks
  readonly approve: Approve
  readonly results: HostResult[]
  /** The parts of each host that are as wanted, for its manifest. */
  readonly converged: Map<string, Converged[]>
  readonly locked: string[]
  /** Hosts that are out of the run: failed, unknown, refused. */
  readonly out: Set<string>
}

/** What may be done, by whom it was asked for, and who looks on. */
export interface Order {
  /** The command line, for the journal and for others who meet the lock. */
  readonly command: string
  readonly approve: Approve
  /** Hosts that nothing is done on, because their plan has problems. */
  readonly blocked: ReadonlySet<string>
  readonly emit: Emit
  /** Whether the plan takes away what no task keeps any more. */
  readonly prune: boolean
  /** The run to be taken over. */
  readonly instead?: string | undefined
  /** Aborted when the run shall stop: each host ends the task it is at, and nothing more is begun. */
  readonly stop: AbortSignal
}

/**
 * Carries out an approved plan: locks all hosts, walks the phases in order, surveys a phase again when one before it
 * changed something, and gives the locks back. A host that fails is left out of what follows; a failed `once` phase
 * ends the run, because what comes after may build on it. A run that was told to stop gives its locks back as well.
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
  const locks = await lockHosts(context, { run: id, owner, instead: order.instead }, hosts)
  const run: Run = {
    id,
    stop: order.stop,
    context,
    journal,
    locks,
    approve: order.approve,
    emit: order.emit,
    results: [],
    converged: new Map(),
    locked: [],
    out: new Set([...order.blocked, ...first.lost.map(({ host }) => host)]),
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

async function walkPhases(run: Run, first: Survey): Promise<void> {
  const { context } = run
  let current = first
  let changed = false
  for (const [index, phase] of context.playbook.phases.entries()) {
    if (run.stop.aborted) return
    if (changed) current = await surveyAgain(run, index)
    const parts = current.phases.filter((part) => part.phase === index && !run.out.has(part.host))
    if (phase.strategy === 'once' && missingOnce(run, index, parts)) return
    if (parts.length === 0) continue
    run.emit({ type: 'phase', phase: phase.name, state: 'start', hosts: parts.map(({ host }) => host) })
    const results = await Promise.all(parts.map((part) => runPart(run, phase.name, part, owedHere(first, part))))
    run.emit({ type: 'phase', phase: phase.name, state: 'end', hosts: parts.map(({ host }) => host) })
    run.results.push(...results)
    for (const { host, outcome } of results) if (outcome !== 'ok' && outcome !== 'changed') run.out.add(host)
    changed ||= results.some(({ outcome }) => outcome !== 'ok')
    if (phase.strategy === 'once' && results.some(({ host }) => run.out.has(host))) return
  }
}

/** Whether the host of a `once` phase is out of the run: then what comes after is not begun, for it may build on it. */
function missingOnce(run: Run, index: number, parts: readonly HostPhase[]): boolean {
  const phase = run.context.playbook.phases[index]
  const [host] = phase ? phaseHosts(phase, run.context.inventory, run.context.limit) : []
  if (!phase || host === undefined || parts.length > 0) return false
  run.emit({
    type: 'note',
    message: `phase ${phase.name} runs once, on ${host}, which is out: the phases from here on were not begun`,
  })
  return true
}

/** Later phases may build on what earlier ones changed: their facts, tasks and checks are read anew. */
async function surveyAgain(run: Run, phase: number): Promise<Survey> {
  const again = await survey(run.context, [phase]).catch((error: unknown) => notCompiled(run, phase, error))
  for (const problem of again.problems) addProblem(run, phase, problem)
  for (const { host, message } of again.lost) {
    if (!run.out.has(host)) addProblem(run, phase, { host, message }, 'unknown')
  }
  return again
}

/** Tasks that cannot be made of what the hosts look like now end the run; what was done so far is told as ever. */
function notCompiled(run: Run, index: number, error: unknown): Survey {
  const { phases } = run.context.playbook
  const message = error instanceof Error ? error.message : String(error)
  const hosts = phases.slice(index).flatMap((phase) => phaseHosts(phase, run.context.inventory, run.context.limit))
  const problems = [...new Set(hosts)].filter((host) => !run.out.has(host)).map((host) => ({ host, message }))
  return { phases: [], hellos: new Map(), lost: [], problems }
}

function addProblem(
  run: Run,
  phase: number,
  { host, task, message }: PlanProblem,
  outcome: HostResult['outcome'] = 'failed',
): void {
  run.out.add(host)
  run.results.push({
    host,
    phase: run.context.playbook.phases[phase]?.name ?? '',
    outcome,
    message: task ? `${task}: ${message}` : message,
  })
}

async function runPart(run: Run, phaseName: string, part: HostPhase, owed: readonly OwedHere[]): Promise<HostResult> {
  const { prunes, unrecorded } = run.context.playbook.phases[part.phase] ?? {}
  const pruned = prunes?.get(part.host)
  const lock = run.locks.held.get(part.host)
  if (!lock) return { host: part.host, phase: phaseName, ...notLocked(run.locks, part.host) }
  const result = await runHostPhase(run.context.pool, {
    run: run.id,
    fence: lock.fence,
    guards: !isHere(run.context, part.host),
    stop: run.stop,
    redactor: run.context.redactor,
    part,
    phaseName,
    owed,
    approve: (host, todo, stale) => {
      const refused = todo.flatMap((decision) => rebootsUs(run.context, host, decision) ?? [])
      return refused[0] ?? run.approve(host, todo, stale)
    },
    emit: run.emit,
    converged: (now) => {
      if (unrecorded) return
      run.converged.set(part.host, [...(run.converged.get(part.host) ?? []), { ...now, ...(pruned && { pruned }) }])
    },
    record: (event, detail) => run.journal.append({ event, ...detail }),
  }).catch(failedPart)
  run.emit({ type: 'part', phase: phaseName, host: part.host, outcome: result.outcome })
  return { host: part.host, phase: phaseName, ...result }
}

/** What goes wrong on one host in a way nobody foresaw is that host's failure: the others have their own work to end. */
function failedPart(error: unknown): HostPhaseResult {
  const lost = error instanceof DeployError && error.exit === exitCodes.unreachable
  return { outcome: lost ? 'unknown' : 'failed', message: error instanceof Error ? error.message : String(error) }
}

/** The owed handlers that are paid in this part: those it knows, and in a host's first part those nobody knows. */
function owedHere(first: Survey, part: HostPhase): readonly OwedHere[] {
  const parts = first.phases.filter(({ host }) => host === part.host)
  const owed = first.hellos.get(part.host)?.owed ?? []
  return owed
    .filter((one) => (parts.find((item) => handlerOf(item, one)) ?? parts[0])?.phase === part.phase)
    .map(({ id, name }) => {
      const now = handlerOf(part, { id, name })
      return { id, name, ...(now && now.id !== id && { as: now.id }) }
    })
}
