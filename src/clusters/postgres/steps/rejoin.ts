import type { ClusterStep } from '../../../model/cluster.ts'
import type { Shell } from '../../../model/shell.ts'
import { sh } from '../../../shell/sh.ts'
import { CONFIG } from '../layout.ts'
import type { Desired, PostgresNode } from '../model.ts'
import { CLONING, cloneScript } from './build.ts'
import { oneAction } from './prelude.ts'
import { conninfo, DROP_OLD_SLOTS, ownSlot, register, standbyData, streamsFrom } from './standby.ts'

/** A former primary, whose data is contained in the present one's: it becomes its standby. */
export function rejoinStandby(_desired: Desired, node: PostgresNode, from: PostgresNode, why: string): ClusterStep {
  const effect = `it streams from ${from.host}; what cannot be rewound is cloned anew, the old data moved aside`
  const action = {
    title: `rejoin behind ${from.host}`,
    script: sh`${rejoinScript(node, from)}\n${register(from)}`,
    timeout: CLONING,
  }
  return oneAction(node, { name: 'rejoin standby', reason: why, effect }, action)
}

/**
 * Rewinds to where the histories part; what cannot be rewound is cloned. pg_rewind by itself: repmgr does not tell it where
 * the configuration is, without which it cannot recover a server that crashed. While it is at work the directory is of no
 * use, and a file beside says so: a rewind that was cut off is not trusted.
 */
export function rejoinScript(node: PostgresNode, from: PostgresNode): Shell {
  return sh`${standbyData(node, from)}
stop_daemon
stop_server
rewind() {
  [ ! -e "$data.rewind" ] || { echo 'it was being rewound, and was cut off'; return 1; }
  # Until then its control file may name the timeline before.
  said=$(ask 300 checkpoint ${conninfo(from)}) || fail ${`the server of ${from.host} cannot be asked: `}"$said"
  pg 10 touch "$data.rewind" && sync "\${data%/*}" || return
  said=$(pg 7200 "$bin/pg_rewind" -D "$data" --source-server=${conninfo(from)} -R --config-file=${`${CONFIG}/postgresql.conf`} 2>&1 </dev/null) ||
    { printf '%s\\n' "$said" | tail -n 15; return 1; }
  printf '%s\\n' "$said" | tail -n 3
  standby_data "$data" || return
  rm -f "$data.rewind"
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
rewind && (follow) || {
  echo 'it cannot rejoin, so it is cloned anew'
  clone
}`
}
