import { OTHER } from '../postgres/support/surveys.ts'
import {
  at,
  copy,
  type Data,
  dataNodes,
  healthy,
  linked,
  type Shape,
  type World,
  type WorldNode,
} from '../postgres/support/world.ts'
import type { Question } from './consent.ts'

/** A cluster as it really is, and what clients were told. */
export interface Sim {
  readonly world: World
  /** Commits that a client was told of. */
  readonly acked: Set<number>
  /** Power losses take what was not yet on a disk, although the disk said it was. */
  readonly lies: boolean
  /** What is known to break a promise counts as well. */
  readonly strict: boolean
  /** Data whose end was lost, by a disk that lied. */
  readonly torn: Set<Data>
  /** Such data was started, and may have other things in the same places since. */
  rewritten: boolean
  /** Hosts that never come back as they were. */
  readonly gone: Set<string>
  /** Hosts whose disk is full. */
  readonly full: Set<string>
  /** Commits on disks that are no more, by their host. */
  readonly destroyed: Map<string, readonly number[]>
  /** Commits that somebody agreed to lose. */
  readonly surrendered: Set<number>
  /** What refusals asked for until now. */
  readonly questions: Question[]
  /** Somebody said that a node is surely off, and it was not. */
  erred: boolean
}

interface Beginning {
  readonly shape: Shape
  readonly lies: boolean
  readonly strict?: boolean
}

/** Logs are kept short: the model of them ends at one page. */
export const LONG = 36

export function begin({ shape, lies, strict = false }: Beginning): Sim {
  const world = copy(wholeOf(shape))
  world.cuts = new Set()
  const log = dataNodes(world)[0]?.data?.log ?? []
  const acked = new Set(log.filter((record) => record > 0))
  const nothing = { torn: new Set<Data>(), gone: new Set<string>(), full: new Set<string>(), destroyed: new Map() }
  return {
    ...{ world, acked, lies, strict },
    ...nothing,
    surrendered: new Set(),
    questions: [],
    rewritten: false,
    erred: false,
  }
}

const WHOLE = new Map<string, World>()

/** Passwords cost more to derive than all else that a history takes: so all of one shape have the same. */
function wholeOf(shape: Shape): World {
  const key = JSON.stringify(shape)
  const known = WHOLE.get(key) ?? healthy(shape)
  WHOLE.set(key, known)
  return known
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
