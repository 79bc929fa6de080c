import { names } from '../names.ts'
import type { Intent } from './intents.ts'
import type { ReportedRole, WatchedMaster } from './model.ts'
import { isAt, isLinked, type Live, most, nodeAt, type View, votersFor, watchedBy } from './view.ts'

/** Seconds within which Sentinel heals what it heals: it is left alone for that long. */
export const PATIENCE = 45

/** Sentinels are at it at this very moment: whatever is done now may meet what they do. It ends by itself, well or not. */
export function failingOver(view: View): Intent | undefined {
  const busy = view.sentinels.filter((one) => watchedBy(view, one)?.flags.includes('failover_in_progress'))
  return busy.length > 0 ? waitFor(view, `the Sentinel of ${names(busy)} has a replica take over just now`) : undefined
}

/**
 * What Sentinel, or Redis itself, may still heal, by how long it has been so; nothing: it is not going to. Of the master of a
 * cache that is not the one to build on nothing is healed: it came back with nothing, and replicas that connect are emptied.
 */
export function healing(view: View, keeper: Live | undefined): Intent | undefined {
  // Where Sentinel takes another one for the master, it goes on to undo what is to be done.
  const other = keeper !== undefined && master(view) !== keeper
  const why =
    (other ? undefined : (goneMaster(view) ?? secondMaster(view) ?? astray(view))) ?? reconnecting(view, keeper)
  return why === undefined ? undefined : waitFor(view, why)
}

function waitFor(view: View, why: string): Intent {
  return { do: 'wait for sentinel', nodes: view.nodes, why }
}

/** What Sentinels say of the address that most of them name; nothing, where they agree on none, and so do nothing. */
export function agreed(view: View): readonly WatchedMaster[] {
  const watched = view.sentinels.flatMap((one) => watchedBy(view, one) ?? [])
  const groups = Map.groupBy(watched, ({ address }) => address).values()
  return [...groups].find(({ length }) => length >= most(view.desired)) ?? []
}

/** The live master that most Sentinels name. */
function master(view: View): Live | undefined {
  return nodeAt(view.masters, agreed(view)[0])
}

/** Milliseconds since it last answered any of them. */
export function silence(watched: readonly WatchedMaster[]): number {
  return Math.min(...watched.map(({ lastOk }) => lastOk))
}

/** Milliseconds for which a server has been what it is, by whoever saw it last: 0, while one of them knows it as another. */
function roleFor({ seen: { redis } }: Live, seen: readonly { readonly reported: ReportedRole }[]): number {
  return Math.min(...seen.map(({ reported }) => (reported.role === redis.role ? reported.for : 0)))
}

/** A master that is gone, or that follows somebody now: another one takes over, where there is one. */
function goneMaster(view: View): string | undefined {
  const watched = agreed(view)
  const [named] = watched
  if (!named || master(view)) return undefined
  // By a connection of before it still hears from one that takes another password by now, and lets it be.
  const heard = silence(watched) < view.desired.downAfter
  if (heard && nodeAt(view.nodes, named)?.seen.trouble.redis === 'wrong password') return undefined
  const itself = nodeAt(view.live, named)
  // Where they do not hear from it they know of no other role.
  const since = Math.max(silence(watched), itself ? roleFor(itself, watched) : 0)
  if (since >= PATIENCE * 1000 + view.desired.downAfter) return undefined
  const known = watched.flatMap(({ replicas }) => replicas)
  const fit = view.live.some(
    (one) => one !== itself && known.some((it) => isAt(one, it)) && canTakeOver(view, one, since),
  )
  if (!fit) return undefined
  const what = itself ? 'is a replica now' : 'does not answer'
  return `${named.address}, which most Sentinels name as the master, ${what} for ${Math.round(since / 1000)} s: a replica may take over`
}

/** Seconds since its link broke; one that is up, or never was, tells nothing. */
function downFor({ seen: { redis } }: Live): number {
  return redis.master && redis.master.downFor > 0 ? redis.master.downFor : Number.POSITIVE_INFINITY
}

/** Sentinel promotes nobody whose link broke long before its master was gone; one that never had a link is as good as any. */
function canTakeOver({ desired }: View, { seen }: Live, since: number): boolean {
  const link = seen.redis.master
  if (!link || seen.redis.role !== 'replica') return false
  return link.link === 'up' || link.downFor * 1000 < 10 * desired.downAfter + since
}

/** What most Sentinels say of a replica that they know, and see. */
function knownAs(view: View, node: Live): WatchedMaster['replicas'] | undefined {
  const known = view.sentinels.flatMap((one) => watchedBy(view, one)?.replicas.find((it) => isAt(node, it)) ?? [])
  const well = known.filter(({ flags }) => !flags.includes('s_down') && !flags.includes('disconnected'))
  return well.length >= most(view.desired) ? well : undefined
}

/** A former master that came back: Sentinel makes it a replica. */
function secondMaster(view: View): string | undefined {
  const first = master(view)
  if (!first) return undefined
  const back = view.masters.find((one) => {
    const known = one === first ? undefined : knownAs(view, one)
    return known && roleFor(one, known) < PATIENCE * 1000
  })
  return back && `${back.host} says that it is a master: most Sentinels name ${first.host}, and make it a replica`
}

/** A replica that follows somebody else: Sentinel tells it whom to follow. */
function astray(view: View): string | undefined {
  const first = master(view)
  if (!first) return undefined
  const stray = view.live.find(
    (one) =>
      one.seen.redis.role === 'replica' &&
      !isAt(first, one.seen.redis.master) &&
      knownAs(view, one) &&
      Math.min(one.seen.redis.uptime, downFor(one)) < PATIENCE,
  )
  return stray && `${stray.host} does not follow ${first.host}: Sentinel tells it to`
}

/** A former master that Sentinel has just made a replica: what it holds is replaced by that, whatever is decided here. */
function isDemoted(view: View, node: Live): boolean {
  const known = knownAs(view, node)
  return known !== undefined && roleFor(node, known) < PATIENCE * 1000
}

/** A replica whose link broke a moment ago, or that has just begun: it connects by itself. */
function reconnecting(view: View, keeper: Live | undefined): string | undefined {
  const first = view.masters.length === 1 ? view.masters[0] : undefined
  if (!first) return undefined
  const loaded = view.desired.persistence === 'durable' && first.seen.redis.keys > 0
  // Sentinels that watch nothing, as behind a repair that was cut off, are told whom to watch before anything is waited for.
  if (view.sentinels.length > 0 && votersFor(view, first).length === 0) return undefined
  const late = view.live.find(
    (one) =>
      isAt(first, one.seen.redis.master) &&
      !isLinked(one, first) &&
      (first === keeper || loaded || isDemoted(view, one)) &&
      // With a wrong password it never does.
      one.seen.redis.passwords.forMaster &&
      first.seen.redis.passwords.own &&
      Math.min(one.seen.redis.uptime, downFor(one), first.seen.redis.uptime) < PATIENCE,
  )
  return late && `the link of ${late.host} to ${first.host} is down for a moment: it connects by itself`
}
