import type { Outcome } from './plan.ts'

/** What happens during a run, as it happens. Everything a person or a log sees is made from these. */
export type RunEvent = HostEvent | PhaseEvent | PartEvent | TaskEvent | HandlerEvent | NoteEvent

export interface HostEvent {
  readonly type: 'host'
  readonly host: string
  /**
   * `waiting`: a step there says that it waits for somebody else. `confirming`: a new login is to show that what was
   * changed has not cut off the host. `leaving`, `checking` its health, `rejoining`, `serving` again: a node and its
   * balancer. `out`: it was left out of its balancer.
   */
  readonly state:
    | 'lost'
    | 'reconnected'
    | 'waiting'
    | 'confirming'
    | 'unknown'
    | 'leaving'
    | 'checking'
    | 'rejoining'
    | 'serving'
    | 'out'
  readonly message: string
}

export interface PhaseEvent {
  readonly type: 'phase'
  readonly phase: string
  readonly state: 'start' | 'end'
  readonly hosts: readonly string[]
  /** Of a rolling phase: which wave, and how many nodes of the pool serve meanwhile. */
  readonly wave?: { readonly number: number; readonly of: number; readonly serving: number; readonly pool: number }
}

/** How one host's part of a phase ended. `stopped`: the run was told to stop before it was through. */
export type PartOutcome = 'ok' | 'changed' | 'stopped' | 'failed' | 'unknown' | 'refused'

/** One host's part of a phase has ended. */
export interface PartEvent {
  readonly type: 'part'
  readonly phase: string
  readonly host: string
  readonly outcome: PartOutcome
}

export interface TaskEvent {
  readonly type: 'task'
  readonly phase: string
  readonly host: string
  readonly task: string
  readonly key: string
  readonly where: string
  readonly state: 'start' | Outcome
  /** E.g. `already so (after apt nginx)`. */
  readonly note?: string
  /** What the steps printed, bounded, bytes kept. */
  readonly output?: Buffer
  /** The command's exit code, where it failed. */
  readonly code?: number
}

export interface HandlerEvent {
  readonly type: 'handler'
  readonly phase: string
  readonly host: string
  readonly handler: string
  /** Where the first task that notifies it stands; empty for what only an earlier run knows. */
  readonly where: string
  /** `invalid`: its files were judged wrong. `dropped`: a task had started the unit since. `unknown`: it was cut off. */
  readonly state: 'start' | 'changed' | 'failed' | 'invalid' | 'dropped' | 'unknown'
  /** Why it is unknown. */
  readonly note?: string
  /** What became of files that were judged wrong; `none`: an earlier run changed them, or no file did. */
  readonly putBack?: 'all' | 'some' | 'none'
  readonly output?: Buffer
  readonly code?: number
}

export interface NoteEvent {
  readonly type: 'note'
  readonly message: string
}

export type Emit = (event: RunEvent) => void
