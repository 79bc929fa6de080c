import { apart } from '../../../src/clusters/postgres/loss.ts'
import { lsnDifference } from '../../../src/clusters/postgres/lsn.ts'
import type { Loss, NodeSurvey } from '../../../src/clusters/postgres/model.ts'
import type { Stretch } from '../../../src/clusters/postgres/parting.ts'
import { viewOf } from '../../../src/clusters/postgres/view.ts'
import type { ClusterGoal } from '../../../src/model/cluster.ts'
import { place } from '../postgres/support/surveys.ts'
import { at, dataNodes, type World } from '../postgres/support/world.ts'
import { type Luck, luckOf } from './random.ts'

/**
 * What is read from the logs of nodes whose histories part, as it is by then. Not always to the end: pg_waldump may be killed.
 */
export function lossesOf(
  world: World,
  surveys: readonly NodeSurvey[],
  goal: ClusterGoal,
  luck: Luck,
): ReadonlyMap<string, Loss> {
  const found = new Map<string, Loss>()
  for (const [host, stretches] of apart(viewOf(world.desired, surveys, goal))) {
    const { data, reachable, server, readable } = at(world, host)
    if (!data || !reachable || (server === 'down' && !readable)) continue
    const all = data.log.flatMap((record, index) =>
      record > 0 && stretches.some((stretch) => isIn(stretch, place(index))) ? [index] : [],
    )
    const more = luck.chance(0.3)
    const commits = more ? all.slice(0, luck.int(all.length + 1)) : all
    const last = commits.at(-1)
    const words = last === undefined ? {} : { first: '0', last: '1', lastAt: place(last) }
    found.set(host, { commits: commits.length, ...words, tables: [], more })
  }
  return found
}

function isIn({ from, to }: Stretch, lsn: string): boolean {
  return lsnDifference(lsn, from) >= 0 && (to === undefined || lsnDifference(lsn, to) < 0)
}

/**
 * Of its own, so that nothing else of a history depends on whether logs are read. The numbers of records are none of it: they
 * go on from one history to the next one.
 */
export function luckOfReadings(world: World): Luck {
  const commits = dataNodes(world).flatMap(({ data }) => data?.log.map((record) => (record > 0 ? 1 : 2)) ?? [])
  return luckOf(commits.reduce((sum, commit) => (sum * 31 + commit) % 1_000_003, commits.length))
}
