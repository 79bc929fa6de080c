import type { ClusterStep } from '../../../model/cluster.ts'
import { sh } from '../../../shell/sh.ts'
import type { PostgresNode } from '../model.ts'
import { STOP_DAEMON, watchAgain } from './daemon.ts'
import { action } from './prelude.ts'

/** Whose repmgrd has to do with it. */
export interface Watchers {
  /** It is stopped there meanwhile. */
  readonly armed: readonly PostgresNode[]
  /** It watches the primary there again behind it; missing: there is none. */
  readonly again?: { readonly primary: PostgresNode; readonly nodes: readonly PostgresNode[] }
}

/**
 * Servers that take writes beside the primary, or hang and might, and whose data somebody agreed to give up. What they wrote
 * until then stays on them, and is looked at once more before anything is done to it. The guard keeps them down.
 */
export function stopServers(nodes: readonly PostgresNode[], { armed, again }: Watchers): ClusterStep {
  const on = (title: string, hosts: readonly PostgresNode[], script: string) =>
    hosts.map(({ host }) => ({ host, title, script }))
  const back = again?.nodes.map((node) => watchAgain(node, again.primary)) ?? []
  const stages = [
    on('stop repmgrd', armed, action(STOP_DAEMON)),
    on('stop the server', nodes, action(sh`stop_daemon\nstop_server`)),
    back,
  ]
  return {
    name: 'stop server',
    about: nodes.map(({ host }) => host).join(', '),
    reason: 'it takes writes, or may, and somebody agreed to give up what only it has',
    effect: 'no client writes there any more; its data stays as it is',
    stages: stages.filter(({ length }) => length > 0),
  }
}
