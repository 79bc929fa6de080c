import type { ClusterDecision, ClusterRefusal } from '../../model/cluster.ts'
import type { Given } from '../consent.ts'
import { names } from '../names.ts'
import { type Blocked, choose } from './choose.ts'
import { consentWords, unsavedWords } from './consent.ts'
import { excessBehind } from './contenders.ts'
import { nobodyWrites } from './fencing.ts'
import type { PostgresNode } from './model.ts'
import { side, unseenSide } from './sides.ts'
import { hasData, isGivenUp, isWrittenOff, mayHold, type Node, type View } from './view.ts'

/**
 * What is to be done where no server takes writes: the last primary starts, or else the standby is promoted that has all
 * that others have. A node that nobody can see, or one that holds something else, may be the one that clients were told of:
 * then somebody has to say what may be lost.
 */
export function withoutPrimary(view: View): ClusterDecision {
  const chosen = choose(view)
  if (!('give' in chosen)) return chosen
  const refusal: ClusterRefusal = {
    why: `${nobodyWrites(view)}, and ${chosen.why}`,
    sides: [...view.nodes.map((node) => side(node, undefined, view.losses)), ...view.unreachable.map(unseenSide)],
    hint: chosen.hint ?? hintOf(view, chosen),
  }
  return { steps: [], refusal }
}

function hintOf(view: View, blocked: Blocked): string {
  const consent = agreeing(view, blocked)
  const first = consent === '' ? undefined : blocked.first
  return `${soon(view)}${first ?? `${backAgain(view, blocked)}, then repair again`}${consent}`
}

/** All that would have to be given up to go on, with what comes up behind it, and what is done then. */
function agreeing(view: View, blocked: Blocked): string {
  let give: Given = {}
  let next: ClusterDecision | Blocked = blocked
  for (let round = 0; 'give' in next; round++) {
    if (Object.keys(next.give).length === 0 || round > view.desired.nodes.length) return ''
    give = { ...give, ...next.give }
    next = choose({ ...view, acceptLoss: { ...view.acceptLoss, ...give } })
  }
  if (!next.primary) return ''
  const all = needed(view, { ...agreedBefore(view, next.primary.host), ...give }, next)
  const end = choose({ ...view, acceptLoss: all })
  if ('give' in end || !end.primary) return ''
  const unsaved = unsavedWords(view, all)
  return `. When ${loses(view, all)}, give it up: ${consentWords(view, all)}; then ${end.primary.host} is the primary: ${end.primary.why}${promise(view, all)}${unsaved ? `. ${unsaved}` : ''}`
}

/** What has to be so before all of that is given up. */
function loses({ desired, nodes, unreachable }: View, given: Given): string {
  const all = desired.nodes.filter((node) => isGivenUp({ acceptLoss: given }, node))
  const there = nodes.filter((node) => all.some(({ host }) => host === node.host) && mayHold(node))
  const gone = all.filter(({ host }) => !there.some((node) => node.host === host))
  const away = gone.filter(({ host }) => unreachable.some(({ node }) => node.host === host))
  const them = away.length < gone.length ? names(away) : away.length > 1 ? 'they' : 'it'
  return [
    ...(gone.length > 0 ? [`the data of ${names(gone)} is lost for good`] : []),
    ...(away.length > 0 ? [`${them} ${away.length > 1 ? 'are' : 'is'} surely off (else there are two primaries)`] : []),
    ...(there.length > 0 ? [`nobody needs what only ${names(there)} ${there.length > 1 ? 'have' : 'has'}`] : []),
  ].join(', and ')
}

/** Figures of before, but for no more than there is by now beyond the one that is to be the primary. */
function agreedBefore(view: View, host: string): Given {
  const best = view.nodes.find((node) => node.host === host)
  const agreed = Object.entries(view.acceptLoss).map(([name, bytes]): readonly [string, Given[string]] => {
    const node = view.nodes.find((one) => one.host === name && hasData(one))
    const excess = node && best && excessBehind(view, node, best)
    return [name, bytes === 'unknown' ? bytes : Math.min(bytes, excess?.bytes ?? bytes)]
  })
  return Object.fromEntries(agreed)
}

