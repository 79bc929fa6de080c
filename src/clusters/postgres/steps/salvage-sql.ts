import { DATA } from '../layout.ts'

/** Where a server on a copy of the data works, until its rows are saved. All of it is deleted then. */
export const COPY = `${DATA}.salvage`

/** What was read from the log. */
const LOADED = `create temp table salvage_log (kind text, db bigint, file bigint, n bigint);
copy salvage_log from '${COPY}/changes';
create temp table salvage_xids as select distinct file as xid from salvage_log where kind = 'xid';
`

/**
 * How each database is connected to, its bytes in octal: a name may hold anything. What repmgr and the proof write in their
 * own is nobody's data. None, when a transaction of the log is not
 * committed here: then that was not replayed to its end.
 */
export const DATABASES = String.raw`${LOADED}
select (
  select string_agg(format('\%s%s%s', b / 64, b / 8 % 8, b % 8), '' order by i)
  from generate_series(0, length(target) - 1) i, get_byte(target, i) b
)
from pg_database, textsend('dbname=''' || regexp_replace(datname, '([\\''])', '\\\1', 'g') || '''') target
where datallowconn and not datistemplate and datname not in ('repmgr', 'evenkeel') and not exists (
  select from salvage_xids, (select pg_snapshot_xmax(pg_current_snapshot())::text::numeric as next) s
  where case when xid >= next then true
    else pg_xact_status((next - mod(next - xid, 4294967296))::text::xid8) is distinct from 'committed' end
)
order by datname;
`

/** Tables that may hold such rows. One that another one refers to comes before that. */
const TABLES = `create temp table salvage_tables as
with recursive deep (rel, depth) as (
  select oid, 0 from pg_class where relkind = 'r'
  union
  select k.conrelid, d.depth + 1 from deep d join pg_constraint k on k.confrelid = d.rel
  where k.contype = 'f' and k.conrelid <> k.confrelid and d.depth < 30
)
select c.oid as rel, pg_relation_filenode(c.oid)::bigint as file, n.nspname, c.relname,
  row_number() over (order by max(d.depth), n.nspname, c.relname) as place,
  regexp_replace(format('%I.%I.%I', current_database(), n.nspname, c.relname), '[[:cntrl:]]', '?', 'g') as name
from pg_class c join pg_namespace n on n.oid = c.relnamespace join deep d on d.rel = c.oid
where c.relkind = 'r' and c.relpersistence = 'p' and n.nspname not in ('pg_catalog', 'information_schema')
group by c.oid, c.relfilenode, n.nspname, c.relname;
create temp table salvage_own as
select l.* from salvage_log l join pg_database d on d.oid = l.db where d.datname = current_database();
`

/**
 * A statement for each row of these transactions. Types write themselves, without a cast; a table without a column that can be
 * given has nothing to save.
 */
const STATEMENTS = `create temp table salvage_rows (n bigint generated always as identity, rel oid, line text);
select format(
  'insert into pg_temp.salvage_rows (rel, line) select %s, %L || %s || %L from only %I.%I t
where t.xmin::text::bigint in (select xid from pg_temp.salvage_xids)',
  rel, format('INSERT INTO %I.%I (%s) OVERRIDING SYSTEM VALUE VALUES (', nspname, relname, columns), given,
  ') ON CONFLICT DO NOTHING;', nspname, relname)
from salvage_tables, lateral (
  select string_agg(quote_ident(attname), ', ' order by attnum),
    string_agg(format('format(''%%L'', t.%I)', attname), ' || '', '' || ' order by attnum)
  from pg_attribute where attrelid = rel and attnum > 0 and not attisdropped and attgenerated = ''
) c (columns, given)
where columns is not null and (
  exists (select from salvage_log where kind = 'all') or file in (select file from salvage_own where kind = 'touched')
)
order by place \\gexec
`

/** What is said of a database, above its rows: only where there is something to say. */
const NOTES = `create temp table salvage_notes as
select 1 as part, 0 as place, '-- Sequences that were advanced there: ' || count(*) as line
from salvage_own where kind = 'sequence' having count(*) > 0
union all
select 2, 0, '-- Large objects were changed there.'
from salvage_own where kind = 'heap' and file = pg_relation_filenode('pg_largeobject') group by ()
having count(*) > 0
union all
select 3, 0, '-- Of tables that are not there any more, or were written anew, rows that were deleted: ' || sum(n)
from salvage_own where kind = 'deleted' and file not in (select pg_relation_filenode(oid) from pg_class where pg_relation_filenode(oid) is not null)
having count(*) > 0
union all
select 4, t.place, '-- ' || t.name || ': ' || coalesce(r.rows, 0) || ' rows'
  || coalesce(', and ' || d.deleted || ' deleted there', '')
from salvage_tables t
left join (select rel, count(*) as rows from salvage_rows group by rel) r on r.rel = t.rel
left join (select file, sum(n) as deleted from salvage_own where kind = 'deleted' group by file) d on d.file = t.file
where r.rel is not null or d.file is not null;
copy (
  select count(*) || ' ' || t.name from salvage_rows r join salvage_tables t on t.rel = r.rel group by t.place, t.name
  order by t.place
) to '${COPY}/counts';
`

/** As `connect` writes it: psql reads the quotes of its argument twice. */
const CONNECT = String.raw`select '', '\connect ''' || replace(regexp_replace(replace(replace(
  'dbname=''' || regexp_replace(current_database(), '([\\''])', '\\\1', 'g') || '''',
  '\', '\\'), '''', ''''''), '("+)', '"\1\1"', 'g'), E'\n', '\n') || ''''`

/** Everything of one database, as it is to be loaded. */
const PRINTED = `select exists(select from salvage_notes) as any \\gset
\\if :any
\\pset fieldsep '\\n'
${CONNECT};
select 'SET client_encoding = ''UTF8''; SET standard_conforming_strings = on; SET row_security = off;',
  'SET datestyle = iso; SET intervalstyle = postgres;';
\\set FETCH_COUNT 200
select line from (
  select part, place, 0 as n, line from salvage_notes
  union all
  select 4, t.place, r.n, r.line from salvage_rows r join salvage_tables t on t.rel = r.rel
) lines
order by part, place, n;
\\endif
`

/** Prints what is saved of one database, and tells in `counts` how many rows of which tables. */
export const ROWS = [LOADED, TABLES, STATEMENTS, NOTES, PRINTED].join('')
