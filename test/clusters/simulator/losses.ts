import { apart, type Stretch } from '../../../src/clusters/postgres/loss.ts'
import { lsnDifference } from '../../../src/clusters/postgres/lsn.ts'
import type { Loss, NodeSurvey } from '../../../src/clusters/postgres/model.ts'
import { viewOf } from '../../../src/clusters/postgres/view.ts'
import type { ClusterGoal } from '../../../src/model/cluster.ts'
import { place } from '../postgres/support/surveys.ts'
import { at, type World } from '../postgres/support/world.ts'

/** What is read from the logs of nodes whose histories part, as it is by then. */
export function lossesOf(world: World, surveys: readonly NodeSurvey[], goal: ClusterGoal): ReadonlyMap<string, Loss> {
  const found = new Map<string, Loss>()
  for (const [host, stretches] of apart(viewOf(world.desired, surveys, goal))) {
    const { data, reachable, server, readable } = at(world, host)
    if (!data || !reachable || (server === 'down' && !readable)) continue
    const commits = data.log.flatMap((record, index) =>
      record > 0 && stretches.some((stretch) => isIn(stretch, place(index))) ? [index] : [],
    )
    const last = commits.at(-1)
    const words = last === undefined ? {} : { first: '0', last: '1', lastAt: place(last) }
    found.set(host, { records: data.log.length, commits: commits.length, ...words, tables: [], more: false })
  }
  return found
}

function isIn({ from, to }: Stretch, lsn: string): boolean {
  return lsnDifference(lsn, from) >= 0 && (to === undefined || lsnDifference(lsn, to) < 0)
}
