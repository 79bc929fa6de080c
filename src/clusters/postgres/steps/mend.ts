import type { ClusterStep } from '../../../model/cluster.ts'
import type { Shell } from '../../../model/shell.ts'
import { sh } from '../../../shell/sh.ts'
import type { Desired, PostgresNode } from '../model.ts'
import { cloneScript } from './build.ts'
import { action, conninfo, slotOf, streamsFrom } from './prelude.ts'

/** A server that does not run. */
export function startServer(node: PostgresNode, why: string): ClusterStep {
  const script = sh`alive && answers || start_server 120`
  return oneAction(node, 'start server', why, `the server of ${node.host} answers`, 'start the server', script)
}

/** A standby that follows somebody else, or nobody. It is not restarted, and gets its slot where that is missing. */
export function followPrimary(_desired: Desired, node: PostgresNode, primary: PostgresNode, why: string): ClusterStep {
  return oneAction(
    node,
    'follow primary',
    why,
    `it streams from ${primary.host}`,
    `follow ${primary.host}`,
    followScript(primary),
  )
}

/** repmgr waits for the new upstream itself; what it cannot do, such as to follow without a slot, is said. */
export function followScript(primary: PostgresNode): Shell {
  return sh`[ "$(sql 'select pg_is_in_recovery()')" = t ] || fail 'this server is no standby'
repmgr standby follow --upstream-node-id=${primary.id} || fail ${`it cannot follow ${primary.host}`}
${streamsFrom(primary)}`
}

/** A former primary whose data is contained in the present one's: it becomes its standby. */
export function rejoinStandby(_desired: Desired, node: PostgresNode, from: PostgresNode, why: string): ClusterStep {
  const effect = `it streams from ${from.host}`
  return oneAction(
    node,
    'rejoin standby',
    why,
    effect,
    `rejoin behind ${from.host}`,
    rejoinScript(node, from),
    6 * 3600,
  )
}

/** Rewinds to where the histories part, which a crashed server takes as well; what cannot be rewound is cloned. */
export function rejoinScript(node: PostgresNode, from: PostgresNode): Shell {
  return sh`systemctl stop repmgrd
stop_server
if repmgr node rejoin -d ${conninfo(from)} --force-rewind --no-wait; then
  within 60 answers || start_server
  repmgr standby register --force --upstream-node-id=${from.id} || fail 'it could not be registered'
  ${streamsFrom(from)}
else
  echo 'it cannot rejoin, so it is cloned anew'
  ${cloneScript(node, from)}
fi`
}

/** A setting that somebody left in postgresql.auto.conf. */
export function resetSetting(node: PostgresNode, name: string, why: string): ClusterStep {
  const script = sh`sql ${`alter system reset ${quoted(name)}`} && sql 'select pg_reload_conf()' >/dev/null || fail 'the setting could not be reset'`
  return oneAction(
    node,
    `reset ${name}`,
    why,
    'the setting is the one of postgresql.conf again',
    `reset ${name}`,
    script,
  )
}

/** repmgr's table says what is so. In the order in which repmgr's own commands get there. */
export function repairRegistration(
  _desired: Desired,
  primary: PostgresNode,
  standbys: readonly PostgresNode[],
  why: string,
): ClusterStep {
  const nodes = [primary, ...standbys]
  const asPrimary = action(sh`repmgr primary register --force || fail 'the primary could not be registered'`)
  const asStandby = action(
    sh`repmgr standby register --force --upstream-node-id=${primary.id} || fail 'the standby could not be registered'`,
  )
  return {
    name: 'repair registration',
    about: nodes.map(({ host }) => host).join(', '),
    reason: why,
    effect: 'repmgr knows who is the primary, and who follows it',
    stages: [
      nodes.map(({ host }) => ({ host, title: 'stop repmgrd', script: action(STOP_DAEMON) })),
      [{ host: primary.host, title: 'register the primary', script: asPrimary }],
      ...standbys.map(({ host }) => [{ host, title: 'register the standby', script: asStandby }]),
      [{ host: primary.host, title: 'register the primary again', script: asPrimary }],
      nodes.map(({ host }) => ({ host, title: 'start repmgrd', script: action(START_DAEMON) })),
    ],
  }
}

export const STOP_DAEMON: Shell = sh`timeout 60 systemctl stop repmgrd
[ "$(systemctl is-active repmgrd)" != active ] || fail 'repmgrd does not stop'`

/** Active is what its unit says; that it monitors, the server knows. */
export const START_DAEMON: Shell = sh`systemctl reset-failed repmgrd 2>/dev/null || true
systemctl enable --quiet repmgrd && timeout 60 systemctl restart repmgrd
monitors() { [ "$(pg 10 psql -XAtqw -h /var/run/postgresql -d repmgr -c 'select repmgr.repmgrd_is_running()' 2>/dev/null)" = t ]; }
within 40 monitors || { journalctl -q --no-pager -o cat -n 10 -u repmgrd; fail 'repmgrd does not run'; }`

