import type { ClusterRefusal } from '../../model/cluster.ts'
import type { Given } from '../consent.ts'
import { names } from '../names.ts'
import { type Conflict, conflictsWith, hasDataOnDisk, isAccepted, isBlank, isDown, stakesBeside } from './stake.ts'
import { isGivenUp, isLive, type Live, most, type Node, type Unseen, type View, votersFor, watchedBy } from './view.ts'
import { consentWords, keysWords } from './words.ts'

/** Bytes with which nothing can be saved, and a server may not start. */
const LITTLE = 32 * 1_048_576

type Side = ClusterRefusal['sides'][number]

/** Nobody has all there is: somebody has to choose. */
export function split(view: View, best: Live): ClusterRefusal {
  const conflicts = conflictsWith(view, best)
  const hosts = conflicts.map(({ node }) => node)
  const counted = conflicts.some(({ stake }) => stake !== 'unknown')
  const several = view.masters.length > 1 ? `${names(view.masters)} are masters at the same time: ` : ''
  return {
    why: `${several}${conflicts.map(conflictWords(view, best)).join('; ')}; behind ${best.host} as the master that would be lost`,
    sides: [best, ...hosts].map((node) => side(view, node)),
    hint: `${harmlessWays(hosts)}look at what each has. By what was seen ${best.host} is the one to keep (to keep another one, give up ${best.host} instead).${counted ? ' What the others have, and can be counted, is saved beside first, and stays there.' : ''} When nobody needs it, give it up: ${consentWords(view.desired, givenBehind(view, best, conflicts))}`,
  }
}

function hasLittleRoom({ disk: { free } }: Pick<Node['seen'], 'disk'>): boolean {
  return free !== undefined && free < LITTLE
}

/** What may mend it, and gives nothing up. */
function harmlessWays(nodes: readonly Node[]): string {
  const short = nodes.filter(({ seen }) => hasLittleRoom(seen))
  const locked = nodes.filter(({ seen: { trouble } }) => trouble.redis === 'wrong password')
  const ways = [
    ...(short.length > 0
      ? [`make room on the disk of ${names(short)}: with room a replica gets what it lacks by itself`]
      : []),
    ...(locked.length > 0
      ? [`set our password again where it is another one, on ${names(locked)} (docs/redis.md: A password set by hand)`]
      : []),
  ]
  return ways.length > 0 ? `first ${ways.join('; ')}; then repair again. Else ` : ''
}

function conflictWords(view: View, best: Live): (conflict: Conflict) => string {
  return ({ node, stake }) => {
    const agreed = view.acceptLoss[node.host]
    const grown = agreed === undefined ? '' : ` (${agreed} ${agreed === 1 ? 'was' : 'were'} accepted)`
    return stake === 'unknown'
      ? `nobody can tell what ${node.host} has${grown}`
      : `${node.host} has ${keysWords(stake)} of a history of its own${sincePartedWords(node, best)}${grown}`
  }
}

/** How much of its history is its own, where both tell at which place they parted. */
function sincePartedWords(node: Node, best: Live): string {
  if (!isLive(node)) return ''
  const [own, other] = [node.seen.redis, best.seen.redis]
  const from =
    own.replId === other.before?.replId
      ? other.before.upTo
      : own.before && [other.replId, other.before?.replId].includes(own.before.replId)
        ? own.before.upTo
        : undefined
  return from === undefined ? '' : `, of which it wrote ${own.offset - from} bytes since they parted`
}

/** All that has to be said: what was agreed to before is not said again by a second command. */
function givenBehind(view: View, best: Live, conflicts: readonly Conflict[]): Given {
  const accepted = stakesBeside(view, best).filter(({ node, stake }) => isAccepted(view, node, stake))
  const unseen = view.unseen.filter((node) => isGivenUp(view, node)).map(({ host }) => [host, 'unknown'] as const)
  return Object.fromEntries([
    ...[...accepted, ...conflicts].map(({ node, stake }) => [node.host, stake] as const),
    ...unseen,
  ])
}

function unknown(nodes: readonly { readonly host: string }[]): Given {
  return Object.fromEntries(nodes.map(({ host }) => [host, 'unknown']))
}

export function keptNobody(view: View): ClusterRefusal {
  return {
    why: 'all that answers was to be given up',
    sides: view.live.map((node) => side(view, node)),
    hint: 'give up fewer nodes: one of them has to stay the master, or become it',
  }
}

export function mostUnseen(view: View, unseen: readonly Unseen[]): ClusterRefusal {
  return {
    why: `most of the set cannot be seen: ${names(unseen)} may have another master`,
    sides: allSides(view),
    hint: back(view, unseen),
  }
}

