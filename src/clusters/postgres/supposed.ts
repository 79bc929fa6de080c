import { endOfPrimary, type Place, placeOf } from './lineage.ts'
import type { ServerSeen } from './model.ts'
import { slotName } from './node-id.ts'
import { isLive, type Live, type Node, type View } from './view.ts'

/** A cluster as it is to be behind steps that give it a primary: what is to be done then, is known as far as this is. */
export interface Supposed {
  readonly view: View
  readonly primary: Live
}

/** Behind the start of its last primary: who was told to follow that one streams from it. */
export function supposingStarted(view: View, last: Node): Supposed {
  const { disk } = last.seen
  const place = disk ? endOfPrimary(disk) : { timeline: 1, lsn: '0/0' }
  const primary = running(last, { ...serverAt(last, place), slots: slotsOf(view) })
  const nodes = view.nodes.map((node) => (node === last ? primary : streaming(node, last)))
  return { view: { ...view, nodes, primaries: [primary] }, primary }
}

/** Behind the promotion of a standby: servers of standbys that are down were started before. */
export function supposingPromoted(view: View, best: Node, down: readonly Node[]): Supposed {
  const place = placeOf(best.seen) ?? { timeline: 1, lsn: '0/0' }
  const timeline = 1 + Math.max(place.timeline, ...view.nodes.map(({ seen }) => seen.disk?.newestTimeline ?? 1))
  const { upstream: _, receiver: __, ...server } = best.seen.server ?? serverAt(best, place)
  const disk = best.seen.disk && {
    ...best.seen.disk,
    ...{ timeline, newestTimeline: timeline, standbySignal: false },
    history: [...best.seen.disk.history, { timeline, forkedAt: place.lsn }],
  }
  const promoted = running(
    { ...best, seen: { ...best.seen, ...(disk && { disk }) } },
    { ...server, inRecovery: false, timeline, lsn: place.lsn, standbys: [], slots: slotsOf(view) },
  )
  const nodes = view.nodes.map((node) => {
    if (node === best) return promoted
    const at = down.includes(node) ? placeOf(node.seen) : undefined
    return at ? running(node, { ...serverAt(node, at), inRecovery: true }) : node
  })
  return { view: { ...view, nodes, primaries: [promoted] }, primary: promoted }
}

function running(node: Node, server: ServerSeen): Live {
  return { ...node, seen: { ...node.seen, running: true, server } }
}

/** It finds its primary again by itself. */
function streaming(node: Node, primary: Node): Node {
  const { upstream } = node.seen.server ?? {}
  if (!isLive(node) || upstream?.host !== primary.address || upstream.slot !== slotName(node)) return node
  const receiver = { status: 'streaming', sender: primary.address, slot: upstream.slot }
  return running(node, { ...node.seen.server, receiver })
}

function slotsOf({ nodes }: View): ServerSeen['slots'] {
  return nodes.map((node) => ({ name: slotName(node), active: false, walStatus: 'reserved', kept: 0 }))
}

/** What is not known of it counts as whole. */
function serverAt({ seen: { disk } }: Node, { timeline, lsn }: Place): ServerSeen {
  return {
    ...{ inRecovery: false, systemId: disk?.systemId ?? '', timeline, lsn, readOnly: false, waits: false },
    ...{ standbys: [], slots: [], differing: [], autoConf: [], databases: [], roles: [] },
  }
}
