import type { Balancer, BalancerStage, NodeView, ShellCall } from '../model/balancer.ts'
import { checkedFlag, type Flag, lookAtNode, lowerFlag, raiseFlag } from './flag.ts'
import { readPool, serversOn } from './haproxy-pool.ts'
import { type At, drainServer, lookAtServers, readyServer } from './haproxy-script.ts'
import { invalidFile, refuse } from './options.ts'
import { saidByNode } from './said.ts'

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
  const { on, ats, flag, backend, serverOf } = checked(options)
  return {
    label: `haproxy ${backend} on ${on.join(', ')}`,
    hosts: on,
    every: 200,
    survey: (nodes) => [...ats.map(lookAtServers), ...(flag ? nodes.map((node) => lookAtNode(node, flag)) : [])],
    read(nodes, answers) {
      const pools = on.map((host, index) => serversOn(host, backend, answers[index]))
      const looks = nodes.map((node, index) => (flag ? saidByNode(node, answers[on.length + index]) : undefined))
      return readPool(nodes, pools, { serverOf, on, looks })
    },
    drain(node, mark) {
      // The balancers first: a node that is flagged only would be down to them, and nobody would know who did it.
      const drains = ats.map((at) => drainServer(at, serverOf(node), mark))
      return [leaving(flag ? [...drains, raiseFlag(node, flag.file, mark)] : drains)]
    },
    ...(flag && { wake: (node: string, mark: string) => [waking(lowerFlag(node, flag.file, mark))] }),
    join(node, mark) {
      const readies = ats.map((at) => readyServer(at, serverOf(node), mark))
      return [entering(flag ? [lowerFlag(node, flag.file, mark), ...readies] : readies)]
    },
  }
}

function leaving(calls: readonly ShellCall[]): BalancerStage {
  const left = ({ state, connections }: NodeView) => state === 'drained' && connections === 0
  return { calls, until: left, awaits: 'its connections to end' }
}

/** Drained as it still is, HAProxy goes on with its checks: they have found it well when it is let in. */
function waking(lower: ShellCall): BalancerStage {
  return { calls: [lower], until: () => true, awaits: 'its health flag to be gone' }
}

function entering(calls: readonly ShellCall[]): BalancerStage {
  return { calls, until: ({ state }) => state === 'serving', awaits: 'the checks of haproxy to find it well' }
}

/** The options with their defaults. @throws Error when one cannot be what it should be. */
function checked(options: Haproxy) {
  const { backend, server = (node) => node } = options
  const { socket = '/run/haproxy/admin.sock', config = '/etc/haproxy/haproxy.cfg' } = options
  const on = [options.on].flat()
  const noHost = on.length > 0 && on.every(Boolean) ? undefined : 'on must name a host'
  const paths = [invalidFile('socket', socket), invalidFile('config', config)]
  refuse('haproxy', noHost, invalidName('backend', backend), ...paths)
  const serverOf = (node: string) => {
    const name = server(node)
    refuse('haproxy', invalidName(`the server of ${node}`, name))
    return name
  }
  const ats = on.map((host): At => ({ host, socket, config, backend }))
  return { on, ats, backend, serverOf, flag: checkedFlag('haproxy', options.flag) }
}

function invalidName(field: string, name: unknown): string | undefined {
  if (typeof name === 'string' && NAME.test(name)) return undefined
  return `${field} must be a name as HAProxy takes it (letters, digits and - _ . :), not ${JSON.stringify(name)}`
}
