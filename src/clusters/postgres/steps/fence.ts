import type { ClusterStep } from '../../../model/cluster.ts'
import { sh } from '../../../shell/sh.ts'
import type { PostgresNode } from '../model.ts'
import { sameAction } from './prelude.ts'

/**
 * Servers that take writes beside the primary, or hang and might, and whose data somebody agreed to give up. What they wrote
 * until then stays on them, and is looked at once more before anything is done to it. The guard keeps them down.
 */
export function stopServers(nodes: readonly PostgresNode[]): ClusterStep {
  const told = {
    name: 'stop server',
    reason: 'it takes writes, or may, and somebody agreed to give up what only it has',
    effect: 'no client writes there any more; its data stays as it is',
  }
  return sameAction(nodes, told, { title: 'stop the server', script: sh`stop_daemon\nstop_server` })
}
