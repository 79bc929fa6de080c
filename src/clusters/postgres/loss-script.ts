import type { Shell } from '../../model/shell.ts'
import { sh } from '../../shell/sh.ts'
import { BIN, DATA, SOCKETS } from './layout.ts'
import type { Desired } from './model.ts'
import type { Stretch } from './parting.ts'
import { RECORDS, stretchOf } from './read-log.ts'
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

/** pg_waldump waits 5 s for a file that is missing. */
function read(stretch: Stretch, within: number): Shell {
  const { timeline, from, to } = stretch
  const dump = sh`timeout -s KILL ${within} ${`${BIN}/pg_waldump`} -p ${`${DATA}/pg_wal`}`
  return sh`echo ${`log ${timeline} ${from} ${to ?? '-'}`}
{ ${stretchOf(dump, stretch)}; } 2>&1 | awk ${COUNT}`
}

/**
 * A commit is of the database whose tables its transaction changed; `-`: of none that is known. What a table is made of has a
 * number from 16384 on.
 */
export const COUNT = `${RECORDS}
/^rmgr: Transaction .*desc: (COMMIT|PREPARE)/ {
  of = tx() in base ? base[tx()] : "-"
  delete base[tx()]
  commits[of]++
  all++
  place[of] = field("lsn: [0-9A-F]+/[0-9A-F]+", 5)
  last[of] = field("[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9] [0-9:.]+", 0)
  if (!(of in first)) first[of] = last[of]
}
/^rmgr: Heap2? / && where() != "" {
  split(where(), file, "\\t")
  if (file[1] > 0) base[tx()] = file[1]
  if (file[2] >= 16384 && files < 50 && !((file[1] " " file[2]) in seen)) { seen[file[1] " " file[2]] = 1; files++ }
}
END {
  printf "read %d %d %s\\n", records, all, trouble() == "" ? "whole" : trouble()
  for (of in commits) printf "commits %s %d %s %s|%s\\n", of, commits[of], place[of], first[of], last[of]
  for (name in seen) print "changed " name
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
