import type { ClusterRefusal } from '../../model/cluster.ts'
import { coldStart, namedByMost, type Start } from './cold-start.ts'
import { hasAllOf } from './history.ts'
import { holdersRefused, keptNobody, mostUnseen, noMasterUnseen, split, unsure, upForOthers } from './refusals.ts'
import { conflictsWith, hasDataOnDisk, isBlank, isDown, runsUnasked, stakeOf } from './stake.ts'
import {
  isAt,
  isGivenUp,
  isLinked,
  isLive,
  isWrittenOff,
  type Live,
  most,
  type Node,
  type Unseen,
  type View,
  votersFor,
  watchedBy,
} from './view.ts'
import { silence } from './wait.ts'

/** Who is, or is to become, the master of a set; or what stands in the way. */
export type Choice =
  | { readonly master: Live; readonly why: string }
  /** One is to be made of another node, or servers are to be started before that can be judged. */
  | Start
  | { readonly refusal: ClusterRefusal }

/** Judges by data alone: no key may be lost that nobody gave up. */
export function choose(view: View): Choice {
  if (view.nodes.every(isBare)) return creation(view)
  if (view.live.length === 0)
    return unasked(view) ?? coldStart(view, lost(view)) ?? { refusal: noMasterUnseen(view, lost(view)) }
  const candidates = view.live.filter((node) => !isGivenUp(view, node))
  if (candidates.length === 0) return { refusal: keptNobody(view) }
  const keeper = likeliest(
    view,
    candidates.filter((node) => isMaster(node) && conflictsWith(view, node).length === 0),
  )
  if (keeper) return kept(view, keeper)
  return view.masters.length > 0 ? instead(view, candidates) : withoutMaster(view, candidates)
}

/**
 * Servers that run, cannot be asked and were given up, where others are to be started: one of them may be a master. They are
 * ended first, and are judged by what lies on their disks then.
 */
function unasked(view: View): Start | undefined {
  const nodes = view.nodes.filter((one) => runsUnasked(one.seen) && isWrittenOff(view, one))
  if (nodes.length === 0 || lost(view).length > 0) return undefined
  const why = 'it was given up, and may be a master that nobody can ask'
  return { why, intents: nodes.map((node) => ({ do: 'end server', node, why })) }
}

function isMaster({ seen }: Live): boolean {
  return seen.redis.role === 'master'
}

/** Whether no server of a set was ever made on it. Something may lie on its disk all the same, and a Sentinel be there. */
function isBare({ seen: { redis, disk } }: Node): boolean {
  return !redis && !disk.configured.redis
}

/** Nodes of which nobody can tell what they have, and that nobody gave up. */
export function lost(view: View): readonly Unseen[] {
  return view.unseen.filter((node) => !isWrittenOff(view, node))
}

function creation(view: View): Choice {
  const holding = view.nodes.filter(
    ({ seen }) => !isBlank(seen) && !(isDown(seen) && !hasDataOnDisk(view, seen) && !seen.disk.appendOnly),
  )
  const open = holding.filter((node) => !isWrittenOff(view, node))
  if (open.length > 0) return { refusal: holdersRefused(view, open) }
  if (lost(view).length > 0) return { refusal: noMasterUnseen(view, lost(view)) }
  const named = namedByMost(view, view.nodes)
  const master = named ?? view.nodes[0]
  if (!master) return { refusal: noMasterUnseen(view, view.unseen) }
  const others = view.nodes.filter((node) => node !== master)
  const first = named ? 'most Sentinels name it' : 'it is the first one of the inventory'
  const dumps = view.nodes.flatMap(({ host, seen: { disk } }) =>
    disk.dump ? [`${host} (${disk.dump.bytes} bytes)`] : [],
  )
  const aside = dumps.length > 0 ? `; dumps of before are moved aside: ${dumps.join(', ')}` : ''
  const why = `there is no data of a set on any node, and no server of it: ${first}${aside}`
  return { becomes: master, why, intents: [{ do: 'create set', master, others, why }] }
}

/** The master stays. Of nodes that nobody sees one could be the one that most follow. */
function kept(view: View, master: Live): Choice {
  const unseen = lost(view)
  if (unseen.length > 0 && view.nodes.length < most(view.desired)) return { refusal: mostUnseen(view, unseen) }
  const voters = votersFor(view, master).length
  if (unseen.length > 0 && voters < most(view.desired)) return voices(view) ?? { refusal: unsure(view, master, unseen) }
  const linked = view.live.filter((node) => isLinked(node, master)).length
  const alone = view.masters.length === 1 ? 'it alone says that it is a master' : 'it lacks nothing that others have'
  return {
    master,
    why: `${alone}; ${voters} of ${view.desired.nodes.length} Sentinels name it, ${linked} replicas are linked to it`,
  }
}

