import { ACTION_KEY } from '../model/cluster.ts'
import type { HandlerEvent, PartEvent, RunEvent } from '../model/event.ts'
import type { Outcome, Plan } from '../model/plan.ts'

/** How one planned task, or one that came up on the way, ended. */
export interface TaskResult {
  readonly phase: string
  readonly host: string
  readonly task: string
  readonly key: string
  readonly where: string
  readonly outcome: Outcome
  readonly note?: string
  readonly output?: Buffer
  readonly code?: number
}

export interface Outcomes {
  take(event: RunEvent): void
  results(): readonly TaskResult[]
}

/** Follows the events of an apply: every planned change ends in exactly one outcome, `not-run` until told otherwise. */
export function trackOutcomes(plan: Plan): Outcomes {
  const results = new Map<string, TaskResult>()
  for (const { phase, host, task, key, where } of plan.changes) {
    results.set(id(phase, host, key), { phase, host, task, key, where, outcome: 'not-run' })
  }

  function take(event: RunEvent): void {
    if (event.type === 'task' && event.state !== 'start') {
      const { type: _type, state, ...rest } = event
      results.set(id(event.phase, event.host, event.key), { ...rest, outcome: state })
    }
    if (event.type === 'part' && (event.outcome === 'ok' || event.outcome === 'changed')) alreadySo(event)
    if (event.type === 'handler' && event.putBack === 'all') putBack(event)
    if (event.type === 'handler' && event.state !== 'start') {
      const task = `handler ${event.handler}`
      const owed = plan.changes.find((change) => change.host === event.host && change.task === task)
      const key = owed?.key ?? task
      results.set(id(owed?.phase ?? event.phase, event.host, key), {
        phase: event.phase,
        host: event.host,
        task,
        key,
        where: event.where,
        outcome: HANDLER_OUTCOMES[event.state],
        ...(event.putBack && { note: PUT_BACK[event.putBack] }),
        ...(event.note && { note: event.note }),
        ...(event.state === 'dropped' && { note: 'a task had started the unit since' }),
        ...(event.output && { output: event.output }),
        ...(event.code !== undefined && { code: event.code }),
      })
    }
  }

  /** What a part that came to its end had nothing to do about: it came about before, of the cluster also by itself. */
  function alreadySo({ phase, host }: PartEvent): void {
    for (const [name, result] of results) {
      if (result.phase === phase && result.host === host && result.outcome === 'not-run')
        results.set(name, { ...result, outcome: 'ok', note: result.key.startsWith(ACTION_KEY) ? NEEDLESS : BEFORE })
    }
  }

  /** What was changed and is as before again counts as failed: nothing of it is left. */
  function putBack({ host, handler }: HandlerEvent): void {
    for (const { phase, key } of plan.changes.filter(
      (change) => change.host === host && change.notify.includes(handler),
    )) {
      const result = results.get(id(phase, host, key))
      if (result?.outcome === 'changed')
        results.set(id(phase, host, key), {
          ...result,
          outcome: 'failed',
          note: `put back: judged wrong for ${handler}`,
        })
    }
  }

  return { take, results: () => [...results.values()] }
}

const BEFORE = 'already so when its phase began'
const NEEDLESS = 'no longer needed when the cluster was surveyed again'

/** What became of files that were judged wrong, for people. */
export const PUT_BACK = {
  all: 'its files were judged wrong and put back',
  some: 'its files were judged wrong; not all of them could be put back, so it is owed',
  none: 'its files were judged wrong; nothing could be put back, so it is owed',
} as const

const HANDLER_OUTCOMES = {
  changed: 'changed',
  failed: 'failed',
  invalid: 'failed',
  dropped: 'skipped',
  unknown: 'unknown',
} as const

function id(phase: string, host: string, key: string): string {
  return `${phase}\0${host}\0${key}`
}
