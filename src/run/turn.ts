import type { NodeView } from '../model/balancer.ts'
import type { HostEvent } from '../model/event.ts'
import type { OutRecord } from '../model/out-record.ts'
import { takeStages } from './balancer-calls.ts'
import { failedPart } from './failed-part.ts'
import type { HostPhaseResult } from './host-phase.ts'
import { checkFence, type Leaving, writeOut } from './out.ts'
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
  /** Whether there is something to change; else it only rejoins. */
  readonly changes: boolean
}

/** The turn of a node in a wave. */
export interface Turn {
  readonly job: RollingJob
  readonly node: Node
  readonly leaving: Leaving
}

/** Never aborted: a node that is out of its balancer is brought to an end before the run stops. */
export const never: AbortSignal = new AbortController().signal

/** Milliseconds for which a look at the fence is good: whoever sleeps longer looks again before the next call. */
const FENCE_GOOD = 3000

/** Takes a node through stages of leaving or rejoining; each call is made only while the run still holds the node. */
export async function go(
  { job: { run, rolling }, node, leaving }: Turn,
  kind: 'drain' | 'wake' | 'join',
  within: number,
  stop: AbortSignal = never,
): Promise<void> {
  const { balancer } = rolling
  const { host } = node.part
  const stages = kind === 'wake' ? (balancer.wake?.(host, run.id) ?? []) : balancer[kind](host, run.id)
  // By the clock of the wall: the other one stands still while a laptop sleeps.
  let looked = Date.now()
  const held = async () => {
    if (Date.now() - looked < FENCE_GOOD) return
    await checkFence(run.context, leaving)
    looked = Date.now()
  }
  await takeStages(run.context, balancer, host, stages, { within, signal: stop, held })
}

/** Leaves a node out of its balancer, named, and tells it why, where it can be reached. */
export async function stayOut({ job, leaving }: Turn, result: HostPhaseResult, why: string): Promise<HostPhaseResult> {
  const { run, rolling } = job
  const { label } = rolling.balancer
  await writeOut(run.context, leaving, why).catch((error: unknown) => {
    const message = `${leaving.node}: why it is out could not be written down there: ${failedPart(error).message}`
    run.emit({ type: 'note', message })
  })
  tell(job, leaving.node, 'out', `of ${label}: ${why}`)
  return { ...result, message: why, leftOut: label }
}

export function tell({ run }: RollingJob, host: string, state: HostEvent['state'], message: string): void {
  run.emit({ type: 'host', host, state, message })
}
