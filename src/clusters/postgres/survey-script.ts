import type { Shell } from '../../model/shell.ts'
import { sh } from '../../shell/sh.ts'
import { BIN, CERTIFICATE, DATA, PGBOUNCER_PORT, places, SOCKETS, UNITS } from './layout.ts'
import type { Desired } from './model.ts'
import { READ_LOG } from './survey-log.ts'
import { surveySql } from './survey-sql.ts'

/**
 * Everything asked of one node, in one read-only script: `parseSurvey` reads what it prints. It works on a bare host, with
 * the server down, hung or half there. It takes less than 20 s whatever hangs, and prints at most 64 KB and no secret, except
 * the verifiers of the playbook's roles. The last line is `end`.
 */
export function surveyScript(desired: Desired): Shell {
  return sh`export LC_ALL=C
cd /
D=${DATA}
limit() { timeout -s KILL "$@" 2>/dev/null; }
mark() { sed "s/^/$1 /"; }
why() { grep -aE ${SHOWN} | grep -avE ${HIDDEN} | sort -s -k 1,2 | tail -n 40 | cut -b 1-300 | mark log; }
echo survey 1
echo "now $(date +%s)"
${PREPARED}
echo "uptime $(cut -d . -f 1 /proc/uptime)"
limit 2 systemctl show -p Id -p ActiveState -p UnitFileState -p NRestarts -p ActiveEnterTimestampMonotonic ${Object.values(UNITS)} postgresql.service | mark unit
${DISK}
${RUNNING}
${READ_LOG}
${ask(surveySql(desired))}
${POOLER}
[ ! -f ${CERTIFICATE} ] || limit 1 openssl x509 -noout -enddate -in ${CERTIFICATE} | mark certificate
${SPACE}
${LOG}
echo end
`
}

const FILES = [
  ...[`${BIN}/postgres`, `${BIN}/../lib/repmgr.so`, '/usr/bin/repmgr', '/usr/sbin/pgbouncer'],
  ...[`${places.config}/postgresql.conf`, `${places.config}/pg_hba.conf`, '/etc/repmgr.conf'],
  ...[`${places.pgbouncer}/pgbouncer.ini`, `${places.scripts}/pgbouncer-follow`, `${places.scripts}/postgres-guard`],
  ...['/etc/systemd/system/repmgrd.service', '/etc/systemd/system/pgbouncer-follow.service'],
]

/** What the packages and the first phase leave. */
const PREPARED = sh`p=yes
for f in ${FILES}; do [ -e "$f" ] || { p=no; echo "missing $f"; }; done
echo "prepared $p"
limit 2 ${`${BIN}/postgres`} -V | sed -n 's/^postgres (PostgreSQL) /installed /p'`

/** What is read of the control file. The rest is not asked: there is a secret of the server in it. */
const CONTROL = [
  ...[
    'Database system identifier',
    'Database cluster state',
    'Latest checkpoint location',
    "Latest checkpoint's TimeLineID",
  ],
  ...['Minimum recovery ending location', "Min recovery ending loc's timeline"],
]

/** Files of whatever somebody made: it has a number from 16384 on: PostgreSQL's own things are below (access/transam.h). */
export const OWN_FILES = '.*/([2-9][0-9]{4}|1[7-9][0-9]{3}|16[4-9][0-9]{2}|1639[0-9]|1638[4-9]|[0-9]{6,})([._].*)?'

/**
 * A folder without PG_VERSION is no data directory. A control file whose checksum is wrong counts as none; a running server
 * may just write it. The newest history tells of all the forks before it.
 */
const DISK = sh`c=
if [ -f "$D/PG_VERSION" ]; then
  echo disk
  for i in 1 2 3; do
    c=$(timeout -s KILL 4 ${`${BIN}/pg_controldata`} "$D" 2>&1)
    case $c in *'CRC checksum'*) c= ;; *) break ;; esac
  done
  c=$(printf '%s\\n' "$c" | sed -n ${`s/^\\(${CONTROL.join('\\|')}\\):/control &/p`})
  printf '%s\\n' "$c"
  [ ! -e "$D/standby.signal" ] || echo standby.signal
  [ ! -e "$D/promote" ] || echo promote
  [ ! -e "$D.rewind" ] || echo rewind
  f=$(limit 2 find "$D/base" "$D/pg_tblspc" -mindepth 1 -regextype posix-extended -regex ${OWN_FILES} -print -quit) && [ -z "$f" ] && echo blank
  h=
  for f in "$D"/pg_wal/????????.history; do [ ! -f "$f" ] || h=$f; done
  if [ "$h" ]; then
    n=\${h##*/}
    echo "newest \${n%.history}"
    tail -n 200 "$h" | while read -r a b c || [ "$a" ]; do echo "fork $a $b"; done
  fi
elif [ -e "$D" ] && [ "$(ls -A "$D" | head -n 1)" ]; then
  echo remains
fi`

