import type { RedisSeen } from './model.ts'
import type { Live } from './view.ts'

/**
 * Whether one server has all that another one has, by what both say of their histories. Offsets of one replication id can be
 * compared, and those of an id from which the present one continues, up to where it does. Of any other two nobody can tell.
 */
function continues(one: RedisSeen, other: RedisSeen): boolean {
  if (one.replId === other.replId) return other.offset <= one.offset
  return one.before?.replId === other.replId && other.offset <= one.before.upTo
}

/** Whether a server has all that another one has. */
export function hasAllOf({ seen: { redis: one } }: Live, { seen: { redis: other } }: Live): boolean {
  // A master alone writes under its own id: others have that from it. An offset that was read later than its own is larger.
  if (one.role === 'master' && one.replId === other.replId) return true
  return continues(one, other)
}
