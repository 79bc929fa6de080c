import type { NodeSurvey } from '../../../src/clusters/postgres/model.ts'
import type { ClusterDecision, ClusterStep } from '../../../src/model/cluster.ts'
import { Harm } from '../postgres/support/act.ts'
import { dataNodes, type WorldNode } from '../postgres/support/world.ts'
import { commitsOf, isWriter, type Sim } from './sim.ts'

/** A promise that was broken, by our hand. */
export class Broken extends Harm {}

/** What has to be remembered to tell what a step did. */
export interface Before {
  readonly writers: ReadonlySet<WorldNode>
  readonly kept: ReadonlySet<number>
}

export function before(sim: Sim): Before {
  return { writers: new Set(sim.world.nodes.filter(isWriter)), kept: kept(sim) }
}

/** All commits of which there is a copy, in a data directory or in one that was moved aside. */
function kept({ world }: Sim): ReadonlySet<number> {
  const dirs = dataNodes(world).flatMap(({ data, aside, rewinding }) => (data && !rewinding ? [data, ...aside] : aside))
  return new Set(dirs.flatMap(({ log }) => log.filter((record) => record > 0)))
}

/** What must hold behind each step of ours, and behind each one that was cut off. */
export function checkStep(sim: Sim, step: ClusterStep, was: Before, seen: readonly NodeSurvey[]): void {
  const writers = sim.world.nodes.filter(isWriter)
  const added = writers.filter((node) => !was.writers.has(node))
  for (const node of added) {
    const twin = writers.find((one) => one !== node && one.data?.system === node.data?.system)
    if (twin) throw new Broken(`${step.name} made two primaries: ${node.host} beside ${twin.host}`)
    checkMostAdvanced(sim, step, node, seen)
  }
  const now = kept(sim)
  const gone = [...was.kept].filter((record) => !now.has(record))
  if (gone.length > 0)
    throw new Broken(`${step.name} of ${step.about} threw away the last copy of ${gone.length} commits`)
}

/** A node that we made the primary, or started as it, has all that the nodes hold which were seen. */
function checkMostAdvanced(
  { world, lies, strict }: Sim,
  step: ClusterStep,
  node: WorldNode,
  seen: readonly NodeSurvey[],
): void {
  const own = new Set(commitsOf(node))
  for (const other of dataNodes(world)) {
    const survey = seen.find(({ host }) => host === other.host)
    if (survey?.unreachable !== undefined || other.data?.system !== node.data?.system || other.rewinding) continue
    if (lies && !strict && isUnread(other)) continue
    const more = commitsOf(other).filter((record) => !own.has(record))
    if (more.length > 0)
      throw new Broken(`${step.name} of ${node.host}, and ${other.host} holds ${more.length} commits more`)
  }
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

/** Commits that clients were told of, in what was seen when a repair began. */
export function promised({ world, acked }: Sim): readonly number[] {
  const seen = dataNodes(world).filter(({ reachable, rewinding }) => reachable && !rewinding)
  return [...new Set(seen.flatMap(commitsOf))].filter((record) => acked.has(record))
}

export function checkPromised({ world }: Sim, commits: readonly number[]): void {
  const primary = world.nodes.find((node) => isWriter(node) && node.reachable)
  if (!primary) throw new Broken('whole, and there is no primary')
  const own = new Set(commitsOf(primary))
  const lost = commits.filter((record) => !own.has(record))
  if (lost.length > 0)
    throw new Broken(`whole, and the primary ${primary.host} lacks ${lost.length} acknowledged commits`)
}
