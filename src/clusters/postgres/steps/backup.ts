import type { ClusterAction } from '../../../model/cluster.ts'
import { sh } from '../../../shell/sh.ts'
import type { PostgresNode } from '../model.ts'
import { action } from './prelude.ts'

/** Seconds that a backup may take. */
const BACKUP = 3600

/** The unit that names the other one meanwhile. */
const HOLD = 'evenkeel-backup.service'

/**
 * Runs the service unit that makes a backup, and waits until it has ended well. One that just runs is waited for, and run
 * again: what it saves may be from before. systemd forgets a unit that has ended, and how, unless another one names it.
 */
export function backupAction({ host }: PostgresNode, unit: string): ClusterAction {
  const script = action(sh`unit=${unit}\n${BACK_UP}`)
  return { host, title: `back up with ${unit}`, script, timeout: BACKUP + 300, tells: true }
}

/** What waits behind the unit starts when that has ended: nobody waits for it. */
const BACK_UP = sh`hold=${HOLD} until_=$(($(date +%s) + ${BACKUP}))
shown() { timeout 10 systemctl show -p "$1" --value -- "$unit"; }
failed() {
  printf '%s\\n' "nothing is given up, for the backup failed here: $unit: $1"
  timeout 10 journalctl -q --no-pager -o cat -n 15 -u "$unit" --since "@$began" | cut -c 1-300 || true
  exit 1
}
late() { failed ${`it has not ended within ${BACKUP / 60} minutes`}; }
# What stays active when it has ended has ended, too.
ended() { case $(shown ActiveState)/$(shown SubState) in */exited | inactive/* | failed/*) ;; *) return 1 ;; esac; }
wait_for() {
  until ended; do
    [ "$(date +%s)" -lt "$until_" ] || late
    sleep 0.5
  done
}
began=$(date +%s)
timeout 10 systemctl cat -- "$unit" >/dev/null 2>&1 || failed 'there is no such unit'
let_go() { timeout 20 systemctl stop "$hold" 2>/dev/null || true; }
let_go
trap let_go EXIT
trap 'exit 1' HUP INT TERM
said=$(timeout 20 systemd-run -q --no-block --collect --unit="$hold" -p After="$unit" -p RuntimeMaxSec=${2 * BACKUP} sleep ${2 * BACKUP} 2>&1) || failed "$said"
wait_for
before=$(shown InvocationID) || failed 'systemd does not answer'
began=$(date +%s)
c=0
said=$(timeout "$((until_ - began > 0 ? until_ - began : 1))" systemctl start -- "$unit" 2>&1) || c=$?
[ "$c" != 124 ] || late
wait_for
result=$(shown Result) || failed 'systemd does not answer'
[ "$c" = 0 ] && [ "$result" = success ] || failed "$result: $said"
[ "$(shown InvocationID)" != "$before" ] || failed "systemd did not run it: $(shown ConditionResult | sed 's/^no$/its conditions are not met/; s/^yes$/it has RemainAfterExit=yes, and ended before/')"
echo "$unit has made a backup in $(($(date +%s) - began)) s"`
