import type { ClusterDecision } from '../../model/cluster.ts'
import { agreedWords, type Given } from '../consent.ts'
import { names } from '../names.ts'
import { consentWords } from './consent.ts'
import { contenders, excessBehind, follows, isBehind, tookWrites } from './contenders.ts'
import { amount, type Excess, endIsSeen } from './excess.ts'
import type { PostgresNode } from './model.ts'
import { promotion } from './promotion.ts'
import { unknown } from './refusals.ts'
import { revive } from './revive.ts'
import { cloneStandbys, createPrimary, pointPgbouncer, registerWitness, startDaemon } from './steps.ts'
import {
  hasData,
  isAccepted,
  isGivenUp,
  isLive,
  isWrittenOff,
  keptNodes,
  mayHold,
  type Node,
  streamsFrom,
  type View,
} from './view.ts'
import { likeliest } from './winner.ts'

/** What stands in the way of a cluster without a primary. */
export interface Blocked {
  readonly why: string
  /** What somebody would have to give up to go on; nothing: that does not help. */
  readonly give: Given
  /** All that somebody is told; else what would help, and what to give up. */
  readonly hint?: string
  /** What to do before somebody gives it up, where nothing is away that could come back. */
  readonly first?: string
}

/** Who becomes the primary, and by what steps; or what stands in the way. */
export function choose(view: View): ClusterDecision | Blocked {
  const { nodes } = view
  const kept = keptNodes(view)
  const hidden = unseen(view) ?? alive(view) ?? takingOver(view)
  if (hidden) return hidden
  if (!nodes.some(hasData)) return withoutData(view)
  if (kept.length === 0)
    return {
      why: 'all that has data was to be given up',
      give: {},
      hint: 'give up fewer nodes: one of them has to stay',
    }
  const best = twinsOf(kept).length > 0 ? undefined : (lastPrimary(view, kept) ?? bestStandby(view, kept))
  if (!best) return conflict(view, kept)
  const excess = tooMuch(view, best)
  if (excess) return excess
  if (!follows(best)) return revive(view, best, otherwise(view, kept, best))
  return vanished(view, kept) ?? promotion(view, best)
}

/** What nobody can ask, or read, may be the newest. */
function unseen(view: View): Blocked | undefined {
  const hidden = view.unreachable.map(({ node }) => node).filter((node) => !isWrittenOff(view, node))
  if (hidden.length > 0)
    return { why: `${names(hidden)} cannot be asked, and may hold the newest data`, give: unknown(hidden) }
  const unread = view.nodes.filter((node) => !hasData(node) && mayHold(node) && !isWrittenOff(view, node))
  const open = unread.filter(({ seen }) => seen.running)
  if (open.length > 0)
    return {
      why: `the server of ${names(open)} runs without a data directory that can be read, and may take writes: what it has is lost when it ends`,
      give: unknown(open),
      first: 'look again in a minute: a server whose data is gone ends by itself',
    }
  if (unread.length === 0) return undefined
  return { why: `what lies on ${names(unread)} cannot be read, and may be the newest data`, give: unknown(unread) }
}

/** A server that we do not reach, and others do. */
function alive({ nodes, unreachable }: View): Blocked | undefined {
  const from = unreachable.filter(({ node }) => nodes.some((one) => streamsFrom(one, node)))
  if (from.length === 0) return undefined
  const to = nodes.filter((one) => from.some(({ node }) => streamsFrom(one, node)))
  return {
    why: `${names(from.map(({ node }) => node))} cannot be asked, but ${names(to)} ${to.length > 1 ? 'stream' : 'streams'} from there: it runs, or did some seconds ago`,
    give: {},
    hint: `look again in a minute; when it is so still, mend the way from here to ${names(from.map(({ node }) => node))} (network, SSH), then repair again`,
  }
}

function takingOver({ nodes }: View): Blocked | undefined {
  const promoted = nodes.filter(({ seen }) => seen.running && seen.disk?.promoted)
  if (promoted.length === 0) return undefined
  return {
    why: `${names(promoted)} ${promoted.length > 1 ? 'were told to take over, and have' : 'was told to take over, and has'} not yet`,
    give: {},
    hint: 'look again in a moment; a server that does not get on is to be stopped by hand: systemctl stop postgresql@15-main',
  }
}

