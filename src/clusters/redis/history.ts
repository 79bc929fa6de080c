import type { RedisSeen } from './model.ts'
import { isLinked, type Live } from './view.ts'

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
  // A link to one that is no master tells nothing: replicas may follow each other in a circle.
  if (one.seen.redis.role === 'master' && isLinked(other, one)) return true
  return continues(one.seen.redis, other.seen.redis)
}
