import { safeJson } from '../report/json.ts'
import { type Paint, paintFor } from '../report/paint.ts'

/** Options of how a command speaks, the same for all verbs. */
export interface OutputOptions {
  readonly json?: boolean
  readonly color?: boolean
  readonly quiet?: boolean
  readonly verbose?: boolean
}

/** Where a command's words go: documents and results to stdout, progress and errors to stderr. */
export interface Output {
  readonly json: boolean
  readonly paint: Paint
  /** Whether progress may be drawn and drawn over: on a terminal, unless `--quiet` or `--verbose`. */
  readonly live: boolean
  /** Results for people; nothing with `--json`. */
  print(text: string): void
  /** Settles when what was printed is taken by whoever reads it; `undefined` when nothing waits. */
  ready(): Promise<void> | undefined
  /** Progress, for people; nothing with `--json` or `--quiet`. */
  progress(text: string): void
  /** The one document of `--json`. */
  document(value: object): void
}

export function openOutput(options: OutputOptions): Output {
  const json = options.json ?? false
  return {
    json,
    live: process.stdout.isTTY && !json && !options.quiet && !options.verbose,
    paint: paintFor(process.stdout, options.color ?? true),
    print: (text) => void (json || process.stdout.write(text)),
    ready: stdoutReady(),
    progress: (text) => void (json || options.quiet || process.stdout.write(text)),
    document: (value) => void (json && process.stdout.write(`${safeJson(value)}\n`)),
  }
}

// A pipe is written in the background: without waiting, all that a slow reader has not taken yet would be in memory.
function stdoutReady(): () => Promise<void> | undefined {
  let waiting: Promise<void> | undefined
  return () => {
    if (!process.stdout.writableNeedDrain) return undefined
    waiting ??= new Promise((resolve) => {
      process.stdout.once('drain', () => {
        waiting = undefined
        resolve()
      })
    })
    return waiting
  }
}
