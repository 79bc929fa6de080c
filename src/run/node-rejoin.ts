import type { OutRecord } from '../model/out-record.ts'
import type { Health } from '../model/rolling.ts'
import { watchedUnits } from '../plan/watched-units.ts'
import { askHealth } from './ask-health.ts'
import { failedPart } from './failed-part.ts'
import type { HostPhaseResult } from './host-phase.ts'
import { eraseOut, Fenced, writeOut } from './out.ts'
import { putNodeBack } from './put-node-back.ts'
import type { RollingJob } from './rolling.ts'
import { go, stayOut, type Turn, tell } from './turn.ts'

/** Seconds for rejoining, and for which units must stay up, where the phase does not say. */
const REJOIN = 60
const SETTLE = 3

/** Lets a node in that proves its health. Else it stays out, or gets back what this run replaced and rejoins with that. */
export async function rejoinHealthy(turn: Turn, result: HostPhaseResult): Promise<HostPhaseResult> {
  const { job, node } = turn
  try {
    await go(turn, 'wake', job.rolling.options.rejoin ?? REJOIN)
  } catch (error) {
    return notIn(turn, error)
  }
  const sick = await sickness(turn)
  if (sick === undefined) return (await rejoin(turn)) ?? result
  const failed = { outcome: 'failed' as const, message: `not healthy: ${sick}` }
  if (!job.rolling.options.rollback || !node.changes) return stayOutAgain(turn, failed)
  const undone = await putNodeBack(job, node.part).catch((error: unknown) => failedPart(error).message)
  const still = undone ?? (await sickness(turn, withoutVersion))
  if (still !== undefined)
    return stayOutAgain(turn, { ...failed, message: `${failed.message}; putting it back failed: ${still}` })
  const back = { ...failed, message: `${failed.message}; what this run replaced on it was put back` }
  return (await rejoin(turn)) ?? back
}

/** Why a node is not healthy, or nothing when it is. */
async function sickness(turn: Turn, only: (one: Health) => Health = (one) => one): Promise<string | undefined> {
  const { job, node } = turn
  const { run, rolling } = job
  const { host, tasks } = node.part
  tell(job, host, 'checking', 'its health')
  try {
    return await askHealth(run.context.pool, host, {
      health: (rolling.health.get(host) ?? []).map(only),
      units: watchedUnits(tasks),
      settle: rolling.options.settle ?? SETTLE,
    })
  } catch (error) {
    return failedPart(error).message
  }
}

/** What was put back is another version than the one that is wanted. */
function withoutVersion(one: Health): Health {
  if (!('url' in one)) return one
  const { version: _version, ...rest } = one
  return rest
}

/** Lets a node back in; gives how its turn ended where that failed. */
export async function rejoin(turn: Turn): Promise<HostPhaseResult | undefined> {
  const { job, node, leaving } = turn
  const { run, rolling } = job
  const { host } = node.part
  try {
    note(job, { event: 'join', host, balancer: rolling.balancer.label })
    // Also a look at the fence: a run that was taken over meanwhile lets nobody in.
    await writeOut(run.context, leaving, 'about to rejoin')
    tell(job, host, 'rejoining', rolling.balancer.label)
    await go(turn, 'join', rolling.options.rejoin ?? REJOIN)
    await eraseOut(run.context, leaving, node.record)
  } catch (error) {
    return notIn(turn, error)
  }
  note(job, { event: 'joined', host })
  tell(job, host, 'serving', rolling.balancer.label)
  if (node.record) rejoined(job, host, node.record)
  return undefined
}

/** A healthy node that its balancer did not let in, or another run holds by now. */
async function notIn(turn: Turn, error: unknown): Promise<HostPhaseResult> {
  const failed = failedPart(error)
  return error instanceof Fenced ? failed : stayOut(turn, failed, `it could not rejoin: ${failed.message}`)
}

/** A node that was woken for nothing: it leaves once more, so that its health flag keeps it out as well. */
async function stayOutAgain(turn: Turn, result: HostPhaseResult): Promise<HostPhaseResult> {
  const { run } = turn.job
  await go(turn, 'drain', turn.job.rolling.options.rejoin ?? REJOIN).catch((error: unknown) =>
    run.emit({ type: 'note', message: `${turn.leaving.node}: ${failedPart(error).message}` }),
  )
  return stayOut(turn, result, result.message ?? '')
}

/** A full disk of ours is no reason to keep a healthy node out. */
function note({ run }: RollingJob, entry: Parameters<typeof run.journal.append>[0]): void {
  try {
    run.journal.append(entry)
  } catch (error) {
    run.emit({ type: 'note', message: failedPart(error).message ?? '' })
  }
}

/** A planned change of its own where an earlier run had left the node out. */
function rejoined({ run, phase }: RollingJob, host: string, { balancer }: OutRecord): void {
  const about = { phase: phase.name, host, task: `rejoin ${balancer}`, key: `rejoin:${phase.name}`, where: phase.where }
  run.emit({ type: 'task', ...about, state: 'changed' })
}
