import type { ClusterDecision, ClusterRefusal } from '../../model/cluster.ts'
import { type Blocked, choose } from './choose.ts'
import { consentWords, type Given } from './consent.ts'
import { excessBehind } from './contenders.ts'
import { isArmed } from './mend.ts'
import type { PostgresNode } from './model.ts'
import { names } from './names.ts'
import { side, unseenSide } from './refusals.ts'
import { hasData, type Node, type View } from './view.ts'

/**
 * What is to be done where no server takes writes: the last primary starts, or else the standby is promoted that has all
 * that others have. A node that nobody can see, or one that holds something else, may be the one that clients were told of:
 * then somebody has to say what may be lost.
 */
export function withoutPrimary(view: View): ClusterDecision {
  const chosen = choose(view)
  if (!('give' in chosen)) return chosen
  const refusal: ClusterRefusal = {
    why: `no server takes writes, and ${chosen.why}`,
    sides: [...view.nodes.map((node) => side(node, undefined, view.losses)), ...view.unreachable.map(unseenSide)],
    hint: chosen.hint ?? hintOf(view, chosen),
  }
  return { steps: [], refusal }
}

function hintOf(view: View, blocked: Blocked): string {
  const consent = agreeing(view, blocked)
  const first = consent === '' ? undefined : blocked.first
  return `${first ?? `${soon(view)}${backAgain(view)}, then repair again`}${consent}`
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
  const absent = view.unreachable.filter(({ node }) => Object.hasOwn(give, node.host)).map(({ node }) => node)
  const off =
    absent.length > 0 ? ` and surely off (${names(absent)} must not run any more, or there are two primaries)` : ''
  const when = blocked.first ? 'When nobody needs it' : `When it is lost for good${off}`
  const { primary } = next
  if (!primary) return ''
  const all = needed(view, { ...agreedBefore(view, primary.host), ...give }, primary.host)
  return `. ${when}, give it up: ${consentWords(view.desired, all)}; then ${primary.host} is the primary: ${primary.why}${promise(view, all)}`
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

/** What of it that node does not become the primary without: what was in the way at first may not be, behind what came up then. */
function needed(view: View, given: Given, primary: string): Given {
  return Object.keys(given).reduce((left, host) => {
    const { [host]: _, ...rest } = left
    const then = choose({ ...view, acceptLoss: rest })
    return !('give' in then) && then.primary?.host === primary ? rest : left
  }, given)
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
