import type { Shell } from '../../model/shell.ts'
import { sh } from '../../shell/sh.ts'
import { BIN, DATA, SOCKETS } from './layout.ts'
import type { Stretch } from './loss.ts'
import type { Desired } from './model.ts'
import { connect, literal } from './sql.ts'

/**
 * Reads parts of a node's log, whether its server runs or not, and says how many commits are in them, when they were made,
 * and which files of tables were changed; and how the tables are called whose files these may be, where its server tells.
 * Read-only, within 20 s, with a bounded answer; `parseLoss` reads it. The last line is `end`.
 */
export function lossScript({ databases }: Desired, stretches: readonly Stretch[]): Shell {
  const within = Math.max(2, Math.min(7, Math.floor(14 / stretches.length)))
  const parts = stretches.map((stretch) => read(stretch, within).shell)
  const names = [...databases.map(({ name }) => name), 'repmgr', 'evenkeel'].map(filesOf).join('\n')
  return sh`export LC_ALL=C TZ=UTC
cd /
${{ shell: parts.join('\n') }}
if [ -S ${`${SOCKETS}/.s.PGSQL.5432`} ]; then
  printf %s ${`${names}\n`} | PGCONNECT_TIMEOUT=2 PGOPTIONS='-c statement_timeout=2000' timeout -s KILL 4 runuser -u postgres -- psql -XAtq -F ' ' -h ${SOCKETS} -d postgres 2>/dev/null | grep '^file ' | cut -b 1-200
fi
echo end
`
}

/** pg_waldump waits 5 s for a file that is missing. What a table is made of has a number from 16384 on. */
function read({ timeline, from, to }: Stretch, within: number): Shell {
  const end = to === undefined ? sh`` : sh` -e ${to}`
  return sh`echo ${`log ${timeline} ${from} ${to ?? '-'}`}
timeout -s KILL ${within} ${`${BIN}/pg_waldump`} -p ${`${DATA}/pg_wal`} -t ${timeline} -s ${from}${end} 2>&1 | awk ${COUNT}`
}

/** A commit is of the database whose tables its transaction changed; `-`: of none that is known. */
const COUNT = `match($0, /tx: +[0-9]+/) { tx = substr($0, RSTART + 3, RLENGTH - 3) + 0 }
/rmgr: Transaction .*desc: (COMMIT|PREPARE)/ {
  of = tx in base ? base[tx] : "-"
  delete base[tx]
  commits[of]++
  all++
  if (match($0, /lsn: [0-9A-F]+\\/[0-9A-F]+/)) place[of] = substr($0, RSTART + 5, RLENGTH - 5)
  if (match($0, /[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9] [0-9:.]+/)) { last[of] = substr($0, RSTART, RLENGTH); if (!(of in first)) first[of] = last[of] }
}
/rmgr: Heap2? / && match($0, /rel [0-9]+\\/[0-9]+\\/[0-9]+/) {
  split(substr($0, RSTART + 4, RLENGTH - 4), part, "/")
  if (part[2] > 0) base[tx] = part[2]
  if (part[3] >= 16384 && files < 50 && !((part[2] " " part[3]) in seen)) { seen[part[2] " " part[3]] = 1; files++ }
}
/^pg_waldump: error: / { error = substr($0, 20, 200) }
{ records++ }
END {
  printf "read %d %d\\n", records, all
  for (of in commits) printf "commits %s %d %s %s|%s\\n", of, commits[of], place[of], first[of], last[of]
  for (name in seen) print "changed " name
  if (error != "") print "error " error
}`

/** The files of the tables of a database, if that is there. */
function filesOf(database: string): string {
  return `select exists(select from pg_database where datname = ${literal(database)} and datallowconn) as has \\gset
\\if :has
${connect(database)}
select 'file', d.oid, pg_relation_filenode(c.oid), d.datname || '.' || n.nspname || '.' || c.relname
from pg_class c join pg_namespace n on n.oid = c.relnamespace, pg_database d
where d.datname = current_database() and c.relkind in ('r', 'm') and n.nspname not in ('pg_catalog', 'information_schema')
order by c.oid desc limit 500;
\\endif`
}
