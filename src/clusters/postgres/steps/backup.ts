import type { ClusterAction } from '../../../model/cluster.ts'
import { sh } from '../../../shell/sh.ts'
import type { PostgresNode } from '../model.ts'
import { action } from './prelude.ts'

/** Seconds that a backup may take. */
const BACKUP = 3600

/**
 * Runs the service unit that makes a backup, and waits until it has ended well. One that just runs is waited for, and run
 * again: what it saves may be from before. systemd forgets a unit that has ended, and how, unless somebody waits for it.
 */
export function backupAction({ host }: PostgresNode, unit: string): ClusterAction {
  const script = sh`unit=${unit}
until_=$(($(date +%s) + ${BACKUP}))
left() { l=$((until_ - $(date +%s))); [ "$l" -gt 1 ] || l=1; echo "$l"; }
shown() { timeout 10 systemctl show -p "$1" --value -- "$unit"; }
# What stays active when it has ended has ended, too.
ended() {
  case $(shown ActiveState)/$(shown SubState) in
  */exited | inactive/* | failed/*) ;;
  *) return 1 ;;
  esac
}
wait_for() {
  until ended; do
    [ "$(date +%s)" -lt "$until_" ] || failed ${`it has not ended within ${BACKUP / 60} minutes`}
    sleep 1
  done
}
failed() {
  printf '%s\\n' "nothing is given up, for the backup failed here: $unit: $1"
  timeout 10 journalctl -q --no-pager -o cat -n 15 -u "$unit" --since "@$began" | cut -c 1-300 || true
  exit 1
}
began=$(date +%s)
timeout 10 systemctl cat -- "$unit" >/dev/null 2>&1 || failed 'there is no such unit'
wait_for
[ "$(shown ActiveState)" != active ] || failed 'systemd would not run it again: it has RemainAfterExit=yes, and ended before'
began=$(date +%s)
c=0
if [ "$(shown RemainAfterExit)" = yes ]; then
  said=$(timeout "$(left)" systemctl start -- "$unit" 2>&1) || c=$?
  [ "$c" != 0 ] || wait_for
else
  said=$(timeout "$(left)" systemctl start --wait -- "$unit" 2>&1) || c=$?
fi
[ "$c" != 124 ] || failed ${`it has not ended within ${BACKUP / 60} minutes`}
result=$(shown Result)
[ "$c" = 0 ] || failed "$result: $said"
[ "$result" = success ] || failed "$result"
skipped=$(timeout 10 journalctl -q --no-pager -o cat -u "$unit" --since "@$began" MESSAGE_ID=${SKIPPED}) || skipped=
[ -z "$skipped" ] || failed "$skipped"
echo "$unit has made a backup in $(($(date +%s) - began)) s"`
  return { host, title: `back up with ${unit}`, script: action(script), timeout: BACKUP + 300, tells: true }
}

/** Systemd's message of a unit whose conditions are not met: it counts as started. */
const SKIPPED = '0e4284a0caca4bfc81c0bb6786972673'
