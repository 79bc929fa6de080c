import type { ClusterStep } from '../../../model/cluster.ts'
import type { Shell } from '../../../model/shell.ts'
import { sh } from '../../../shell/sh.ts'
import type { Desired, PostgresNode } from '../model.ts'
import { literal } from '../sql.ts'
import { oneAction } from './prelude.ts'
import { DROP_OLD_SLOTS, ownSlot, register, standbySettings, streamsFrom } from './standby.ts'

/**
 * A server that does not run, or hangs. One that recovers is waited for. A standby that cannot get on, for its upstream has
 * not kept what it needs, was started all the same: it has to be cloned anew, which the next survey sees.
 */
export function startServer(node: PostgresNode, why: string): ClusterStep {
  const script = sh`recovers() { case $(ask 5 'select 1' || true) in *'starting up'* | *'not yet accepting'*) ;; *) return 1 ;; esac; }
if ! answers; then
  gone || recovers || within 10 answers || stop_server 15
  if recovers; then within 300 settled || true; else (start_server 300) || beyond_wal || exit 1; fi
  answers || { why; beyond_wal && echo 'it runs, and needs what its primary has not kept' || fail 'the server does not answer'; }
fi`
  const told = { name: 'start server', reason: why, effect: `the server of ${node.host} answers` }
  return oneAction(node, told, { title: 'start the server', script })
}

/** A standby that follows somebody else, or nobody. It is not restarted, and gets its slot where that is missing. */
export function followPrimary(_desired: Desired, node: PostgresNode, primary: PostgresNode, why: string): ClusterStep {
  const script = sh`${followScript(node, primary)}
${register(primary)}`
  const told = { name: 'follow primary', reason: why, effect: `it streams from ${primary.host}` }
  return oneAction(node, told, { title: `follow ${primary.host}`, script })
}

/** Slot and settings by ourselves: repmgr looks for its upstream in a table that a standby which follows nobody has not got. */
export function followScript(node: PostgresNode, primary: PostgresNode): Shell {
  return sh`[ "$(in_recovery)" = t ] || fail 'this server is no standby'
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
  const told = { name: `reset ${name}`, reason: why, effect: 'the setting is the one of postgresql.conf again' }
  return oneAction(node, told, { title: `reset ${name}`, script })
}

/** A server that runs with settings that only a restart changes. `upstream`: whom it streams from, where it is a standby. */
export function restartServer(node: PostgresNode, upstream: PostgresNode | undefined, why: string): ClusterStep {
  const script = sh`was=$(in_recovery) || fail 'the server does not answer'
[ "$was" = ${upstream ? 't' : 'f'} ] || fail 'it is not what it was when this was decided'
${upstream ? sh`` : sh`sql checkpoint >/dev/null || true`}
stop_server
start_server 300
[ "$(in_recovery)" = "$was" ] || fail 'it is not what it was before'
${upstream ? streamsFrom(node, upstream) : sh``}
left=$(sql 'select name from pg_settings where pending_restart') || fail "$left"
[ -z "$left" ] || fail "not in force yet: $left"`
  const cost = upstream ? 'clients do not notice' : 'clients are cut off, and wait for some seconds'
  const told = { name: 'restart server', reason: why, effect: `its settings are in force; meanwhile ${cost}` }
  return oneAction(node, told, { title: 'restart the server', script })
}
