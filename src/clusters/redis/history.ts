import type { RedisSeen } from './model.ts'
import { follows, isLinked, type Live } from './view.ts'

/**
 * Whether one server has all that another one has, by what both say of their histories. Offsets of one replication id can be
 * compared, and those of an id from which the present one continues, up to where it does. Of any other two nobody can tell.
 */
export function continues(one: RedisSeen, other: RedisSeen): boolean {
  if (one.replId === other.replId) return other.offset <= one.offset
  return one.before?.replId === other.replId && other.offset <= one.before.upTo
}

/** Whether a server has all that another one has. */
export function hasAllOf(one: Live, other: Live): boolean {
  return isLinked(other, one) || wasLinked(other, one) || continues(one.seen.redis, other.seen.redis)
}

/** Seconds by which two clocks, or two moments of one survey, may differ. */
const SLACK = 2

/** Whether it followed this very process until its link broke: that one had all it has, and has not lost its memory since. */
function wasLinked(node: Live, master: Live): boolean {
  const link = node.seen.redis.master
  if (!follows(node, master) || !link || link.syncing || link.downFor < 0) return false
  return master.seen.redis.role === 'master' && master.seen.redis.uptime > link.downFor + SLACK
}

/** Of several servers those whose history no other one continues; of some that have just the same, all. */
export function ahead(nodes: readonly Live[]): readonly Live[] {
  return nodes.filter((node) => nodes.every((other) => !hasAllOf(other, node) || hasAllOf(node, other)))
}

/** Whether all of these have just the same, so that any of them will do. */
export function areEqual(nodes: readonly Live[]): boolean {
  return nodes.every((node) => nodes.every((other) => node === other || hasAllOf(node, other)))
}
