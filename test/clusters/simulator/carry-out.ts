import type { ClusterAction, ClusterStep } from '../../../src/model/cluster.ts'
import { at, streams, type WorldNode } from '../postgres/support/world.ts'
import { Failed, perform, performInPart } from './actions.ts'
import { type Basis, before, checkStep } from './promises.ts'
import type { Luck } from './random.ts'
import type { Doing } from './script-checks.ts'
import { isWriter, type Sim } from './sim.ts'

/** What did not end well. */
export interface Failures {
  readonly hosts: readonly string[]
  /** What the scripts say that failed. */
  readonly words: string
}

const NONE: Failures = { hosts: [], words: '' }

/** Stage by stage. `cut`: the run ends in one of them, and what it began may be half done. */
export function carryOut(sim: Sim, step: ClusterStep, basis: Basis, cut: Luck | undefined): Failures {
  const last = cut ? cut.int(step.stages.length) : step.stages.length
  for (const [index, stage] of step.stages.entries()) {
    const failed = stage.flatMap((action) => {
      const words = failureOf(sim, step, action, basis, index === last ? cut : undefined)
      return words === undefined ? [] : [{ host: action.host, words }]
    })
    if (index === last) return NONE
    if (failed.length === 0) continue
    const after = index > 0 ? (step.afterFailure ?? []) : []
    for (const action of after.filter(({ host }) => isAsBefore(sim, step, at(sim.world, host))))
      failureOf(sim, step, action, basis)
    return { hosts: failed.map(({ host }) => host), words: failed.map(({ words }) => words).join('\n') }
  }
  return NONE
}

/** What a step took away for its time comes back only where the primary is still the one of before. */
function isAsBefore({ world }: Sim, { about }: ClusterStep, node: WorldNode): boolean {
  return node.host === about ? isWriter(node) : streams(world, node) && node.upstream === about
}

/** What an action says that failed; undefined: it was done. `luck`: it may be undone, half done, or done. */
function failureOf(
  sim: Sim,
  step: ClusterStep,
  { host, title, script }: ClusterAction,
  basis: Basis,
  luck?: Luck,
): string | undefined {
  const node = at(sim.world, host)
  const named = sim.world.nodes.find((one) => one.host === title.split(' ').at(-1))
  const primary = named ?? (node.kind === 'witness' ? sim.world.nodes.find(isWriter) : undefined) ?? node
  const doing: Doing = { sim, step, title, script, node, primary, ...basis }
  const was = before(sim)
  try {
    if (!luck || luck.chance(0.2)) perform(doing)
    else if (luck.chance(0.8)) performInPart(doing, luck)
    return undefined
  } catch (error) {
    if (!(error instanceof Failed)) throw error
    return error.tells ? (script.match(/^.*--accept-data-loss.*$/m)?.[0] ?? '') : ''
  } finally {
    checkStep(sim, step, was, basis)
  }
}
