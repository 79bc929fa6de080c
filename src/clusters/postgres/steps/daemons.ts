import type { ClusterStep } from '../../../model/cluster.ts'
import type { Shell } from '../../../model/shell.ts'
import { sh } from '../../../shell/sh.ts'
import type { PostgresNode } from '../model.ts'
import { action } from './prelude.ts'

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
