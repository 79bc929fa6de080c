import type { Measured } from './measure.ts'

/** Other tools that do the same work. */
export const PEER_TOOLS = ['pyinfra', 'mitogen', 'ansible'] as const

/** Name of a case in which the other tools take part; its runs are compared with each other only. */
export const besidePeers = (name: string): string => `peers: ${name}`

/** Name of the case with many addresses of one sshd. */
export const FAN_OUT = 'fan-out'

/** One run within a case. */
export interface Run extends Measured {
  readonly case: string
  readonly hosts: number
  readonly peer: string
  /** Which turn of the case; the runs of one turn come right after each other. */
  readonly round: number
}

/** Those runs of a peer whose time counts. */
export function runsOf(runs: readonly Run[], name: string, hosts: number, peer: string): readonly Run[] {
  return runs.filter((run) => run.case === name && run.hosts === hosts && run.peer === peer && run.memory === undefined)
}

/** The middle value; the mean of the two middle ones of an even number; undefined of none. */
export function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b)
  const [low, high] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[Math.floor(sorted.length / 2)]]
  return low === undefined || high === undefined ? undefined : (low + high) / 2
}

/** The median over all turns of what `value` makes of two runs of one turn. */
export function paired(
  ours: readonly Run[],
  theirs: readonly Run[],
  value: (ours: Run, theirs: Run) => number,
): number | undefined {
  const values = ours.flatMap((run) => {
    const other = theirs.find(({ round }) => round === run.round)
    return other ? [value(run, other)] : []
  })
  return median(values)
}

/** The highest memory of the sampled runs of a peer in a case, in bytes. */
export function peakMemory(runs: readonly Run[], name: string, hosts: number, peer: string): number | undefined {
  const peaks = runs
    .filter((run) => run.case === name && run.hosts === hosts && run.peer === peer)
    .flatMap(({ memory }) => memory ?? [])
  return peaks.length > 0 ? Math.max(...peaks) : undefined
}
