import type { ClusterStep, Finding } from '../../model/cluster.ts'
import type { Excess } from './excess.ts'
import { givenUp, whole } from './given-up.ts'
import { CUT_OFF, DAMAGED, REMOVED, saysLast } from './log.ts'
import type { PostgresNode } from './model.ts'
import { slotName } from './node-id.ts'
import {
  cloneStandbys,
  followPrimary,
  type GivenUpData,
  recloneStandby,
  rejoinStandby,
  startServer,
  stopDaemon,
} from './steps.ts'
import {
  beyondPrimary,
  hasData,
  isAccepted,
  isGivenUp,
  isLive,
  isWriter,
  type Live,
  type Node,
  streamsFrom,
  type View,
} from './view.ts'

/** What mends a node. */
export type Cure = 'clone' | 'reclone' | 'rejoin' | 'start' | 'follow'

/** What is wrong with a node that is to follow the primary, and what mends it. */
export interface Ailment {
  readonly node: Node
  /** In order. */
  readonly cures: readonly Cure[]
  readonly finding: Finding
  /** What it has is given up as it was seen then. */
  readonly given?: GivenUpData
}

/** Everything that keeps nodes from following the primary. No data is at stake: that was looked at before. */
export function ailments(view: View, primary: Live): readonly Ailment[] {
  const found = view.nodes.flatMap((node) => (node.host === primary.host ? [] : (ailmentOf(view, primary, node) ?? [])))
  // Whom one follows tells whose log it has: so those that follow one that was given up as well come before that one.
  const follows = ({ node, given }: Ailment) => (given && isLive(node) && !isWriter(node) ? 0 : 1)
  return found.toSorted((a, b) => follows(a) - follows(b))
}

/** The steps for them: each node by itself, those without data at once. */
export function mendingSteps(primary: Live, found: readonly Ailment[]): readonly ClusterStep[] {
  const empty = found.filter(({ cures }) => cures.includes('clone')).map(({ node }) => node)
  return [
    ...found.flatMap((one) => one.cures.flatMap((cure) => (cure === 'clone' ? [] : CURES[cure](one, primary)))),
    ...(empty.length > 0 ? [cloneStandbys(empty, primary)] : []),
  ]
}

const CURES: Readonly<Record<Exclude<Cure, 'clone'>, (ill: Ailment, primary: Live) => ClusterStep>> = {
  start: ({ node, finding }) => startServer(node, finding.message),
  follow: ({ node, finding }, primary) => followPrimary(node, primary, finding.message),
  rejoin: ({ node, finding }, primary) => rejoinStandby(node, primary, finding.message, node.seen.disk),
  reclone: ({ node, finding, given }, primary) => recloneStandby(node, primary, finding.message, given),
}

/** Nobody may promote itself meanwhile. */
export function disarming(armed: readonly Node[]): readonly ClusterStep[] {
  const [stream, node] = armed.length > 1 ? ['they stream', 'nodes like that'] : ['it streams', 'a node like that']
  const why = `${stream} from no primary: at the next failure ${node} may promote itself, however stale it is`
  return armed.length > 0 ? [stopDaemon(armed, why)] : []
}

export function loadedGun({ host, seen: { units } }: Node): Finding {
  const message =
    'it does not stream from the primary, and its repmgrd runs: it may promote itself, however stale it is'
  return { name: 'loaded gun', host, severity: 'fault', message, evidence: [`repmgrd is ${units.repmgrd.active}`] }
}

/** Those that do not stream from the primary, or will not when they are up, and have a daemon that may promote them. */
export function armedOf(found: readonly Ailment[], primary: Live): readonly Node[] {
  return found
    .filter(({ node, cures }) => (isLive(node) && !streamsFrom(node, primary)) || cures.includes('follow'))
    .map(({ node }) => node)
    .filter((node) => isArmed(node) && !streamsFrom(node, primary))
}

/** A daemon that ends, and is begun again each time, may be there at the wrong moment. */
export function isArmed({ seen }: Node): boolean {
  return ['active', 'activating', 'restarting'].includes(seen.units.repmgrd.active)
}

/** The nodes whose daemon does not run behind the steps for them. */
export function disarmed(found: readonly Ailment[], armed: readonly Node[]): readonly Node[] {
  const stops: readonly Cure[] = ['clone', 'reclone', 'rejoin']
  return found
    .filter(({ node, cures }) => armed.includes(node) || cures.some((cure) => stops.includes(cure)))
    .map(({ node }) => node)
}

