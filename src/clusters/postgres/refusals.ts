import type { ClusterRefusal } from '../../model/cluster.ts'
import { agreedWords, type Given } from '../consent.ts'
import { names } from '../names.ts'
import { consentWords, savedWords, unsavedWords } from './consent.ts'
import { amount, type Excess } from './excess.ts'
import { whole } from './given-up.ts'
import { DATA } from './layout.ts'
import { lossWords } from './loss.ts'
import { atStake } from './mend.ts'
import { side, unseenSide } from './sides.ts'
import {
  hasData,
  isAccepted,
  isGivenUp,
  isWriter,
  isWrittenOff,
  type Live,
  type Node,
  systemOf,
  type View,
} from './view.ts'
import { likeliest } from './winner.ts'

/** How somebody puts data aside who has looked at it. */
export const MOVE_AWAY = `systemctl stop postgresql@15-main; mv ${DATA} ${DATA}.kept`

/**
 * Why a cluster is left alone: somebody would have to choose between two histories, or to trust what nobody can see. Nothing
 * where no data is at stake.
 */
export function refusalOf(view: View): ClusterRefusal | undefined {
  const [primary] = view.primaries
  const [first, ...more] = twinsOf(view)
  if (first && more.length > 0) return splitBrain(view, [first, ...more])
  const stranger = ofAnother(view)
  if (stranger || !primary) return stranger
  return (
    mostUnseen(view, primary) ?? withoutDisk(primary) ?? emptyBesideUnread(view, primary) ?? diverged(view, primary)
  )
}

/** Those of one system that take writes, if there are several: it need not be the system that most nodes belong to. */
function twinsOf({ nodes, primaries, acceptLoss }: View): readonly Live[] {
  if (primaries.length > 1) return primaries
  const writable = nodes.filter(isWriter).filter((node) => !isGivenUp({ acceptLoss }, node))
  return [...Map.groupBy(writable, systemOf).values()].find(({ length }) => length > 1) ?? []
}

/**
 * What was agreed to before and still has an object, beside the one that is the primary, or is to be. A figure is good for no
 * more than there is by now: what is written since is not in it.
 */
function stillAgreed(view: View, primary: Live): Given {
  const { acceptLoss, nodes, unreachable, strangers } = view
  const named = nodes.filter((node) => node !== primary && !strangers.includes(node))
  const there = named.filter((node) => isWriter(node) || atStake(view, primary, node) || whole(view, node, primary))
  const away = isMostAway(view) ? unreachable.map(({ node }) => node) : []
  const hosts = new Set([...there, ...away].map(({ host }) => host))
  const agreed = Object.entries(acceptLoss).filter(([host]) => hosts.has(host))
  return Object.fromEntries(
    agreed.map(([host, bytes]) => {
      const node = there.find((one) => one.host === host)
      if (!node || bytes === 'unknown') return [host, bytes]
      const excess = atStake(view, primary, node)
      return [host, excess ? Math.min(bytes, excess.bytes ?? bytes) : 0]
    }),
  )
}

function isMostAway({ nodes, unreachable }: View): boolean {
  return unreachable.length > nodes.length
}

function splitBrain(view: View, primaries: readonly [Live, ...Live[]]): ClusterRefusal {
  const { node: best, why } = likeliest(view, primaries)
  const behind = { ...view, primaries: [best] }
  const given = view.nodes.flatMap((node): (readonly [string, number | 'unknown'])[] => {
    if (node === best) return []
    const excess = atStake(behind, best, node)
    // One that takes writes is to stop, whatever it has.
    if (excess) return [[node.host, excess.bytes ?? 'unknown']]
    return primaries.some((one) => one === node) ? [[node.host, 0]] : []
  })
  return {
    why: `${names(primaries)} take writes at the same time (split brain): what was written to one of them is not in the other`,
    sides: primaries.map((node) => side(node, undefined, view.losses)),
    hint: `by what was seen ${best.host} is the one to keep (${why}). Look at what the others have; when nobody needs it, give it up: ${consentWords(view, { ...stillAgreed(behind, best), ...Object.fromEntries(given) })}. Their servers stop then, and their data is moved aside and stays there; ${savedWords(view)}. To keep another one, give up all others, ${best.host} among them with =unknown: its server is stopped, and what it has is told`,
  }
}

function ofAnother({ strangers, nodes }: View): ClusterRefusal | undefined {
  if (strangers.length === 0) return undefined
  const others = nodes.filter((node) => hasData(node) && !strangers.includes(node))
  return {
    why: `${names(strangers)} ${strangers.length > 1 ? 'have' : 'has'} data of another database cluster than ${names(others)}`,
    sides: [...strangers, ...others].map((node) => side(node)),
    hint: `if nobody needs it, move it away on ${names(strangers)}: ${MOVE_AWAY}; then repair again: it is cloned then`,
  }
}

/** The one primary that is seen may be the one that most nodes left. */
function mostUnseen(view: View, primary: Live): ClusterRefusal | undefined {
  const { desired, nodes, unreachable } = view
  const unseen = unreachable.map(({ node }) => node).filter((node) => !isWrittenOff(view, node))
  if (!isMostAway(view) || unseen.length === 0) return undefined
  const lost = names(unseen)
  const [data, they] = unseen.length > 1 ? ['their data is', 'they are'] : ['its data is', 'it is']
  const given = { ...stillAgreed(view, primary), ...unknown(unseen) }
  const unsaved = unsavedWords(view, given)
  return {
    why: `most of the cluster cannot be seen: ${lost} may have another primary than ${primary.host}`,
    sides: [...nodes.map((node) => side(node)), ...unreachable.map(unseenSide)],
    hint: `bring ${lost} back (power, network), then repair again. When ${data} lost for good, and ${they} surely off, give it up: ${consentWords(view, given)}${unsaved ? ` (${unsaved})` : ''}; or take ${unseen.length > 1 ? 'them' : 'it'} out: deploy db remove-node ${desired.environment} ${unseen.length > 1 ? 'NODE' : lost}`,
  }
}

