import { sh } from '../../shell/sh.ts'
import { BIN } from './layout.ts'

/**
 * The log of a server that is down, read to its end from where the control file stops: a primary that crashed wrote on behind
 * its last checkpoint, a standby received more than it had replayed. On the timeline where it ended, which one that was just
 * promoted tells by its minimum recovery end only. Commits alone are read, and what was prepared to be one, for they are few among the records; `parseLog`
 * reads the complaint at the end. pg_waldump waits 5 s for a file that is missing. `$c` is what the control file says, `$r`
 * whether a server runs.
 */
export const READ_LOG = sh`told() { printf '%s\n' "$c" | sed -n "s/^control $1: *//p"; }
if [ "$r" = no ] && [ "$c" ]; then
  t=$(told "Min recovery ending loc's timeline") a=$(told 'Minimum recovery ending location')
  [ "$t" != 0 ] || { t=$(told "Latest checkpoint's TimeLineID") a=$(told 'Latest checkpoint location'); }
  echo "log-from $t $a"
  timeout -s KILL 6 ${`${BIN}/pg_waldump`} -p "$D/pg_wal" -t "$t" -s "$a" -r Transaction 2>&1 |
    grep -E 'desc: (COMMIT|PREPARE)|^pg_waldump: error: ' | tail -n 2 | cut -b 1-300 | mark log-read
fi`
