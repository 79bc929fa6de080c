import type { ClusterAction, ClusterStep } from '../../../model/cluster.ts'
import type { Shell } from '../../../model/shell.ts'
import { sh } from '../../../shell/sh.ts'
import { BIN } from '../layout.ts'
import type { Desired, PostgresNode } from '../model.ts'
import { APPLY, accessSql } from './access.ts'
import { action, conninfo, slotOf, streamsFrom } from './prelude.ts'

/**
 * What is under the final name is whole: a directory that was not finished has another name, and is begun again. What was
 * there before is moved aside, never deleted.
 */
const SWAP = sh`take_place() {
  if [ -e "$data" ]; then
    gone || fail 'the server still runs'
    if [ -n "$(ls -A "$data")" ]; then mv -T "$data" "$data.aside-$(date -u +%Y%m%dT%H%M%SZ)"; else rmdir "$data"; fi
  fi
  mv -T "$data.new" "$data"
  sync "$data" "\${data%/*}"
}`

/** The first server of a cluster, on a node without data. */
export function createPrimary(desired: Desired, node: PostgresNode): ClusterStep {
  const script = sh`${SWAP}
if [ ! -e "$data/PG_VERSION" ]; then
  rm -rf "$data.new"
  pg 120 ${`${BIN}/initdb`} -D "$data.new" --data-checksums --encoding=UTF8 --locale=C.UTF-8 --auth-local=peer --auth-host=scram-sha-256 >/tmp/evenkeel-initdb 2>&1 || { tail -n 15 /tmp/evenkeel-initdb; fail 'initdb failed'; }
  rm -f /tmp/evenkeel-initdb
  take_place
fi
alive && answers || start_server
${APPLY}
repmgr primary register --force || fail 'the primary could not be registered'`
  return {
    name: 'create primary',
    about: node.host,
    reason: 'no node of the cluster has data',
    effect: `${node.host} has an empty database cluster with checksums, and takes writes`,
    stages: [[{ host: node.host, title: 'create the primary', script: action(script), input: accessSql(desired) }]],
  }
}

/** Standbys on nodes without data, all at once. */
export function cloneStandbys(_desired: Desired, nodes: readonly PostgresNode[], from: PostgresNode): ClusterStep {
  const names = nodes.map(({ host }) => host).join(', ')
  return {
    name: 'clone standby',
    about: names,
    reason: nodes.length > 1 ? 'they have no data' : 'it has no data',
    effect: `${nodes.length > 1 ? 'they stream' : 'it streams'} from ${from.host}`,
    stages: [nodes.map((node) => cloneAction(node, from))],
  }
}

/** A standby whose data is of no use: cloned anew, the old data moved aside. */
export function recloneStandby(_desired: Desired, node: PostgresNode, from: PostgresNode, why: string): ClusterStep {
  return {
    name: 'clone standby anew',
    about: node.host,
    reason: why,
    effect: `its old data is moved aside, and it streams from ${from.host}`,
    stages: [[cloneAction(node, from)]],
  }
}

function cloneAction(node: PostgresNode, from: PostgresNode): ClusterAction {
  return {
    host: node.host,
    title: `clone the data of ${from.host}`,
    script: action(cloneScript(node, from)),
    timeout: 6 * 3600,
  }
}

/** A slot that lost its place, or that a clone left behind which was cut off, would keep the new clone from getting one. */
export function cloneScript(node: PostgresNode, from: PostgresNode): Shell {
  const slot = `select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = '${slotOf(node)}' and not active`
  return sh`${SWAP}
systemctl stop repmgrd
need=$(remote ${conninfo(from)} 'select sum(pg_database_size(oid))::bigint from pg_database') || fail ${`the server of ${from.host} cannot be asked`}
free=$(df -B1 --output=avail "\${data%/*}" | tail -n 1)
rm -rf "$data.new"
[ "$free" -gt "$((need + need / 10 + 268435456))" ] || fail "too little room: $need bytes are to be cloned, $free are free; what was moved aside ($data.aside-…) may be deleted by hand when nobody needs it"
stop_server
remote ${conninfo(from)} ${slot} >/dev/null || fail 'its old slot could not be dropped'
pg 21600 repmgr -f /etc/repmgr.conf -D "$data.new" -d ${conninfo(from)} standby clone --fast-checkpoint 2>&1 || fail 'the data could not be cloned'
take_place
start_server 300
${streamsFrom(from)}
repmgr standby register --force --upstream-node-id=${from.id} || fail 'it could not be registered'`
}