/**
 * What of it is needed for that end: what was in the way at first may not be, behind what came up then. What was agreed to
 * before stays also where only by it a node is cloned anew that would follow by other means.
 */
function needed(view: View, given: Given, end: ClusterDecision): Given {
  return Object.keys(given).reduce((left, host) => {
    const { [host]: _, ...rest } = left
    const then = choose({ ...view, acceptLoss: rest })
    if ('give' in then || then.primary?.host !== end.primary?.host) return left
    return isGivenUp(view, { host }) && isReplaced(end, host) && !isReplaced(then, host) ? left : rest
  }, given)
}

function isReplaced({ steps }: ClusterDecision, host: string): boolean {
  return steps.some(({ name, about }) => name === 'clone standby anew' && about === host)
}

/**
 * What is known of commits that are given up unseen. Each commit that a client was told of was on two members, so all but one
 * of them have every one: where that is how the servers run, and not only what the playbook says, and where all that is left
 * follows that one node. Of those that wrote apart from each other one may have confirmed what the other one does not have.
 */
function promise({ desired, nodes }: View, give: Given): string {
  const [gone, ...more] = desired.nodes.filter(({ host }) => give[host] === 'unknown')
  if (!gone) return ''
  const lost = nodes.find((node) => node.host === gone.host)
  const seen = nodes.filter((node) => node.kind === 'member' && hasData(node) && !Object.hasOwn(give, node.host))
  const members = desired.nodes.filter(({ kind }) => kind === 'member')
  // What a member confirmed may have been given up since.
  const discarded = nodes.some(({ seen: { aside } }) => aside.length > 0)
  const safe =
    desired.durability === 'sync' &&
    more.length === 0 &&
    !(lost && hasData(lost)) &&
    !discarded &&
    seen.length >= members.length - 1 &&
    seen.every((node) => confirmed(node, gone))
  return safe
    ? '. Durability is sync: what clients were told of is on two members, so none of it is lost'
    : `. What only ${names([gone, ...more])} had is lost, and nobody can tell how much that is`
}

/** Whether a node is a standby of another one, whose commits wait for one to confirm them. */
function confirmed({ seen: { server } }: Node, { host, address }: PostgresNode): boolean {
  return server?.inRecovery === true && server.waits && [host, address].includes(server.upstream?.host ?? '')
}

/** What may come about by itself. */
function soon({ nodes }: View): string {
  const starting = nodes.filter(({ seen }) => seen.units.postgresql.active === 'activating')
  if (starting.length > 0) {
    const [servers, start] = starting.length > 1 ? ['servers', 'start'] : ['server', 'starts']
    return `the ${servers} of ${names(starting)} just ${start}: look again in a moment; else `
  }
  return nodes.some(mayTakeOver) ? 'look again in a moment: repmgrd may just replace the primary; else ' : ''
}

/** A standby that streams from nobody, and whose repmgrd runs as far as that is known. */
function mayTakeOver({ kind, seen: { server, units } }: Node): boolean {
  const alone = kind === 'member' && server?.inRecovery && server.receiver?.status !== 'streaming' && !server.paused
  return Boolean(alone) && !['inactive', 'failed'].includes(units.repmgrd.active)
}

function backAgain(view: View, { give }: Blocked): string {
  const away = view.unreachable.filter(({ answered, node }) => !answered && !isWrittenOff(view, node))
  if (away.length > 0) return `bring ${names(away.map(({ node }) => node))} back (power, network)`
  const lost = Object.keys(give).map((host) => ({ host }))
  const whose =
    lost.length === 1 ? names(lost) : `the one ${lost.length > 1 ? `of ${names(lost)} ` : ''}that was the primary`
  return `bring back the data of ${whose} (its disk, or what was moved away)`
}