/**
 * A postmaster is one that lives and works in the data directory. The other file of its number outlives a data directory
 * that was taken away under it.
 */
const RUNNING = sh`r=no
alive() { [ -f "$1" ] && read -r i x < "$1" && [ "$i" -gt 1 ] 2>/dev/null && [ -d "/proc/$i" ]; }
if alive "$D/postmaster.pid" && [ "/proc/$i/cwd" -ef "$D" ]; then r=yes
elif alive ${`${SOCKETS}/15-main.pid`}; then
  case $(readlink "/proc/$i/exe") in ${BIN}/postgres*) r=yes ;; esac
fi
echo "running $r"`

function ask(sql: string): Shell {
  return sh`if [ -S ${`${SOCKETS}/.s.PGSQL.5432`} ]; then
  export PGCONNECT_TIMEOUT=2 PGCLIENTENCODING=UTF8 PGAPPNAME=evenkeel
  export PGOPTIONS='-c statement_timeout=3000 -c lock_timeout=1000 -c standard_conforming_strings=on'
  printf %s ${sql} | timeout -s KILL 4 runuser -u postgres -- psql -XAtq -v VERBOSITY=terse -h ${SOCKETS} -d postgres 2>&1 | mark sql
  unset PGOPTIONS
fi`
}

const POOLER = sh`if [ -S ${`${SOCKETS}/.s.PGSQL.${PGBOUNCER_PORT}`} ]; then
  PGCONNECT_TIMEOUT=2 limit 3 runuser -u postgres -- psql -Xq --csv -h ${SOCKETS} -p ${PGBOUNCER_PORT} -U pgbouncer pgbouncer -c 'SHOW DATABASES' | head -n 100 | mark pooler
fi`

/** What du cannot tell in time is taken for as much as lies on the whole disk. */
const SPACE = sh`p=$D
until [ -d "\${p:-/}" ]; do p=\${p%/*}; done
limit 1 df -B1 --output=avail,used "\${p:-/}" | mark space
[ ! -d "$D" ] || limit 2 du -sDxB1 "$D/pg_wal" "$D" | mark size
set --
for f in "$D".aside-*; do
  case \${f#"$D".aside-} in *[!0-9TZ]*) ;; *) set -- "$@" "$f" ;; esac
done
[ $# = 0 ] || limit 2 du -sxB1 "$@" | mark aside`

/**
 * Statements, their details and what clients did wrong may hold passwords: only messages are shown that cannot, of those
 * that say why a server is as it is.
 */
const SHOWN = [
  ' (PANIC|FATAL|WARNING|LOG): .*(WAL|timeline|forked|history|replication|recovery|certificate|SSL|space left|could not',
  '|corrupt|invalid|checksum|no pg_hba|password auth|address already|terminat|shut|crash|lock file|data directory|promot|ready to)',
  '| ERROR: +(could not|requested|replication slot)|writable primary',
].join('')
const HIDDEN = [
  '^[[:space:]]|(STATEMENT|DETAIL|QUERY|CONTEXT|HINT): |LOG: +(statement|execute|parse|bind|fastpath|duration|AUDIT|connection|disconnection|could not (send|receive) data (to|from) client)',
  '|the database system is |due to administrator command|checkpoint (starting|complete)|restartpoint|restart point',
].join('')

const LOG = sh`{
  [ ! -f /var/log/postgresql/postgresql-15-main.log ] || limit 1 tail -c 65536 /var/log/postgresql/postgresql-15-main.log
  [ "$r" = yes ] || [ ! -d "$D" ] || limit 1 journalctl -q --no-pager --utc -o short-iso -n 10 -u postgresql@15-main |
    sed -E 's/^([0-9-]+)T([0-9:]+)[^ ]* [^ ]+ [^:]*: /\\1 \\2 /'
} | why`
