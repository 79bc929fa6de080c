import type { Finding } from '../../../model/cluster.ts'
import type { Ailment } from '../mend.ts'
import type { ServerSeen } from '../model.ts'
import { repairRegistration } from '../steps.ts'
import type { Live, Node, View } from '../view.ts'
import { NOTHING, type Upkeep } from './upkeep.ts'

type Row = NonNullable<ServerSeen['registered']>[number]

/** The row of the primary itself, without which no standby can be registered: it is mended before those that ail. */
export function ownRegistration(primary: Live, found: readonly Ailment[]): Upkeep {
  const evidence = rowProblems(primary, 'primary', primary)
  if (found.length === 0 || evidence.length === 0) return NOTHING
  return {
    findings: [findingOf(evidence)],
    steps: [repairRegistration(primary, [], evidence.join('; '))],
  }
}

/**
 * repmgr's table against what nodes are. Those that are cloned, or come to follow, are registered as that is done; one that
 * is only started is noted as active again by its own repmgrd.
 */
export function registration({ nodes }: View, primary: Live, found: readonly Ailment[]): Upkeep {
  const others = nodes.filter((node) => node !== primary)
  const well = others.filter((node) => found.every((one) => one.node !== node))
  const started = found.filter(({ cures }) => cures.at(-1) === 'start').map(({ node }) => node)
  const evidence = [
    ...(found.length === 0 ? rowProblems(primary, 'primary', primary) : []),
    ...well.flatMap((node) => rowProblems(node, 'standby', primary)),
    ...started.flatMap((node) => rowProblems(node, 'standby', primary, { mayRest: true })),
  ]
  if (evidence.length === 0) return NOTHING
  return {
    findings: [findingOf(evidence)],
    steps: [repairRegistration(primary, others, evidence.join('; '))],
  }
}

function findingOf(evidence: readonly string[]): Finding {
  return { name: 'registration', severity: 'fault', message: 'repmgr has it otherwise than it is', evidence }
}

function rowProblems(
  node: Node,
  type: Row['type'],
  primary: Live,
  { mayRest } = { mayRest: false },
): readonly string[] {
  const row = primary.seen.server.registered?.find(({ id }) => id === node.id)
  if (!row) return [`${node.host} is not registered`]
  if (row.type !== type || !(row.active || mayRest))
    return [`${node.host} is registered as ${row.active ? '' : 'inactive '}${row.type}`]
  if (type === 'standby' && row.upstream !== primary.id)
    return [`${node.host} is registered as following node ${row.upstream ?? 'none'}`]
  return row.conninfo.split(' ').includes(`host=${node.address}`)
    ? []
    : [`${node.host} is registered at another address`]
}
