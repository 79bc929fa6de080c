import type { NodeSurvey } from '../../../src/clusters/postgres/model.ts'
import type { ClusterDecision, ClusterStep } from '../../../src/model/cluster.ts'
import { begins, dataNodes, type WorldNode } from '../postgres/support/world.ts'
import type { Consent } from './consent.ts'
import {
  Broken,
  checkDiscarded,
  checkSafe,
  Forgiven,
  isHiddenTwin,
  isTolerated,
  logsOf,
  notGivenUp,
  surrender,
} from './given-up.ts'
import { commitsOf, isWriter, type Sim } from './sim.ts'

/** What a repair goes by: what was seen, and what somebody agreed to. */
export interface Basis {
  readonly seen: readonly NodeSurvey[]
  readonly consent?: Consent | undefined
}

/** What has to be remembered to tell what a step did. */
export interface Before {
  readonly writers: ReadonlySet<WorldNode>
  readonly kept: ReadonlySet<number>
  readonly logs: ReturnType<typeof logsOf>
}

export function before(sim: Sim): Before {
  return { writers: new Set(sim.world.nodes.filter(isWriter)), kept: kept(sim), logs: logsOf(sim) }
}

/** All commits of which there is a copy, in a data directory or in one that was moved aside. */
function kept({ world }: Sim): ReadonlySet<number> {
  const dirs = dataNodes(world).flatMap(({ data, aside, rewinding }) => (data && !rewinding ? [data, ...aside] : aside))
  return new Set(dirs.flatMap(({ log }) => log.filter((record) => record > 0)))
}

/** What must hold behind each step of ours, and behind each one that was cut off. */
export function checkStep(sim: Sim, step: ClusterStep, was: Before, basis: Basis): void {
  const { seen, consent } = basis
  const writers = sim.world.nodes.filter(isWriter)
  for (const node of writers.filter((one) => !was.writers.has(one))) {
    const twins = [...writers, ...hanging(sim, seen)].filter(
      (one) => one !== node && one.data?.system === node.data?.system,
    )
    const twin = twins.find((one) => !isTolerated(sim, node, one, seen, consent))
    if (twin) throw new Broken(`${step.name} made two primaries: ${node.host} beside ${twin.host}`)
    checkMostAdvanced(sim, step, node, basis)
    if (step.name !== 'switch over') checkAlone(step, seen)
    if (consent?.safe && !isForgiven(sim)) checkSafe(sim, node, consent)
    if (consent) surrender(sim, consent)
  }
  const stopped = step.name === 'stop server' && [...was.writers].find((node) => !writers.includes(node))
  if (stopped && consent?.given[stopped.host] === undefined)
    throw new Broken(`${stopped.host} took writes, and was stopped although nobody gave it up`)
  const now = kept(sim)
  const gone = [...was.kept].filter((record) => !now.has(record))
  if (gone.length > 0)
    throw new Broken(`${step.name} of ${step.about} threw away the last copy of ${gone.length} commits`)
  checkDiscarded(sim, `${step.name} of ${step.about}`, was.logs, consent)
}

/** Servers that were seen to hang, and take writes again when they go on. */
function hanging({ world }: Sim, seen: Basis['seen']): readonly WorldNode[] {
  const isSeen = ({ host }: WorldNode) => seen.find((one) => one.host === host)?.unreachable === undefined
  return dataNodes(world).filter((node) => node.server === 'hung' && node.data && !node.data.signal && isSeen(node))
}

/** Nobody was seen who may promote itself while another node becomes the primary. */
function checkAlone({ name, about }: ClusterStep, seen: Basis['seen']): void {
  const armed = seen.find(
    (one) => one.unreachable === undefined && one.server?.inRecovery && one.units.repmgrd.active === 'active',
  )
  if (armed) throw new Broken(`${name} of ${about}, and ${armed.host} may promote itself meanwhile`)
}

/** A node that we made the primary, or started as it, has all that others hold, but for what somebody gave up. */
function checkMostAdvanced(sim: Sim, step: ClusterStep, node: WorldNode, { seen, consent }: Basis): void {
  const own = new Set(commitsOf(node))
  for (const other of dataNodes(sim.world)) {
    if (other.data?.system !== node.data?.system || other.rewinding || (!sim.rewritten && isHiddenTwin(node, other)))
      continue
    const more = commitsOf(other).filter((record) => !own.has(record))
    const left = notGivenUp(other, more, consent)
    const lied = left.length > 0 && isForgiven(sim) && (sim.rewritten || isUnread(other) || differ(node, other))
    if (lied) throw new Forgiven()
    for (const record of more) sim.surrendered.add(record)
    const where = seen.find(({ host }) => host === other.host)?.unreachable === undefined ? 'seen' : 'unseen'
    if (left.length > 0)
      throw new Broken(`${step.name} of ${node.host}, and ${other.host} (${where}) holds ${left.length} commits more`)
  }
}

/** They hold other things in the same places. */
function differ({ data: one }: WorldNode, { data: two }: WorldNode): boolean {
  return !begins(one?.log ?? [], two?.log.slice(0, one?.log.length) ?? [])
}

/** What disks lose that lie about what they wrote. */
function isForgiven({ lies, strict }: Sim): boolean {
  return lies && !strict
}

/**
 * A known gap, with a case of its own in the test: a standby that crashed, whose log nobody read, counts as not ahead of its
 * primary. That is so unless the primary's disk lied.
 */
function isUnread({ server, data, readable }: WorldNode): boolean {
  return server === 'down' && data?.signal === true && !data.clean && !readable
}

export function checkDecision({ refusal, steps }: ClusterDecision): void {
  if (refusal && steps.length > 0) throw new Broken('a refusal with steps')
}

/** A standby that was seen not to stream gets no daemon that may promote it. */
export function isArmedBlindly(seen: readonly NodeSurvey[], node: WorldNode, _primary: WorldNode): void {
  const survey = seen.find(({ host }) => host === node.host)
  if (survey?.unreachable !== undefined || node.kind !== 'member' || !survey?.server?.inRecovery) return
  if (survey.server.receiver?.status !== 'streaming')
    throw new Broken(`start repmgrd on ${node.host}, which was seen not to stream`)
}

/** Commits that clients were told of, on nodes that were seen when a repair began, but for what somebody gave up. */
export function promised({ world, acked }: Sim, consent?: Consent): readonly number[] {
  const seen = dataNodes(world).filter(({ reachable, rewinding }) => reachable && !rewinding)
  const commits = seen.flatMap((node) => notGivenUp(node, commitsOf(node), consent))
  return [...new Set(commits)].filter((record) => acked.has(record))
}

export function checkPromised({ world }: Sim, commits: readonly number[]): void {
  const primary = world.nodes.find((node) => isWriter(node) && node.reachable)
  if (!primary) throw new Broken('whole, and there is no primary')
  const own = new Set(commitsOf(primary))
  const lost = commits.filter((record) => !own.has(record))
  if (lost.length > 0)
    throw new Broken(`whole, and the primary ${primary.host} lacks ${lost.length} acknowledged commits`)
}
