import { setTimeout as delay } from 'node:timers/promises'
import type { Bed } from './bed.ts'

/** A time in which one start of a server was seen to take writes: it did so from the first answer to the last. */
interface Reign {
  readonly host: string
  /** When the server started, or what else its answers belong together by. */
  readonly started: string
  readonly from: number
  readonly to: number
}

/** A look at all nodes, many times, for as long as something is done to them. */
export interface Watch {
  /** Pairs of nodes that took writes at the same time, and for how many milliseconds; and who reigned in turn. */
  end(): Promise<{ readonly two: readonly string[]; readonly primaries: readonly string[] }>
}

/** Milliseconds between two questions to a node. */
const EVERY = 150
const ASK = `timeout 5 runuser -u postgres -- psql -XAtqw -h /var/run/postgresql -d postgres -c "select pg_is_in_recovery(), pg_postmaster_start_time()"`

/** Asks all nodes who takes writes, each by itself, until it is ended. A server that took writes takes them until it stops. */
export function watchPrimaries(bed: Bed, hosts: readonly string[]): Promise<Watch> {
  return watchReigns(hosts, async (host) => {
    const [recovery, started] = (await bed.on(host, ASK).catch(() => '')).split('|')
    return recovery === 'f' ? started : undefined
  })
}

/** The same, by whatever tells which reign of a node it is that takes writes; undefined: it does not. */
export async function watchReigns(
  hosts: readonly string[],
  reignOf: (host: string) => Promise<string | undefined>,
): Promise<Watch> {
  const reigns: Reign[] = []
  let ended = false
  const look = async (host: string) => {
    const asked = performance.now()
    const started = await reignOf(host)
    if (started !== undefined) note(reigns, { host, started, from: performance.now(), to: asked })
  }
  await Promise.all(hosts.map(look))
  const looks = hosts.map(async (host) => {
    while (!ended) {
      await delay(EVERY)
      await look(host)
    }
  })
  return {
    async end() {
      ended = true
      await Promise.all(looks)
      const primaries = reigns.toSorted((a, b) => a.from - b.from).map(({ host }) => host)
      return { two: overlaps(reigns), primaries: primaries.filter((host, index) => host !== primaries[index - 1]) }
    },
  }
}

function note(reigns: Reign[], seen: Reign): void {
  const index = reigns.findIndex(({ host, started }) => host === seen.host && started === seen.started)
  const before = reigns[index]
  if (before) reigns[index] = { ...before, to: Math.max(before.to, seen.to) }
  else reigns.push(seen)
}

function overlaps(reigns: readonly Reign[]): readonly string[] {
  return reigns.flatMap((one, index) =>
    reigns.slice(index + 1).flatMap((other) => {
      const common = Math.min(one.to, other.to) - Math.max(one.from, other.from)
      return one.host !== other.host && common > 0 ? [`${one.host} and ${other.host}: ${Math.round(common)} ms`] : []
    }),
  )
}