/** A primary without any of the databases is no reason to build on, while what they were in may lie elsewhere. */
function emptyBesideUnread({ desired, nodes, unreachable }: View, primary: Live): ClusterRefusal | undefined {
  const unread = nodes.filter((node) => node.seen.remains && !hasData(node))
  const { databases } = primary.seen.server
  const has =
    desired.databases.length === 0 || desired.databases.some(({ name }) => databases.some((one) => one.name === name))
  if (has || unread.length + unreachable.length === 0) return undefined
  return {
    why: `${primary.host} takes writes, and has none of the databases; what lies on ${names([...unread, ...unreachable.map(({ node }) => node)])} cannot be read, and may be them`,
    sides: [side(primary), ...unread.map((node) => side(node)), ...unreachable.map(unseenSide)],
    hint: 'bring the node back, or look at what lies there, and move it away by hand when nobody needs it; then repair again',
  }
}

/** It still answers from memory, and not for long. */
function withoutDisk(primary: Live): ClusterRefusal | undefined {
  if (primary.seen.disk) return undefined
  return {
    why: `${primary.host} takes writes, and its data directory is gone or cannot be read: what it has is lost when it stops`,
    sides: [side(primary)],
    hint: 'save what can be saved (pg_dump), and let a standby take over: stop the server there, repmgrd promotes one',
  }
}

/** Of nodes of which nobody can tell what they have. */
export function unknown(nodes: readonly Pick<Node, 'host'>[]): Given {
  return Object.fromEntries(nodes.map(({ host }) => [host, 'unknown']))
}

/**
 * Whether nothing is in the way of what a node has. One that takes writes is stopped first, by which nothing is lost, and
 * judged again when it cannot get more: somebody said so by `unknown`, or by a figure that it has not passed yet.
 */
function mayGo(view: View, node: Node, excess: Excess): boolean {
  return isAccepted(view, node, excess) || (isWriter(node) && isWrittenOff(view, node))
}

/** The one that takes writes is what is built on: to build on what others have it must not take writes any more. */
function keptNobody(view: View, primary: Live): ClusterRefusal {
  return {
    why: `${primary.host} is the only one that takes writes, and was to be given up as well`,
    sides: view.nodes.map((node) => side(node, node === primary ? undefined : primary, view.losses)),
    hint: `leave it out of what is given up. ${keepWords(primary)}`,
  }
}

function keepWords({ host }: Live): string {
  return `To keep what the others have instead, stop the server of ${host} there by hand (systemctl stop repmgrd postgresql@15-main), then repair again: it tells what only ${host} has`
}

function openWords(open: readonly Live[]): string {
  if (open.length === 0) return ''
  const [take, get, their] = open.length > 1 ? ['take', 'get', 'their'] : ['takes', 'gets', 'its']
  return `${names(open)} ${take} writes, and ${get} more meanwhile: by =unknown ${their} server is stopped first, and ${their} figure asked for then. `
}

function amountWords({ losses }: View, { host }: Node, excess: Excess): string {
  const loss = losses.get(host)
  return `${host} ${amount(excess)}${loss ? ` (${lossWords(loss)})` : ''}`
}

function diverged(view: View, primary: Live): ClusterRefusal | undefined {
  const apart = view.nodes.flatMap((node) => {
    if (node === primary || view.strangers.includes(node)) return []
    const excess = atStake(view, primary, node)
    return excess ? [{ node, excess }] : []
  })
  if (apart.length > 0 && isGivenUp(view, primary)) return keptNobody(view, primary)
  const past = apart.filter(({ node, excess }) => !mayGo(view, node, excess))
  if (past.length === 0) return undefined
  const hosts = past.map(({ node }) => node)
  const amounts = past.map(({ node, excess }) => {
    const grown = isGivenUp(view, node) ? `, and ${agreedWords(view.acceptLoss, node)}` : ''
    return `${amountWords(view, node, excess)}${grown}`
  })
  const before = apart.filter(({ node }) => !hosts.includes(node))
  const already = before.map(({ node, excess }) => amountWords(view, node, excess))
  // It may go on to get more than any figure: it has to be stopped first.
  const open = past.map(({ node }) => node).filter(isWriter)
  const given: Given = {
    ...Object.fromEntries(past.map(({ node, excess }) => [node.host, excess.bytes ?? 'unknown'])),
    ...unknown(open),
  }
  return {
    why: `${names(hosts)} ${past.length > 1 ? 'hold' : 'holds'} changes that the primary ${primary.host} does not have, or may: ${amounts.join(', ')}`,
    sides: [side(primary), ...apart.map(({ node }) => side(node, primary, view.losses))],
    hint: `look at what it is; ${already.length > 0 ? `given up already: ${already.join(', ')}; ` : ''}when nobody needs it, give it up: ${consentWords(view, { ...stillAgreed(view, primary), ...given })}. ${openWords(open)}The data is moved aside then, and stays on ${names(hosts)}; ${savedWords(view)}. ${keepWords(primary)}`,
  }
}
