import type { ClusterGoal } from '../../model/cluster.ts'
import { type Excess, excessOf } from './excess.ts'
import { agrees, endOfPrimary, type Lineage, lineageOf, placeOf, wasPrimary } from './lineage.ts'
import { lsnDifference } from './lsn.ts'
import type { Desired, Loss, NodeSurvey, PostgresNode, SeenNode, ServerSeen } from './model.ts'

/** A node of the playbook with what was seen of it. */
export interface Node extends PostgresNode {
  /** What is blank is not seen as data. */
  readonly seen: SeenNode
  readonly blank: boolean
}

/** A node whose server answers. */
export interface Live extends Node {
  readonly seen: SeenNode & { readonly server: ServerSeen }
}

/** A node of which nothing is known. `answered`: its host can be reached, and its answer tells nothing. */
export interface Unseen {
  readonly node: PostgresNode
  readonly why: string
  readonly answered?: true
}

/** A survey of a whole cluster, sorted by what nodes are. */
export interface View {
  readonly desired: Desired
  /** Those that could be asked, in the order of the playbook. A witness is not among them: it has no data of the cluster. */
  readonly nodes: readonly Node[]
  /** The witness, if it could be asked. */
  readonly witnesses: readonly Node[]
  readonly unreachable: readonly Unseen[]
  /**
   * Servers of the cluster's own system that are not in recovery. Of several, only the one that is left where somebody agreed
   * to lose what is on all others.
   */
  readonly primaries: readonly Live[]
  /** Nodes with data of another system than the cluster's: of somebody's. */
  readonly strangers: readonly Node[]
  /** What somebody agreed to give up, by node. */
  readonly acceptLoss: NonNullable<ClusterGoal['acceptLoss']>
  /** What only one node has, by node, where that was read. */
  readonly losses: ReadonlyMap<string, Loss>
  /** The rows in it are saved before. */
  readonly salvage?: true
}

export function viewOf(
  desired: Desired,
  surveys: readonly NodeSurvey[],
  { acceptLoss = {}, salvage }: ClusterGoal = {},
  losses: View['losses'] = new Map(),
): View {
  const known = new Map(surveys.map((survey) => [survey.host, survey]))
  const all = desired.nodes.filter(({ kind }) => kind !== 'witness')
  const reached = desired.nodes.flatMap((node): Node[] => {
    const seen = known.get(node.host)
    return seen && seen.unreachable === undefined ? [sighted(node, seen)] : []
  })
  const nodes = reached.filter(({ kind }) => kind !== 'witness')
  const witnesses = reached.filter(({ kind }) => kind === 'witness')
  const unreachable = all.flatMap((node) => {
    const seen = known.get(node.host) ?? { host: node.host, unreachable: 'it was not asked' }
    if (seen.unreachable === undefined) return []
    return [{ node, why: seen.unreachable, ...(seen.answered && { answered: seen.answered }) }]
  })
  const own = ownSystem(nodes)
  const strangers = nodes.filter((node) => own !== undefined && systemOf(node) !== undefined && systemOf(node) !== own)
  const writers = nodes.filter(isWriter).filter((node) => !strangers.includes(node))
  const kept = writers.filter((node) => !isGivenUp({ acceptLoss }, node))
  const primaries = writers.length > 1 && kept.length === 1 ? kept : writers
  return {
    desired,
    nodes,
    witnesses,
    unreachable,
    primaries,
    strangers,
    acceptLoss,
    losses,
    ...(salvage && { salvage }),
  }
}

function sighted(node: PostgresNode, seen: SeenNode): Node {
  const blank = node.kind !== 'witness' && isBlank(seen)
  if (!blank) return { ...node, seen, blank }
  const { disk: _, server: __, ...rest } = seen
  return { ...node, seen: { ...rest, remains: false, running: false }, blank }
}

/**
 * Whether data holds nothing of anybody's: e.g. what Debian's package makes, which is one and the same on all hosts of one
 * image. Of a server that crashed nobody knows: what was made may be in its log only.
 */
export function isBlank({ disk, server }: SeenNode): boolean {
  return disk?.blank === true && (server !== undefined || disk.state === 'shut down')
}

export function isLive(node: Node): node is Live {
  return node.seen.server !== undefined
}

/** Whether a node's server takes writes. */
export function isWriter(node: Node): node is Live {
  return node.seen.server?.inRecovery === false
}

/** Whether there is anything on a node that may be data of a cluster. */
export function hasData({ seen }: Node): boolean {
  return seen.disk !== undefined || seen.server !== undefined
}

/** Whether a node has data, or may have some that cannot be read. */
export function mayHold(node: Node): boolean {
  return hasData(node) || node.seen.running || node.seen.remains
}

/** Whether a node streams from another one. */
export function streamsFrom(node: Node, from: Pick<PostgresNode, 'host' | 'address'>): boolean {
  const receiver = node.seen.server?.receiver
  return receiver?.status === 'streaming' && [from.address, from.host].includes(receiver.sender)
}

