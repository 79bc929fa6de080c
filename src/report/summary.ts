import type { PartOutcome } from '../model/event.ts'
import type { Plan } from '../model/plan.ts'
import type { TaskResult } from './outcomes.ts'
import type { HostSummary } from './run-text.ts'

interface HostResult {
  readonly host: string
  readonly phase?: string
  readonly outcome: PartOutcome
  readonly message?: string
  readonly leftOut?: string
}

const STATES = {
  ok: 'done',
  changed: 'done',
  stopped: 'unfinished',
  failed: 'failed',
  unknown: 'unknown',
  refused: 'refused',
} as const

/** How each host of a plan ended: the first thing that went wrong on it, or changes that were not begun, else done. */
export function summarise(
  plan: Plan,
  hosts: readonly string[],
  result: { readonly hosts: readonly HostResult[] } | undefined,
  tasks: readonly TaskResult[] = [],
): readonly HostSummary[] {
  const lost = plan.unreachable.map(({ host, message }): HostSummary => ({ host, state: 'unreachable', message }))
  const rest = [...new Set(hosts)].map((host): HostSummary => {
    const problem = plan.problems.find((item) => item.host === host)
    if (problem && !problem.waits) return { host, state: 'failed', message: problem.message }
    const wrong = result?.hosts.find((item) => item.host === host && STATES[item.outcome] !== 'done')
    if (wrong) {
      const { outcome, message, leftOut } = wrong
      return { host, state: STATES[outcome], ...(message && { message }), ...(leftOut && { leftOut }) }
    }
    const left = tasks.find((item) => item.host === host && item.outcome === 'not-run')
    if (left) return { host, state: 'unfinished', message: `phase ${left.phase} was not begun` }
    // What a phase waited for may have come about on the way.
    const carriedOut = result?.hosts.some((item) => item.host === host && item.phase === problem?.phase)
    return { host, state: 'done', ...(problem && !carriedOut && { message: problem.message }) }
  })
  return [...rest, ...lost]
}
