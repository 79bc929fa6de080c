import type { NodeView } from '../model/balancer.ts'
import type { OutRecord } from '../model/out-record.ts'
import type { Phase } from '../model/playbook.ts'
import type { CompiledRolling } from '../plan/compile-rolling.ts'
import { planWaves, type Wave, type Waves } from '../plan/waves.ts'
import { viewPool } from './balancer-calls.ts'
import { failedPart } from './failed-part.ts'
import { hasTurn } from './has-work.ts'
import type { HostPhaseResult, HostResult } from './host-phase.ts'
import { takeTurn } from './node-turn.ts'
import { isForeign, outOf } from './out.ts'
import type { HostPhase, Survey } from './survey.ts'
import type { Run } from './walk-phases.ts'

/** Asks a person whether to go on; true where nobody is to be asked. */
export type PauseAsk = (question: string) => Promise<boolean>

/** A rolling phase of a run. */
export interface RollingJob {
  readonly run: Run
  readonly phase: Phase
  readonly rolling: CompiledRolling
  /** The hosts of this phase that are still in the run. */
  readonly parts: readonly HostPhase[]
  /** The survey at the beginning of the run: what hosts said first. */
  readonly first: Survey
  readonly runPart: (part: HostPhase, stop: AbortSignal) => Promise<HostPhaseResult>
}

/** What is known of a rolling phase when a wave is chosen. */
interface Now {
  readonly views: ReadonlyMap<string, NodeView>
  readonly waves: Waves
  readonly foreign: ReadonlySet<string>
}

/**
 * Changes the hosts of a phase wave by wave. Before each wave the balancer is asked anew: a wave that would leave too few
 * nodes serving is not begun. When a node fails, no further wave is begun. Hosts without changes stay where they are.
 */
export async function rollingPhase(job: RollingJob): Promise<readonly HostResult[]> {
  const { run, phase } = job
  const ours = outOf(run.context, job.first, run.context.playbook.phases.indexOf(phase))
  const busy = job.parts.filter((part) => ours.has(part.host) || hasTurn(job.first, part))
  const calm = await Promise.all(job.parts.filter((part) => !busy.includes(part)).map((part) => rest(job, part)))
  const results: HostResult[] = [...calm]
  let left = busy
  let last: readonly string[] = []
  for (let number = 1; left.length > 0; number++) {
    if (run.stop.aborted) return [...results, ...notBegun(job, left, STOPPED)]
    // Asked before the balancer is: a person may take an hour.
    if (!(await goesOn(job, last, left))) return [...results, ...notBegun(job, left, NOT_CONFIRMED)]
    const now = await look(job, ours, left).catch((error: unknown) => failedPart(error))
    if ('outcome' in now) return [...results, ...notBegun(job, left, now)]
    const [wave] = now.waves.waves
    if (!wave) return [...results, ...notBegun(job, left, { outcome: 'refused', message: now.waves.refusal ?? '' })]
    const of = number + now.waves.waves.length - 1
    const turns = await takeWave(job, { ...now, ours }, wave, { number, of })
    results.push(...turns)
    left = left.filter(({ host }) => !wave.hosts.includes(host))
    last = wave.hosts
    if (turns.some(({ outcome }) => outcome !== 'ok' && outcome !== 'changed')) return results
  }
  return results
}

const STOPPED: HostPhaseResult = { outcome: 'stopped', message: 'not begun: the run was told to stop' }
const NOT_CONFIRMED: HostPhaseResult = { outcome: 'refused', message: 'not begun: not confirmed' }

/** A host without changes: that it is as wanted is noted, and nothing else. */
async function rest({ run, phase, runPart }: RollingJob, part: HostPhase): Promise<HostResult> {
  return { host: part.host, phase: phase.name, ...(await runPart(part, run.stop)) }
}

async function look(job: RollingJob, ours: ReadonlyMap<string, OutRecord>, left: readonly HostPhase[]): Promise<Now> {
  const { run, rolling } = job
  const { balancer, nodes, options } = rolling
  const { nodes: views, absent } = await viewPool(run.context, balancer, nodes)
  if (absent) throw new Error(`${balancer.label} is not there: the node would not be seen by it`)
  const todo = new Set(left.map(({ host }) => host))
  const foreign = new Set(
    left
      .filter((part) => isForeign(views.get(part.host), ours.get(part.host), wasApplied(job, part)))
      .map(({ host }) => host),
  )
  return { views, foreign, waves: planWaves({ nodes, views, todo, foreign, options }) }
}

/** Whether anything of this phase was ever applied to a node. */
function wasApplied({ run }: RollingJob, { host, tasks }: HostPhase): boolean {
  const known = new Set(run.locks.held.get(host)?.manifest?.entries.map(({ key }) => key))
  return tasks.some(({ key }) => known.has(key))
}

/** Whether to go on behind the last wave. */
async function goesOn(
  { run, rolling }: RollingJob,
  last: readonly string[],
  left: readonly HostPhase[],
): Promise<boolean> {
  const { pause, canary = [] } = rolling.options
  const asks = pause === 'after each wave' || (pause && last.some((host) => canary.includes(host)))
  if (!asks || last.length === 0) return true
  return run.pause(`${last.join(', ')} is done. Go on with ${left.map(({ host }) => host).join(', ')}?`)
}

async function takeWave(
  job: RollingJob,
  now: Now & { readonly ours: ReadonlyMap<string, OutRecord> },
  wave: Wave,
  { number, of }: { readonly number: number; readonly of: number },
): Promise<readonly HostResult[]> {
  const { run, phase, parts } = job
  const { pool } = now.waves
  const about = { phase: phase.name, hosts: wave.hosts, wave: { number, of, serving: wave.serving, pool } }
  run.emit({ type: 'phase', state: 'start', ...about })
  const results = await Promise.all(
    parts
      .filter(({ host }) => wave.hosts.includes(host))
      .map(async (part): Promise<HostResult> => {
        const { host } = part
        const node = {
          ...{ part, foreign: now.foreign.has(host), record: now.ours.get(host), view: now.views.get(host) },
          changes: hasTurn(job.first, part),
        }
        const result = await takeTurn(job, node).catch((error: unknown) => ({
          ...failedPart(error),
          leftOut: job.rolling.balancer.label,
        }))
        run.emit({ type: 'part', phase: phase.name, host: part.host, outcome: result.outcome })
        return { host: part.host, phase: phase.name, ...result }
      }),
  )
  run.emit({ type: 'phase', state: 'end', ...about })
  return results
}

/** Hosts that got no turn, and why. */
function notBegun({ phase }: RollingJob, left: readonly HostPhase[], why: HostPhaseResult): readonly HostResult[] {
  return left.map(({ host }) => ({ host, phase: phase.name, ...why }))
}
