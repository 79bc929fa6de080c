import { type Bed, farRoute, makeBare, withRev } from './bed.ts'
import { bareLogin, deploy, floor } from './commands.ts'
import { type Job, measure } from './measure.ts'
import { median, type Run } from './statistics.ts'

/** One who takes part in a case. */
interface Peer {
  readonly name: string
  /** Made ready anew before each run; its time does not count. */
  readonly job: () => Job | Promise<Job>
}

/** Where the runs go. */
export interface Sink {
  readonly say: (line: string) => void
  readonly add: (run: Run) => void
}

/** How often: turns whose time counts, and further ones that sample memory. */
export interface Turns {
  readonly timed: number
  readonly sampled: number
  /** Hosts that a run is told of. Omitted: the bed's. */
  readonly hosts?: number
}

/** Nothing is to be done: bare login, floor, plan and apply in turn. */
export async function noOp(bed: Bed, turns: Turns, sink: Sink): Promise<void> {
  await takeTurns(bed, 'no-op', turns, sink, [
    { name: 'true', job: () => bareLogin(bed, bed.route) },
    { name: 'floor', job: () => floor(bed, bed.route, 'none') },
    { name: 'plan', job: () => deploy(bed, 'bench', 'plan', 'web', 'none') },
    { name: 'apply', job: () => deploy(bed, 'bench', 'apply', 'web', 'none') },
  ])
}

/** One template of nginx has another revision: it is written and nginx reloaded. Gives the bed with the last one. */
export async function change(bed: Bed, turns: Turns, sink: Sink): Promise<Bed> {
  let now = bed
  const next = () => {
    now = withRev(now, now.rev + 1)
    return now
  }
  await takeTurns(bed, 'change', turns, sink, [
    { name: 'floor', job: () => floor(next(), bed.route, 'some') },
    { name: 'apply', job: () => deploy(next(), 'bench', 'apply', 'web', 'some') },
  ])
  return now
}

/** Hosts with the packages and nothing else of the work get all of it; each run begins on restored disks. */
export async function converge(bed: Bed, turns: Turns, sink: Sink): Promise<void> {
  const bare = async (job: Job) => {
    await makeBare(bed)
    return job
  }
  await takeTurns(bed, 'converge', turns, sink, [
    { name: 'floor', job: () => bare(floor(bed, bed.route, 'some')) },
    { name: 'apply', job: () => bare(deploy(bed, 'bench', 'apply', 'web', 'some')) },
  ])
}

/** Proves that both do the same work: what one has done the other finds done. Ends with converged hosts. */
export async function agree(bed: Bed, { say }: Sink): Promise<void> {
  await makeBare(bed)
  await measure(bed, floor(bed, bed.route, 'some'))
  await measure(bed, deploy(bed, 'bench', 'plan', 'web', 'none'))
  await makeBare(bed)
  await measure(bed, deploy(bed, 'bench', 'apply', 'web', 'some'))
  await measure(bed, floor(bed, bed.route, 'none'))
  say('the floor finds nothing to do after deploy, and deploy nothing after the floor')
}

/** No-op apply of 60 and of 600 tasks and a bare login, each with and without the delay. */
export async function far(bed: Bed, turns: Turns, sink: Sink): Promise<void> {
  const route = await farRoute(bed)
  try {
    for (const tasks of ['tasks60', 'tasks600']) await measure(bed, deploy(bed, 'bench', 'apply', tasks, 'some'))
    const both = (name: string, job: (environment: string) => Job): readonly Peer[] => [
      { name: `${name} near`, job: () => job('bench') },
      { name: `${name} far`, job: () => job('far') },
    ]
    await takeTurns(bed, 'far', turns, sink, [
      ...both('true', (environment) => bareLogin(bed, environment === 'far' ? route : bed.route)),
      ...both('apply 60', (environment) => deploy(bed, environment, 'apply', 'tasks60', 'none')),
      ...both('apply 600', (environment) => deploy(bed, environment, 'apply', 'tasks600', 'none')),
    ])
  } finally {
    route.close()
  }
}

/** Each peer in turn, so that runs of one turn come right after each other. */
export async function takeTurns(
  bed: Bed,
  name: string,
  turns: Turns,
  sink: Sink,
  peers: readonly Peer[],
): Promise<void> {
  const hosts = turns.hosts ?? bed.hosts.length
  const timed: Run[] = []
  for (let round = 1; round <= turns.timed + turns.sampled; round++) {
    const memory = round > turns.timed
    for (const peer of peers) {
      const run = { case: name, hosts, peer: peer.name, round, ...(await measure(bed, await peer.job(), { memory })) }
      sink.add(run)
      if (!memory) timed.push(run)
    }
  }
  sink.say(`${name} on ${hosts} hosts: ${peers.map((peer) => brief(peer.name, timed)).join(', ')}`)
}

function brief(name: string, runs: readonly Run[]): string {
  const middle = median(runs.filter((run) => run.peer === name).map((run) => run.wall))
  return `${name} ${middle?.toFixed(2)} s`
}
