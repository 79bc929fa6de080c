import { besidePeers, FAN_OUT, median, PEER_TOOLS, paired, peakMemory, type Run, runsOf } from './statistics.ts'

/** One promise of the design, and what was measured. */
export interface Budget {
  readonly what: string
  readonly limit: number
  /** Undefined when it was not measured. */
  readonly measured: number | undefined
  readonly unit: string
}

/** Seconds of a round trip that the far route adds. */
const ROUND_TRIP = 0.05

/** How many times as fast as another tool a no-op is at least. */
const FASTER = { pyinfra: 6, mitogen: 10, ansible: 40 }

/** All budgets with what these runs say. */
export function budgets(all: readonly Run[]): readonly Budget[] {
  const runs = all.filter((run) => run.case !== FAN_OUT)
  return [...(runs.length > 0 ? ourBudgets(runs) : []), ...(runs.length < all.length ? fanOutBudgets(all) : [])]
}

/** Two hundred hosts at once. */
function fanOutBudgets(runs: readonly Run[]): readonly Budget[] {
  const wall = (peer: string, limit: number): Budget => ({
    what: `${FAN_OUT}, plan, 200 hosts, transport ${peer}: time`,
    limit,
    measured: ratio(runs, FAN_OUT, 200, peer, (run) => run.wall),
    unit: '× the floor',
  })
  const peak = peakMemory(runs, FAN_OUT, 200, 'node-ssh')
  const what = `${FAN_OUT}, plan, 200 hosts, transport node-ssh: memory of the controller`
  const memory: Budget = { what, limit: 150, measured: peak === undefined ? undefined : peak / 1e6, unit: 'MB' }
  return [wall('openssh', 1.3), wall('node-ssh', 0.6), memory]
}

function ourBudgets(runs: readonly Run[]): readonly Budget[] {
  const sizes = [...new Set(runs.map(({ hosts }) => hosts))].sort((a, b) => a - b)
  return [
    ...sizes.flatMap((hosts) => [
      wall(runs, 'no-op', hosts, 'plan', 1.5),
      wall(runs, 'no-op', hosts, 'apply', 1.5),
      wall(runs, 'change', hosts, 'apply', 2),
      wall(runs, 'converge', hosts, 'apply', 2),
      hostCpu(runs, 'no-op', hosts, 'plan'),
      hostCpu(runs, 'no-op', hosts, 'apply'),
      hostCpu(runs, 'change', hosts, 'apply'),
      hostCpu(runs, 'converge', hosts, 'apply'),
      bytes(runs, hosts),
    ]),
    ...PEER_TOOLS.filter((peer) => runsOf(runs, besidePeers('no-op'), 3, peer).length > 0).map((peer) =>
      faster(runs, peer, FASTER[peer]),
    ),
    trips(runs, 60),
    trips(runs, 600),
    ...['no-op', 'change', 'converge'].map((name) => memory(runs, name)),
  ]
}

/** A budget that was measured and holds. */
export function isMet({ measured, limit }: Budget): boolean {
  return measured !== undefined && measured <= limit
}

/** Round trips one after another that a far run takes: what it takes longer than the near one of its turn. */
export function roundTrips(runs: readonly Run[], peer: string): number | undefined {
  const far = runsOf(runs, 'far', 3, `${peer} far`)
  const growth = paired(far, runsOf(runs, 'far', 3, `${peer} near`), (one, other) => one.wall - other.wall)
  return growth === undefined ? undefined : growth / ROUND_TRIP
}

/** How many times as long as the floor a peer takes: the median over the turns. */
export function ratio(
  runs: readonly Run[],
  name: string,
  hosts: number,
  peer: string,
  value: (run: Run) => number,
): number | undefined {
  const floor = runsOf(runs, name, hosts, 'floor')
  return paired(runsOf(runs, name, hosts, peer), floor, (one, other) => value(one) / value(other))
}

function wall(runs: readonly Run[], name: string, hosts: number, peer: string, limit: number): Budget {
  const measured = ratio(runs, name, hosts, peer, (run) => run.wall)
  return { what: `${name}, ${peer}, ${hosts} hosts: time`, limit, measured, unit: '× the floor' }
}

/** Our no-op on 3 hosts takes at most this part of the time of another tool. */
function faster(runs: readonly Run[], peer: string, times: number): Budget {
  const of = (who: string) => runsOf(runs, besidePeers('no-op'), 3, who)
  const measured = paired(of('apply'), of(peer), (ours, theirs) => ours.wall / theirs.wall)
  return { what: `no-op, apply, 3 hosts: time beside ${peer}`, limit: 1 / times, measured, unit: `× ${peer}` }
}

/** Compared by medians: a host's background work of one moment would upset a pair. */
function hostCpu(runs: readonly Run[], name: string, hosts: number, peer: string): Budget {
  const of = (who: string) => median(runsOf(runs, name, hosts, who).map((run) => run.hostCpu))
  const [ours, floor] = [of(peer), of('floor')]
  const measured = ours === undefined || floor === undefined ? undefined : ours / floor
  return {
    what: `${name}, ${peer}, ${hosts} hosts: processor time of the hosts`,
    limit: 2,
    measured,
    unit: '× the floor',
  }
}

function bytes(runs: readonly Run[], hosts: number): Budget {
  const all = median(runsOf(runs, 'no-op', hosts, 'apply').map((run) => run.bytes))
  const measured = all === undefined ? undefined : all / hosts / 1024
  return {
    what: `no-op, apply, ${hosts} hosts: traffic per host, all headers counted`,
    limit: 50,
    measured,
    unit: 'KB',
  }
}

function trips(runs: readonly Run[], tasks: number): Budget {
  const [ours, bare] = [roundTrips(runs, `apply ${tasks}`), roundTrips(runs, 'true')]
  const measured = ours === undefined || bare === undefined ? undefined : ours - bare
  return { what: `no-op apply of ${tasks} tasks: round trips beyond a bare login`, limit: 3, measured, unit: 'trips' }
}

function memory(runs: readonly Run[], name: string): Budget {
  const peak = peakMemory(runs, name, 3, 'apply')
  const measured = peak === undefined ? undefined : peak / 1e6
  return { what: `${name}, apply, 3 hosts: memory of the controller with its ssh`, limit: 110, measured, unit: 'MB' }
}