export function unsure(view: View, best: Live, unseen: readonly Unseen[]): ClusterRefusal {
  const voters = votersFor(view, best).length
  return {
    why: `${best.host} is the likeliest master, and only ${voters} of ${view.desired.nodes.length} Sentinels name it (${most(view.desired)} are most): ${names(unseen)}, which cannot be asked, may have newer data`,
    sides: allSides(view),
    hint: back(view, unseen),
  }
}

export function upForOthers(view: View, { host }: Unseen): ClusterRefusal {
  return {
    why: `${host} cannot be asked from here, and is the master for the others`,
    sides: allSides(view),
    hint: `mend the way to ${host}, or power it off for good: Sentinel has another one take over then`,
  }
}

export function noMasterUnseen(view: View, unseen: readonly Unseen[]): ClusterRefusal {
  const who = unseen.length > 0 ? unseen : formerMasters(view)
  return {
    why: `there is no master, and what ${names(who)} ${who.length > 1 ? 'have' : 'has'} nobody can see`,
    sides: allSides(view),
    hint: back(view, who),
  }
}

/** Servers that are down and of which nobody can tell which one was the master last: all but the one that wrote last. */
function formerMasters(view: View): readonly Node[] {
  const silent = view.nodes.filter((node) => !isLive(node) && !isGivenUp(view, node) && !isBlank(node.seen))
  const written = ({ seen }: Node) => (isDown(seen) ? (seen.disk.appendOnly?.age ?? Number.POSITIVE_INFINITY) : -1)
  const holding = silent.filter(({ seen }) => !isDown(seen) || hasDataOnDisk(view, seen))
  const down = holding.filter(({ seen }) => isDown(seen)).toSorted((one, other) => written(one) - written(other))
  return view.live.length > 0 ? holding : holding.filter((node) => node !== down[0])
}

export function holdersRefused(view: View, holding: readonly Node[]): ClusterRefusal {
  return {
    why: `no node is configured, and data lies on ${names(holding)}: nobody can tell whose it is, and which is the newest`,
    sides: holding.map((node) => side(view, node)),
    hint: `look at it, and move it away by hand when nobody needs it; or give it up, and it is moved aside: ${consentWords(view.desired, { ...view.acceptLoss, ...unknown(holding) })}`,
  }
}

function back(view: View, nodes: readonly { readonly host: string }[]): string {
  const given = { ...view.acceptLoss, ...unknown(nodes) }
  return `bring ${names(nodes)} back (power, network, its server), then repair again. When they are lost for good and surely off, give up what they may have: ${consentWords(view.desired, given)}`
}

export function allSides(view: View): readonly Side[] {
  return [...view.nodes.map((node) => side(view, node)), ...view.unseen.map(unseenSide)]
}

function unseenSide({ host, why, answered }: Unseen): Side {
  return { host, evidence: [answered ? why : `it cannot be asked: ${why}`] }
}

/** What was seen of one side. */
function side(view: View, node: Node): Side {
  const { seen, host } = node
  const watched = seen.sentinel && watchedBy(view, { ...node, seen: { ...seen, sentinel: seen.sentinel } })
  return {
    host,
    evidence: [
      ...(isLive(node) ? liveEvidence(view, node) : silentEvidence(node)),
      ...(watched ? [`its Sentinel names ${watched.address}`] : ['its Sentinel names nobody']),
    ],
  }
}

function liveEvidence(view: View, node: Live): readonly string[] {
  const { role, keys, changes, replId, offset, before, uptime, master } = node.seen.redis
  return [
    role === 'master' ? 'a master' : `a replica of ${master?.address ?? 'nobody'}, link ${master?.link ?? 'down'}`,
    `${keysWords(keys)}, ${changes} changes since they were saved`,
    `replication id ${replId}, at ${offset}${before ? `, which continues ${before.replId} from ${before.upTo}` : ''}`,
    `runs for ${uptime} s`,
    ...(isGivenUp(view, node) ? [`${view.acceptLoss[node.host]} accepted`] : []),
  ]
}

export function silentEvidence({ seen: { trouble, disk, units } }: Node): readonly string[] {
  return [
    `its server does not answer as ours: ${trouble.redis ?? 'nothing is known of it'} (unit ${units.redis})`,
    ...(disk.appendOnly ? [`append-only files: ${disk.appendOnly.bytes} bytes, ${disk.appendOnly.age} s old`] : []),
    ...(disk.dump ? [`dump: ${disk.dump.bytes} bytes, ${disk.dump.age} s old`] : []),
    disk.follows ? `by its file it follows ${disk.follows.address}` : 'by its file it follows nobody',
    ...(hasLittleRoom({ disk }) ? [`${disk.free} bytes are left on its disk`] : []),
  ]
}
