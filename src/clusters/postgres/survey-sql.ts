import type { Desired } from './model.ts'
import { connect, literal, literals } from './sql.ts'

/**
 * What the survey asks a server, as one input of psql: each answer is one line, `NAME JSON`, whatever the names of things
 * hold. `end` is the last one. Read-only; lists are cut off, what the playbook names comes first in them.
 */
export function surveySql(desired: Desired): string {
  const databases = desired.databases.map(({ name }) => name)
  const sections = {
    server: SERVER,
    receiver: RECEIVER,
    upstream: UPSTREAM,
    standbys: STANDBYS,
    slots: SLOTS,
    settings: settings(Object.keys(desired.restartSettings)),
    autoConf: AUTO_CONF,
    databases: databaseList(databases),
    roles: roles(desired.users.map(({ name }) => name)),
  }
  return [
    ...Object.entries(sections).map(([name, query]) => line(name, query)),
    ...databases.map((name) => within(name, line('extensions', EXTENSIONS))),
    within(
      'repmgr',
      `select to_regclass('repmgr.nodes') is not null as has \\gset\n\\if :has\n${line('registered', REGISTERED)}\n${line('daemon', DAEMON)}\n\\endif`,
    ),
    '\\echo end',
    '',
  ].join('\n')
}

function line(name: string, query: string): string {
  return `select ${literal(`${name} `)} || to_jsonb(t)::text from (\n${query}\n) t;`
}

/** A query whose rows become one list. */
function list(query: string): string {
  return `select coalesce(jsonb_agg(to_jsonb(r)), '[]') as list from (\n${query}\n) r`
}

/** What is asked in another database, if that one is there. */
function within(database: string, commands: string): string {
  const there = `select exists(select from pg_database where datname = ${literal(database)} and datallowconn) as has \\gset`
  return [there, '\\if :has', connect(database), commands, '\\endif'].join('\n')
}

/** How far the log is here: written on a primary; received, or replayed from elsewhere, on a standby. */
const AT = `case when pg_is_in_recovery()
    then coalesce(greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), '0/0')
    else pg_current_wal_lsn() end`

const SEGMENT = `(select setting::numeric from pg_settings where name = 'wal_segment_size')`

/**
 * The timeline of the newest file with the last replayed byte: a standby that follows nobody knows no better, as its
 * control file is from the last restartpoint, and it may have got the history of a timeline that it can never follow.
 */
export const REPLAYED_TIMELINE = `select max(('x' || left(name, 8))::bit(32)::int)
  from pg_ls_waldir(),
    (select floor(greatest(pg_last_wal_replay_lsn() - '0/0'::pg_lsn - 1, 0) / ${SEGMENT}) as segment) s,
    (select 4294967296 / ${SEGMENT} as each) e
  where name ~ '^[0-9A-F]{24}$'
    and right(name, 16) = upper(lpad(to_hex(floor(segment / each)::bigint), 8, '0') || lpad(to_hex((segment % each)::bigint), 8, '0'))`

const SERVER = `select
  recovery as "inRecovery",
  (select system_identifier::text from pg_control_system()) as "systemId",
  case when recovery then coalesce(
    (select received_tli from pg_stat_wal_receiver where status = 'streaming'),
    (${REPLAYED_TIMELINE}),
    (select greatest(min_recovery_end_timeline, (select timeline_id from pg_control_checkpoint())) from pg_control_recovery())
  ) else ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int end as timeline,
  ${AT} as lsn,
  current_setting('server_version') as version,
  current_setting('default_transaction_read_only') = 'on' as "readOnly",
  current_setting('synchronous_standby_names') <> '' as waits
from (select pg_is_in_recovery() as recovery) r`

const RECEIVER = list(`select status, coalesce(sender_host, '') as sender, coalesce(slot_name, '') as slot
from pg_stat_wal_receiver where pid is not null`)

/** Only the host of it: it may hold a password. */
const UPSTREAM = `select
  coalesce(substring(info from '(?:^|\\s)host\\s*=\\s*''([^'']*)'''), substring(info from '(?:^|\\s)host\\s*=\\s*([^''\\s]+)'), '') as host,
  current_setting('primary_slot_name') as slot
from (select current_setting('primary_conninfo') as info) i`

const STANDBYS =
  list(`select application_name as name, coalesce(host(client_addr), '') as address, coalesce(state, '') as state,
  coalesce(sync_state, '') as sync, coalesce(ssl, false) as ssl,
  greatest(0, pg_wal_lsn_diff(${AT}, coalesce(flush_lsn, '0/0'))) as lag
from pg_stat_replication left join pg_stat_ssl using (pid) order by application_name limit 50`)

const SLOTS = list(`select slot_name as name, active, coalesce(wal_status, '') as "walStatus", safe_wal_size as safe,
  greatest(0, coalesce(pg_wal_lsn_diff(${AT}, restart_lsn), 0)) as kept
from pg_replication_slots where not temporary order by slot_name limit 50`)

function settings(names: readonly string[]): string {
  return list(`select name, setting, coalesce(unit, '') as unit, vartype from pg_settings
where lower(name) = any(${literals(names.map((name) => name.toLowerCase()))})`)
}

/** Commands and connections may hold a password. */
const AUTO_CONF = list(`select distinct on (name) name,
  case when name ~* 'command|conninfo|pass|secret|key|token' then '(not shown)' else coalesce(left(setting, 200), '') end as value
from pg_file_settings
where sourcefile like '%/postgresql.auto.conf' and name is not null and name not in ('primary_conninfo', 'primary_slot_name')
  and not (name = 'recovery_target_timeline' and setting = 'latest')
order by name, seqno desc limit 50`)

function databaseList(named: readonly string[]): string {
  return list(`select datname as name, pg_get_userbyid(datdba) as owner
from pg_database where datname not in ('template0', 'template1')
order by datname = any(${literals(named)}) desc, datname limit 150`)
}

/** The verifiers of the playbook's roles only: nobody needs the others. */
function roles(named: readonly string[]): string {
  return list(`select rolname as name, rolsuper as superuser,
  case when rolname = any(${literals(named)}) then coalesce(rolpassword, '') else '' end as verifier
from pg_authid where rolcanlogin order by rolname = any(${literals(named)}) desc, rolname limit 150`)
}

const EXTENSIONS = `select current_database() as database, coalesce(jsonb_agg(extname order by extname), '[]') as names
from pg_extension`

const REGISTERED = list(`select node_id as id, node_name as name, type, upstream_node_id as upstream, active,
  left(regexp_replace(conninfo, 'password\\s*=\\s*(''(\\\\.|[^''\\\\])*''|\\S+)', 'password=?', 'gi'), 500) as conninfo
from repmgr.nodes order by node_id limit 50`)

const DAEMON = 'select coalesce(repmgr.repmgrd_is_paused(), false) as paused'
