import type { ClusterStep } from '../../../model/cluster.ts'
import type { Shell } from '../../../model/shell.ts'
import { sh } from '../../../shell/sh.ts'
import { CONFIG } from '../layout.ts'
import type { DiskSeen, PostgresNode } from '../model.ts'
import { CLONING, cloneScript } from './build.ts'
import { oneAction } from './prelude.ts'
import { compareStopped } from './same-log.ts'
import { conninfo, DROP_OLD_SLOTS, ownSlot, register, standbyData, streamsFrom, takesWrites } from './standby.ts'

/**
 * A former primary, whose data is contained in the present one's: it becomes its standby.
 *
 * @param seen its disk, as it was looked at: each start and stop makes another checkpoint, and a start may have brought
 *   commits that nobody looked at
 */
export function rejoinStandby(
  node: PostgresNode,
  from: PostgresNode,
  why: string,
  seen?: Pick<DiskSeen, 'checkpoint' | 'log'>,
): ClusterStep {
  const effect = `it streams from ${from.host}; what cannot be rewound is cloned anew, the old data moved aside`
  const action = {
    title: `rejoin behind ${from.host}`,
    script: sh`${rejoinScript(node, from, seen)}\n${register(from)}`,
    timeout: CLONING,
  }
  return oneAction(node, { name: 'rejoin standby', reason: why, effect, alone: true }, action)
}

/**
 * Rewinds to where the histories part; what cannot be rewound, or needs more than the primary has kept, is cloned. pg_rewind
 * by itself: repmgr refuses as long as its table names another primary.
 *
 * While it is at work the directory is of no use, and a file beside says so: the guard does not start it, and a rewind that
 * was cut off is not trusted. A standby's signal is there only when all was done.
 */
export function rejoinScript(
  node: PostgresNode,
  from: PostgresNode,
  seen?: Pick<DiskSeen, 'checkpoint' | 'log'>,
): Shell {
  return sh`${standbyData(node, from)}
${takesWrites(from)}
[ "$(in_recovery)" != f ] || fail 'this server takes writes by now: nothing is done to it'
${compareStopped(node, from, seen?.log?.end)}
same=0
if [ -e "$data.rewind" ]; then echo 'it was being rewound, and was cut off'; same=1; else comparable || same=1; fi
stop_daemon
stop_server
${seen ? unchanged(seen.checkpoint) : sh`:`}
rewind() {
  [ "$same" = 0 ] || return
  # Until then its control file may name the timeline before.
  said=$(ask 300 checkpoint ${conninfo(from)}) || fail ${`the server of ${from.host} cannot be asked: `}"$said"
  pg 10 touch "$data.rewind" && sync "\${data%/*}" && rm -f "$data/standby.signal" || return
  said=$(pg 7200 "$bin/pg_rewind" -D "$data" --source-server=${conninfo(from)} -R --config-file=${`${CONFIG}/postgresql.conf`} 2>&1 </dev/null) ||
    { printf '%s\n' "$said" | tail -n 15; return 1; }
  printf '%s\n' "$said" | tail -n 3
  standby_data "$data" && rm -f "$data.rewind" && sync "\${data%/*}"
}
follow() {
  ${ownSlot(node, from)}
  start_server 300
  ${streamsFrom(node, from)}
  ${DROP_OLD_SLOTS}
}
clone() {
  ${cloneScript(node, from)}
}
if rewind; then
  again=
  (follow) || again=1
  [ -z "$again" ] || beyond_wal || exit 1
else again=1; fi
if [ -n "$again" ]; then
  echo 'it cannot rejoin, so it is cloned anew'
  clone
fi`
}

/** A rewind that was cut off left another one, and no data of anybody's. */
function unchanged(checkpoint: string): Shell {
  return sh`[ -e "$data.rewind" ] || [ "$(control 'Latest checkpoint location')" = ${checkpoint} ] ||
  fail 'its server ran since it was looked at: what it wrote has to be looked at again'`
}
