import type { NodeView } from '../model/balancer.ts'
import type { HostEvent } from '../model/event.ts'
import type { OutRecord } from '../model/out-record.ts'
import type { Health } from '../model/rolling.ts'
import { watchedUnits } from '../plan/watched-units.ts'
import { askHealth } from './ask-health.ts'
import { takeStages } from './balancer-calls.ts'
import { failedPart } from './failed-part.ts'
import type { HostPhaseResult } from './host-phase.ts'
import { notLocked } from './lock.ts'
import { eraseOut, type Leaving, writeOut } from './out.ts'
import { putNodeBack } from './put-node-back.ts'
import type { RollingJob } from './rolling.ts'
import type { HostPhase } from './survey.ts'

/** A node whose turn it is. */
export interface Node {
  readonly part: HostPhase
  /** Somebody else took it out: it is changed, and stays out. */
  readonly foreign: boolean
  /** What it remembers of having been taken out by us. */
  readonly record: OutRecord | undefined
  /** How its balancer saw it before its wave. */
  readonly view: NodeView | undefined
}

/** Seconds for the stages of leaving and rejoining, and for which units must stay up, where the phase does not say. */
const LEAVE = 120
const REJOIN = 60
const SETTLE = 3

/** Never aborted: a node that is out of its balancer is brought to an end before the run stops. */
const never = new AbortController().signal

/**
 * One node's turn: it leaves the balancer, is changed, proves its health, and rejoins. Whatever goes wrong while it is out,
 * it stays out, and remembers why. `changes`: whether there is something to change; else it only rejoins.
 */
export async function takeTurn(job: RollingJob, node: Node, changes: boolean): Promise<HostPhaseResult> {
  const { run, phase, rolling, runPart } = job
  const { host } = node.part
  const lock = run.locks.held.get(host)
  if (!lock) return notLocked(run.locks, host)
  if (node.view?.state === 'unknown') {
    const why = node.view.detail ?? 'it knows no such node'
    return {
      outcome: 'failed',
      message: `${rolling.balancer.label}: ${why}; nothing was changed on it`,
      untouched: true,
    }
  }
  if (node.foreign) {
    run.emit({ type: 'note', message: `${host}: somebody else took it out of ${rolling.balancer.label}: it stays out` })
    return runPart(node.part, never)
  }
  const hosts = [...new Set(job.first.phases.map((part) => part.host))]
  const leaving = {
    run: run.id,
    fence: lock.fence,
    node: host,
    phase: phase.name,
    balancer: rolling.balancer.label,
    hosts,
  }
  const turn = { job, node, leaving }
  if (changes) {
    const kept = await leave(turn)
    if (kept) return kept
  }
  const result = await runPart(node.part, never)
  if (result.outcome !== 'ok' && result.outcome !== 'changed') {
    if (result.untouched) return (await rejoin(turn)) ?? result
    return stayOut(turn, result, result.message ?? 'a task failed')
  }
  const sick = await health(turn).catch((error: unknown) => failedPart(error).message)
  if (sick !== undefined) return unhealthy(turn, sick)
  return (await rejoin(turn)) ?? result
}

interface Turn {
  readonly job: RollingJob
  readonly node: Node
  readonly leaving: Leaving
}

/** Takes a node out; gives how its turn ended where it did not leave: then nothing was changed on it. */
async function leave({ job, node, leaving }: Turn): Promise<HostPhaseResult | undefined> {
  const { run, rolling } = job
  const { host } = node.part
  try {
    run.journal.append({ event: 'drain', host, balancer: rolling.balancer.label })
    await writeOut(run.context, leaving, 'being changed')
    tell(job, host, 'leaving', rolling.balancer.label)
    const stages = rolling.balancer.drain(host, run.id)
    await takeStages(run.context, rolling.balancer, host, stages, rolling.options.leave ?? LEAVE, run.stop)
    run.journal.append({ event: 'drained', host })
    return undefined
  } catch (error) {
    const failed = failedPart(error)
    const stopped = run.stop.aborted ? { ...failed, outcome: 'stopped' as const } : failed
    const result = { ...stopped, message: `${failed.message}; nothing was changed on it` }
    return (await rejoin({ job, node, leaving })) ?? result
  }
}

