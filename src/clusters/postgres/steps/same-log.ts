import type { Shell } from '../../../model/shell.ts'
import { sh } from '../../../shell/sh.ts'
import { consentOptions } from '../../consent.ts'
import type { PostgresNode } from '../model.ts'
import { REPLAYED_TIMELINE } from '../survey-sql.ts'
import { conninfo } from './standby.ts'

/**
 * Two nodes that were promoted apart from each other write on timelines of one number, and no history tells them apart. So
 * before a node follows another one, or is rewound to it, the last piece of log that both should have is compared, byte by
 * byte. The primary keeps it: of a timeline that it left, in the segment where the next one begins.
 *
 * `same_log T P`: whether the node's log of timeline T is the one the primary has, up to where that left it, or to P. 2:
 * nobody can tell, for one of both has not kept it.
 */
function sameLog(node: PostgresNode, from: PostgresNode): Shell {
  return sh`same_log() {
  theirs=$(ask 30 "with now as (select left(pg_walfile_name(pg_current_wal_lsn()), 8) as name),
forks as (select f.m[1]::int as timeline, f.m[2]::pg_lsn as left_at, f.n
  from now, regexp_matches(coalesce(pg_read_file('pg_wal/' || name || '.history', 0, 1000000, true), ''),
    '^([0-9]+)[[:space:]]+([0-9A-F]+/[0-9A-F]+)', 'gn') with ordinality as f(m, n)),
place as (select least('$2'::pg_lsn, (select left_at from forks where timeline = $1), pg_current_wal_flush_lsn()) as at,
  (select next.timeline from forks join forks as next on next.n = forks.n + 1 where forks.timeline = $1) as next,
  (select setting::numeric from pg_settings where name = 'wal_segment_size') as size),
segment as (select *, floor((at - '0/0'::pg_lsn - 1) / size) as number from place),
file as (select lpad(to_hex(div(number * size, 4294967296)::bigint), 8, '0') ||
    lpad(to_hex(div(mod(number * size, 4294967296), size)::bigint), 8, '0') as suffix,
  (at - '0/0'::pg_lsn - number * size)::bigint as length, next from segment)
select upper(suffix), length, md5(coalesce(
  pg_read_binary_file('pg_wal/' || upper(lpad(to_hex($1), 8, '0') || suffix), 0, length, true),
  pg_read_binary_file('pg_wal/' || upper(coalesce(lpad(to_hex(next), 8, '0'), now.name) || suffix), 0, length, true)))
from file, now" ${conninfo(from)}) || fail "its log cannot be compared: $theirs"
  set -- "$1" $theirs
  own=$data/pg_wal/$(printf %08X "$1")$2
  [ -n "\${4:-}" ] && [ -f "$own" ] || return 2
  [ "$(head -c "$3" "$own" | md5sum | cut -d ' ' -f 1)" = "$4" ]
}
other_log() {
  fail ${`the timeline of what lies here and the one ${from.host} comes from have one number, and other content: two nodes were promoted apart from each other. It may hold commits that ${from.host} has not, so nothing is done to it. Look at what it is, and when nobody needs it, repair again with ${consentOptions({ [node.host]: 'unknown' })}. It is cloned then, and its data is moved aside`}
}`
}

/** Of a standby that runs. What nobody can compare is left to the stream, which ends where logs do not fit. */
export function requireSameLog(node: PostgresNode, from: PostgresNode): Shell {
  const own = `select coalesce((${REPLAYED_TIMELINE}), 0), pg_last_wal_replay_lsn()`
  return sh`${sameLog(node, from)}
place=$(sql ${own}) || fail "$place"
case $place in
0' '* | *' ') ;;
*) same_log $place || [ $? = 2 ] || other_log ;;
esac`
}

/**
 * Of a former primary whose server does not run: `comparable` fails when nobody can tell. The end of its log may have been
 * lost, so it is compared to where it ends now (`end`, or else its last checkpoint), where that is on the timeline in question.
 */
export function compareStopped(node: PostgresNode, from: PostgresNode, end?: string): Shell {
  return sh`${sameLog(node, from)}
comparable() {
  t=$(control "Latest checkpoint's TimeLineID") at=${end ?? ''}
  [ -n "$at" ] || at=$(control 'Latest checkpoint location')
  newest=$(ls "$data/pg_wal" | sed -n 's/^\\([0-9A-F]\\{8\\}\\)\\.history$/\\1/p' | sort | tail -n 1)
  [ -z "$newest" ] || [ "$((0x$newest))" -le "$t" ] || { t=$((0x$newest)) at=; }
  said=0
  same_log "$t" FFFFFFFF/FFFFFFFF || said=$?
  [ "$said" != 1 ] || [ -z "$at" ] || ! same_log "$t" "$at" || said=0
  [ "$said" != 1 ] || other_log
  [ "$said" = 0 ] || { echo 'its log cannot be compared any more, so it is not rewound'; return 1; }
}`
}
