import { hasAllOf } from './history.ts'
import type { SeenNode } from './model.ts'
import { isAgreedOn, isAt, isLive, type Live, type Node, type View, votersFor, watchedBy } from './view.ts'

/** How many keys only one node has, at most; `unknown`: nobody can count them. */
export type Stake = number | 'unknown'

/** What a node has, or may have, that would be lost behind this one as the master; undefined: nothing. */
export function stakeOf(view: View, node: Node, keeper: Live): Stake | undefined {
  if (node.host === keeper.host) return undefined
  if (!isLive(node)) return stakeOfSilent(view, node, keeper)
  const { role, keys, changes } = node.seen.redis
  if (hasAllOf(keeper, node)) return undefined
  if (keys > 0) return keys
  // It took writes that left nothing: whoever removed all meant it.
  return role === 'master' && changes > 0 ? 0 : undefined
}

/** Of a node whose server does not answer. */
function stakeOfSilent(view: View, { seen, address, host }: Node, keeper: Live): Stake | undefined {
  // What it had from one of which the keeper has all, the keeper has.
  const above = view.live.filter((one) => one.host === keeper.host || hasAllOf(keeper, one))
  const copies = above.some((from) =>
    from.seen.redis.replicas.some((one) => isAt({ host, address }, one) && one.state === 'online'),
  )
  // Who left the set held nothing then that the others had not.
  if (copies || isBlank(seen) || seen.disk.left) return undefined
  // Behind one that is only to become the master it would be us who replace what it has.
  const { role, keys } = keeper.seen.redis
  const told = role === 'master' && isAt(keeper, seen.disk.follows) && keys > 0
  if (told) return undefined
  // Where Debian's own runs instead, what ours had in its memory is gone; `join set` sees to what that one holds.
  if (!isDown(seen) && seen.trouble.redis !== 'plain') return 'unknown'
  if (!hasDataOnDisk(view, seen)) return undefined
  // Sentinel had another one take over: what only this one has was given up then, and stays beside.
  return reigns(view, keeper) ? undefined : 'unknown'
}

/** Whether nobody ever made it a node of a set: what Debian's package starts holds nothing of ours. */
export function isBlank({ redis, sentinel, disk, trouble }: SeenNode): boolean {
  if (redis || sentinel || disk.configured.redis || disk.configured.sentinel || disk.appendOnly) return false
  return trouble.redis === undefined || trouble.redis === 'down' || trouble.redis === 'plain'
}

/** Whether its server does not run at all: one that loads comes by itself, and of any other nobody knows what it has. */
export function isDown({ trouble }: SeenNode): boolean {
  return trouble.redis === 'down' || trouble.redis === 'loading'
}

/** Whether its server runs, or may, and nobody can ask it what it has. */
export function runsUnasked(seen: SeenNode): boolean {
  return !seen.redis && !isDown(seen) && seen.disk.configured.redis
}

/** Whether there are keys on its disk that count: a cache has none there, whatever a copy left behind. */
export function hasDataOnDisk({ desired }: Pick<View, 'desired'>, { disk }: SeenNode): boolean {
  return desired.persistence === 'durable' && (disk.appendOnly?.bytes ?? 0) + (disk.dump?.bytes ?? 0) > 0
}

/** Whether Sentinel made it the master, and most still name it: one that they were told to watch has no epoch. */
function reigns(view: View, keeper: Live): boolean {
  const { role, keys } = keeper.seen.redis
  const elected = votersFor(view, keeper).some((one) => (watchedBy(view, one)?.configEpoch ?? 0) > 0)
  return role === 'master' && keys > 0 && elected && isAgreedOn(view, keeper)
}

/** Whether somebody agreed to lose that: no more keys than was said then. What can be counted is to be named by its figure. */
export function isAccepted(
  { acceptLoss }: Pick<View, 'acceptLoss'>,
  { host }: Pick<Node, 'host'>,
  stake: Stake,
): boolean {
  const agreed = acceptLoss[host]
  if (agreed === undefined) return false
  if (agreed === 'unknown' || stake === 'unknown') return agreed === stake
  return stake <= agreed
}

/** A node whose data stands in the way of a master. */
export interface Conflict {
  readonly node: Node
  readonly stake: Stake
}

/** All that would be lost behind this one as the master, but for what somebody agreed to lose. */
export function conflictsWith(view: View, keeper: Live): readonly Conflict[] {
  return stakesBeside(view, keeper).filter(({ node, stake }) => !isAccepted(view, node, stake))
}

/** All that only others have. */
export function stakesBeside(view: View, keeper: Live): readonly Conflict[] {
  return view.nodes.flatMap((node) => {
    const stake = stakeOf(view, node, keeper)
    return stake === undefined ? [] : [{ node, stake }]
  })
}
