import type { ClusterStep } from '../../../model/cluster.ts'
import type { Shell } from '../../../model/shell.ts'
import { sh } from '../../../shell/sh.ts'
import { CONFIG, SOCKETS } from '../layout.ts'
import type { PostgresNode } from '../model.ts'
import { slotName } from '../node-id.ts'
import { literal } from '../sql.ts'
import { action, oneAction } from './prelude.ts'

/** On a primary the same slot may be the one that a standby comes back to. */
const STANDBY = sh`[ "$(in_recovery)" = t ] || fail 'this server is no standby any more'`

/** A slot that is left on a standby. One that is in use is not dropped. */
export function dropSlot(node: PostgresNode, slot: string, why: string): ClusterStep {
  const told = {
    name: `drop slot ${slot}`,
    reason: why,
    effect: 'no WAL is kept back for it any more',
    alone: true,
  } as const
  return oneAction(node, told, { title: `drop slot ${slot}`, script: sh`${STANDBY}\n${dropped(slot)}` })
}

/** What streamed from there may be still on its way out. */
function dropped(slot: string): Shell {
  const named = `from pg_replication_slots where slot_name = ${literal(slot)}`
  return sh`released() { [ "$(sql ${`select count(*) ${named} and active`})" = 0 ]; }
within 60 released || fail ${`somebody still streams through the slot ${slot}`}
said=$(sql ${`select pg_drop_replication_slot(slot_name) ${named}`}) || fail "$said"`
}

/** A node that leaves for good: its services stop and stay so, its data stays on it. */
export function removeNode(
  primary: PostgresNode,
  node: Pick<PostgresNode, 'host' | 'id'>,
  reachable: boolean,
): ClusterStep {
  const stop = [{ host: node.host, title: 'stop its services for good', script: action(leaveScript(node)) }]
  const forget = [{ host: primary.host, title: `forget ${node.host}`, script: action(forgetScript(primary, node)) }]
  return {
    name: 'remove node',
    about: node.host,
    reason: 'it is to leave the cluster',
    effect:
      'nobody waits for it, and nothing is kept back for it; its data stays where it is. Take it out of the inventory as well, or the next repair brings it back',
    stages: reachable ? [stop, forget] : [forget],
  }
}

/**
 * Clients first: pgbouncer takes no new ones. The file is read by Debian when the node boots. A witness takes writes too, in
 * a server of its own that nobody's data is in.
 */
function leaveScript({ id }: Pick<PostgresNode, 'id'>): Shell {
  const type = `select type from repmgr.nodes where node_id = ${id}`
  return sh`[ "$(in_recovery)" != f ] || [ "$(ask 10 ${type} ${`host=${SOCKETS} dbname=repmgr`})" = witness ] ||
  fail 'this server takes writes by now: another node must become the primary first'
for unit in pgbouncer-follow pgbouncer repmgrd; do
  systemctl disable --quiet "$unit" 2>/dev/null || true
  timeout 60 systemctl stop "$unit" || fail "$unit does not stop"
done
if [ -e ${`${CONFIG}/start.conf`} ]; then echo manual >${`${CONFIG}/start.conf`}; systemctl daemon-reload; fi
stop_server`
}

function forgetScript(primary: PostgresNode, node: Pick<PostgresNode, 'host' | 'id'>): Shell {
  const statements = [
    `update repmgr.nodes set upstream_node_id = ${primary.id} where upstream_node_id = ${node.id}`,
    `delete from repmgr.nodes where node_id = ${node.id}`,
  ]
  return sh`[ "$(in_recovery)" = f ] || fail 'this server is no primary any more'
${dropped(slotName(node))}
for statement in ${statements}; do
  said=$(ask 30 "$statement" ${`host=${SOCKETS} dbname=repmgr`}) || fail "$said"
done`
}
