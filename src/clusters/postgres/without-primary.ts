import type { ClusterDecision, ClusterRefusal } from '../../model/cluster.ts'
import { excessOf } from './excess.ts'
import { endIsKnown, endOfPrimary, type Lineage, lineageOf, type Place, placeOf, wasPrimary } from './lineage.ts'
import { greater } from './lsn.ts'
import { disarming, isArmed } from './mend.ts'
import type { SeenNode, ServerSeen } from './model.ts'
import { names } from './names.ts'
import { slotName } from './node-id.ts'
import { side, unseenSide } from './refusals.ts'
import { cloneStandbys, createPrimary, pointPgbouncer, registerWitness, startDaemon, startPrimary } from './steps.ts'
import { hasData, isLive, type Live, type Node, type View } from './view.ts'
import { wholeSteps } from './whole.ts'

/**
 * What is to be done where no server takes writes. Nobody is promoted here: a node that nobody can see, or one that is
 * behind, may be the one that clients were told of.
 */
export function withoutPrimary(view: View): ClusterDecision {
  const { nodes, unreachable } = view
  if (unreachable.length > 0)
    return refused(view, `${names(unreachable.map(({ node }) => node))} cannot be asked, and may hold the newest data`)
  const unread = nodes.filter((node) => !hasData(node) && (node.seen.running || node.seen.remains))
  if (unread.length > 0)
    return refused(view, `what lies on ${names(unread)} cannot be read, and may be the newest data`)
  const promoted = nodes.filter(({ seen }) => seen.running && seen.disk?.promoted)
  if (promoted.length > 0)
    return refused(
      view,
      `${names(promoted)} was told to take over, and has not yet`,
      'look again in a moment; a server that does not get on is to be stopped by hand: systemctl stop postgresql@15-main',
    )
  const aside = nodes.filter((node) => node.seen.aside.length > 0)
  if (!nodes.some(hasData))
    return aside.length > 0
      ? refused(view, `no node has data, but ${names(aside)} had: it was moved aside there`)
      : fresh(view)
  const former = nodes.filter((node) => node.kind === 'member' && !isLive(node) && tookWrites(node))
  if (former.length === 0) return refused(view, 'none of the nodes was the primary: one would have to be promoted')
  const last = former.find((node) => former.every((other) => other === node || isBehind(view, other, node)))
  if (!last) return refused(view, `${names(former)} were primaries, and none of them holds all that the others have`)
  const apart = promotedApart(former)
  if (apart.length > 0)
    return refused(
      view,
      `${names(apart)} were primaries on timelines of one number, so each may hold what the other does not`,
    )
  const ahead = nodes.filter((node) => node !== last && hasData(node) && !isBehind(view, node, last))
  if (ahead.length > 0)
    return refused(view, `${names(ahead)} may hold what the last primary ${last.host} does not have`)
  return revive(view, last)
}

/** A cluster that is yet to be: its first member becomes the primary. */
function fresh({ desired, nodes, witnesses }: View): ClusterDecision {
  const first = nodes.find(({ kind }) => kind === 'member')
  if (!first) return { steps: [] }
  const others = nodes.filter((node) => node !== first)
  return {
    primary: { host: first.host, why: 'no node has data, and it is the first one of the inventory' },
    steps: [
      createPrimary(desired, first),
      ...(others.length > 0 ? [cloneStandbys(others, first)] : []),
      ...witnesses.map((node) => registerWitness(desired, node, first, 'it is not registered')),
      pointPgbouncer([...nodes, ...witnesses], first, 'they know no primary yet'),
      startDaemon([...nodes, ...witnesses], 'it does not run there yet'),
    ],
  }
}

/** The last primary starts, while nobody may promote itself; what else is to be done then is known as far as it is seen. */
function revive(view: View, last: Node): ClusterDecision {
  const standbys = view.nodes.filter((node) => node !== last && isLive(node))
  const armed = standbys.filter(isArmed)
  const supposed = supposing(view, last)
  return {
    primary: { host: last.host, why: whyLast(view, last) },
    steps: [
      ...disarming(armed),
      startPrimary(last, standbys, newest(view, last)),
      ...wholeSteps(supposed, supposed.primaries[0] as Live, { guessed: true, stopped: armed }).steps,
    ],
  }
}

/** How far the others are, where nobody could read how far the last primary is. */
function newest({ nodes }: View, last: Node): Place | undefined {
  const { disk } = last.seen
  if (!disk || endIsKnown(disk)) return undefined
  const { timeline, lsn } = endOfPrimary(disk)
  const places = nodes.filter((node) => node !== last).flatMap(({ seen }) => placeOf(seen) ?? [])
  const there = places.filter((place) => place.timeline === timeline).map((place) => place.lsn)
  const most = there.reduce(greater, lsn)
  return most === lsn ? undefined : { timeline, lsn: most }
}

