import type { Emit } from '../model/event.ts'
import type { PlanProblem } from '../model/plan.ts'
import type { Phase } from '../model/playbook.ts'
import { phaseHosts } from '../plan/expand.ts'
import type { Converged } from '../plan/manifest.ts'
import type { StepAsk } from './agree-step.ts'
import type { Approve } from './approval.ts'
import { clusterPhase } from './cluster-phase.ts'
import type { Context } from './context.ts'
import { owedHere } from './handler-of.ts'
import type { HostResult } from './host-phase.ts'
import type { Journal } from './journal.ts'
import type { Locks } from './lock.ts'
import { type PauseAsk, rollingPhase } from './rolling.ts'
import { runTasks } from './run-tasks.ts'
import { type HostPhase, type Survey, survey } from './survey.ts'

/** A run at work. */
export interface Run {
  readonly id: string
  readonly emit: Emit
  readonly stop: AbortSignal
  readonly context: Context
  readonly journal: Journal
  readonly locks: Locks
  readonly approve: Approve
  readonly pause: PauseAsk
  readonly askStep?: StepAsk | undefined
  readonly results: HostResult[]
  /** The parts of each host that are as wanted, for its manifest. */
  readonly converged: Map<string, Converged[]>
  readonly locked: string[]
  /** Hosts that the run goes on without: failed, unknown, refused. */
  readonly dropped: Set<string>
}

/**
 * Walks the phases in order, and surveys a phase again when one before it changed something. A host that fails is left out
 * of what follows; a failed `once` phase, and a rolling one that was not done as a whole, end the run, because what comes
 * after may build on it.
 */
export async function walkPhases(run: Run, first: Survey): Promise<void> {
  const { context } = run
  let current = first
  let changed = false
  for (const [index, phase] of context.playbook.phases.entries()) {
    if (run.stop.aborted) return
    if (changed) current = await surveyAgain(run, index)
    const parts = current.phases.filter((part) => part.phase === index && !run.dropped.has(part.host))
    if (failedNode(run, current, index)) return
    if (phase.strategy === 'once' && missingOnce(run, index, parts)) return
    if (parts.length === 0) continue
    const results = await runPhase(run, phase, { first, current, parts })
    run.results.push(...results)
    for (const { host, outcome } of results) if (outcome !== 'ok' && outcome !== 'changed') run.dropped.add(host)
    changed ||= results.some(({ outcome }) => outcome !== 'ok')
    if (phase.strategy !== 'parallel' && results.some(({ host }) => run.dropped.has(host))) return
  }
}

interface PhaseNow {
  readonly first: Survey
  readonly current: Survey
  readonly parts: readonly HostPhase[]
}

async function runPhase(run: Run, phase: Phase, { first, current, parts }: PhaseNow): Promise<readonly HostResult[]> {
  const { emit, context } = run
  const runPart = (part: HostPhase, stop: AbortSignal) =>
    runTasks(run, phase, part, { stop, owed: owedHere(first, part) })
  const rolling = current.rolling.get(context.playbook.phases.indexOf(phase))
  if (rolling) return rollingPhase({ run, phase, rolling, parts, first, runPart })
  const found = current.clusters.get(context.playbook.phases.indexOf(phase))
  if (found) return clusterPhase({ run, phase, found, parts, runPart: (part) => runPart(part, run.stop) })
  const hosts = parts.map(({ host }) => host)
  emit({ type: 'phase', phase: phase.name, state: 'start', hosts })
  const results = await Promise.all(
    parts.map(async (part): Promise<HostResult> => {
      const result = await runPart(part, run.stop)
      emit({ type: 'part', phase: phase.name, host: part.host, outcome: result.outcome })
      return { host: part.host, phase: phase.name, ...result }
    }),
  )
  emit({ type: 'phase', phase: phase.name, state: 'end', hosts })
  return results
}

/** Whether a node of a pool or cluster has failed in this run: then none of them is touched. */
function failedNode({ results, context, emit }: Run, { rolling, clusters }: Survey, index: number): boolean {
  const nodes = rolling.get(index)?.nodes ?? clusters.get(index)?.cluster.nodes ?? []
  const failed = results.find(({ host, outcome }) => nodes.includes(host) && outcome === 'failed')
  if (!failed) return false
  const name = context.playbook.phases[index]?.name
  emit({ type: 'note', message: `phase ${name} was not begun: ${failed.host} failed in phase ${failed.phase}` })
  return true
}

/** Whether the host of a `once` phase is out of the run: then what comes after is not begun, for it may build on it. */
function missingOnce(run: Run, index: number, parts: readonly HostPhase[]): boolean {
  const phase = run.context.playbook.phases[index]
  const [host] = phase ? phaseHosts(phase, run.context.inventory, run.context.limit) : []
  if (!phase || host === undefined || parts.length > 0) return false
  run.emit({
    type: 'note',
    message: `phase ${phase.name} runs once, on ${host}, which the run goes on without: the phases from here on were not begun`,
  })
  return true
}

/** Later phases may build on what earlier ones changed: their facts, tasks and checks are read anew. */
async function surveyAgain(run: Run, phase: number): Promise<Survey> {
  const again = await survey(run.context, [phase]).catch((error: unknown) => notCompiled(run, phase, error))
  for (const problem of again.problems) addProblem(run, phase, problem)
  for (const { host, message } of again.lost) {
    if (!run.dropped.has(host)) addProblem(run, phase, { host, message }, 'unknown')
  }
  return again
}

/** Tasks that cannot be made of what the hosts look like now end the run; what was done so far is told as ever. */
function notCompiled(run: Run, index: number, error: unknown): Survey {
  const { phases } = run.context.playbook
  const message = error instanceof Error ? error.message : String(error)
  const hosts = phases.slice(index).flatMap((phase) => phaseHosts(phase, run.context.inventory, run.context.limit))
  const problems = [...new Set(hosts)].filter((host) => !run.dropped.has(host)).map((host) => ({ host, message }))
  return { phases: [], rolling: new Map(), clusters: new Map(), hellos: new Map(), lost: [], problems }
}

function addProblem(
  run: Run,
  phase: number,
  { host, task, message }: PlanProblem,
  outcome: HostResult['outcome'] = 'failed',
): void {
  run.dropped.add(host)
  run.results.push({
    host,
    phase: run.context.playbook.phases[phase]?.name ?? '',
    outcome,
    message: task ? `${task}: ${message}` : message,
  })
}
