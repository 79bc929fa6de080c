import type { Shell } from '../../../model/shell.ts'
import { sh } from '../../../shell/sh.ts'
import { CA, PASSFILE } from '../layout.ts'
import type { PostgresNode } from '../model.ts'
import { SLOT_NAME, slotName } from '../node-id.ts'
import { literal } from '../sql.ts'

/** How a node reaches the server of another one as the role `repmgr`, certificate and name verified. */
export function conninfo({ address }: Pick<PostgresNode, 'address'>): string {
  return `host=${address} user=repmgr dbname=repmgr connect_timeout=5 sslmode=verify-full sslrootcert=${CA} passfile=${PASSFILE}`
}

/** Nobody follows a node that is no primary any more. */
export function takesWrites(from: Pick<PostgresNode, 'host' | 'address'>): Shell {
  return sh`[ "$(ask 10 'select pg_is_in_recovery()' ${conninfo(from)})" = f ] || fail ${`${from.host} takes no writes: nothing is done`}`
}

/** None of the others does, as far as they can be reached from here. */
export function noneTakesWrites(others: readonly PostgresNode[]): Shell {
  return sh`for other in ${others.map((one) => conninfo(one))}; do
  [ "$(ask 5 'select pg_is_in_recovery()' "$other")" != f ] || fail "another node takes writes: $(echo "$other" | cut -d ' ' -f 1)"
done`
}

/** How a standby reaches its upstream, as repmgr writes it. */
function primaryConninfo({ host }: PostgresNode, { address }: PostgresNode): string {
  return `host=${address} user=repmgr connect_timeout=2 sslmode=verify-full sslrootcert=${CA} passfile=${PASSFILE} application_name=${host}`
}

/**
 * A new slot on the upstream: what holds the old one can only be the rest of a connection that is gone, or of a clone that
 * was cut off.
 */
export function freshSlot(node: PostgresNode, from: PostgresNode): Shell {
  const slot = literal(slotName(node))
  return onUpstream(
    from,
    `do $do$ begin
  perform pg_terminate_backend(active_pid, 10000) from pg_replication_slots where slot_name = ${slot} and active;
  perform pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = ${slot};
  perform pg_create_physical_replication_slot(${slot}, true);
end $do$`,
  )
}

/** A slot on the upstream: the one that is there, unless it lost its place. */
export function ownSlot(node: PostgresNode, from: PostgresNode): Shell {
  const slot = literal(slotName(node))
  return onUpstream(
    from,
    `do $do$ begin
  perform pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = ${slot} and not active and wal_status = 'lost';
  if not exists (select from pg_replication_slots where slot_name = ${slot}) then
    perform pg_create_physical_replication_slot(${slot}, true);
  end if;
end $do$`,
  )
}

function onUpstream(from: PostgresNode, statement: string): Shell {
  return sh`said=$(ask 60 ${statement} ${conninfo(from)}) || fail "its slot could not be made on "${from.host}": $said"`
}

/**
 * Makes the data directory `$1`, whose server does not run, the one of a standby. Settings come before the file that lets
 * the server begin as a standby.
 */
export function standbyData(node: PostgresNode, from: PostgresNode): Shell {
  const lines = [
    `primary_conninfo = ${setting(primaryConninfo(node, from))}`,
    `primary_slot_name = ${setting(slotName(node))}`,
  ]
  return sh`standby_data() {
  pg 60 sh -ceu 'f=$1/postgresql.auto.conf
grep -vE "^[[:space:]]*(primary_conninfo|primary_slot_name)[[:space:]]*=" "$f" >"$f.new" || true
printf "%s\\n" "$2" "$3" >>"$f.new"
chmod 0600 "$f.new"; sync "$f.new"; mv -f "$f.new" "$f"
: >"$1/standby.signal"; sync "$1/standby.signal" "$1"' sh "$1" ${lines}
}`
}

/** Points a standby that runs to its upstream; it needs no restart. */
export function standbySettings(node: PostgresNode, from: PostgresNode): Shell {
  const set = [
    `alter system set primary_conninfo = ${literal(primaryConninfo(node, from))}`,
    `alter system set primary_slot_name = ${literal(slotName(node))}`,
    'select pg_reload_conf()',
  ]
  return sh`from_here
for statement in ${set}; do
  said=$(sql "$statement") || fail "$said"
done`
}

/**
 * Waits until the node's server streams from another one, through its slot. One that is refused streams for a moment each
 * time it tries: so it is looked at twice.
 */
export function streamsFrom(node: PostgresNode, { host, address }: PostgresNode, seconds = 60): Shell {
  return sh`receiver() { ask 10 'select status, sender_host, slot_name, pid from pg_stat_wal_receiver'; }
streams() {
  seen=$(receiver) || return
  case $seen in ${`streaming ${address} ${slotName(node)} `}*) sleep 0.5; [ "$(receiver)" = "$seen" ] ;; *) return 1 ;; esac
}
past_fork() { said_since 'forked off current database system timeline .* before current recovery point'; }
tried() { streams || beyond_wal || past_fork; }
within ${seconds} tried && streams || { why; fail ${`it does not stream from ${host}`}; }`
}

/**
 * Slots that a standby keeps for others, from when it was the primary, would hold back its log for ever. Nobody streams from
 * a standby here.
 */
export const DROP_OLD_SLOTS: Shell = sh`said=$(sql ${`select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name ~ '${SLOT_NAME}' and not active`}) ||
  echo "its old slots could not be dropped: $said"`

/**
 * It reads in its own copy of repmgr's table who is active, so that is to be a new one. What the table lacks is not worth a
 * failure: the next survey shows it, and it has a step of its own.
 */
export function register(from: PostgresNode): Shell {
  return sh`at=$(ask 10 'select pg_current_wal_lsn()' ${conninfo(from)}) || at=0/0
caught_up() { [ "$(ask 10 "select pg_last_wal_replay_lsn() >= '$at'")" = t ]; }
within 20 caught_up || true
repmgr standby register --force --upstream-node-id=${from.id} || echo 'it is not registered yet'`
}

/** As postgresql.conf takes it. */
function setting(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
}
