import { appendFileSync } from 'node:fs'

/** What one host looked like, read from its disk from outside. */
export interface Look {
  readonly host: string
  /** Of each managed file its SHA-256, owner and mode, as one text; `absent` where it is not there. */
  readonly files: Readonly<Record<string, string>>
  /** The managed folders' entries that nobody manages: temporary files that were left. */
  readonly strangers: readonly string[]
  /** Handlers that are still owed. */
  readonly owed: number
  /** Whether the host is still held. */
  readonly held: boolean
  /** The revision that the service read at its last start. */
  readonly serving: string
  /** The lines that the tasks of each run wrote: `nanoseconds operator start|end`. */
  readonly audit: readonly string[]
}

/** What happened in a cell, or was seen there. */
export type CellEntry =
  /** `files`: every state in which each managed file may be found, as in `Look`. */
  | {
      readonly type: 'begin'
      readonly scenario: string
      readonly round: number
      readonly files: Readonly<Record<string, readonly string[]>>
    }
  /** The fault, in words. */
  | { readonly type: 'fault'; readonly what: string; readonly hosts: readonly string[] }
  | { readonly type: 'look'; readonly when: 'after the fault' | 'in the end'; readonly look: Look }
  /** How a command of an operator ended. `planned` and `done`: tasks that the plan said would change, and that did. */
  | {
      readonly type: 'ran'
      readonly operator: string
      readonly command: string
      readonly code: number
      readonly refused?: boolean
      readonly planned?: number
      readonly done?: number
    }
  /** What must be found in the end. */
  | { readonly type: 'wanted'; readonly files: Readonly<Record<string, string>>; readonly serving: string }
  /** A link that was cut, and what was learned of it. Times in milliseconds since 1970. */
  | {
      readonly type: 'link'
      readonly host: string
      readonly cut: number
      readonly noticed?: number
      readonly truth: string
      readonly told: string
    }
  /** A host that was cut off by its own change; `back`: seconds for which it was out of reach. */
  | {
      readonly type: 'lockout'
      readonly host: string
      readonly back?: number
      readonly restored: boolean
      readonly failed: boolean
    }
  /** Whether a command that printed the secret was masked. */
  | { readonly type: 'told'; readonly masked: boolean }
  /** A holder that slept, was taken over, and woke. */
  | { readonly type: 'takeover'; readonly stopped: string; readonly by: string }

/** One line of the history. The checker knows nothing but these lines. */
export type Entry =
  | (CellEntry & { readonly cell: string })
  | {
      readonly type: 'suite'
      readonly seed: number
      readonly commit: string
      readonly machine: string
      readonly date: string
    }
  | { readonly type: 'searched'; readonly bytes: number; readonly hits: number; readonly forms: number }
  /** Rows of the fault catalogue that tests bear in their names. */
  | { readonly type: 'tests'; readonly rows: Readonly<Record<string, 'passed' | 'failed'>> }

/** Appends to a file, a line of JSON each. */
export function openHistory(file: string): (entry: Entry) => void {
  return (entry) => appendFileSync(file, `${JSON.stringify({ at: new Date().toISOString(), ...entry })}\n`)
}