async function health({ job, node }: Turn, only?: (one: Health) => Health): Promise<string | undefined> {
  const { run, rolling } = job
  const { host, tasks } = node.part
  const health = rolling.health.get(host) ?? []
  tell(job, host, 'checking', 'its health')
  const wake = rolling.balancer.wake?.(host) ?? []
  await takeStages(run.context, rolling.balancer, host, wake, rolling.options.rejoin ?? REJOIN, never)
  const question = {
    health: only ? health.map(only) : health,
    units: watchedUnits(tasks),
    settle: rolling.options.settle ?? SETTLE,
  }
  return askHealth(run.context.pool, host, question)
}

/** Lets a node back in; gives how its turn ended where that failed. */
async function rejoin(turn: Turn): Promise<HostPhaseResult | undefined> {
  const { job, node, leaving } = turn
  const { run, rolling } = job
  const { host } = node.part
  try {
    run.journal.append({ event: 'join', host, balancer: rolling.balancer.label })
    // Also the last look at the fence: a run that was taken over meanwhile lets nobody in.
    await writeOut(run.context, leaving, 'about to rejoin')
    tell(job, host, 'rejoining', rolling.balancer.label)
    const stages = rolling.balancer.join(host)
    await takeStages(run.context, rolling.balancer, host, stages, rolling.options.rejoin ?? REJOIN, never)
    await eraseOut(run.context, leaving)
    run.journal.append({ event: 'joined', host })
    tell(job, host, 'serving', rolling.balancer.label)
    if (node.record) rejoined(job, host, node.record)
    return undefined
  } catch (error) {
    const failed = failedPart(error)
    return stayOut(turn, failed, `it could not rejoin: ${failed.message}`)
  }
}

/** A planned change of its own where an earlier run had left the node out. */
function rejoined({ run, phase }: RollingJob, host: string, { balancer }: OutRecord): void {
  const about = { phase: phase.name, host, task: `rejoin ${balancer}`, key: `rejoin:${phase.name}`, where: phase.where }
  run.emit({ type: 'task', ...about, state: 'changed' })
}

/** A node that is not healthy stays out, or gets back what this run replaced and rejoins with that. */
async function unhealthy(turn: Turn, sick: string): Promise<HostPhaseResult> {
  const { job, node } = turn
  const failed = { outcome: 'failed' as const, message: `not healthy: ${sick}` }
  if (!job.rolling.options.rollback) return stayOut(turn, failed, failed.message)
  const undone = await putNodeBack(job, node.part).catch((error: unknown) => failedPart(error).message)
  const still = undone ?? (await health(turn, withoutVersion).catch((error: unknown) => failedPart(error).message))
  if (still !== undefined) return stayOut(turn, failed, `${failed.message}; putting it back failed: ${still}`)
  const back = { ...failed, message: `${failed.message}; what this run replaced on it was put back` }
  return (await rejoin(turn)) ?? back
}

/** What was put back is another version than the one that is wanted. */
function withoutVersion(one: Health): Health {
  if (!('url' in one)) return one
  const { version: _version, ...rest } = one
  return rest
}

/** Leaves a node out of its balancer, named, and tells it why; where it can be reached. */
async function stayOut({ job, leaving }: Turn, result: HostPhaseResult, why: string): Promise<HostPhaseResult> {
  const { run, rolling } = job
  const { label } = rolling.balancer
  await writeOut(run.context, leaving, why).catch((error: unknown) => {
    const message = `${leaving.node}: why it is out could not be written down there: ${failedPart(error).message}`
    run.emit({ type: 'note', message })
  })
  tell(job, leaving.node, 'out', `of ${label}: ${why}`)
  return { ...result, message: why, leftOut: label }
}

function tell({ run }: RollingJob, host: string, state: HostEvent['state'], message: string): void {
  run.emit({ type: 'host', host, state, message })
}
