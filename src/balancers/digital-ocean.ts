import type { Balancer, BalancerStage, CallAnswer, HttpCall, NodeView, ShellCall } from '../model/balancer.ts'
import { Secret } from '../model/secret.ts'
import { type LoadBalancer, readLoadBalancer } from './digital-ocean-state.ts'
import { checkedFlag, type Flag, lookAtNode, lowerFlag, type NodeSaid, raiseFlag } from './flag.ts'
import { invalidSeconds, invalidUrl, refuse } from './options.ts'
import { saidBy, saidByNode } from './said.ts'

export interface DigitalOcean {
  /** A token with the scopes `load_balancer:read` and `load_balancer:update`. Only ever sent as a header. */
  readonly token: Secret
  /** The id of the load balancer, a UUID. It must have a list of droplets, not a tag. */
  readonly loadBalancer: string
  /** The id of each node's droplet. */
  readonly droplets: Readonly<Record<string, number>>
  /**
   * The node's health flag: it is raised first, so that the load balancer sends nothing new and the connections end before
   * the droplet is removed. Without it connections are cut, and nobody knows later which run took a droplet out.
   */
  readonly flag?: Flag
  /** Where the API is, with https. Default: `https://api.digitalocean.com`. */
  readonly api?: string
  /** Seconds between two looks: the API allows 250 requests in a minute. Default: 5. */
  readonly every?: number
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * Nodes leave a load balancer of DigitalOcean by being removed from its droplets, and rejoin by being added. How long it
 * takes to see a raised or lowered flag is in its own settings: interval × (threshold + 1).
 *
 * @throws Error when an option cannot be what it should be.
 *
 * @example
 * digitalOcean({
 *   token: site.secrets.doToken,
 *   loadBalancer: '4de7ac8b-495b-4884-9a69-1050c6793cd6',
 *   droplets: { app1: 3164444, app2: 3164445 },
 *   flag: { ports: [443] },
 * })
 */
export function digitalOcean(options: DigitalOcean): Balancer {
  const { token, loadBalancer, url, every, flag, dropletOf } = checked(options)
  const change = (method: 'POST' | 'DELETE', node: string): HttpCall => ({
    ...{ kind: 'http', method, url: `${url}/droplets`, token, body: { droplet_ids: [dropletOf(node)] } },
    // A droplet that is no longer there is not found.
    ...(method === 'DELETE' && { fine: [404] }),
  })
  return {
    label: `digitalocean ${loadBalancer}`,
    hosts: [],
    every: every * 1000,
    survey(nodes) {
      for (const node of nodes) dropletOf(node)
      return [{ kind: 'http', method: 'GET', url, token }, ...(flag ? nodes.map((node) => lookAtNode(node, flag)) : [])]
    },
    read(nodes, [first, ...rest]) {
      const balancer = readLoadBalancer(saidBy('the API', withoutStatus(first)))
      const looks = nodes.map((node, index) => (flag ? saidByNode(node, rest[index]) : undefined))
      const listed = (node: string) => balancer.droplets.has(dropletOf(node))
      return { nodes: new Map(nodes.map((node, index) => [node, viewOf(balancer, listed(node), looks[index])])) }
    },
    drain: (node, mark) => leaving(change('DELETE', node), flag && { ...flag, node, mark }),
    join: (node, mark) => entering(change('POST', node), flag && lowerFlag(node, flag.file, mark)),
  }
}

/** The options with their defaults. @throws Error when one cannot be what it should be. */
function checked({ droplets, api = 'https://api.digitalocean.com', every = 5, ...options }: DigitalOcean) {
  const { token, loadBalancer } = options
  const invalid = [invalidToken(token), invalidId(loadBalancer), invalidApi(api), invalidSeconds('every', every)]
  refuse('digitalOcean', ...invalid, ...Object.keys(droplets).map((node) => invalidDroplet(node, droplets[node])))
  const dropletOf = (node: string) => {
    const id = Object.hasOwn(droplets, node) ? droplets[node] : undefined
    refuse('digitalOcean', invalidDroplet(node, id))
    return id ?? 0
  }
  const url = `${api.replace(/\/+$/, '')}/v2/load_balancers/${loadBalancer}`
  return { token, loadBalancer, url, every, dropletOf, flag: checkedFlag('digitalOcean', options.flag) }
}

/** Two stages with a flag: out of the checks, then off the list. */
function leaving(
  remove: HttpCall,
  flag: (Required<Flag> & { node: string; mark: string }) | undefined,
): readonly BalancerStage[] {
  const off: BalancerStage = {
    calls: [remove],
    until: ({ state }) => state === 'drained',
    awaits: 'the load balancer to be active without it',
  }
  if (!flag) return [off]
  const { node, mark, file, ports } = flag
  const quiet: BalancerStage = {
    calls: [raiseFlag(node, file, mark)],
    until: ({ state, drainedBy, connections }) =>
      state !== 'serving' && drainedBy !== undefined && (connections === 0 || ports.length === 0),
    awaits: 'the load balancer to see its health flag and its connections to end',
  }
  return [quiet, off]
}

function entering(add: HttpCall, lower: ShellCall | undefined): readonly BalancerStage[] {
  const serves = ({ state }: NodeView) => state === 'serving'
  if (!lower) return [{ calls: [add], until: serves, awaits: 'the load balancer to be active with it' }]
  return [
    {
      calls: [add],
      until: ({ state }) => state === 'serving' || state === 'down',
      awaits: 'the load balancer to be active with it',
    },
    { calls: [lower], until: serves, awaits: 'the load balancer to see that its health flag is gone' },
  ]
}

/**
 * A node that is listed and has our flag is `down`: its checks fail. Only off the list is it `drained`. One that somebody
 * else has flagged is drained, too, once the load balancer has seen it.
 */
function viewOf({ leave, enter }: LoadBalancer, listed: boolean, said: NodeSaid | string | undefined): NodeView {
  if (typeof said === 'string') return { state: listed ? 'down' : 'drained', ...(!listed && { listed }), detail: said }
  const { flag, connections, lowered } = said ?? {}
  const seen = {
    ...(connections !== undefined && { connections }),
    ...(flag && { outFor: flag.age }),
    ...(flag?.by !== undefined && { drainedBy: flag.by }),
  }
  const whose = flag && (flag.by === undefined ? 'the flag was put there by hand' : 'its flag is raised')
  if (!listed)
    return { ...seen, state: 'drained', listed: false, detail: ['not in its list', whose].filter(Boolean).join('; ') }
  if (flag && flag.age < leave)
    return { ...seen, state: 'serving', detail: `${whose}, which is seen after ${leave} s, not after ${flag.age}` }
  if (flag) return { ...seen, state: flag.by === undefined ? 'drained' : 'down', detail: `in its list; ${whose}` }
  // A clock that was set back says nothing.
  if (lowered !== undefined && lowered >= 0 && lowered < enter)
    return { ...seen, state: 'down', detail: `well again for ${lowered} s, which is seen after ${enter} s` }
  return { ...seen, state: 'serving' }
}

/** A status is no exit code: what is no success came as a reason. */
function withoutStatus(answer: CallAnswer | undefined): CallAnswer | undefined {
  return answer?.state === 'value' ? { ...answer, code: 0 } : answer
}

function invalidToken(token: unknown): string | undefined {
  return token instanceof Secret ? undefined : 'token must be a secret, e.g. site.secrets.doToken'
}

function invalidId(id: unknown): string | undefined {
  return typeof id === 'string' && UUID.test(id) ? undefined : `loadBalancer must be a UUID, not ${JSON.stringify(id)}`
}

/** The token must not go over a wire that others read. */
function invalidApi(api: string): string | undefined {
  const invalid = invalidUrl('api', api)
  if (invalid) return invalid
  const { protocol, hostname } = new URL(api)
  if (protocol === 'https:' || ['127.0.0.1', '[::1]', 'localhost'].includes(hostname)) return undefined
  return `api must begin with https://, not ${JSON.stringify(api)}`
}

function invalidDroplet(node: string, id: unknown): string | undefined {
  if (Number.isSafeInteger(id) && Number(id) > 0) return undefined
  return `${node} needs the id of its droplet, a whole number: droplets: { ${JSON.stringify(node)}: 123 }`
}
