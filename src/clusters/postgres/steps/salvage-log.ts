import type { Shell } from '../../../model/shell.ts'
import { sh } from '../../../shell/sh.ts'
import { lsnBytes, lsnText, SEGMENT } from '../lsn.ts'
import type { Stretch } from '../parting.ts'
import { FIELDS, RECORDS, stretchOf } from '../read-log.ts'

/**
 * Reads the parts of the log that only this node has, and writes into `$copy/changes`, by tabs: a word, a database, a file and
 * a number.
 *
 * - `xid`: a transaction that was committed there, as the file
 * - `commits`: how many
 * - `touched`: something was written into this file there, or by one of them before
 * - `deleted`: rows that they deleted in it
 * - `heap`: records of it that are about rows
 * - `sequence`: it was advanced
 * - `all`: one of them may have written into a file that is not named
 */
export function readOwnLog(stretches: readonly Stretch[]): Shell {
  const [first] = stretches
  if (!first) return sh`:`
  const parts = stretches.map((stretch) => stretchOf(sh`wal`, stretch).shell)
  return sh`wal() { timeout -k 5 7200 "$bin/pg_waldump" -p "$data/pg_wal" "$@" 2>&1; }
{ ${{ shell: parts.join('; ') }}; } | awk ${OWN} >"$copy/changes"
bad=$(sed -n 's/^bad //p' "$copy/changes")
[ -z "$bad" ] || fail "its log cannot be read to its end, so nothing was saved and nothing done: $bad"
${readBefore(first)}`
}

/** A transaction may have begun before the log parts: what it wrote is looked for in some of the log before. */
function readBefore({ timeline, from }: Stretch): Shell {
  return sh`before=
for one in ${segmentsBefore(timeline, from)}; do
  [ -f "$data/pg_wal/\${one%=*}" ] || break
  before=\${one#*=}
done
{ [ -z "$before" ] || wal -t ${timeline} -s "$before" -e ${from} || echo "ended $?"; } | awk -v file="$copy/changes" ${BEFORE} >"$copy/before"
cat "$copy/before" >>"$copy/changes"`
}

/** The files of the log before a place, the nearest first, each with where it begins. */
export function segmentsBefore(timeline: number, from: string): readonly string[] {
  const nearest = lsnBytes(from) / SEGMENT
  const numbers = [0n, 1n, 2n, 3n].map((back) => nearest - back).filter((number) => number > 0n)
  return numbers.map((number) => {
    const words = [BigInt(timeline), number / 256n, number % 256n]
    const file = words.map((word) => word.toString(16).toUpperCase().padStart(8, '0')).join('')
    return `${file}=${lsnText(number * SEGMENT)}`
  })
}

export const OWN = `${RECORDS}
{ rel = where(); if (rel != "") touched[rel] = 1 }
/^rmgr: Heap2? / && rel != "" { heap[rel]++ }
/^rmgr: Heap .*desc: DELETE / { deleted[tx() "\\t" rel]++ }
/^rmgr: Sequence / && rel != "" { sequence[rel] = 1 }
/^rmgr: Transaction .*desc: COMMIT(_PREPARED)? / {
  commits++
  one = tx()
  if (/desc: COMMIT_PREPARED /) { all = 1; one = field("COMMIT_PREPARED [0-9]+", 16) }
  xid[one] = 1
  count = split(field("; subxacts:( [0-9]+)+", 11), subs, " ")
  for (i = 1; i <= count; i++) xid[subs[i]] = 1
}
END {
  if (trouble() != "") print "bad " trouble()
  print "commits\\t0\\t0\\t" commits + 0
  if (all) print "all\\t0\\t0\\t0"
  for (one in xid) print "xid\\t0\\t" one "\\t0"
  for (rel in touched) print "touched\\t" rel "\\t0"
  for (rel in heap) print "heap\\t" rel "\\t" heap[rel]
  for (rel in sequence) print "sequence\\t" rel "\\t0"
  for (key in deleted) { split(key, part, "\\t"); if (part[1] in xid) print "deleted\\t" part[2] "\\t" part[3] "\\t" deleted[key] }
}`

/** The first record of the transactions that ran tells which number was the next one then. */
export const BEFORE = `${FIELDS}
function precedes(one, other) { return (one - other + 4294967296) % 4294967296 >= 2147483648 }
BEGIN {
  while ((getline line < file) > 0) {
    split(line, part, "\\t")
    if (part[1] == "xid") { xid[part[3]] = 1; if (least == "" || precedes(part[3], least)) least = part[3] }
  }
}
next_ == "" && /desc: RUNNING_XACTS nextXid [0-9]+/ { next_ = field("nextXid [0-9]+", 8) }
/^ended / { cut = 1 }
/^rmgr: / && (tx() in xid) { rel = where(); if (rel != "") touched[rel] = 1 }
END {
  for (rel in touched) print "touched\\t" rel "\\t0"
  if (least != "" && (cut || next_ == "" || precedes(least, next_))) print "all\\t0\\t0\\t0"
}`
