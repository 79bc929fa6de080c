import { decisionHash, type Seen, savedTasks, sealOf } from '../plan/save-plan.ts'
import { trustedKeys } from '../transport/trusted-keys.ts'
import type { Context } from './context.ts'
import { rejoins } from './plan-rolling.ts'
import type { Survey } from './survey.ts'

/**
 * What a survey saw, as far as a saved plan binds it. Hosts that were only asked for their facts are left out: what they
 * said is bound by the tasks that were made of it. `knownHosts`: the project's files of trusted host keys.
 */
export function seenBy(context: Context, survey: Survey, knownHosts: readonly string[]): Seen {
  const { inventory, playbook, limit } = context
  const hosts = inventory.hosts.flatMap(({ name, connection }) => {
    const hello = survey.hellos.get(name)
    return hello && limit.has(name)
      ? [{ host: name, machineId: hello.machineId, keys: trustedKeys(connection, knownHosts) }]
      : []
  })
  const seal = sealOf(inventory.secrets ?? {})
  return {
    hosts,
    tasks: survey.phases.flatMap(({ phase, host, decisions, pieces }) =>
      savedTasks(playbook.phases[phase]?.name ?? '', host, decisions, pieces, seal),
    ),
    clusters: [...survey.clusters].map(([index, { state }]) => ({
      phase: playbook.phases[index]?.name ?? '',
      decision: decisionHash(state),
    })),
    owed: [
      ...hosts.flatMap(({ host }) => (survey.hellos.get(host)?.owed ?? []).map(({ id }) => ({ host, id }))),
      ...rejoins(context, survey).map(({ host, key }) => ({ host, id: key })),
    ],
  }
}
