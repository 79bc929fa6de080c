import type { ClusterAction, ClusterStep } from '../../../model/cluster.ts'
import type { Shell } from '../../../model/shell.ts'
import { sh } from '../../../shell/sh.ts'
import type { Desired, PostgresNode } from '../model.ts'
import { slotName } from '../node-id.ts'
import { OWN_FILES } from '../survey-script.ts'
import { APPLY, accessSql } from './access.ts'
import { action } from './prelude.ts'
import { conninfo, freshSlot, register, standbyData, streamsFrom, takesWrites } from './standby.ts'

/** Seconds that a clone may take. */
export const CLONING = 6 * 3600

/**
 * What is under the final name is whole: a directory that was not finished has another name, and is begun again. What was
 * there before is moved aside, never deleted.
 */
const TAKE_PLACE = sh`take_place() {
  gone || fail 'the server runs again'
  sync -f "$data.new"
  [ ! -e "$data" ] || rmdir "$data" 2>/dev/null || mv -T "$data" "$data.aside-$(date -u +%Y%m%dT%H%M%SZ)"
  mv -T "$data.new" "$data"
  rm -f "$data.rewind" "$data.superseded"
  sync "$data" "\${data%/*}"
}`

/**
 * A database cluster of its own, where there is none. One with nothing in it, e.g. what Debian's package makes, gives way:
 * it has neither checksums nor our roles.
 */
export function freshData(): Shell {
  return sh`${TAKE_PLACE}
own_files() { find "$data/base" "$data/pg_tblspc" -mindepth 1 -regextype posix-extended -regex ${OWN_FILES} -print -quit; }
if [ -e "$data/PG_VERSION" ] && found=$(own_files) && [ -z "$found" ]; then
  stop_server
  [ "$(control 'Database cluster state')" = 'shut down' ] || fail 'its server did not end cleanly'
  mv -T "$data" "$data.blank-$(date -u +%Y%m%dT%H%M%SZ)"
fi
if [ ! -e "$data/PG_VERSION" ]; then
  stop_server
  rm -rf "$data.new"
  said=$(pg 300 "$bin/initdb" -D "$data.new" --data-checksums --encoding=UTF8 --locale=C.UTF-8 --auth-local=peer --auth-host=scram-sha-256 2>&1) ||
    fail "$(printf '%s\\n' "$said" | tail -n 15)"
  take_place
fi`
}

/** The first server of a cluster, on a node without data, with all roles and databases. */
export function createPrimary(desired: Desired, node: PostgresNode): ClusterStep {
  const script = sh`${freshData()}
answers || start_server 120
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
export function cloneStandbys(nodes: readonly PostgresNode[], from: PostgresNode): ClusterStep {
  const several = nodes.length > 1
  return {
    name: 'clone standby',
    about: nodes.map(({ host }) => host).join(', '),
    reason: several ? 'they have no data' : 'it has no data',
    effect: `${several ? 'they stream' : 'it streams'} from ${from.host}, which sends all of its data meanwhile`,
    stages: [nodes.map((node) => cloneAction(node, from))],
    replaces: nodes.map(({ host }) => host),
    alone: true,
  }
}

/** A standby's data, cloned; `before`: what has to be so until then. */
export function cloneAction(node: PostgresNode, from: PostgresNode, before: Shell = sh`:`): ClusterAction {
  const script = action(sh`${before}\n${cloneScript(node, from)}\n${register(from)}`)
  return { host: node.host, title: `clone the data of ${from.host}`, script, timeout: CLONING }
}

/**
 * pg_basebackup by itself: repmgr's clone takes no directory but the final one. The slot is new: an old one may have lost its
 * place. Before the server is stopped, it is seen that the clone has room.
 */
export function cloneScript(node: PostgresNode, from: PostgresNode): Shell {
  return sh`${TAKE_PLACE}
${standbyData(node, from)}
${takesWrites(from)}
stop_daemon
${roomFor(from)}
stop_server
${freshSlot(node, from)}
said=$(pg ${CLONING} "$bin/pg_basebackup" -D "$data.new" -d ${conninfo(from)} -X stream -S ${slotName(node)} -c fast -l evenkeel 2>&1) ||
  fail "the data could not be cloned: $(printf '%s\\n' "$said" | tail -n 15)"
standby_data "$data.new"
take_place
start_server 900
${streamsFrom(node, from)}`
}

/** Room for a clone. What is left of one that was cut off goes first. */
export function roomFor(from: PostgresNode): Shell {
  return sh`need=$(ask 60 'select sum(pg_database_size(oid))::bigint from pg_database' ${conninfo(from)}) || fail ${`the server of ${from.host} cannot be asked: `}"$need"
spaces=$(ask 10 "select string_agg(spcname, ', ') from pg_tablespace where spcname not in ('pg_default', 'pg_global')" ${conninfo(from)}) || fail "$spaces"
[ -z "$spaces" ] || fail "tablespaces are not cloned by this tool: $spaces"
rm -rf "$data.new"
free=$(df -B1 --output=avail "\${data%/*}" | tail -n 1)
[ "$free" -gt "$((need + need / 10 + 268435456))" ] || {
  du -sh "$data".aside-* 2>/dev/null || true
  fail "too little room in \${data%/*}: $need bytes are to be cloned, $free are free; what was moved aside may be deleted by hand when nobody needs it"
}`
}
