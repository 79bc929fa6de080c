import type { ClusterStep } from '../../../model/cluster.ts'
import type { Shell } from '../../../model/shell.ts'
import { sh } from '../../../shell/sh.ts'
import { names } from '../../names.ts'
import { SOCKETS } from '../layout.ts'
import type { Place } from '../lineage.ts'
import type { Desired, PostgresNode } from '../model.ts'
import { literal } from '../sql.ts'
import { daemonsAgain, START_DAEMON, STOP_DAEMON } from './daemon.ts'
import { holdClients } from './hold.ts'
import { clientsReach } from './pooler.ts'
import { action, lookStillDown, oneAction } from './prelude.ts'
import { requireSameLog } from './same-log.ts'
import { DROP_OLD_SLOTS, noneTakesWrites, ownSlot, register, standbySettings, streamsFrom } from './standby.ts'

/**
 * A server that does not run, or hangs. One that recovers is waited for. A standby that cannot get on, for its upstream has
 * not kept what it needs, was started all the same: it has to be cloned anew, which the next survey sees.
 */
export function startServer(node: PostgresNode, why: string): ClusterStep {
  const script = sh`if ! answers; then
  ${STILL_STANDBY}
  ${BRING_UP}
  answers || { why; beyond_wal && echo 'it runs, and needs what its primary has not kept' || fail 'the server does not answer'; }
fi
${SETTLE}
${noted(node)}`
  const told = { name: 'start server', reason: why, effect: `the server of ${node.host} answers`, alone: true } as const
  return oneAction(node, told, { title: 'start the server', script })
}

/** Without its signal it would take writes: whoever removed that did so since it was seen. */
export const STILL_STANDBY: Shell = sh`[ -e "$data/standby.signal" ] || fail 'it is no standby any more: look again'`

/** A server that recovers is waited for, and one whose processes were stopped by a signal goes on. */
export const BRING_UP: Shell = sh`recovers() { case $(ask 5 'select 1' || true) in *'starting up'* | *'not yet accepting'*) ;; *) return 1 ;; esac; }
  gone || recovers || { wake; within 10 answers; } || stop_server 15
  if recovers; then within 300 settled || true; else (start_server 300) || beyond_wal || exit 1; fi`

/** A standby gets some time to find whom it follows: only then it is looked at again. Retries are five seconds apart. */
const SETTLE: Shell = sh`streaming() { [ "$(ask 10 'select status from pg_stat_wal_receiver')" = streaming ]; }
[ "$(in_recovery)" = f ] || within 15 streaming || echo 'it streams from nobody yet'`

/** repmgrd notes on its primary that its server is down, and by and by that it is not any more. */
function noted({ id }: PostgresNode): Shell {
  const active = `select count(*) from repmgr.nodes where node_id = ${id} and active`
  return sh`noted() { [ "$(ask 10 ${active} ${`host=${SOCKETS} dbname=repmgr`})" = 1 ]; }
! systemctl is-active --quiet repmgrd || within 10 noted || echo 'repmgrd has not noted it yet'`
}

/** Who else has a part in the start of a primary. */
export interface Start {
  /** Those that run, and find it again by themselves. */
  readonly standbys: readonly PostgresNode[]
  /** Those that took writes once, and do not run. */
  readonly off?: readonly PostgresNode[]
  /** All others that may take writes, whether we reach them or not. */
  readonly others: readonly PostgresNode[]
  /** What helps when it does not start. */
  readonly otherwise: string
  /** Where others are, which its own log has to reach. */
  readonly newest?: Place | undefined
}

/** The last primary, where none runs. */
export function startPrimary(node: PostgresNode, how: Start): ClusterStep {
  const { standbys, off = [], others, otherwise, newest } = how
  const start = sh`${newest ? reaches(newest, otherwise) : sh`:`}
# One that hangs goes on at once, and asks nobody: we may not reach the one that took over, and it may.
${noneTakesWrites(others)}
# The guard kept it down once, when another node was the primary.
wake
within 5 answers || { rm -f "$data.superseded"; (start_server 300); } || fail ${`it does not start, and nobody takes over meanwhile: repmgrd ${standbys.length > 0 ? `was stopped on ${names(standbys.map(({ host }) => ({ host })))}` : 'is off'}. Now: ${otherwise}`}`
  return {
    name: 'start primary',
    about: node.host,
    reason: 'no server takes writes, and this node was the last primary: it has all that others have',
    effect: `${node.host} takes writes, and who follows it streams`,
    stages: [
      ...(off.length > 0 ? [lookStillDown(off)] : []),
      [{ host: node.host, title: 'start the primary', script: action(start) }],
      ...(standbys.length > 0
        ? [standbys.map(({ host }) => ({ host, title: 'wait for the primary', script: action(SETTLE) }))]
        : []),
    ],
  }
}

