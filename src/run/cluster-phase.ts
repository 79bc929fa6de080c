import type { ClusterAction, ClusterStep } from '../model/cluster.ts'
import type { Emit } from '../model/event.ts'
import type { Phase } from '../model/playbook.ts'
import { actionDecision } from '../plan/cluster-task.ts'
import { stepAgreement } from './agree-step.ts'
import { approveAll } from './approval.ts'
import { prove, provenWords } from './cluster-proof.ts'
import { failedPart } from './failed-part.ts'
import type { HostPhaseResult, HostResult } from './host-phase.ts'
import { comesBack, type Failure, failureOf, goalBehind, nextStep, withRest } from './next-step.ts'
import { runTasks } from './run-tasks.ts'
import type { HostPhase } from './survey.ts'
import { type SurveyedCluster, surveyAgain } from './survey-clusters.ts'
import { never } from './turn.ts'
import type { Run } from './walk-phases.ts'

/** A cluster phase of a run. */
export interface ClusterJob {
  readonly run: Run
  readonly phase: Phase
  readonly found: SurveyedCluster
  /** The hosts of this phase that are still in the run. */
  readonly parts: readonly HostPhase[]
  readonly runPart: (part: HostPhase) => Promise<HostPhaseResult>
}

/** How often one step may come up before we admit that it does not help. */
const TRIES = 2

/**
 * Brings a cluster to what is wanted: the tasks of all its nodes at once; then step by step, and behind each step the
 * cluster is surveyed and decided anew, so that only what is still right is done. It ends well only if the proof from the
 * clients' side holds.
 */
export async function clusterPhase(job: ClusterJob): Promise<readonly HostResult[]> {
  const { run, phase, parts } = job
  const hosts = parts.map(({ host }) => host)
  run.emit({ type: 'phase', phase: phase.name, state: 'start', hosts })
  const results = await Promise.all(
    parts.map(
      async (part): Promise<HostResult> => ({ host: part.host, phase: phase.name, ...(await job.runPart(part)) }),
    ),
  )
  // What earlier phases did to its nodes may matter as well.
  const moved = [...results, ...run.results].some(
    ({ outcome, host }) => outcome === 'changed' && job.found.cluster.nodes.includes(host),
  )
  const whole = results.every(isWell) ? await makeWhole(job, moved) : { touched: new Set<string>(), lost: [] }
  const ended = results.map((own) => ({ ...own, ...endOf(own, whole) }))
  for (const { host, outcome } of ended) run.emit({ type: 'part', phase: phase.name, host, outcome })
  run.emit({ type: 'phase', phase: phase.name, state: 'end', hosts })
  return ended
}

function isWell({ outcome }: HostPhaseResult): boolean {
  return outcome === 'ok' || outcome === 'changed'
}

/** What became of the cluster, and which nodes had a hand in it. */
interface Whole {
  readonly touched: ReadonlySet<string>
  /** Nodes that could not be reached at last. */
  readonly lost: readonly string[]
  /** Missing: it is whole, or nothing was to be done. */
  readonly end?: HostPhaseResult | undefined
}

function endOf(own: HostResult, { touched, lost, end }: Whole): HostPhaseResult {
  if (!isWell(own)) return own
  if (lost.includes(own.host)) return { outcome: 'unknown', message: 'it could not be reached any more' }
  if (end) return end
  return { outcome: own.outcome === 'changed' || touched.has(own.host) ? 'changed' : 'ok' }
}

