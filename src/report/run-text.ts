import type { PhaseEvent, RunEvent } from '../model/event.ts'
import { ownMessage } from '../model/own-message.ts'
import { PUT_BACK, type TaskResult } from './outcomes.ts'
import type { Colour, Paint } from './paint.ts'
import { safeHead, safeLine, safeText } from './safe.ts'

/** Lines of a command's output that are shown where it failed. */
const OUTPUT_LINES = 20

const COLOURS: Readonly<Record<string, Colour>> = {
  changed: 'yellow',
  ok: 'green',
  failed: 'red',
  invalid: 'red',
  unknown: 'red',
  lost: 'red',
  out: 'red',
  serving: 'green',
  dropped: 'dim',
}

/** An event as lines of a log, or nothing where it would only be noise. */
export function eventLines(event: RunEvent, width: number, paint: Paint): readonly string[] {
  const line = (host: string, state: string, text: string) =>
    `${host.padEnd(width)}  ${paint(COLOURS[state] ?? 'dim', state.padEnd(9))} ${text}`
  switch (event.type) {
    case 'phase':
      return event.state === 'start' ? [phaseLine(event, paint)] : []
    case 'part':
      return []
    case 'host': {
      const [head = '', ...rest] = event.message.trim().split('\n')
      return [line(event.host, event.state, safeLine(head)), ...rest.map((text) => `    ${safeLine(text)}`)]
    }
    case 'note':
      return [safeLine(event.message)]
    case 'task':
      if (event.state === 'start') return []
      return [
        line(event.host, event.state, `${safeLine(event.task)}${event.note ? `: ${safeLine(event.note)}` : ''}`),
        ...failureLines(event),
      ]
    case 'handler':
      if (event.state === 'start') return []
      return [
        line(
          event.host,
          event.state,
          `handler ${safeLine(event.handler)}${event.putBack ? `: ${PUT_BACK[event.putBack]}` : ''}`,
        ),
        ...failureLines(event),
      ]
  }
}

function phaseLine({ phase, hosts, wave }: PhaseEvent, paint: Paint): string {
  const which = wave ? `, wave ${wave.number} of ${wave.of}` : ''
  const meanwhile = wave ? `  ${paint('dim', `${wave.serving} of ${wave.pool} serving`)}` : ''
  return `${paint('bold', `${phase}${which} (${hosts.join(', ')})`)}${meanwhile}`
}

function failureLines(event: {
  readonly state: string
  readonly where?: string
  readonly code?: number
  readonly output?: Buffer
}): readonly string[] {
  if (event.state !== 'failed' && event.state !== 'invalid') return []
  const said = safeText(event.output ?? '')
    .trim()
    .split('\n')
    .slice(-OUTPUT_LINES)
  return [
    ...(event.where ? [`    ${event.where}${event.code === undefined ? '' : `, exit code ${event.code}`}`] : []),
    ...said.filter(Boolean).map((text) => `    ${text}`),
  ]
}

/** The end of an apply: a line per host, what is left open, and the one next command. */
export function summaryLines(
  results: readonly TaskResult[],
  hosts: readonly HostSummary[],
  next: string,
  paint: Paint,
): readonly string[] {
  const width = Math.max(0, ...hosts.map(({ host }) => host.length))
  const lines = hosts.map(({ host, state, message }) => {
    const own = results.filter((result) => result.host === host)
    const count = (outcome: string) => own.filter((result) => result.outcome === outcome).length
    const counts = ['changed', 'ok', 'skipped', 'failed', 'unknown', 'not-run'].map(
      (outcome) => [count(outcome), outcome] as const,
    )
    const told = counts
      .filter(([number]) => number > 0)
      .map(([number, outcome]) => `${number} ${outcome === 'ok' ? 'already so' : outcome}`)
    const text = [
      told.join(', ') || (state === 'done' ? 'nothing to do' : ''),
      message && safeHead(ownMessage(host, message)),
    ]
      .filter(Boolean)
      .join(' · ')
    return `${host.padEnd(width)}  ${paint(state === 'done' ? 'green' : 'red', state.padEnd(11))}  ${text}`
  })
  return ['', ...lines, ...(next ? ['', next] : [])]
}

export interface HostSummary {
  readonly host: string
  /** `unfinished`: planned changes were not begun, because another host failed or the run was told to stop. */
  readonly state: 'done' | 'unfinished' | 'failed' | 'unknown' | 'unreachable' | 'refused'
  readonly message?: string
  /** The balancer that it was left out of. */
  readonly leftOut?: string
}
