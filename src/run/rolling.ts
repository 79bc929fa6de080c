import type { NodeView } from '../model/balancer.ts'
import type { OutRecord } from '../model/out-record.ts'
import type { Phase } from '../model/playbook.ts'
import type { CompiledRolling } from '../plan/compile-rolling.ts'
import { planWaves, type Wave, type Waves } from '../plan/waves.ts'
import { viewPool } from './balancer-calls.ts'
import { failedPart } from './failed-part.ts'
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
  /** Whether an earlier run owes handlers to a host that are run in this phase. */
  readonly owes: (part: HostPhase) => boolean
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
  const busy = job.parts.filter((part) => ours.has(part.host) || hasTurn(job, part))
  const calm = await Promise.all(job.parts.filter((part) => !busy.includes(part)).map((part) => rest(job, part)))
  const results: HostResult[] = [...calm]
  let left = busy
  let number = 0
  while (left.length > 0) {
    const now = await look(job, ours, left).catch((error: unknown) => failedPart(error))
    if ('outcome' in now) return [...results, ...notBegun(job, left, now)]
    const [wave] = now.waves.waves
    if (!wave) return [...results, ...notBegun(job, left, { outcome: 'refused', message: now.waves.refusal ?? '' })]
    const of = ++number + now.waves.waves.length - 1
    if (run.stop.aborted) return [...results, ...notBegun(job, left, STOPPED)]
    if (!(await goesOn(job, results, wave, number))) return [...results, ...notBegun(job, left, NOT_CONFIRMED)]
    const turns = await takeWave(job, { ...now, ours }, wave, { number, of })
    results.push(...turns)
    left = left.filter(({ host }) => !wave.hosts.includes(host))
    if (turns.some(({ outcome }) => outcome !== 'ok' && outcome !== 'changed')) return results
  }
  return results
}

const STOPPED: HostPhaseResult = { outcome: 'stopped', message: 'not begun: the run was told to stop' }
const NOT_CONFIRMED: HostPhaseResult = { outcome: 'refused', message: 'not begun: not confirmed' }

function hasTurn({ owes }: RollingJob, part: HostPhase): boolean {
  return part.decisions.some(({ changes }) => changes.length > 0) || owes(part)
}

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
  const applied = (host: string) => run.locks.held.get(host)?.manifest !== undefined
  const foreign = new Set([...todo].filter((host) => isForeign(views.get(host), ours.get(host), applied(host))))
  return { views, foreign, waves: planWaves({ nodes, views, todo, foreign, options }) }
}

async function goesOn(
  { run, rolling }: RollingJob,
  results: readonly HostResult[],
  { hosts }: Wave,
  number: number,
): Promise<boolean> {
  const { pause, canary = [] } = rolling.options
  const done = results.filter(({ outcome }) => outcome === 'changed').map(({ host }) => host)
  const asks = number > 1 && (pause === 'after each wave' || (pause && canary.some((host) => done.includes(host))))
  if (!asks) return true
  return run.pause(`${done.join(', ')} is done. Go on with ${hosts.join(', ')}?`)
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
        const node = { part, foreign: now.foreign.has(host), record: now.ours.get(host), view: now.views.get(host) }
        const result = await takeTurn(job, node, hasTurn(job, part))
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
