import type { Balancer, CallAnswer, NodeView } from '../model/balancer.ts'
import { FLAG, lookAtNode, lowerFlag, type NodeSaid, raiseFlag, readNode } from './flag.ts'
import { invalidFile, invalidPorts, invalidSeconds, invalidUrl, refuse } from './options.ts'
import { messageOf, saidBy } from './said.ts'

export interface HealthFlag {
  /** While this file is there the node answers its balancer's health checks with an error. Default: `/var/lib/health/out`. */
  readonly file?: string
  /** What the balancer asks a node, as the node asks it of itself, e.g. `http://127.0.0.1/healthz`. Well is what answers 200. */
  readonly url: string
  /** Ports on which clients come; a node has left when no connection is left on them. */
  readonly ports: readonly number[]
  /** Seconds until the balancer has seen that a node is not well: its interval × the failed checks it wants, and one more. */
  readonly leave: number
  /** Seconds until the balancer has seen that a node is well again. Default: as `leave`. */
  readonly enter?: number
}

/**
 * Nodes leave by failing the health check of whatever balances them, and rejoin by passing it. Works with any balancer that
 * asks an address of the nodes which answers an error while the flag file is there; the balancer itself is never talked to.
 *
 * A flag that no run has put there, e.g. by `touch`, is never removed.
 *
 * @throws Error when an option cannot be what it should be.
 *
 * @example
 * healthFlag({ url: 'http://127.0.0.1/healthz', ports: [443], leave: 12 })
 */
export function healthFlag({ file = FLAG, url, ports, leave, enter = leave }: HealthFlag): Balancer {
  const seconds = [invalidSeconds('leave', leave), invalidSeconds('enter', enter)]
  refuse('healthFlag', invalidFile('file', file), invalidUrl('url', url), invalidPorts('ports', ports), ...seconds)
  const left = ({ state, connections, outFor = 0 }: NodeView) =>
    state === 'drained' && outFor >= leave && (connections === 0 || ports.length === 0)
  const leaving = `the balancer to see its health flag (${leave} s) and its connections to end`
  const entering = `${url} to answer 200 and the balancer to see it (${enter} s)`
  return {
    label: `health flag ${file}`,
    hosts: [],
    every: 1000,
    survey: (nodes) => nodes.map((node) => lookAtNode(node, { file, ports }, url)),
    read: (nodes, answers) => ({
      nodes: new Map(nodes.map((node, index) => [node, readView(node, answers[index], { url, enter })])),
    }),
    drain: (node, mark) => [{ calls: [raiseFlag(node, file, mark)], until: left, awaits: leaving }],
    join: (node, mark) => [
      { calls: [lowerFlag(node, file, mark)], until: ({ state }) => state === 'serving', awaits: entering },
    ],
  }
}

/** A node that cannot be asked is no error of the others: its balancer most likely does not reach it either. */
function readView(
  node: string,
  answer: CallAnswer | undefined,
  how: Pick<Required<HealthFlag>, 'url' | 'enter'>,
): NodeView {
  if (answer?.state === 'unreadable') return { state: 'down', detail: answer.reason }
  const text = saidBy(node, answer)
  try {
    return viewOf(readNode(text), how)
  } catch (error) {
    throw new Error(`${node}: ${messageOf(error)}`)
  }
}

function viewOf(said: NodeSaid, { url, enter }: Pick<Required<HealthFlag>, 'url' | 'enter'>): NodeView {
  const { flag, http, lowered, connections } = said
  if (http === undefined) throw new Error('it did not say what its health check answers')
  const seen = {
    ...(connections !== undefined && { connections }),
    ...(flag && { outFor: flag.age }),
    ...(flag?.by !== undefined && { drainedBy: flag.by }),
  }
  const answered = http.status === 0 ? `${url} does not answer (${http.reason})` : `${url} answers ${http.status}`
  // Then its balancer goes on sending: nobody may take it for drained.
  if (flag && http.status === 200)
    return { ...seen, state: 'serving', detail: `the flag is there, and ${answered} all the same` }
  if (flag)
    return { ...seen, state: 'drained', ...(flag.by === undefined && { detail: 'the flag was put there by hand' }) }
  if (http.status !== 200) return { ...seen, state: 'down', detail: answered }
  // A clock that was set back says nothing.
  const waits = lowered !== undefined && lowered >= 0 && lowered < enter
  return waits ? { ...seen, state: 'down', detail: `well again for ${lowered} s` } : { ...seen, state: 'serving' }
}