function withoutData(view: View): ClusterDecision | Blocked {
  const aside = view.nodes.filter((node) => node.seen.aside.length > 0)
  if (aside.length > 0)
    return {
      why: `no node has data, but ${names(aside)} had: it was moved aside there`,
      give: {},
      hint: 'move the data that is to be the cluster back in its place by hand, or delete all of it; then repair again',
    }
  if (view.unreachable.length > 0) return { why: 'no node that can be asked has data', give: {} }
  return fresh(view)
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

/** The one that took writes last, if it has all that others have. */
function lastPrimary(view: View, kept: readonly Node[]): Node | undefined {
  const former = kept.filter((node) => node.kind === 'member' && !isLive(node) && tookWrites(node))
  return former.find((node) => hasAll(view, kept, node))
}

/**
 * The standby that has all that others have. How far one is that is down and was not read to its end, is seen when it was
 * started, before anybody is promoted.
 */
function bestStandby(view: View, kept: readonly Node[]): Node | undefined {
  const standbys = kept.filter((node) => node.kind === 'member' && follows(node))
  const sure = kept.filter((node) => isLive(node) || !follows(node) || (node.seen.disk && endIsSeen(node.seen.disk)))
  return [...standbys.filter(isLive), ...standbys].find((node) => hasAll(view, sure, node))
}

function hasAll(view: View, kept: readonly Node[], node: Node): boolean {
  return kept.every((other) => other === node || isBehind(view, other, node))
}

/** Only one node writes on a timeline: those that did on one number took over apart from each other, and no place tells. */
function isTwin(node: Node, other: Node): boolean {
  const both = other !== node && tookWrites(node) && tookWrites(other)
  return both && node.seen.disk?.timeline === other.seen.disk?.timeline
}

function twinsOf(nodes: readonly Node[]): readonly Node[] {
  return nodes.filter((node) => nodes.some((other) => isTwin(node, other)))
}

function conflict(view: View, kept: readonly Node[]): Blocked {
  const members = kept.filter(({ kind }) => kind === 'member')
  const twins = twinsOf(kept)
  const [first, ...more] = twins.length > 0 ? twins : contenders(view, members)
  if (!first)
    return {
      why: `only ${names(kept)} ${kept.length > 1 ? 'have' : 'has'} data, and cannot be the primary`,
      give: {},
      hint: 'bring back a member with its disk; or, when none comes back, make a node that has data a member in the playbook; then repair again',
    }
  const { node, why } = likeliest(view, [first, ...more])
  const others = kept.filter((one) => one !== node && (isTwin(node, one) || !isBehind(view, one, node)))
  return {
    why: `${names([node, ...others])} each hold, or may hold, what the others do not; ${node.host} is the one to keep by what was seen (${why})`,
    give: Object.fromEntries(
      others.map((one) => [one.host, isTwin(node, one) ? 'unknown' : bytesOf(excessBehind(view, one, node))]),
    ),
    first: 'look at what each of them has',
  }
}

/** What was given up may be more than was said; and one that was given up unseen may be there again, and tell how much it is. */
function tooMuch(view: View, best: Node): Blocked | undefined {
  const more = view.nodes.flatMap((node) => {
    if (!hasData(node) || !isGivenUp(view, node)) return []
    const excess = excessBehind(view, node, best)
    return excess && !isAccepted(view, node, excess) ? [{ node, excess }] : []
  })
  if (more.length === 0) return undefined
  const words = more.map(
    ({ node, excess }) => `${node.host} ${amount(excess)}, and ${agreedWords(view.acceptLoss, node)}`,
  )
  return {
    why: `more would be lost than somebody agreed to: ${words.join('; ')}`,
    give: Object.fromEntries(more.map(({ node, excess }) => [node.host, bytesOf(excess)])),
    first: 'look at what that is; without giving it up, repair without that option',
  }
}

/**
 * Where all that has data follows, the one that was followed has lost its own: what it had beyond them is gone. Standbys tell
 * who that was; where none does, it may be each node without data.
 */
function vanished(view: View, kept: readonly Node[]): Blocked | undefined {
  const told = new Set(kept.flatMap(({ seen }) => seen.server?.upstream?.host || []))
  const isTold = ({ host, address }: PostgresNode) => told.has(host) || told.has(address)
  const empty = view.nodes.filter((node) => !hasData(node) && !isWrittenOff(view, node))
  const gone = told.size > 0 ? empty.filter(isTold) : empty
  if (gone.length > 0) {
    const who = told.size > 0 ? `${names(kept)} followed` : 'may have been followed'
    const [have, it] = gone.length > 1 ? ['have', 'they'] : ['has', 'it']
    return {
      why: `all that is left are standbys: ${names(gone)}, which ${who}, ${have} no data, and what only ${it} had is lost`,
      give: unknown(gone),
    }
  }
  const strange = [...told].filter(
    (host) => !view.desired.nodes.some((node) => [node.host, node.address].includes(host)),
  )
  if (strange.length === 0) return undefined
  return {
    why: `all that is left are standbys, of ${strange.join(', ')}, which is no node of the playbook`,
    give: {},
    hint: 'put that node into the inventory, or its address, then repair again',
  }
}

/** What helps when the last primary does not start: to give up what only it has, which may be nothing. */
function otherwise(view: View, kept: readonly Node[], last: Node): string {
  const next = bestStandby(
    view,
    kept.filter((node) => node !== last),
  )
  if (!next) return 'mend this server, then repair again'
  const excess = excessBehind(view, last, next)
  const bytes = excess ? bytesOf(excess) : 0
  const behind = view.nodes.filter((node) => hasData(node) && !isWrittenOff(view, node) && isBehind(view, node, next))
  const agreed = Object.entries(view.acceptLoss).filter(([host]) => !behind.some((node) => node.host === host))
  const given = { ...Object.fromEntries(agreed), [last.host]: bytes }
  return `mend this server, then repair again; or give up what only it has, and ${next.host} is promoted: ${consentWords(view, given)}`
}

function bytesOf(excess: Excess | undefined): number | 'unknown' {
  return excess?.bytes ?? 'unknown'
}
