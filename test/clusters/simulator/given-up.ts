import type { NodeSurvey } from '../../../src/clusters/postgres/model.ts'
import { Harm } from '../postgres/support/act.ts'
import { begins, dataNodes, linked, type WorldNode } from '../postgres/support/world.ts'
import type { Consent } from './consent.ts'
import { commitsOf, isWriter, type Sim } from './sim.ts'

/** A promise that was broken, by our hand. */
export class Broken extends Harm {}

/** What is known to go wrong where disks lie, with a case of its own in the test: what comes of it is not judged. */
export class Forgiven extends Error {}

type Log = readonly number[]

/** As long as all records of the model. */
const RECORD = 120

/** Which of a node's commits nobody agreed to lose. */
export function notGivenUp({ host }: WorldNode, commits: readonly number[], consent?: Consent): readonly number[] {
  const given = consent?.given[host]
  if (given === 'unknown') return []
  if (given === undefined) return commits
  if (consent?.old) return commits.length * RECORD <= given ? [] : commits
  // A figure that was agreed to before is printed again: what it is of may be told by another node that is named.
  const known = new Set(Object.keys(consent?.given ?? {}).flatMap((name) => consent?.logs.get(name) ?? []))
  return commits.filter((record) => !known.has(record))
}

/**
 * Two that took over apart from each other, on timelines of one number and from one place on: no survey tells, where neither
 * is ahead of what the other one's history says. Logs are compared before one is rewound, or follows, so it keeps what it has.
 */
export function isHiddenTwin({ data }: WorldNode, { data: other }: WorldNode): boolean {
  if (!data || !other || other.timeline === 1) return false
  const until = data.forks.filter(({ timeline }) => timeline <= other.timeline)
  if (JSON.stringify(until) !== JSON.stringify(other.forks)) return false
  const left = data.forks[until.length]?.at ?? data.log.length
  return !begins(data.log, other.log.slice(0, left))
}

/**
 * A known gap, with a case of its own in the test: a primary whose disk lied lost the end of its log, and wrote on in the same
 * places. Of a standby that has what was there before nobody sees that it holds more. A clone keeps what it has beside it.
 */
export function isOverwritten({ lies, strict, rewritten }: Sim, log: Log = [], primary: Log = []): boolean {
  return lies && !strict && rewritten && !begins(primary, log.slice(0, primary.length))
}

/** Two that take writes: only where somebody said that the other one is off, and nobody could see that it is not. */
export function isTolerated(
  { world }: Sim,
  node: WorldNode,
  twin: WorldNode,
  seen: readonly NodeSurvey[],
  consent?: Consent,
): boolean {
  const survey = seen.find(({ host }) => host === twin.host)
  return consent?.given[twin.host] === 'unknown' && survey?.unreachable !== undefined && !linked(world, node, twin)
}

/** The logs that were there before a step; those of a rewind that was cut off are of nobody. */
export function logsOf({ world }: Sim): ReadonlyMap<WorldNode, readonly number[]> {
  return new Map(dataNodes(world).flatMap((node) => (node.data && !node.rewinding ? [[node, node.data.log]] : [])))
}

/** What a step took from a node is on the primary, or was given up, and is kept beside its data. */
export function checkDiscarded(sim: Sim, what: string, was: ReturnType<typeof logsOf>, consent?: Consent): void {
  for (const [node, log] of was) {
    if (node.data?.log === log && !node.rewinding) continue
    const own = new Set(node.rewinding ? [] : commitsOf(node))
    const primaries = sim.world.nodes.filter((one) => isWriter(one) && linked(sim.world, node, one))
    const there = new Set(primaries.flatMap(commitsOf))
    const lost = log.filter((record) => record > 0 && !own.has(record) && !there.has(record))
    const stolen = notGivenUp(node, lost, consent)
    const isKept = lost.every((record) => node.aside.some((copy) => copy.log.includes(record)))
    if (stolen.length > 0 && isKept && isOverwritten(sim, log, primaries[0]?.data?.log)) throw new Forgiven()
    for (const record of lost) sim.surrendered.add(record)
    if (stolen.length > 0)
      throw new Broken(`${what} took ${stolen.length} commits from ${node.host} that nobody gave up`)
    if (!isKept) throw new Broken(`${what} kept no copy of ${lost.length} commits that were given up on ${node.host}`)
  }
}

/** What nobody can give back was given up with the rest of a node. */
export function surrender({ destroyed, surrendered }: Sim, { given }: Consent): void {
  for (const [host, commits] of destroyed)
    if (given[host] === 'unknown') for (const record of commits) surrendered.add(record)
}

/** Who was told that nothing is lost that a client was told of, was told the truth. */
export function checkSafe({ world, acked, destroyed, surrendered }: Sim, node: WorldNode, consent: Consent): void {
  // What was destroyed elsewhere since they were told was not meant.
  const since = [...destroyed].flatMap(([host, commits]) => (consent.given[host] === undefined ? commits : []))
  const own = new Set([...commitsOf(node), ...since])
  for (const gone of dataNodes(world).filter(({ host }) => consent.given[host] === 'unknown')) {
    // What was there before its machine was replaced was nobody's any more when they were told.
    const held = gone.data ? commitsOf(gone) : (destroyed.get(gone.host) ?? [])
    const lost = held.filter((record) => acked.has(record) && !own.has(record) && !surrendered.has(record))
    if (lost.length > 0)
      throw new Broken(`${node.host} became the primary, and lacks ${lost.length} commits that were said to be safe`)
  }
}
