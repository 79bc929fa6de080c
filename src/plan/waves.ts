import type { NodeView } from '../model/balancer.ts'
import type { RollingOptions, Share } from '../model/rolling.ts'

/** What waves are made of. */
export interface WavesInput {
  /** All nodes of the pool, whatever is limited, in the order of the inventory. */
  readonly nodes: readonly string[]
  readonly views: ReadonlyMap<string, NodeView>
  /** Nodes that are to be changed, or to rejoin. */
  readonly todo: ReadonlySet<string>
  /** Those of them that stay out of the balancer, for somebody else took them out. */
  readonly foreign: ReadonlySet<string>
  readonly options: RollingOptions
}

/** Nodes handled together. */
export interface Wave {
  readonly hosts: readonly string[]
  /** Nodes of the pool that serve while these are out. */
  readonly serving: number
}

export interface Waves {
  /** Nodes in the pool. */
  readonly pool: number
  readonly floor: number
  /** Nodes that serve now. */
  readonly serving: number
  readonly waves: readonly Wave[]
  /** Why a wave would leave too few nodes serving; then `waves` ends before it. */
  readonly refusal?: string
}

/**
 * Cuts nodes into waves. Nodes that serve nobody come first and all at once, for nothing is lost by it; then the canary;
 * then the others in order; last those that stay out, for nobody proves their health. It counts on every wave to serve again before the next begins.
 */
export function planWaves({ nodes, views, todo, foreign, options }: WavesInput): Waves {
  const serves = (node: string) => views.get(node)?.state === 'serving'
  const size = waveSize(options.waves, nodes.length)
  const floor = floorOf(options, nodes.length)
  const mine = nodes.filter((node) => todo.has(node))
  const ordered = options.order === 'reverse' ? mine.toReversed() : mine
  const canary = ordered.filter((node) => serves(node) && options.canary?.includes(node))
  const rest = ordered.filter((node) => serves(node) && !options.canary?.includes(node))
  const idle = mine.filter((node) => !serves(node) && !foreign.has(node))
  const cut = [idle, canary, ...chunks(rest, size), [...foreign]].filter(({ length }) => length > 0)
  const serving = new Set(nodes.filter(serves))
  const now = serving.size
  const waves: Wave[] = []
  for (const hosts of cut) {
    const leaving = hosts.filter((host) => serving.has(host))
    for (const host of leaving) serving.delete(host)
    if (leaving.length > 0 && serving.size < floor) {
      const refusal = underFloor(leaving, serving, { nodes, views, floor })
      return { pool: nodes.length, floor, serving: now, waves, refusal }
    }
    waves.push({ hosts, serving: serving.size })
    for (const host of hosts) if (!foreign.has(host)) serving.add(host)
  }
  return { pool: nodes.length, floor, serving: now, waves }
}

/** The least number of nodes that serve at any moment. */
export function floorOf({ floor, waves, canary = [] }: RollingOptions, pool: number): number {
  if (floor === undefined) return Math.max(1, pool - Math.max(waveSize(waves, pool), new Set(canary).size))
  return Math.ceil(numberOf(floor, pool))
}

/** Nodes handled at once. */
export function waveSize(waves: Share = 1, pool: number): number {
  return Math.max(1, Math.floor(numberOf(waves, pool)))
}

function numberOf(share: Share, pool: number): number {
  // Not divided first: 7 % of 100 must not be a little more than 7.
  return typeof share === 'number' ? share : (Number(share.slice(0, -1)) * pool) / 100
}

function chunks(nodes: readonly string[], size: number): readonly (readonly string[])[] {
  const count = Math.ceil(nodes.length / size)
  return Array.from({ length: count }, (_, index) => nodes.slice(index * size, (index + 1) * size))
}

function underFloor(
  leaving: readonly string[],
  serving: ReadonlySet<string>,
  { nodes, views, floor }: Pick<WavesInput, 'nodes' | 'views'> & { readonly floor: number },
): string {
  const sick = nodes.filter((node) => !serving.has(node) && !leaving.includes(node))
  const why = sick.map((node) => `${node} is ${stateText(views.get(node))}`).join(', ')
  const count = `without ${leaving.join(', ')} only ${serving.size} of ${nodes.length} would serve, and the floor is ${floor}`
  return why ? `${count}: ${why}` : count
}

/** How a balancer sees a node, for people. */
export function stateText(view: NodeView | undefined): string {
  const text = { serving: 'serving', drained: 'drained', down: 'down', unknown: 'unknown to the balancer' }
  const state = text[view?.state ?? 'unknown']
  return view?.detail ? `${state} (${view.detail})` : state
}
