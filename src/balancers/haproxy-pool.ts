import type { CallAnswer, NodeView, PoolView } from '../model/balancer.ts'
import { nearest } from '../model/nearest.ts'
import type { NodeSaid } from './flag.ts'
import { readServers, type ServerState } from './haproxy-state.ts'
import { messageOf, saidBy } from './said.ts'

/** The servers of one HAProxy by name, or `undefined` where it is not there. */
type Servers = ReadonlyMap<string, ServerState> | undefined

/**
 * The servers that one host told of.
 *
 * @throws Error with the host's name, when it told of none.
 */
export function serversOn(host: string, backend: string, answer: CallAnswer | undefined): Servers {
  const text = saidBy(host, answer)
  try {
    return readServers(backend, text)
  } catch (error) {
    throw new Error(`${host}: ${messageOf(error)}`)
  }
}

interface Looks {
  readonly on: readonly string[]
  readonly serverOf: (node: string) => string
  readonly looks: readonly (NodeSaid | string | undefined)[]
}

/** Puts together what all balancers and the nodes themselves said. */
export function readPool(
  nodes: readonly string[],
  pools: readonly Servers[],
  { on, serverOf, looks }: Looks,
): PoolView {
  const views = nodes.map((node, index) => {
    const servers = pools.flatMap((pool, at) => {
      const server = pool?.get(serverOf(node))
      return server ? [{ ...server, on: on[at] ?? '' }] : []
    })
    const names = [...new Set(pools.flatMap((pool) => [...(pool?.keys() ?? [])]))]
    const view: NodeView =
      servers.length > 0 ? viewOf(servers, looks[index]) : { state: 'unknown', detail: noServer(serverOf(node), names) }
    return [node, view] as const
  })
  return { ...(pools.every((pool) => pool === undefined) && { absent: true }), nodes: new Map(views) }
}

function noServer(name: string, known: readonly string[]): string {
  const names = nearest(name, known).slice(0, 8).join(', ')
  return `haproxy has no server ${name}${names && ` (servers: ${names})`}`
}

/**
 * One view of a node out of those of all balancers that know it, and of what it said itself. Who has taken it out is one of
 * ours only when nobody else has, anywhere.
 */
function viewOf(servers: readonly (ServerState & { on: string })[], said: NodeSaid | string | undefined): NodeView {
  const look = typeof said === 'string' ? undefined : said
  const drained = servers.filter(({ state }) => state === 'drained')
  const outs = [...drained, ...(look?.flag ? [look.flag] : [])]
  const by = outs.every((out) => out.by !== undefined) ? outs[0]?.by : undefined
  const serves = servers.some(({ state }) => state === 'serving')
  // A flag without a drain has taken it out as well, once the balancers' checks have seen it.
  const out = drained.length === servers.length || look?.flag !== undefined
  const there = servers.reduce((sum, { connections }) => sum + connections, 0)
  // What nobody could count is not none.
  const connections = typeof said === 'string' ? undefined : Math.max(there, look?.connections ?? 0)
  const flagged = look?.flag && `health flag ${look.flag.by === undefined ? 'put there by hand' : 'raised'}`
  const each = servers.map(({ on, detail }) => (servers.length > 1 ? `${on}: ${detail}` : detail))
  return {
    state: serves ? 'serving' : out ? 'drained' : 'down',
    ...(connections !== undefined && { connections }),
    ...(by !== undefined && { drainedBy: by }),
    detail: [...each, flagged, typeof said === 'string' && said].filter(Boolean).join('; '),
  }
}
