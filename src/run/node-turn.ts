import { failedPart } from './failed-part.ts'
import type { HostPhaseResult } from './host-phase.ts'
import { notLocked } from './lock.ts'
import { rejoin, rejoinHealthy } from './node-rejoin.ts'
import { Fenced, writeOut } from './out.ts'
import type { RollingJob } from './rolling.ts'
import { go, type Node, never, stayOut, type Turn, tell } from './turn.ts'

/** Seconds in which a node must have left its balancer where the phase does not say. */
const LEAVE = 120

/**
 * One node's turn: it leaves the balancer, is changed, proves its health, and rejoins. Whatever goes wrong while it is out,
 * it stays out, and remembers why.
 */
export async function takeTurn(job: RollingJob, node: Node): Promise<HostPhaseResult> {
  const { run, rolling, runPart } = job
  const { label } = rolling.balancer
  const { host } = node.part
  const lock = run.locks.held.get(host)
  if (!lock) return notLocked(run.locks, host)
  if (node.view?.state === 'unknown') return untouched(`${label}: ${node.view.detail ?? 'it knows no such node'}`)
  if (node.foreign) {
    run.emit({ type: 'note', message: `${host}: somebody else took it out of ${label}: it stays out` })
    return runPart(node.part, never)
  }
  const turn = { job, node, leaving: leavingOf(job, host, lock.fence) }
  const stayed = await leave(turn)
  if (stayed) return stayed
  const result = await runPart(node.part, never)
  if (result.outcome === 'ok' || result.outcome === 'changed') return rejoinHealthy(turn, result)
  if (result.untouched) return asBefore(turn, result)
  return stayOut(turn, result, result.message ?? 'a task failed')
}

function untouched(message: string): HostPhaseResult {
  return { outcome: 'failed', message: `${message}; nothing was changed on it`, untouched: true }
}

function leavingOf({ run, phase, rolling, first }: RollingJob, node: string, fence: number): Turn['leaving'] {
  const hosts = [...new Set(first.phases.map(({ host }) => host))]
  return { run: run.id, fence, node, phase: phase.name, balancer: rolling.balancer.label, hosts }
}

/**
 * Takes a node out; gives how its turn ended where it did not leave. A node that only rejoins and serves already, by a run
 * that ended right behind that, stays in; else it is marked as this run's, so that no other one lets it in.
 */
async function leave(turn: Turn): Promise<HostPhaseResult | undefined> {
  const { job, node, leaving } = turn
  const { run, rolling } = job
  const { host } = node.part
  if (!node.changes && node.view?.state === 'serving') return undefined
  try {
    run.journal.append({ event: 'drain', host, balancer: rolling.balancer.label })
    await writeOut(run.context, leaving, 'being changed')
  } catch (error) {
    return untouched(`it was not taken out: ${failedPart(error).message}`)
  }
  try {
    if (node.changes) tell(job, host, 'leaving', rolling.balancer.label)
    await go(turn, 'drain', rolling.options.leave ?? LEAVE, run.stop)
    run.journal.append({ event: 'drained', host })
    return undefined
  } catch (error) {
    const failed = failedPart(error)
    const outcome = run.stop.aborted ? 'stopped' : failed.outcome
    return asBefore(turn, { outcome, message: `${failed.message}; nothing was changed on it` }, error)
  }
}

/** A node that nothing was changed on goes back to where it was: among those that serve, or out. */
async function asBefore(turn: Turn, result: HostPhaseResult, error?: unknown): Promise<HostPhaseResult> {
  // Whoever has taken over decides about it.
  if (error instanceof Fenced) return result
  const { record, view } = turn.node
  if (record || view?.state !== 'serving') return stayOut(turn, result, result.message ?? 'it was out before')
  return (await rejoin(turn)) ?? result
}
