import { judge } from '../../../src/clusters/redis/decide.ts'
import type { Intent, Verdict } from '../../../src/clusters/redis/intents.ts'
import type { NodeSurvey, SeenNode } from '../../../src/clusters/redis/model.ts'
import { isLinked, type Live, type View, viewOf, votersFor, watchedBy } from '../../../src/clusters/redis/view.ts'
import type { Judge } from './history.ts'

/** Somebody who decides as we do, from what they see. */
function through(glasses: (seen: SeenNode, all: readonly NodeSurvey[]) => SeenNode): Judge {
  return (desired, surveys, goal) =>
    judge(
      desired,
      surveys.map((one) => (one.unreachable === undefined ? glasses(one, surveys) : one)),
      goal,
    )
}

/** Somebody who decides as we do, but for one case. */
function unless(otherwise: (view: View, own: Verdict) => readonly Intent[] | undefined): Judge {
  return (desired, surveys, goal) => {
    const own = judge(desired, surveys, goal)
    const intents = otherwise(viewOf(desired, surveys, goal), own)
    return intents ? { findings: own.findings, intents } : own
  }
}

function withRedis(seen: SeenNode, changed: Partial<NonNullable<SeenNode['redis']>>): SeenNode {
  return seen.redis ? { ...seen, redis: { ...seen.redis, ...changed } } : seen
}

/** This one is the master, whatever others have. */
function rule(view: View, node: Live | undefined): readonly Intent[] | undefined {
  if (!node) return undefined
  const why = 'so it is'
  const others = view.live.filter((one) => one !== node)
  if (node.seen.redis.role === 'replica') {
    const fenced = view.masters.map((one) => ({ node: one, keys: one.seen.redis.keys, given: true }))
    return [{ do: 'promote replica', node, others: [], watchers: view.sentinels, stopped: [], fenced, why }]
  }
  return others
    .filter((one) => !isLinked(one, node))
    .map((one) => {
      return { do: 'follow master', node: one, master: node, given: { keys: one.seen.redis.keys }, why }
    })
}

function most(nodes: readonly Live[], of: (node: Live) => number): Live | undefined {
  return nodes.toSorted((a, b) => of(b) - of(a))[0]
}

/** Those of a survey that answer, as if there were no others. */
function among(keep: (seen: NodeSurvey) => boolean): Judge {
  return (desired, surveys, goal) => {
    const kept = surveys.filter(keep)
    const nodes = desired.nodes.filter(({ host }) => kept.some((one) => one.host === host))
    return judge({ ...desired, nodes }, kept, goal)
  }
}

/** Wrong ways to decide, each of which comes out. */
export const PLANTED: Readonly<Record<string, Judge>> = {
  'ckquorum says that all is well': unless(({ sentinels, desired }) => {
    const usable = sentinels.filter((one) => watchedBy({ desired }, one)?.usable)
    return usable.length === desired.nodes.length ? [] : undefined
  }),
  'the first one of the inventory is the master': unless((view, own) =>
    view.masters.length === 1
      ? undefined
      : own.intents[0]?.do === 'wait for sentinel'
        ? undefined
        : rule(view, view.live[0]),
  ),
  'offsets of different histories are compared': through((seen) => withRedis(seen, { replId: 'one and the same' })),
  'whoever has more keys is the master': unless((view, own) =>
    own.refusal
      ? rule(
          view,
          most(view.live, ({ seen }) => seen.redis.keys),
        )
      : undefined,
  ),
  'a unit that is active runs': unless((_, { intents }) =>
    intents.filter(
      (one) => !(one.do === 'start server' || one.do === 'join set') || one.node.seen.units.redis !== 'active',
    ),
  ),
  'it acts while Sentinel does': through((seen) => {
    if (!seen.sentinel) return seen
    const masters = seen.sentinel.masters.map((one) => ({
      ...one,
      flags: ['master'],
      lastOk: 1e9,
      reported: { role: 'master' as const, for: 1e9 },
      replicas: [],
    }))
    return { ...withRedis(seen, { uptime: 1e6 }), sentinel: { ...seen.sentinel, masters } }
  }),
  'a master is a master, be it empty': unless((view) => {
    const [master, ...more] = view.masters
    return master && more.length === 0 && master.seen.redis.keys === 0 ? rule(view, master) : undefined
  }),
  'the master is restarted first': unless((_, { intents }) => {
    const over = intents.find((one) => one.do === 'fail over')
    return over?.do === 'fail over' ? [{ do: 'restart server', node: over.from, why: '' }] : undefined
  }),
  'a replica that is down is forgotten': among((one) => one.unreachable !== undefined || one.redis !== undefined),
  'nodes that cannot be asked are left out': among(({ unreachable }) => unreachable === undefined),
  'a dump is as good as any data': through((seen) => {
    const { dump: _, ...disk } = seen.disk
    return { ...seen, disk }
  }),
  'whom most Sentinels name is the master, whatever it has': unless((view, own) =>
    own.refusal
      ? rule(
          view,
          most(view.live, (node) => votersFor(view, node).length),
        )
      : undefined,
  ),
  'a link that says up is up': through((seen, all) => {
    const above = all.find((one) => one.unreachable === undefined && one.redis?.role === 'master')
    const id = above?.unreachable === undefined ? above?.redis?.replId : undefined
    return seen.redis?.master?.link === 'up' && id ? withRedis(seen, { replId: id, offset: 0 }) : seen
  }),
  'offsets of one history are compared, of whatever moments they are': unless(
    ({ masters: [master, ...more], live, sentinels }) => {
      if (!master || more.length > 0) return undefined
      const { replId, offset } = master.seen.redis
      const ahead = live.find(
        (one) => one.seen.redis.replId === replId && one.seen.redis.offset > offset && !isLinked(one, master),
      )
      if (!ahead) return undefined
      const fenced = [{ node: master, keys: master.seen.redis.keys, given: false }]
      return [
        {
          do: 'promote replica',
          node: ahead,
          others: [],
          watchers: sentinels,
          stopped: [],
          fenced,
          why: 'it has more',
        },
      ]
    },
  ),
  'a server that cannot be asked does not run': through((seen) =>
    seen.redis || !seen.trouble.redis ? seen : { ...seen, trouble: { ...seen.trouble, redis: 'down' } },
  ),
  'a server that cannot be asked has nothing': through((seen) =>
    seen.trouble.redis === 'hung' || seen.trouble.redis === 'wrong password'
      ? { ...seen, trouble: { ...seen.trouble, redis: 'plain' } }
      : seen,
  ),
  'a second master is left alone': unless((view, { intents }) =>
    view.masters.length > 1
      ? intents.filter((one) => !(one.do === 'follow master' && one.node.seen.redis.role === 'master'))
      : undefined,
  ),
}
