import type { Balancer, BalancerCall, CallAnswer, NodeView, PoolView } from '../model/balancer.ts'
import { nearest } from '../model/nearest.ts'
import { FLAG, type Flag, lookAtNode, lowerFlag, type NodeSaid, raiseFlag } from './flag.ts'
import { type At, drainServer, lookAtServers, readyServer } from './haproxy-script.ts'
import { readServers, type ServerState } from './haproxy-state.ts'
import { invalidFile, invalidPorts, refuse } from './options.ts'
import { messageOf, saidBy, saidByNode } from './said.ts'

export interface Haproxy {
  /** The hosts of the inventory that HAProxy runs on; each node leaves and rejoins all of them. */
  readonly on: string | readonly string[]
  readonly backend: string
  /** How the backend calls the server of a node. Default: the node's name. */
  readonly server?: (node: string) => string
  /** The runtime socket, of level `admin`. Default: `/run/haproxy/admin.sock`. */
  readonly socket?: string
  /** The configuration, which says where server states are kept over a reload. Default: `/etc/haproxy/haproxy.cfg`. */
  readonly config?: string
  /**
   * The node's health flag is raised too, for nginx to close the connections of clients that go on: where HAProxy passes
   * TLS through, `drain` alone never ends them. The connections on `ports` of the node are waited for as well.
   */
  readonly flag?: Flag
}

/** The characters that HAProxy takes for names. Digits alone would be a number of a backend to it, and marks are files. */
const NAME = /^(?![-.\d]*$)[A-Za-z0-9_:-][A-Za-z0-9_.:-]*$/

/**
 * Nodes leave a backend of HAProxy by `set server … state drain` on its runtime socket and rejoin by `ready`; then its own
 * checks must find them well. A server that somebody else took out, however, is never brought back.
 *
 * The hosts need `socat`. A reload of HAProxy keeps the state where its configuration says `server-state-file` and
 * `load-server-state-from-file global`.
 *
 * @throws Error when an option cannot be what it should be.
 *
 * @example
 * haproxy({ on: ['lb1'], backend: 'app', flag: { ports: [443] } })
 */
export function haproxy(options: Haproxy): Balancer {
  const { backend, server = (node) => node, flag } = options
  const { socket = '/run/haproxy/admin.sock', config = '/etc/haproxy/haproxy.cfg' } = options
  const on = [options.on].flat()
  const noHost = on.length > 0 && on.every(Boolean) ? undefined : 'on must name a host'
  refuse(
    'haproxy',
    noHost,
    invalidName('backend', backend),
    invalidFile('socket', socket),
    invalidFile('config', config),
  )
  if (flag) refuse('haproxy', invalidFile('flag.file', flag.file ?? FLAG), invalidPorts('flag.ports', flag.ports))
  const ats = on.map((host): At => ({ host, socket, config, backend }))
  const file = flag?.file ?? FLAG
  const serverOf = (node: string) => {
    const name = server(node)
    refuse('haproxy', invalidName(`the server of ${node}`, name))
    return name
  }
  return {
    label: `haproxy ${backend} on ${on.join(', ')}`,
    hosts: on,
    every: 500,
    survey: (nodes) => [...ats.map(lookAtServers), ...(flag ? nodes.map((node) => lookAtNode(node, flag)) : [])],
    read(nodes, answers) {
      const pools = on.map((host, index) => serversOn(host, backend, answers[index]))
      const looks = nodes.map((node, index) => (flag ? saidByNode(node, answers[on.length + index]) : undefined))
      return readPool(nodes, pools, { serverOf, on, looks })
    },
    drain: (node, mark) => [
      {
        // The balancers first: a node that is flagged only would be down to them, and nobody would know who did it.
        calls: [
          ...ats.map((at) => drainServer(at, serverOf(node), mark)),
          ...(flag ? [raiseFlag(node, file, mark)] : []),
        ],
        until: ({ state, connections }) => state === 'drained' && connections === 0,
        awaits: 'its connections to end',
      },
    ],
    join: (node) => [
      {
        calls: [
          ...(flag ? [lowerFlag(node, file)] : []),
          ...ats.map((at): BalancerCall => readyServer(at, serverOf(node))),
        ],
        until: ({ state }) => state === 'serving',
        awaits: 'the checks of haproxy to find it well',
      },
    ],
  }
}

function invalidName(field: string, name: unknown): string | undefined {
  if (typeof name === 'string' && NAME.test(name)) return undefined
  return `${field} must be a name as HAProxy takes it (letters, digits and - _ . :), not ${JSON.stringify(name)}`
}

type Servers = ReadonlyMap<string, ServerState> | undefined

function serversOn(host: string, backend: string, answer: CallAnswer | undefined): Servers {
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

function readPool(nodes: readonly string[], pools: readonly Servers[], { on, serverOf, looks }: Looks): PoolView {
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