/** Sentinels that are down, and may say who is the master; nothing, where there is none. */
function voices({ nodes }: View): Start | undefined {
  const silent = nodes.filter(({ seen }) => seen.trouble.sentinel === 'down' && seen.disk.configured.sentinel)
  if (silent.length === 0) return undefined
  const why = 'its Sentinel is down, and too few say who is the master'
  return { why, intents: silent.map((node) => ({ do: 'start sentinel', node, why })) }
}

/** No master has all there is: one of the replicas may. Masters that have nothing must not empty it. */
function instead(view: View, candidates: readonly Live[]): Choice {
  const node = likeliest(
    view,
    candidates.filter((one) => !isMaster(one) && conflictsWith(view, one).length === 0),
  )
  if (!node) return { refusal: split(view, likeliest(view, candidates) as Live) }
  if (lost(view).length > 0) return { refusal: unsure(view, node, lost(view)) }
  const why = `it lacks nothing that others have (${node.seen.redis.keys} keys), and every master does`
  return promotion(view, node, why)
}

/** All that answer are replicas. */
function withoutMaster(view: View, candidates: readonly Live[]): Choice {
  const start = coldStart(view, lost(view))
  if (start) return unasked(view) ?? start
  if (lost(view).length > 0) return { refusal: noMasterUnseen(view, lost(view)) }
  const heard = heardUnseen(view)
  if (heard) return { refusal: upForOthers(view, heard) }
  const newest = candidates.filter((node) => !candidates.some((one) => hasAllOf(one, node) && !hasAllOf(node, one)))
  const holders = newest.filter(({ seen }) => seen.redis.keys > 0)
  const among = holders.length > 0 ? holders : newest
  const node = likeliest(
    view,
    among.filter((one) => conflictsWith(view, one).length === 0),
  )
  if (!node) return { refusal: split(view, likeliest(view, among) as Live) }
  return promotion(view, node, 'there is no master, and nobody holds anything that it does not')
}

/** A node that cannot be asked from here, and is the master for the others: given up or not, it takes writes. */
function heardUnseen(view: View): Unseen | undefined {
  const watched = view.sentinels.flatMap((one) => watchedBy(view, one) ?? [])
  return view.unseen.find((node) => {
    const named = watched.filter((one) => isAt(node, one))
    if (named.length > 0) return silence(named) < view.desired.downAfter
    return view.live.some(({ seen }) => isAt(node, seen.redis.master) && seen.redis.master?.link === 'up')
  })
}

function promotion(view: View, node: Live, why: string): Choice {
  // Those with keys of their own, given up or not, are looked at again behind it.
  const others = view.live.filter((one) => one !== node && !isMaster(one) && stakeOf(view, one, node) === undefined)
  const fenced = view.masters.map((one) => ({
    ...{ node: one, keys: one.seen.redis.keys },
    // Of any other one the new master has all there is, as long as it writes nothing more.
    given: one.seen.redis.keys > 0 && isGivenUp(view, one),
  }))
  // One that loads, or is down and begun again by its unit, would come up as a master beside it.
  const stopped = view.nodes.filter((one) => !isLive(one) && one.seen.disk.configured.redis && isWrittenOff(view, one))
  const intent = { do: 'promote replica', node, others, watchers: view.sentinels, stopped, fenced, why } as const
  return { becomes: node, why, intents: [intent] }
}

/** Of several that would do: who is a master already, whom most Sentinels name, then who has replicas, then who runs longest; then the inventory. */
export function likeliest(view: View, nodes: readonly Live[]): Live | undefined {
  const weight = (node: Live): readonly number[] => [
    Math.sign(node.seen.redis.keys),
    isMaster(node) ? 1 : 0,
    votersFor(view, node).length,
    view.live.filter((one) => isLinked(one, node)).length,
    node.seen.redis.keys,
    node.seen.redis.uptime,
  ]
  return nodes.toSorted((a, b) => compare(weight(b), weight(a)))[0]
}

function compare(one: readonly number[], other: readonly number[]): number {
  return one.map((value, index) => value - (other[index] ?? 0)).find((difference) => difference !== 0) ?? 0
}
