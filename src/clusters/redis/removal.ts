import { unknownName } from '../../model/unknown-name.ts'
import { isWaiting, isWhole, notWhole, refused } from './goals.ts'
import type { Intent, Verdict } from './intents.ts'
import type { Desired, RedisNode, SeenNode } from './model.ts'
import { stakeOf } from './stake.ts'
import { strangersOf } from './strangers.ts'
import { isAt, isLinked, type Live, most, type Node, type View, viewOf } from './view.ts'
import { memberWords, repairWords } from './words.ts'

/** Fewer Sentinels cannot agree on anything when one of them is away. */
const LEAST = 3

/**
 * A node that leaves for good. It is not looked after any more: the others are judged as if nobody knew it. `judge`: what is to be
 * done about a set that is looked at so.
 */
export function withRemoval(view: View, verdict: Verdict, host: string, judge: (view: View) => Verdict): Verdict {
  const node = view.desired.nodes.find((one) => one.host === host)
  if (!node) return unknownNode(view, verdict, host)
  const rest = without(view.desired, node)
  if (rest.nodes.length < LEAST)
    return refused(
      view,
      `without ${host} the set has ${rest.nodes.length} nodes, and it takes ${LEAST} to agree on a master`,
      `add a node before: put it into the inventory, then: ${memberWords(view.desired, 'add-node')}`,
    )
  if (verdict.master?.host === host) return handedOver(view, verdict, node, rest)
  const knowing = view.nodes.filter((one) => one.host !== host && knows(view, one, node))
  const there = view.nodes.find((one) => one.host === host)
  const isOut = knowing.length === 0 && !(there && isMember(there.seen))
  const left = { ...judge(forgotten(view, rest, node, isOut)), desired: rest }
  if (left.refusal || isWaiting(left)) return left
  const master = view.masters.find((one) => one.host === left.master?.host)
  if (!master) return notWhole(view, left)
  return isOut ? left : leaving(view, left, { node, rest, master, there })
}

interface Leaving {
  readonly node: RedisNode
  readonly rest: Desired
  readonly master: Live
  /** Missing: it cannot be reached. */
  readonly there: Node | undefined
}

/** Its services are stopped, and Sentinels forget it: no key is lost by that. */
function leaving(view: View, left: Verdict, { node, rest, master, there }: Leaving): Verdict {
  const { host } = node
  // While it is away itself others may be away as well, for good: they are forgotten with it, and known again when they follow.
  const known = left.findings.filter(({ name }) => there !== undefined || name !== 'cannot be asked')
  if (!isWhole({ ...left, findings: known })) return notWhole(view, left)
  if (!there && isUpFor(view, node))
    return refused(
      view,
      `${host} cannot be reached from here, and the others hear from it`,
      `bring it back, or power it off for good, then again: ${memberWords(view.desired, 'remove-node', host)}`,
    )
  if (there && (view.masters.some((one) => one.host === host) || stakeOf(view, there, master) !== undefined))
    return refused(
      view,
      `${host} has, or may have, what ${master.host} has not`,
      `mend that first: ${repairWords(view.desired)}`,
    )
  const stops = there && isMember(there.seen)
  const watchers = view.sentinels.filter((one) => one.host !== host)
  const why = 'it is to leave the set'
  return { ...left, intents: [{ do: 'remove node', node, rest, master, watchers, stops: stops === true, why }] }
}

/** The master leaves as a replica: another one is the master before. */
function handedOver(view: View, verdict: Verdict, node: RedisNode, rest: Desired): Verdict {
  if (verdict.refusal || isWaiting(verdict)) return verdict
  const from = view.masters.find(({ host }) => host === node.host)
  const to = from && view.live.find((one) => isLinked(one, from))
  if (!from || !to || !isWhole(verdict)) return notWhole(view, verdict)
  const watchers = view.sentinels.filter((one) => one !== from)
  const why = `${node.host} is the master, and is to leave the set`
  const intents: readonly Intent[] = [
    { do: 'fail over', from, to, why },
    { do: 'remove node', node, rest, master: to, watchers, stops: true, why },
  ]
  return { ...verdict, intents }
}

/** It left the inventory, or never was in it: only an address is known of who left so. */
function unknownNode(view: View, verdict: Verdict, host: string): Verdict {
  const { environment, nodes } = view.desired
  const strangers = strangersOf(view).map(({ address }) => address)
  const known = unknownName('node', host, [...nodes.map((one) => one.host), ...strangers])
  const hint =
    strangers.length > 0
      ? `${strangers.join(', ')} is no node of the playbook and belongs to the set: put it back into the inventory first`
      : `deploy status ${environment} shows who is in it; who is off for good is forgotten by: ${repairWords(view.desired)}`
  return { ...verdict, intents: [], unknown: { hint, ...known } }
}

/** Whether a daemon of the set runs there, or would start. */
function isMember({ redis, sentinel, disk }: SeenNode): boolean {
  return Boolean(redis || sentinel || disk.configured.redis || disk.configured.sentinel)
}

/** Whether the Sentinel, or the server, of one node counts on another one. */
function knows(view: View, { seen }: Node, other: RedisNode): boolean {
  const watched = seen.sentinel?.masters.find(({ name }) => name === view.desired.name)
  const places = [...(watched?.replicas ?? []), ...(watched?.sentinels ?? []), ...(seen.redis?.replicas ?? [])]
  return [...places, ...(watched ? [watched] : [])].some((one) => isAt(other, one))
}

/** Whether it is up for others, though it cannot be reached from here. */
function isUpFor(view: View, node: RedisNode): boolean {
  const nodes = view.desired.nodes.filter(({ host }) => host !== node.host)
  const others = viewOf({ ...view.desired, nodes }, surveysOf(view))
  return strangersOf(others).some((one) => isAt(node, one))
}

function without(desired: Desired, { host }: RedisNode): Desired {
  const nodes = desired.nodes.filter((one) => one.host !== host)
  return { ...desired, nodes, quorum: most({ nodes }) }
}

/** What is said of a set as if nobody knew of a node. Before it has left, as many Sentinels have to agree as with it. */
function forgotten(view: View, rest: Desired, node: RedisNode, isOut: boolean): View {
  const stays = (one: { readonly address: string }) => !isAt(node, one)
  const surveys = surveysOf(view).map((survey) => {
    if (survey.unreachable !== undefined) return survey
    const { redis, sentinel } = survey
    const watched = sentinel?.masters.find(({ name }) => name === rest.name)
    const differing = sentinel?.differing.filter(({ name }) => name !== 'quorum') ?? []
    const quorum = watched && isOut && watched.quorum !== rest.quorum ? [quorumOf(watched.quorum, rest)] : []
    const masters = sentinel?.masters.map((one) => ({
      ...{ ...one, replicas: one.replicas.filter(stays), sentinels: one.sentinels.filter(stays) },
    }))
    return {
      ...survey,
      ...(redis && { redis: { ...redis, replicas: redis.replicas.filter(stays) } }),
      ...(sentinel && masters && { sentinel: { ...sentinel, masters, differing: [...differing, ...quorum] } }),
    }
  })
  return viewOf(rest, surveys, { acceptLoss: view.acceptLoss })
}

function quorumOf(running: number, { quorum }: Desired) {
  return { name: 'quorum', running: String(running), wanted: String(quorum) }
}

function surveysOf({ nodes, unseen }: View) {
  return [
    ...nodes.map(({ seen }) => seen),
    ...unseen.map(({ host, why, answered }) => ({ host, unreachable: why, ...(answered && { answered }) })),
  ]
}
