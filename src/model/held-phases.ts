import type { Plan, PlannedChange } from './plan.ts'

/** A phase as far as refusals go. */
interface Refusable {
  readonly name: string
  /** Of a cluster that must be left alone. */
  readonly refused: boolean
}

/**
 * The place of the first phase that is not begun because a cluster must be left alone: the preparation of its nodes, or its
 * own; whatever comes behind may build on it. Infinity: none. What comes before has nothing to do with the cluster.
 */
export function firstHeld(phases: readonly Refusable[]): number {
  const refused = phases.filter((phase) => phase.refused).map(({ name }) => name)
  const place = phases.findIndex(({ name }) => refused.some((own) => name === own || name === `${own}, prepare`))
  return place < 0 ? Number.POSITIVE_INFINITY : place
}

/** The changes of a plan that an apply begins with, and those that wait because a cluster must be left alone. */
export function begunAndHeld({ phases, changes }: Pick<Plan, 'phases' | 'changes'>): {
  readonly begun: readonly PlannedChange[]
  readonly held: readonly PlannedChange[]
} {
  const from = firstHeld(phases.map(({ name, cluster }) => ({ name, refused: cluster?.refusal !== undefined })))
  const before = new Set(phases.slice(0, from).map(({ name }) => name))
  const { begun = [], held = [] } = Object.groupBy(changes, ({ phase }) => (before.has(phase) ? 'begun' : 'held'))
  return { begun, held }
}