async function makeWhole(job: ClusterJob, moved: boolean): Promise<Whole> {
  const agreement = stepAgreement(job)
  const run = { ...job.run, approve: agreement.approve }
  const touched = new Set<string>()
  const tries = new Map<string, number>()
  const failures: Failure[] = []
  let { found } = job
  let context = run.context
  const ended = (end?: HostPhaseResult): Whole => ({ touched, lost: found.lost, end })
  for (let number = 1; ; number++) {
    // The plan may be an hour old, and no node was locked then: what is done is decided from what is seen now.
    // One that was given up unseen may be back since.
    const anew = number === 1 ? Object.keys(context.goal?.acceptLoss ?? {}) : []
    if (moved || number > 1 || found.state.decision.steps.length > 0) found = await surveyAgain(context, found, anew)
    const { refusal } = found.state.decision
    if (refusal) return ended({ outcome: 'refused', message: `${refusal.why}; ${refusal.hint}` })
    const step = nextStep(found.state, failures)
    const [first] = failures
    if (first && (!step || run.stop.aborted)) return ended(first.end)
    if (!step) return ended(touched.size > 0 || moved || run.context.goal ? await proven(job, found) : undefined)
    if (run.stop.aborted) return ended({ outcome: 'stopped', message: `stopped before: ${nameOf(step)}` })
    const answer = await agreement.ask(step)
    if (answer === 'no') return ended({ outcome: 'refused', message: `${nameOf(step)} was not agreed to` })
    // It was waited for the answer: what is done is decided from what is seen now.
    if (answer === 'yes') continue
    const tried = (tries.get(nameOf(step)) ?? 0) + 1
    tries.set(nameOf(step), tried)
    const failed = tried > TRIES ? fruitless(step) : await runStep({ ...job, run }, step, number, touched)
    if (failed) failures.push(failed)
    else if (context.goal) context = { ...context, goal: goalBehind(context.goal, step) }
    if (failed && !(step.alone && failed.end.outcome === 'failed')) return ended(failures[0]?.end)
  }
}

function nameOf({ name, about }: ClusterStep): string {
  return `${name} ${about}`
}

function fruitless(step: ClusterStep): Failure {
  const message = `${nameOf(step)} was done ${TRIES} times, and the cluster still is as before: ${step.reason}`
  return { end: { outcome: 'failed', message }, hosts: step.stages.flat().map(({ host }) => host) }
}

/** The stages of a step in order; nothing when all of it was done. A step that was begun is brought to its end. */
async function runStep(
  job: ClusterJob,
  step: ClusterStep,
  number: number,
  touched: Set<string>,
): Promise<Failure | undefined> {
  const hosts = step.stages.flat().map(({ host }) => host)
  for (const host of hosts) touched.add(host)
  const unlocked = hosts.find((host) => !job.run.locks.held.has(host))
  if (unlocked !== undefined) {
    const message = `${nameOf(step)}: ${unlocked} is not locked by this run`
    return { end: { outcome: 'refused', message }, hosts: [unlocked] }
  }
  for (const [index, stage] of step.stages.entries()) {
    const failed = await runStage(job, step, stage, `${number}-${index}`)
    if (!failed) continue
    // Who agreed to the step has agreed to what it takes back.
    const back = { ...job, run: { ...job.run, approve: approveAll } }
    if (comesBack(index, failed)) await runStage(back, step, step.afterFailure ?? [], `${number}-after`)
    return withRest(failed, step.stages.slice(index + 1))
  }
  return undefined
}

/** Actions of a step, all at once; those that did not end well. */
async function runStage(
  { run, phase }: ClusterJob,
  step: ClusterStep,
  stage: readonly ClusterAction[],
  name: string,
): Promise<Failure | undefined> {
  const index = run.context.playbook.phases.indexOf(phase)
  const results = await Promise.all(
    stage.map((action, place) => {
      const decision = actionDecision(phase, step, action)
      const nothing = { pieces: new Map(), ran: new Set<string>() }
      const part: HostPhase = {
        host: action.host,
        phase: index,
        tasks: [decision.task],
        decisions: [decision],
        ...nothing,
      }
      const order = { stop: never, owed: [], program: `${index}-${name}-${place}` }
      // What it did is no task of the playbook: the host does not record it as applied.
      return runTasks(
        action.tells ? { ...run, emit: telling(run.emit) } : run,
        { ...phase, unrecorded: true },
        part,
        order,
      )
    }),
  )
  return failureOf(stage, results, `${nameOf(step)} failed`)
}

/** Tells what an action printed when it is done, too. */
function telling(emit: Emit): Emit {
  return (event) => {
    emit(event)
    if (event.type !== 'task' || event.state !== 'changed' || !event.output) return
    emit({ type: 'note', message: `${event.host}: ${event.output.toString('utf8').trim()}` })
  }
}

/** The proof from the clients' side, of all nodes that can be reached; nothing when it holds. */
async function proven(
  { run, phase }: ClusterJob,
  { cluster, lost }: SurveyedCluster,
): Promise<HostPhaseResult | undefined> {
  const wrong = await prove(run.context, cluster, lost).catch((error: unknown) => [failedPart(error).message ?? ''])
  if (wrong.length > 0) return { outcome: 'failed', message: `${phase.name} is not proven: ${wrong.join('; ')}` }
  run.emit({ type: 'note', message: `${phase.name}: proven: ${provenWords(cluster, lost, run.context.goal)}` })
  return undefined
}
