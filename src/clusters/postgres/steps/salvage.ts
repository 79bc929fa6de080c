import type { Shell } from '../../../model/shell.ts'
import { sh } from '../../../shell/sh.ts'
import { DATA } from '../layout.ts'
import type { PostgresNode } from '../model.ts'
import type { Stretch } from '../parting.ts'
import { roomFor } from './build.ts'
import { readOwnLog } from './salvage-log.ts'
import { COPY, DATABASES, ROWS } from './salvage-sql.ts'
import { takesWrites } from './standby.ts'

/** Seconds that saving may take. */
export const SALVAGING = 6 * 3600

/** What it leaves; a time in UTC stands for the star. */
export const SALVAGE_FILES = `${DATA.slice(0, DATA.lastIndexOf('/'))}/salvage-*.sql`

/** Says what was saved, and of which data: a clone asks for it. */
const MARK = `${DATA}.salvaged`

/**
 * Saves the rows that only this node has as SQL. Its server is stopped, and its data is only read: a copy replays its own log
 * to the end, wherever it was, takes writes apart from everybody, and is asked. What is under the final name is whole.
 */
export function salvageScript(
  node: PostgresNode,
  from: PostgresNode,
  ends: string,
  stretches: readonly Stretch[],
): Shell {
  const last = stretches.at(-1)
  if (!last)
    return sh`fail 'which rows only it has cannot be told from its log, so none can be saved: nothing was done. Without --salvage its data is moved aside as it is'`
  return sh`${takesWrites(from)}
${DROP_COPY}
trap drop_copy EXIT
trap 'exit 1' HUP INT TERM
rm -f ${MARK}
stop_daemon
${ROOM}
${roomFor(from)}
stop_server
install -d -o postgres -g postgres -m 0700 "$copy" "$copy/run"
${readOwnLog(stretches)}
commits=$(sed -n 's/^commits\\t0\\t0\\t//p' "$copy/changes")
if [ "$commits" = 0 ]; then
  echo 'no transaction was committed there that the primary does not have: there are no rows to save'
else
  cp -a --reflink=auto "$data" "$copy/data" || fail 'its data could not be copied'
  ${startCopy(last.timeline)}
  ${writeRows(node, from, stretches)}
fi
printf '%s %s\\n' ${ends} "$(sha256sum <"$data/global/pg_control")" >${MARK}
sync ${MARK}`
}

/** What was given up is what was saved: its server did not run since. */
export function savedHere(ends: string): Shell {
  return sh`gone && [ "$(cat ${MARK})" = ${`${ends} `}"$(sha256sum <"$data/global/pg_control")" ] ||
  fail 'its server ran since its rows were saved: look at it again'
rm -f ${MARK}`
}

/** What one that was killed left, also its server, is of nobody's use. */
export const DROP_COPY = sh`copy=${COPY}
drop_copy() {
  [ -e "$copy" ] || return 0
  (
    data=$copy/data
    signal QUIT
    within 10 gone || {
      for p in $(processes); do kill -KILL "$p" 2>/dev/null || true; done
      within 10 gone
    }
  ) || fail "a server does not stop in $copy: stop it, and delete that"
  rm -rf "$copy"
}
drop_copy`

/** What lies elsewhere would not be copied, but changed. */
const ROOM = sh`found=$(find "$data" -type l -print -quit)
[ -z "$found" ] || fail "its rows cannot be saved by this tool: a part of its data lies elsewhere: $found"
size=$(du -sxB1 "$data" | cut -f 1)
free=$(df -B1 --output=avail "\${data%/*}" | tail -n 1)
[ "$free" -gt "$((size + size / 10 + 268435456))" ] ||
  fail "too little room in \${data%/*}: $size bytes are to be copied for a while, $free are free"`

/** Limits of a server, by their names in the control file: one that recovers must have as much. */
const LIMITS = {
  max_connections: 'max_connections',
  max_worker_processes: 'max_worker_processes',
  max_wal_senders: 'max_wal_senders',
  max_prepared_transactions: 'max_prepared_xacts',
  max_locks_per_transaction: 'max_locks_per_xact',
} as const

/** Nobody but postgres of this host reaches it. It is thrown away: it need not be safe, and says nothing of what it holds. */
const SETTINGS = [
  ...["listen_addresses = ''", 'port = 5499', `unix_socket_directories = '${COPY}/run'`],
  ...['unix_socket_permissions = 0700', `hba_file = '${COPY}/hba'`, `ident_file = '${COPY}/ident'`],
  ...['hot_standby = off', "restore_command = 'false'", 'archive_mode = off', 'max_replication_slots = 64'],
  ...['fsync = off', 'full_page_writes = off', 'autovacuum = off', 'jit = off', "lc_messages = 'C'"],
  ...['log_error_verbosity = terse', 'log_min_error_statement = panic'],
]

