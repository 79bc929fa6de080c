import type { Bed } from './bed.ts'
import type { Tool } from './tool.ts'

/** What was seen of one tool under one fault. */
export interface Observed {
  /** `exit 4`, or how else the command ended. */
  readonly exit: string
  /** Seconds that the command took, or `undefined` where nothing was measured. */
  readonly seconds: number | undefined
  /** What was found, mostly on the hosts' disks. */
  readonly facts: readonly string[]
}

/** A fault and what both tools did. */
export interface Row {
  readonly id: string
  readonly fault: string
  readonly ansible: Observed
  readonly ours: Observed
}

/** A fault, and how it is injected and looked at: one function for both tools, so that both are measured alike. */
export interface Case {
  readonly id: string
  readonly fault: string
  observe(tool: Tool, bed: Bed): Promise<Observed>
}

export function yesNo(fact: boolean): string {
  return fact ? 'yes' : 'no'
}

/** Which of these words are in an output: `the output names: port, address; not: the cause`. */
export function named(output: string, words: Readonly<Record<string, RegExp>>): string {
  const [there, missing] = [true, false].map((wanted) =>
    Object.entries(words)
      .filter(([, pattern]) => pattern.test(output) === wanted)
      .map(([word]) => word),
  ) as [string[], string[]]
  const parts = [
    ...(there.length > 0 ? [`output names ${there.join(', ')}`] : []),
    ...(missing.length > 0 ? [`output does not name ${missing.join(', ')}`] : []),
  ]
  return parts.join('; ')
}