/** Whether what a node receives comes from the primary, by whatever way. */
export function descendsFrom(nodes: readonly Node[], node: Node, primary: Live): boolean {
  let above: Node | undefined = node
  for (let hops = 0; above && hops < nodes.length; hops++) {
    const below: Node = above
    above = nodes.find((one) => streamsFrom(below, one) && one.seen.server?.timeline === primary.seen.server.timeline)
    if (above === primary) return true
  }
  return false
}

/** The timelines that led to where a primary writes. */
export function lineageOfPrimary({ seen }: Live): Lineage {
  return lineageOf(seen.disk ?? { history: [] }, { timeline: seen.server.timeline, lsn: seen.server.lsn })
}

/** What of a node's log the primary does not have; undefined: it has all of it. */
export function beyondPrimary({ nodes }: Pick<View, 'nodes'>, primary: Live, node: Node): Excess | undefined {
  const { server } = node.seen
  // It was asked a moment after its primary: on one timeline it cannot be ahead of where its log comes from.
  const same = server?.inRecovery && server.timeline === primary.seen.server.timeline
  if (same && descendsFrom(nodes, node, primary)) return undefined
  const lineage = lineageOfPrimary(primary)
  // Where both parted at another place, it is counted from there.
  const isOneHistory = same && (!node.seen.disk || agrees(lineage, node.seen.disk, server.timeline))
  if (isOneHistory && hasLogOfTwin(nodes, node, primary)) return {}
  return excessOf(node.seen, lineage)
}

/** Whether a standby has its log from another one that wrote on the primary's timeline: places tell nothing of what is there. */
function hasLogOfTwin(nodes: readonly Node[], node: Node, primary: Live): boolean {
  const { timeline } = primary.seen.server
  const isTwin = ({ seen: { server, disk } }: Node) => {
    if (server) return !server.inRecovery && server.timeline === timeline
    return disk !== undefined && !disk.rewinding && wasPrimary(disk) && endOfPrimary(disk).timeline === timeline
  }
  let above: Node | undefined = node
  for (let hops = 0; above && hops < nodes.length; hops++) {
    const from: string | undefined = above.seen.server?.upstream?.host
    above = nodes.find(({ host, address }) => from === host || from === address)
    if (above && above !== primary && isTwin(above)) return true
  }
  return false
}

/** Whether somebody agreed to lose something of what a node has, or may have. */
export function isGivenUp({ acceptLoss }: Pick<View, 'acceptLoss'>, { host }: Pick<PostgresNode, 'host'>): boolean {
  return Object.hasOwn(acceptLoss, host)
}

/** Whether somebody agreed to lose whatever a node has: of one that nobody can see, a number of bytes says nothing. */
export function isWrittenOff({ acceptLoss }: Pick<View, 'acceptLoss'>, { host }: Pick<PostgresNode, 'host'>): boolean {
  return acceptLoss[host] === 'unknown'
}

/** The nodes that have data of which nobody agreed to lose anything. */
export function keptNodes(view: View): readonly Node[] {
  return view.nodes.filter((node) => hasData(node) && !isGivenUp(view, node))
}

/**
 * Whether somebody agreed to lose what a node has beyond its primary: no more of it than was said then. A server writes on
 * without any commit, as it stops for example: of what comes behind that which was said, commits count.
 */
export function isAccepted(view: Pick<View, 'acceptLoss' | 'losses'>, node: Node, { bytes }: Excess): boolean {
  if (!isGivenUp(view, node)) return false
  const accepted = view.acceptLoss[node.host]
  // What can be counted is to be named by its figure.
  if (accepted === 'unknown') return bytes === undefined
  if (accepted === undefined || bytes === undefined) return false
  return bytes <= accepted || isNoise(node, view.losses.get(node.host), bytes - accepted)
}

/** Whether there is no commit among the last bytes of a node's log. */
function isNoise({ seen }: Node, loss: Loss | undefined, last: number): boolean {
  const place = placeOf(seen)
  if (!place || !loss || loss.more) return false
  return loss.lastAt === undefined ? loss.commits === 0 : lsnDifference(place.lsn, loss.lastAt) > last
}

export function systemOf({ seen }: Node): string | undefined {
  return seen.server?.systemId ?? seen.disk?.systemId
}

/** The system that most nodes belong to; of two that are even, the one somebody followed. */
function ownSystem(nodes: readonly Node[]): string | undefined {
  const of = (id: string) => nodes.filter((node) => systemOf(node) === id)
  const followed = (id: string) =>
    of(id).some(({ seen }) => seen.server?.inRecovery || seen.disk?.standbySignal) ? 1 : 0
  const weight = (id: string) => of(id).length * 2 + followed(id)
  const ids = new Set(nodes.flatMap((node) => systemOf(node) ?? []))
  return [...ids].toSorted((a, b) => weight(b) - weight(a))[0]
}