/** Behind its log it goes on by itself, on a timeline of its own. Slots of the original mean nothing there. */
function startCopy(timeline: number): Shell {
  const limits = Object.entries(LIMITS).map(([setting, known]) => `${setting}=${known}`)
  return sh`rm -rf "$copy/data/postmaster.pid" "$copy/data/standby.signal" "$copy/data/pg_replslot"
  install -d -o postgres -g postgres -m 0700 "$copy/data/pg_replslot"
  : >"$copy/data/postgresql.auto.conf"
  : >"$copy/data/recovery.signal"
  chown postgres: "$copy/data/recovery.signal"
  printf '%s\\n' ${[...SETTINGS, `recovery_target_timeline = '${timeline}'`]} >"$copy/conf"
  for one in ${limits}; do
    value=$(control "\${one#*=} setting")
    case $value in '' | *[!0-9]*) fail 'its control file cannot be read' ;; esac
    echo "\${one%=*} = $value" >>"$copy/conf"
  done
  echo 'local all postgres peer' >"$copy/hba"
  : >"$copy/ident"
  runuser -u postgres -- "$bin/postgres" -D "$copy/data" -c config_file="$copy/conf" >"$copy/log" 2>&1 </dev/null &
  server=$!
  inside() { pg "$1" psql -XAtqw -v ON_ERROR_STOP=1 -v VERBOSITY=sqlstate -d "$2 host=$copy/run port=5499"; }
  writes() { [ "$(echo 'select pg_is_in_recovery()' | inside 5 dbname=postgres 2>/dev/null)" = f ]; }
  told() { writes || ! kill -0 "$server" 2>/dev/null; }
  within ${SALVAGING} told && writes ||
    fail "a copy of its data does not start, so nothing was saved and nothing done: $(grep -aE ' (FATAL|PANIC|LOG): ' "$copy/log" | tail -n 8 | cut -c 1-300)"`
}

/** Statements are fed by standard input: they are too long for an argument. */
function writeRows(node: PostgresNode, from: PostgresNode, stretches: readonly Stretch[]): Shell {
  const parts = stretches.map(({ timeline, from: place }) => `on timeline ${timeline} from ${place}`).join(', ')
  const lines = [
    `-- Rows that transactions on ${node.host} wrote, and that the primary ${from.host} does not have, as ${node.host}`,
    '-- held them in the end. Saved by deploy repair-db --salvage before they were given up.',
    `-- Its log left the one of the primary ${parts}.`,
  ]
  return sh`options="$options ${{ shell: EXACT.map((setting) => `-c ${setting}`).join(' ') }}"
  file=\${data%/*}/salvage-$(date -u +%Y%m%dT%H%M%SZ).sql
  install -o postgres -g postgres -m 0600 /dev/null "$copy/sql"
  {
    printf '%s\\n' ${lines}
    echo "-- Saved at $(date -u '+%Y-%m-%d %H:%M:%S') UTC. Transactions: $commits."
    printf '%s\\n' ${ABOUT} "-- psql -X -f $file postgres"
  } >>"$copy/sql"
  : >"$copy/told"
  names=$(printf %s ${DATABASES} | inside 600 dbname=postgres) && [ "$names" ] ||
    fail 'its log could not be replayed to its end in a copy of its data: nothing was saved, and nothing done'
  for name in $names; do
    { printf %s ${ROWS} | inside ${SALVAGING} "$(printf "$name")" 2>"$copy/error" || touch "$copy/failed"; } | cat >>"$copy/sql" || touch "$copy/failed"
    [ ! -e "$copy/failed" ] || fail "its rows could not be saved, and nothing was done: $(tail -n 3 "$copy/error" | cut -c 1-200)"
    cat "$copy/counts" >>"$copy/told"
  done
  echo '-- The end.' >>"$copy/sql"
  sync "$copy/sql"
  mv -T "$copy/sql" "$file"
  sync "\${data%/*}"
  echo "saved as SQL in $file: $(awk '{ rows += $1; if (NR <= 20) { n = $1; sub(/^[0-9]+ /, ""); tables = tables ", " $0 " " n } }
END { if (NR > 20) tables = tables ", …"; print rows + 0 " rows" (NR > 0 ? ": " substr(tables, 3) : "") }' "$copy/told")"`
}

/** They win over what databases and roles set. Text is exact, and other settings read it as the same. */
const EXACT = [
  ...['datestyle=iso', 'intervalstyle=postgres', 'extra_float_digits=1', 'bytea_output=hex', 'client_encoding=UTF8'],
  ...['standard_conforming_strings=on', 'row_security=off', 'search_path=pg_catalog', 'statement_timeout=0'],
  ...['default_transaction_read_only=off', 'lock_timeout=0', 'idle_in_transaction_session_timeout=0'],
]

const ABOUT = [
  '-- Of a row that was changed there this is the new state; where the primary has a row of that key, that one stays.',
  '-- A table without a unique key takes each row again, each time that this is loaded.',
  '-- Of rows that were deleted there only the number is known. Not saved: values of sequences, large objects, unlogged',
  '-- tables, and changes of tables themselves (CREATE, ALTER, TRUNCATE). Transactions that were prepared only are left out.',
  '-- Each statement stands by itself. To look at it: less. To load it, as postgres on the primary:',
]
