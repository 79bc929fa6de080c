import { beyond, type Lineage, lineageOf, placeOf } from './lineage.ts'
import type { Desired, NodeSurvey, PostgresNode, SeenNode, ServerSeen } from './model.ts'

/** A node of the playbook with what was seen of it. */
export interface Node extends PostgresNode {
  readonly seen: SeenNode
}

/** A node whose server answers. */
export interface Live extends Node {
  readonly seen: SeenNode & { readonly server: ServerSeen }
}

/** A survey of a whole cluster, sorted by what nodes are. The witness is not among them: it has no data of the cluster. */
export interface View {
  readonly desired: Desired
  /** Those that could be asked, in the order of the playbook. */
  readonly nodes: readonly Node[]
  readonly unreachable: readonly { readonly node: PostgresNode; readonly why: string }[]
  /** Servers of the cluster's own system that are not in recovery. */
  readonly primaries: readonly Live[]
  /** Nodes with data of another system than most. */
  readonly strangers: readonly Node[]
}

export function viewOf(desired: Desired, surveys: readonly NodeSurvey[]): View {
  const known = new Map(surveys.map((survey) => [survey.host, survey]))
  const all = desired.nodes.filter(({ kind }) => kind !== 'witness')
  const nodes = all.flatMap((node): Node[] => {
    const seen = known.get(node.host)
    return seen && seen.unreachable === undefined ? [{ ...node, seen }] : []
  })
  const unreachable = all.flatMap((node) => {
    const seen = known.get(node.host)
    const why = seen ? seen.unreachable : 'it was not asked'
    return why === undefined ? [] : [{ node, why }]
  })
  const own = ownSystem(nodes)
  const strangers = nodes.filter((node) => own !== undefined && systemOf(node) !== undefined && systemOf(node) !== own)
  const primaries = nodes.filter(isLive).filter((node) => !node.seen.server.inRecovery && !strangers.includes(node))
  return { desired, nodes, unreachable, primaries, strangers }
}

export function isLive(node: Node): node is Live {
  return node.seen.server !== undefined
}

/** Whether there is anything on a node that may be data of a cluster. */
export function hasData({ seen }: Node): boolean {
  return seen.disk !== undefined || seen.server !== undefined
}

/** Whether a node streams from another one. */
export function streamsFrom(node: Node, from: PostgresNode): boolean {
  const receiver = node.seen.server?.receiver
  return receiver?.status === 'streaming' && receiver.sender === from.address
}

export function slotName({ id }: Pick<PostgresNode, 'id'>): string {
  return `repmgr_slot_${id}`
}

/** The timelines that led to where a primary writes. */
export function lineageOfPrimary({ seen }: Live): Lineage {
  return lineageOf(seen.disk ?? { history: [] }, { timeline: seen.server.timeline, lsn: seen.server.lsn })
}

/** How many bytes of a node's log the primary does not have; undefined: nobody can tell. */
export function beyondPrimary(primary: Live, node: Node): number | undefined {
  const place = placeOf(node.seen)
  if (!place) return 0
  const lineage = lineageOfPrimary(primary)
  // A standby was asked a moment after its primary: on one timeline it cannot be ahead.
  if (node.seen.server?.inRecovery && place.timeline === lineage.now.timeline && streamsFrom(node, primary)) return 0
  return beyond(lineage, place)
}

export function systemOf({ seen }: Node): string | undefined {
  return seen.server?.systemId ?? seen.disk?.systemId
}

/** The system that most nodes belong to; of two that are even, the one with a standby, for it has followed. */
function ownSystem(nodes: readonly Node[]): string | undefined {
  const ids = nodes.flatMap((node) => systemOf(node) ?? [])
  const followed = (id: string) =>
    nodes.some((node) => systemOf(node) === id && (node.seen.server?.inRecovery || node.seen.disk?.standbySignal))
  const weight = (id: string) => ids.filter((one) => one === id).length * 2 + (followed(id) ? 1 : 0)
  return [...new Set(ids)].toSorted((a, b) => weight(b) - weight(a))[0]
}