/** A disk that lies about what it wrote gives a primary that lacks what its standbys have: it must not go on from there. */
function reaches({ timeline, lsn }: Place, otherwise: string): Shell {
  return sh`answers || ! gone || {
  from=$(control 'Latest checkpoint location')
  said=$(pg 900 "$bin/pg_waldump" -q -p "$data/pg_wal" -t ${timeline} -s "$from" -e ${lsn} 2>&1) ||
    { printf '%s\n' "$said" | tail -n 3; fail ${`its log does not reach ${lsn}, where others are: it lacks what they have, so it is not started. Now: ${otherwise}`}; }
}`
}

/** A standby that follows somebody else, or nobody. It is not restarted, and gets its slot where that is missing. */
export function followPrimary(node: PostgresNode, primary: PostgresNode, why: string): ClusterStep {
  const script = sh`${followScript(node, primary)}
${register(primary)}`
  const told = { name: 'follow primary', reason: why, effect: `it streams from ${primary.host}`, alone: true } as const
  return oneAction(node, told, { title: `follow ${primary.host}`, script })
}

/** Slot and settings by ourselves: repmgr looks for its upstream in a table that a standby which follows nobody has not got. */
export function followScript(node: PostgresNode, primary: PostgresNode): Shell {
  return sh`[ "$(in_recovery)" = t ] || fail 'this server is no standby'
${requireSameLog(node, primary)}
${ownSlot(node, primary)}
${standbySettings(node, primary)}
${streamsFrom(node, primary)}
${DROP_OLD_SLOTS}`
}

/** A setting that somebody left in postgresql.auto.conf. */
export function resetSetting(node: PostgresNode, name: string, why: string): ClusterStep {
  const quoted = name
    .split('.')
    .map((part) => `"${part.replaceAll('"', '""')}"`)
    .join('.')
  const left = `select count(*) from pg_file_settings where sourcefile like '%/postgresql.auto.conf' and name = ${literal(name)}`
  const script = sh`said=$(sql ${`alter system reset ${quoted}`}) || fail "$said"
sql 'select pg_reload_conf()' >/dev/null || fail 'the server does not read its files again'
[ "$(sql ${left})" = 0 ] || fail 'the setting is still there'`
  const effect = 'the setting is the one of postgresql.conf again'
  const told = { name: `reset ${name}`, reason: why, effect, alone: true } as const
  return oneAction(node, told, { title: `reset ${name}`, script })
}

/** A standby that runs with settings that only a restart changes. */
export function restartServer(node: PostgresNode, upstream: PostgresNode, why: string): ClusterStep {
  const script = sh`[ "$(in_recovery)" = t ] || fail 'this server is no standby'
stop_server
start_server 300
${streamsFrom(node, upstream)}
${IN_FORCE}`
  const effect = 'its settings are in force; clients notice only where it alone confirms their commits'
  return oneAction(node, { name: 'restart server', reason: why, effect }, { title: 'restart the server', script })
}

const IN_FORCE = sh`left=$(sql 'select name from pg_settings where pending_restart') || fail "$left"
[ -z "$left" ] || fail "not in force yet: $left"`

/** The primary, in place. Nobody may take that for a failure: repmgrd does not run meanwhile. */
export function restartPrimary(
  desired: Pick<Desired, 'environment'>,
  primary: PostgresNode,
  others: readonly PostgresNode[],
  why: string,
  what = 'its settings are in force',
): ClusterStep {
  const nodes = [primary, ...others]
  const on = (title: string, hosts: readonly PostgresNode[], script: Shell) =>
    hosts.map(({ host }) => ({ host, title, script: action(script) }))
  const script = sh`[ "$(in_recovery)" = f ] || fail 'it is no primary any more'
stop_server
start_server 300
${IN_FORCE}`
  const ready = sh`[ "$(in_recovery)" = f ] || fail 'it is no primary any more'
said=$(ask 300 checkpoint) || fail "$said"`
  return {
    name: 'restart primary',
    about: primary.host,
    reason: why,
    effect: `${what}; clients wait for some seconds meanwhile, and are not refused`,
    stages: [
      // What is written out before need not be while clients wait.
      on('write everything out', [primary], ready),
      on('stop repmgrd', nodes, STOP_DAEMON),
      on('hold clients', nodes, holdClients(primary)),
      on('restart the server', [primary], script),
      on('let clients go on', nodes, clientsReach(primary)),
      on('start repmgrd', nodes, START_DAEMON),
    ],
    afterFailure: daemonsAgain(desired, primary, others),
  }
}
