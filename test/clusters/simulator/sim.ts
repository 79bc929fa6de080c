import { OTHER } from '../postgres/support/surveys.ts'
import { at, dataNodes, healthy, linked, type Shape, type World, type WorldNode } from '../postgres/support/world.ts'

/** A cluster as it really is, and what clients were told. */
export interface Sim {
  readonly world: World
  /** Commits that a client was told of. */
  readonly acked: Set<number>
  /** Power losses take what was not yet on a disk, although the disk said it was. */
  readonly lies: boolean
}

/** Logs are kept short: the model of them ends at one page. */
export const LONG = 36

export function begin(shape: Shape, lies: boolean): Sim {
  const world = healthy(shape)
  world.cuts = new Set()
  const log = dataNodes(world)[0]?.data?.log ?? []
  return { world, acked: new Set(log.filter((record) => record > 0)), lies }
}

/** A server that takes writes, of any system but a stranger's. */
export function isWriter({ server, data, kind }: WorldNode): boolean {
  return kind !== 'witness' && server === 'up' && data !== undefined && !data.signal && data.system !== OTHER
}

/** The writable primaries that a node sees, itself among them. */
export function writersSeenBy({ world }: Sim, node: WorldNode): WorldNode[] {
  return world.nodes.filter((one) => isWriter(one) && linked(world, node, one))
}

export function upstreamOf({ world }: Sim, node: WorldNode): WorldNode | undefined {
  return node.upstream === undefined ? undefined : at(world, node.upstream)
}

export function commitsOf({ data }: WorldNode): readonly number[] {
  return data?.log.filter((record) => record > 0) ?? []
}
