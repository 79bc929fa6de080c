import type { Shell } from '../../../model/shell.ts'
import { sh } from '../../../shell/sh.ts'
import { PGBOUNCER_PORT, SOCKETS } from '../layout.ts'
import type { PostgresNode } from '../model.ts'
import { HOLD, POINTED } from './pooler.ts'
import { conninfo } from './standby.ts'

/**
 * Holds the clients of a node's pgbouncer: they wait, and are not refused. A client within a transaction ends it first; one
 * that does not for five seconds is cut off by what comes. A pgbouncer that does not answer has no clients.
 *
 * A unit of its own, which outlives this program and its controller, lets them go: as soon as `to` takes writes, or the
 * primary does again, or after 25 seconds, for pgbouncer refuses who waits for 30.
 */
export function holdClients(primary: PostgresNode, to?: PostgresNode): Shell {
  return sh`timeout 30 systemctl stop evenkeel-hold 2>/dev/null || true
mkdir -p /run/evenkeel
: >${HOLD}
systemd-run --quiet --collect --unit=evenkeel-hold -p RuntimeMaxSec=40 \\
  -p ${`ExecStopPost=/bin/rm -f ${HOLD}`} -p 'ExecStopPost=/bin/systemctl --no-block restart pgbouncer-follow' \\
  runuser -u postgres -- env HOME=/var/lib/postgresql PGCONNECT_TIMEOUT=2 sh -c ${watch(primary, to).shell} ||
  { rm -f ${HOLD}; fail 'clients cannot be held'; }
${POINTED}
if said=$(targets); then
  for name in $(printf '%s\\n' "$said" | cut -d ' ' -f 1); do
    runuser -u postgres -- timeout -k 1 5 psql -XAtqw -h ${SOCKETS} -p ${PGBOUNCER_PORT} -U pgbouncer -d pgbouncer -c "PAUSE $name" 2>&1 &
  done
  wait
fi`
}

/** Until the time is over, or somebody takes writes: the primary does so all the time, so it counts as a new process only. */
function watch(primary: PostgresNode, to: PostgresNode | undefined): Shell {
  const took = to
    ? sh`[ "$(timeout 4 psql -XAtqw -d ${conninfo(to)} -c 'select pg_is_in_recovery()' 2>/dev/null)" = f ]`
    : sh`false`
  return sh`cd /
took() { ${took}; }
began() { timeout 4 psql -XAtqw -d ${conninfo(primary)} -c 'select pg_postmaster_start_time() where not pg_is_in_recovery()' 2>/dev/null; }
first=$(began) end=$(($(date +%s) + 25))
until [ "$(date +%s)" -ge "$end" ] || took || { now=$(began) && [ -n "$now" ] && [ "$now" != "$first" ]; }; do sleep 0.2; done`
}
