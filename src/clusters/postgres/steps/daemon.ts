import type { ClusterAction, ClusterStep } from '../../../model/cluster.ts'
import type { Shell } from '../../../model/shell.ts'
import { sh } from '../../../shell/sh.ts'
import { SOCKETS } from '../layout.ts'
import type { Desired, PostgresNode } from '../model.ts'
import { action, sameAction } from './prelude.ts'
import { conninfo } from './standby.ts'

export const STOP_DAEMON: Shell = sh`stop_daemon`

/**
 * Active is what its unit says, also of one that ends again and again; that it watches, the server knows. A pause that
 * somebody left would let it watch and do nothing.
 */
export const START_DAEMON: Shell = sh`daemon() {
  [ "$(ask 10 "select repmgr.$1" ${`host=${SOCKETS} dbname=repmgr`})" = "$2" ]
}
systemctl reset-failed repmgrd 2>/dev/null || true
said=$(systemctl enable --quiet repmgrd 2>&1) || fail "$said"
daemon 'repmgrd_is_running()' t || timeout 60 systemctl restart repmgrd || true
watches() { systemctl is-active --quiet repmgrd && daemon 'repmgrd_is_running()' t; }
lasts() { within 40 watches && sleep 2 && watches; }
lasts || { timeout 10 journalctl -q --no-pager -o cat -n 10 -u repmgrd | cut -c 1-300; fail 'repmgrd does not run'; }
daemon 'repmgrd_is_paused()' f || ask 10 'select repmgr.repmgrd_pause(false)' ${`host=${SOCKETS} dbname=repmgr`} >/dev/null || true
daemon 'repmgrd_is_paused()' f || fail 'repmgrd is paused, and stays so'`

/** Takes a node that streams from nobody out of elections: it could promote itself. */
export function stopDaemon(nodes: readonly PostgresNode[], why: string): ClusterStep {
  const told = { name: 'stop repmgrd', reason: why, effect: 'no stale standby can promote itself' }
  return sameAction(nodes, told, { title: 'stop repmgrd', script: STOP_DAEMON })
}

/** repmgrd, which watches the primary, on nodes where it does not run or does not start at boot. */
export function startDaemon(nodes: readonly PostgresNode[], why: string): ClusterStep {
  const told = {
    name: 'start repmgrd',
    reason: why,
    effect: 'a lost primary is noticed, and replaced by itself',
    alone: true,
  } as const
  return sameAction(nodes, told, { title: 'start repmgrd', script: START_DAEMON })
}

/**
 * Behind a step that failed after it had stopped repmgrd: it runs again where the primary is still the one of before, which
 * its standbys stream from. Elsewhere it might promote a node while another one is being promoted, so it stays off.
 */
export function daemonsAgain(
  { environment }: Pick<Desired, 'environment'>,
  primary: PostgresNode,
  others: readonly PostgresNode[],
): readonly ClusterAction[] {
  return [primary, ...others].map((node) => ({
    host: node.host,
    title: 'start repmgrd',
    script: action(sh`as_before() { ${isAsBefore(node, primary)}; }
within 15 as_before || fail ${`repmgrd stays off here until the cluster is mended: deploy repair-db ${environment}`}
${START_DAEMON}`),
  }))
}

/** As that, where what comes next mends what keeps it from running, e.g. that repmgr's table names another primary. */
export function watchAgain(node: PostgresNode, primary: PostgresNode): ClusterAction {
  const script = sh`as_before() { ${isAsBefore(node, primary)}; }
( as_before || fail 'it does not stream from the primary'
${START_DAEMON} ) || echo 'repmgrd stays off here for now'`
  return { host: node.host, title: 'start repmgrd', script: action(script) }
}

function isAsBefore(node: PostgresNode, primary: PostgresNode): Shell {
  const { kind } = node
  if (node === primary) return sh`[ "$(in_recovery)" = f ]`
  if (kind === 'witness') return sh`[ "$(ask 10 'select pg_is_in_recovery()' ${conninfo(primary)})" = f ]`
  return sh`[ "$(ask 10 'select status, sender_host from pg_stat_wal_receiver')" = ${`streaming ${primary.address}`} ]`
}

/**
 * repmgr's table says what is so, in the order in which repmgr's own commands get there: a standby is registered behind a
 * primary that is active, and the primary's record counts only when no other one says that it is the primary.
 */
export function repairRegistration(primary: PostgresNode, standbys: readonly PostgresNode[], why: string): ClusterStep {
  const nodes = [primary, ...standbys]
  const asPrimary = action(sh`repmgr primary register --force || fail 'the primary could not be registered'`)
  const asStandby = action(
    sh`repmgr standby register --force --upstream-node-id=${primary.id} || fail 'the standby could not be registered'`,
  )
  return {
    name: 'repair registration',
    about: nodes.map(({ host }) => host).join(', '),
    reason: why,
    effect: 'repmgr knows who is the primary, and who follows it; meanwhile it would replace no lost primary',
    stages: [
      nodes.map(({ host }) => ({ host, title: 'stop repmgrd', script: action(STOP_DAEMON) })),
      [{ host: primary.host, title: 'register the primary', script: asPrimary }],
      ...standbys.map(({ host }) => [{ host, title: 'register the standby', script: asStandby }]),
      [{ host: primary.host, title: 'register the primary again', script: asPrimary }],
      nodes.map(({ host }) => ({ host, title: 'start repmgrd', script: action(START_DAEMON) })),
    ],
  }
}
