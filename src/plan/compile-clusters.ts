import type { Cluster } from '../model/cluster.ts'
import { DeployError, exitCodes } from '../model/error.ts'
import type { Inventory } from '../model/inventory.ts'
import type { Phase } from '../model/playbook.ts'
import type { CompileInput } from './compile-phases.ts'
import { type FactTable, phaseHosts, siteOf } from './expand.ts'

/**
 * The clusters of some phases, by their place in the playbook; those with none of the hosts of `--limit` left out.
 *
 * @throws DeployError (exit 64) when one cannot be made.
 */
export function compileClusters(
  { inventory, playbook, limit }: Pick<CompileInput, 'inventory' | 'playbook' | 'limit'>,
  indexes: readonly number[],
  factsOf: (phase: number) => FactTable,
): ReadonlyMap<number, Cluster> {
  return new Map(
    indexes.flatMap((index) => {
      const phase = playbook.phases[index]
      if (!phase?.cluster || phaseHosts(phase, inventory, limit).length === 0) return []
      return [[index, made(phase, phase.cluster, inventory, factsOf(index))] as const]
    }),
  )
}

function made(phase: Phase, make: NonNullable<Phase['cluster']>, inventory: Inventory, facts: FactTable): Cluster {
  try {
    return make(siteOf(inventory, facts))
  } catch (error) {
    throw new DeployError({
      code: 'E_CLUSTER',
      message: `cluster "${phase.name}": ${error instanceof Error ? error.message : String(error)}`,
      where: phase.where,
      exit: exitCodes.usage,
      cause: error,
      ...(error instanceof DeployError && error.hint && { hint: error.hint }),
    })
  }
}
