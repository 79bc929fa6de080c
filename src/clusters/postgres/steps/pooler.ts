import type { ClusterStep } from '../../../model/cluster.ts'
import type { Shell } from '../../../model/shell.ts'
import { sh } from '../../../shell/sh.ts'
import { places } from '../layout.ts'
import type { PostgresNode } from '../model.ts'
import { sameAction } from './prelude.ts'

/** While it is there, and new, no follower lets clients go on. */
export const HOLD = '/run/evenkeel/hold'

/** pgbouncers that do not send clients to the primary. */
export function pointPgbouncer(nodes: readonly PostgresNode[], primary: PostgresNode, why: string): ClusterStep {
  const told = { name: 'point pgbouncer', reason: why, effect: `clients reach ${primary.host}`, alone: true } as const
  return sameAction(nodes, told, { title: `send clients to ${primary.host}`, script: pointScript(primary) })
}

/** The follower does it; it is begun again, and pgbouncer where that does not answer. */
function pointScript(primary: PostgresNode): Shell {
  return sh`timeout 30 systemctl stop evenkeel-hold 2>/dev/null || true
rm -f ${HOLD}
${POINTED}
targets >/dev/null 2>&1 || {
  systemctl reset-failed pgbouncer 2>/dev/null || true
  timeout 60 systemctl restart pgbouncer || { timeout 10 journalctl -q --no-pager -o cat -n 10 -u pgbouncer | cut -c 1-300; fail 'pgbouncer does not start'; }
}
systemctl reset-failed pgbouncer-follow 2>/dev/null || true
said=$(systemctl enable --quiet pgbouncer pgbouncer-follow 2>&1) || fail "$said"
timeout 60 systemctl restart pgbouncer-follow || true
${clientsReach(primary)}`
}

/** What pgbouncer itself says, not what was written for it. */
export const POINTED = sh`targets() { runuser -u postgres -- timeout -k 2 10 ${`${places.scripts}/pgbouncer-targets`} 2>&1; }
pointed() { said=$(targets) && ! printf '%s\\n' "$said" | grep -qv " $1 0\\$"; }`

/** Waits until the node's pgbouncer sends all clients to a node, and holds none. */
export function clientsReach({ host, address }: PostgresNode): Shell {
  return sh`${POINTED}
within 30 pointed ${address} || {
  printf '%s\\n' "$said"
  timeout 10 journalctl -q --no-pager -o cat -n 6 -u pgbouncer-follow | cut -c 1-300
  fail ${`pgbouncer does not send clients to ${host}`}
}`
}