/** Takes a node that streams from nobody out of elections: it could promote itself. */
export function stopDaemon(nodes: readonly PostgresNode[], why: string): ClusterStep {
  return {
    name: 'stop repmgrd',
    about: nodes.map(({ host }) => host).join(', '),
    reason: why,
    effect: 'no stale standby can promote itself',
    stages: [nodes.map(({ host }) => ({ host, title: 'stop repmgrd', script: action(STOP_DAEMON) }))],
  }
}

/** repmgrd, which watches the primary, on nodes where it does not run or does not start at boot. */
export function startDaemon(nodes: readonly PostgresNode[], why: string): ClusterStep {
  return {
    name: 'start repmgrd',
    about: nodes.map(({ host }) => host).join(', '),
    reason: why,
    effect: 'a lost primary is noticed, and replaced by itself',
    stages: [nodes.map(({ host }) => ({ host, title: 'start repmgrd', script: action(START_DAEMON) }))],
  }
}

/** pgbouncers that do not send clients to the primary. */
export function pointPgbouncer(
  _desired: Desired,
  nodes: readonly PostgresNode[],
  primary: PostgresNode,
  why: string,
): ClusterStep {
  return {
    name: 'point pgbouncer',
    about: nodes.map(({ host }) => host).join(', '),
    reason: why,
    effect: `clients reach ${primary.host}`,
    stages: [
      nodes.map(({ host }) => ({
        host,
        title: `send clients to ${primary.host}`,
        script: action(pointScript(primary)),
      })),
    ],
  }
}

/** The follower does it; it is begun again, and pgbouncer where that does not answer. */
export function pointScript({ host, address }: PostgresNode): Shell {
  return sh`rm -f /run/evenkeel/hold
targets() { runuser -u postgres -- timeout 10 /usr/local/lib/evenkeel/pgbouncer-targets; }
targets >/dev/null 2>&1 || { systemctl reset-failed pgbouncer 2>/dev/null; timeout 60 systemctl restart pgbouncer; }
systemctl reset-failed pgbouncer-follow 2>/dev/null
systemctl enable --quiet pgbouncer pgbouncer-follow
timeout 60 systemctl restart pgbouncer-follow
pointed() { said=$(targets 2>&1) && ! printf '%s\n' "$said" | grep -qv ${` ${address} 0$`}; }
within 40 pointed || { printf '%s\n' "$said"; journalctl -q --no-pager -o cat -n 10 -u pgbouncer-follow; fail ${`pgbouncer does not send clients to ${host}`}; }`
}

/** A server that runs with settings that only a restart changes. `upstream`: whom it streams from, where it is a standby. */
export function restartServer(node: PostgresNode, upstream: PostgresNode | undefined, why: string): ClusterStep {
  const script = sh`stop_server
start_server 120
${upstream ? streamsFrom(upstream) : sh`[ "$(sql 'select pg_is_in_recovery()')" = f ] || fail 'it is no primary any more'`}`
  const cost = upstream ? 'nobody notices' : 'clients wait for some seconds'
  return oneAction(
    node,
    'restart server',
    why,
    `its settings are in force; meanwhile ${cost}`,
    'restart the server',
    script,
  )
}

/** A slot that no node of the cluster uses. */
export function dropSlot(primary: PostgresNode, slot: string, why: string): ClusterStep {
  const drop = `select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = '${slot.replaceAll("'", "''")}' and not active`
  const script = sh`sql ${drop} >/dev/null || fail 'the slot could not be dropped'`
  return oneAction(primary, `drop slot ${slot}`, why, 'it keeps no WAL back any more', `drop slot ${slot}`, script)
}

/** A node that leaves for good: its services stop and stay so, its data stays on it. */
export function removeNode(
  _desired: Desired,
  primary: PostgresNode,
  node: Pick<PostgresNode, 'host' | 'id'>,
  reachable: boolean,
): ClusterStep {
  const drop = `select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = '${slotOf(node)}' and not active`
  const stop = sh`systemctl disable --now --quiet repmgrd pgbouncer-follow pgbouncer
stop_server`
  const forget = sh`released() { [ -z "$(sql ${`select 1 from pg_replication_slots where slot_name = '${slotOf(node)}' and active`})" ]; }
within 60 released || fail ${`${node.host} still streams`}
pg 30 psql -XAtqw -h /var/run/postgresql -d repmgr -c ${`delete from repmgr.nodes where node_id = ${node.id} and type <> 'primary'`}
sql ${drop} >/dev/null || fail 'its slot could not be dropped'`
  return {
    name: 'remove node',
    about: node.host,
    reason: 'it is to leave the cluster',
    effect: 'nobody waits for it, and nothing is kept back for it; its data stays where it is',
    stages: [
      ...(reachable ? [[{ host: node.host, title: 'stop its services for good', script: action(stop) }]] : []),
      [{ host: primary.host, title: `forget ${node.host}`, script: action(forget) }],
    ],
  }
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

function oneAction(
  node: PostgresNode,
  name: string,
  reason: string,
  effect: string,
  title: string,
  script: Shell,
  timeout?: number,
): ClusterStep {
  const one = { host: node.host, title, script: action(script), ...(timeout !== undefined && { timeout }) }
  return { name, about: node.host, reason, effect, stages: [[one]] }
}