function ailmentOf(view: View, primary: Live, node: Node): Ailment | undefined {
  const { seen } = node
  const ill = (cures: readonly Cure[], name: string, message: string, evidence: readonly string[]): Ailment => ({
    ...{ node, cures },
    finding: { name, host: node.host, severity: 'fault', message, evidence: [...evidence, ...seen.log.slice(-3)] },
  })
  const given = isGivenUp(view, node) ? (atStake(view, primary, node) ?? whole(view, node, primary)) : undefined
  // One that takes writes is stopped before, and judged again.
  if (given && (isWriter(node) || isAccepted(view, node, given)))
    return { node, cures: ['reclone'], ...givenUp(view, primary, node, given) }
  if (node.blank) return ill(['clone'], 'no data', 'it has a database cluster of its own with nothing in it', [])
  if (!hasData(node)) {
    const what = seen.remains ? 'what lies in the place of its data is none' : 'it has no data'
    return ill(['clone'], 'no data', what, [`a server runs: ${yesNo(seen.running)}`])
  }
  const broken = brokenBy(node, primary)
  if (broken && !(broken.unsure && !seen.running)) return ill(['reclone'], ...broken.words, slotEvidence(node, primary))
  if (!isLive(node)) return ill(...downOf(view, node, primary))
  if (streamsFrom(node, primary) && seen.server?.receiver?.slot === slotName(node)) return undefined
  return ill(['follow'], 'wrong upstream', upstreamWords(node, primary), slotEvidence(node, primary))
}

function downOf({ nodes }: View, node: Node, primary: Live): [readonly Cure[], string, string, readonly string[]] {
  const { disk, running, units } = node.seen
  const evidence = [
    `unit ${units.postgresql.active}`,
    `control file: ${disk?.state ?? 'none'}`,
    `a server runs: ${yesNo(running)}`,
  ]
  if (disk && !disk.standbySignal)
    return [
      ['rejoin'],
      'former primary',
      `it was a primary before ${primary.host}, which has all of its commits`,
      evidence,
    ]
  const keeps = ({ seen }: Node) => seen.server?.slots.some(({ name }) => name === slotName(node)) ?? false
  const kept = keeps(primary) && !nodes.some((other) => other.host !== primary.host && keeps(other))
  return [
    // Nothing is kept for it there, or elsewhere: it would not come to stream from the primary by itself.
    kept ? ['start'] : ['start', 'follow'],
    'standby down',
    running ? 'its server does not answer' : 'its server does not run',
    [...evidence, ...slotEvidence(node, primary)],
  ]
}

interface Broken {
  readonly words: readonly [string, string]
  /** Its server does not answer, and it is on a timeline that was left: nobody knows how far it got there. */
  readonly unsure: boolean
}

/** Why a standby's data is of no use. One that follows somebody else is to follow the primary first. */
function brokenBy(node: Node, primary: Live): Broken | undefined {
  const { server, disk, log } = node.seen
  if (streamsFrom(node, primary) || (!server && disk && !disk.standbySignal)) return undefined
  const unsure = !server && (disk?.recoveryTimeline || disk?.timeline) !== primary.seen.server.timeline
  const told = server?.upstream?.host
  const lost = primary.seen.server.slots.some(({ name, walStatus }) => name === slotName(node) && walStatus === 'lost')
  if (lost || (saysLast(log, ...REMOVED) && (told === undefined || [primary.host, primary.address].includes(told))))
    return { words: ['beyond WAL', 'the primary has not kept the WAL that it needs'], unsure }
  if (!server && saysLast(log, ...DAMAGED))
    return { words: ['damaged data', 'its server cannot start from what lies on its disk'], unsure }
  if (server && !server.receiver && saysLast(log, ...CUT_OFF))
    return { words: ['damaged data', 'a file of its log is cut off, and it waits for the rest of it for ever'], unsure }
  return undefined
}

/** What a node has that the primary has not, or may have. */
export function atStake(view: View, primary: Live, node: Node): Excess | undefined {
  return beyondPrimary(view, primary, node) ?? (isCut(node, primary) ? {} : undefined)
}

/** A standby that only a clone mends, of which nobody can tell what it has got of a timeline that the primary left. */
function isCut(node: Node, primary: Live): boolean {
  return Boolean(brokenBy(node, primary)?.unsure && node.seen.running)
}

function slotEvidence(node: PostgresNode, primary: Live): readonly string[] {
  const slot = primary.seen.server.slots.find(({ name }) => name === slotName(node))
  return [
    slot
      ? `slot ${slot.name} on ${primary.host}: ${slot.walStatus}, ${slot.active ? 'active' : 'inactive'}`
      : `no slot ${slotName(node)} on ${primary.host}`,
  ]
}

function upstreamWords(node: Live, primary: Live): string {
  const { receiver, upstream } = node.seen.server
  if (!receiver) return `it follows nobody, and is told to follow ${upstream?.host || 'nobody'}`
  if (![primary.address, primary.host].includes(receiver.sender))
    return `it follows ${receiver.sender}, not the primary ${primary.host}`
  if (receiver.status !== 'streaming') return `it does not stream from the primary: ${receiver.status}`
  return `it streams from the primary through ${receiver.slot ? `slot ${receiver.slot}` : 'no slot'}, so nothing is kept for it`
}

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no'
}