/** The cluster as it is to be behind the start of its last primary. */
function supposing(view: View, last: Node): View {
  const nodes = view.nodes.map((node) => {
    if (node === last) return { ...node, seen: { ...node.seen, server: started(view, last) } }
    const server = node.seen.server
    const { upstream } = server ?? {}
    if (!server || upstream?.host !== last.address || upstream.slot !== slotName(node)) return node
    const receiver = { status: 'streaming', sender: last.address, slot: upstream.slot }
    return { ...node, seen: { ...node.seen, server: { ...server, receiver } } }
  })
  return { ...view, nodes, primaries: nodes.filter(isLive).filter(({ host }) => host === last.host) }
}

/** What is not known of it counts as whole. */
function started({ nodes }: View, { seen: { disk } }: Node): ServerSeen {
  const { timeline, lsn } = disk ? endOfPrimary(disk) : { timeline: 1, lsn: '0/0' }
  const slots = nodes.map((node) => ({ name: slotName(node), active: false, walStatus: 'reserved', kept: 0 }))
  return {
    ...{
      inRecovery: false,
      systemId: disk?.systemId ?? '',
      timeline,
      lsn,
      standbys: [],
      slots,
      readOnly: false,
      waits: false,
    },
    ...{ differing: [], autoConf: [], databases: [], roles: [] },
  }
}

function tookWrites({ seen: { disk } }: Node): boolean {
  return disk !== undefined && !disk.rewinding && wasPrimary(disk)
}

/** Only one node writes on a timeline: those that did on one number took over apart from each other, and no place tells. */
function promotedApart(former: readonly Node[]): readonly Node[] {
  const alike = Map.groupBy(former, ({ seen }) => seen.disk?.timeline)
  return [...alike.values()].find(({ length }) => length > 1) ?? []
}

/** Whether all of a node's log is in the history of another one that is down. */
function isBehind({ strangers }: View, node: Node, last: Node): boolean {
  const { disk } = last.seen
  if (!disk) return false
  const end = endOfPrimary(disk)
  // It has nothing of anybody's, or all would have been refused before.
  if (strangers.includes(node)) return true
  return excessOf(within(node, disk, end), lineageOf(disk, end)) === undefined
}

/**
 * A primary's log is on its disk before a standby gets it. So where nobody could read the end of a crashed one's log, its
 * standbys are not ahead of it, unless its disk lied: that is looked at before it starts.
 */
function within({ seen }: Node, disk: NonNullable<SeenNode['disk']>, end: Lineage['now']): SeenNode {
  const place = placeOf(seen)
  const follows = seen.server?.inRecovery ?? seen.disk?.standbySignal
  if (!follows || endIsKnown(disk) || place?.timeline !== end.timeline) return seen
  if (seen.server) return { ...seen, server: { ...seen.server, lsn: end.lsn } }
  const { log: _, ...rest } = seen.disk ?? disk
  return { ...seen, disk: { ...rest, recoveryEnd: end.lsn } }
}

function whyLast({ nodes }: View, last: Node): string {
  const { disk } = last.seen
  const others = nodes.filter((node) => node !== last && hasData(node))
  const at = disk && endOfPrimary(disk)
  const end = disk && endIsKnown(disk) ? ` at ${at?.lsn}` : ''
  return `it was the last primary, on timeline ${at?.timeline}${end}; ${others.length > 0 ? `${names(others)} ${others.length > 1 ? 'hold' : 'holds'} nothing that it does not` : 'no other node has data'}`
}

function refused(view: View, why: string, hint?: string): ClusterDecision {
  const refusal: ClusterRefusal = {
    why: `no server takes writes, and ${why}`,
    sides: [...view.nodes.map((node) => side(node)), ...view.unreachable.map(unseenSide)],
    hint: hint ?? `${soon(view)}${backAgain(view)}, then repair again`,
  }
  return { steps: [], refusal }
}

/** What may come about by itself. */
function soon({ nodes, unreachable }: View): string {
  const starting = nodes.filter(({ seen }) => seen.units.postgresql.active === 'activating')
  if (starting.length > 0) return `the server of ${names(starting)} just starts: look again in a moment; else `
  return unreachable.length > 0 && nodes.some(isArmed)
    ? 'repmgrd may just replace it: look again in a minute; else '
    : ''
}

function backAgain({ unreachable }: View): string {
  return unreachable.some(({ answered }) => !answered)
    ? 'bring the node back (power, network)'
    : 'bring back the node that was the primary, with its disk'
}
