import type { ClusterAction, ClusterStep } from '../../../model/cluster.ts'
import type { Shell } from '../../../model/shell.ts'
import { sh } from '../../../shell/sh.ts'
import { BIN, PGBOUNCER_PORT, SOCKETS } from '../layout.ts'
import type { Desired, PostgresNode } from '../model.ts'
import { followScript, rejoinScript, START_DAEMON, STOP_DAEMON } from './mend.ts'
import { action, conninfo } from './prelude.ts'

/**
 * Another node becomes the primary, on purpose. Clients are held meanwhile: they wait, and are not refused. The old primary
 * is stopped only when it ends cleanly, and the new one is promoted only when it has all of it; else the old one starts
 * again. So there is one writable primary at most at any moment, and no commit is lost.
 *
 * Whoever holds clients lets them go after two minutes by itself (pgbouncer-follow), whatever became of this.
 */
export function switchover(
  desired: Desired,
  from: PostgresNode,
  to: PostgresNode,
  others: readonly PostgresNode[],
  why: string,
): ClusterStep {
  const nodes = [from, to, ...others]
  const pooled = desired.nodes.filter(
    ({ host, kind }) => kind !== 'witness' && nodes.some((node) => node.host === host),
  )
  const on = (title: string, hosts: readonly PostgresNode[], script: Shell): readonly ClusterAction[] =>
    hosts.map(({ host }) => ({ host, title, script: action(script) }))
  return {
    name: 'switch over',
    about: `${from.host} to ${to.host}`,
    reason: why,
    effect: `${to.host} is the primary, and ${from.host} follows it; clients wait for some seconds meanwhile`,
    stages: [
      on('stop repmgrd', nodes, STOP_DAEMON),
      on('hold clients', pooled, hold(desired)),
      on('stop the old primary', [from], handOver(to)),
      on('promote the new primary', [to], PROMOTE),
      on('let clients go on', pooled, release(to)),
      [
        ...on('rejoin as a standby', [from], rejoinScript(from, to)),
        ...on('follow the new primary', others, followScript(to)),
      ],
      on('start repmgrd', nodes, START_DAEMON),
    ],
  }
}

/**
 * A client within a transaction ends it first; one that does not for ten seconds is cut off by the stop. The file keeps the
 * follower from letting them go.
 */
function hold({ databases }: Desired): Shell {
  const pause = [...databases.map(({ name }) => name), 'evenkeel'].map((name) => `PAUSE ${name}`)
  return sh`mkdir -p /run/evenkeel
: >/run/evenkeel/hold
for command in ${pause}; do
  timeout 10 runuser -u postgres -- psql -XAtqw -h ${SOCKETS} -p ${PGBOUNCER_PORT} -U pgbouncer -d pgbouncer -c "$command" >/dev/null 2>&1 &
done
wait`
}

/** What the new primary has is asked of it from here: only this server knows where its log ends. */
function handOver(to: PostgresNode): Shell {
  return sh`[ "$(sql 'select pg_is_in_recovery()')" = f ] || fail 'this server is no primary any more'
sql checkpoint >/dev/null
stop_server
end=$(${`${BIN}/pg_controldata`} "$data" | sed -n 's/^Latest checkpoint location: *//p')
back() { start_server 120; fail "$1; this server is the primary again"; }
[ "$(state)" = 'shut down' ] || back "it did not end cleanly: $(state)"
has_all() { [ "$(remote ${conninfo(to)} "select pg_last_wal_replay_lsn() > '$end'" 2>/dev/null)" = t ]; }
within 20 has_all || back ${`${to.host} has not got everything`}`
}

const PROMOTE: Shell = sh`if [ "$(sql 'select pg_is_in_recovery()')" = t ]; then
  repmgr standby promote || fail 'it could not be promoted'
fi
writable() { [ "$(sql 'select pg_is_in_recovery()')" = f ]; }
within 30 writable || fail 'it does not take writes'`

/** The follower finds the new primary within a second or two, and lets the clients go on there. */
function release({ address, host }: PostgresNode): Shell {
  return sh`rm -f /run/evenkeel/hold
timeout 30 systemctl restart pgbouncer-follow
pointed() { said=$(runuser -u postgres -- timeout 10 /usr/local/lib/evenkeel/pgbouncer-targets 2>&1) && ! printf '%s\n' "$said" | grep -qv ${` ${address} 0$`}; }
within 30 pointed || { printf '%s\n' "$said"; fail ${`pgbouncer does not send clients to ${host}`}; }`
}
