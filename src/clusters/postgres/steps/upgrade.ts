import type { ClusterStep } from '../../../model/cluster.ts'
import type { Shell } from '../../../model/shell.ts'
import { FUNCTIONS } from '../../../shell/apt/functions.ts'
import { NO_START } from '../../../shell/apt/no-start.ts'
import { ACT } from '../../../shell/apt/options.ts'
import { sh } from '../../../shell/sh.ts'
import type { PostgresNode } from '../model.ts'
import { PACKAGES, UPGRADE } from '../packages-script.ts'
import { START_DAEMON } from './daemon.ts'
import { clientsReach } from './pooler.ts'
import { oneAction, sameAction } from './prelude.ts'
import { streamsFrom } from './standby.ts'

/** Seconds: others may work with packages for some minutes, and mirrors may be slow. */
const PATIENCE = 1800

/** Lists of packages that are too old to tell what is offered. */
export function refreshLists(nodes: readonly PostgresNode[], why: string): ClusterStep {
  const script = sh`exec 2>&1
${{ shell: FUNCTIONS }}
wait_for_lock
refresh
[ "$c" = 0 ] || fail 'the package lists could not be refreshed'`
  const effect = 'it is known which versions are offered, which may be newer than what is shown here'
  const told = { name: 'refresh package lists', reason: why, effect }
  return sameAction(nodes, told, { title: 'refresh the package lists', script })
}

/**
 * Packages whose server stays as it is for now: it goes on with the files that it has opened. repmgrd and pgbouncer run the
 * new ones.
 */
export function upgradePackages(node: PostgresNode, primary: PostgresNode, why: string): ClusterStep {
  const script = sh`${INSTALL}
${poolerAgain(primary)}
if replaced repmgrd; then
  stop_daemon
  ${START_DAEMON}
fi`
  const effect = 'its server runs on; clients of its pgbouncer are cut off once where that is upgraded'
  const told = { name: 'upgrade packages', reason: why, effect }
  return oneAction(node, told, { title: 'upgrade the packages', script, timeout: PATIENCE })
}

/**
 * A standby, or a witness, whose server gets new files and is restarted. Packages come while it runs, so that it is away for
 * as long as a restart takes, and goes on when they do not come. All of it is one action: what was begun comes to its end,
 * also when the controller is killed.
 */
export function upgradeServer(node: PostgresNode, primary: PostgresNode, why: string): ClusterStep {
  const witness = node.kind === 'witness'
  const is = witness ? sh`[ "$(in_recovery)" = f ]` : sh`[ "$(in_recovery)" = t ]`
  const script = sh`${is} || fail ${`this server is no ${witness ? 'witness' : 'standby'}`}
${INSTALL}
stop_daemon
stop_server
start_server 300
${witness ? sh`:` : streamsFrom(node, primary)}
${START_DAEMON}
${poolerAgain(primary)}
said=$(sql 'show server_version') || fail "$said"
[ "postgres (PostgreSQL) $said" = "$("$bin/postgres" -V)" ] || fail "it still runs $said"`
  const back = witness ? 'it votes again' : `it streams from ${primary.host} again`
  const effect = `its server runs the newest version, and ${back}; clients notice only where it alone confirms their commits, or where their pgbouncer is upgraded`
  const told = { name: 'upgrade server', reason: why, effect }
  return oneAction(node, told, { title: 'upgrade the packages, restart the server', script, timeout: PATIENCE })
}

/**
 * Brings the packages to the newest version that is offered, and starts or stops nothing. What an earlier installation left
 * half done is ended first. All is fetched before anything is changed; lists may name files that are gone.
 */
const INSTALL: Shell = sh`exec 2>&1
${{ shell: FUNCTIONS }}
${{ shell: NO_START }}
wait_for_lock
shown() { printf '%s\\n' "$said" | tail -n 15 | cut -c 1-300; }
if [ -n "$(broken)" ]; then
  said=$(dpkg --force-confdef --force-confold --configure -a 2>&1 </dev/null) || { shown; fail 'an installation was broken off, and cannot be ended'; }
fi
names=$(dpkg-query -W -f '\${db:Status-Status} \${Package}\\n' ${PACKAGES} 2>/dev/null | sed -n 's/^installed //p')
get() { said=$(apt-get ${{ shell: ACT }} "$@" ${{ shell: UPGRADE }} $names 2>&1 </dev/null); }
get --download-only || { refresh; get --download-only; } || { shown; fail 'the packages cannot be had'; }
get || { shown; fail 'the packages could not be upgraded; its server runs on'; }
unpolicy
# A program whose file was replaced.
replaced() {
  case $(readlink "/proc/$(systemctl show -p MainPID --value "$1")/exe") in *' (deleted)') ;; *) return 1 ;; esac
}`

/** Its clients are cut off; they connect again. */
function poolerAgain(primary: PostgresNode): Shell {
  return sh`if replaced pgbouncer; then
  timeout 60 systemctl restart pgbouncer || fail 'pgbouncer does not start'
  ${clientsReach(primary)}
fi`
}
