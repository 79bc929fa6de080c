import type { Shell } from '../../model/shell.ts'
import { sh } from '../../shell/sh.ts'
import type { Stretch } from './parting.ts'

/**
 * A stretch of the log as pg_waldump shows it, for a program that begins with `RECORDS`: how the reading ended comes last.
 *
 * @param dump a command, up to the arguments that name the stretch
 */
export function stretchOf(dump: Shell, { timeline, from, to }: Stretch): Shell {
  const end = to === undefined ? sh`` : sh` -e ${to}`
  return sh`echo part; c=0; ${dump} -t ${timeline} -s ${from}${end} || c=$?; echo "ended $c"`
}

/** What the fields of a record are. Some awks print great numbers in short: numbers of transactions stay text. */
export const FIELDS = `
function field(pattern, skip) { return match($0, pattern) ? substr($0, RSTART + skip, RLENGTH - skip) : "" }
function where(  found) { found = field(" rel [0-9]+/[0-9]+/[0-9]+", 5); sub(/^[0-9]+\\//, "", found); sub(/\\//, "\\t", found); return found }
function tx(  found) { found = field("tx: *[0-9]+", 3); sub(/^ +/, "", found); return found }
`

/** How a log ends that was written to its end: there is no record any more, or no file. */
const LOG_END =
  /invalid record length|record with incorrect prev-link|invalid contrecord|invalid magic number|unexpected pageaddr|could not find file|could not find a valid record/

/**
 * Behind it a program sees the records of stretches only: `records` of them, the last one of `part`. In the end
 * `trouble()` says why there may be more than was read. A file that is missing is the end of a log when some of it was read
 * before.
 */
export const RECORDS = `${FIELDS}
function trouble() { return bad == "" && ended < begun ? "its reading was cut off" : bad }
/^part$/ { begun++; own = said = 0; next }
/^pg_waldump: (error|fatal): / {
  said = 1
  if ($0 !~ /${LOG_END.source}/ || own == 0 && /could not find file/) bad = substr($0, 13, 200)
  next
}
/^ended / {
  ended++
  if ($2 > 1) bad = "it took too long, or was killed"
  else if ($2 == 1 && !said) bad = "pg_waldump failed, and did not say why"
  next
}
!/^rmgr: / { next }
{ own++; records++ }
`
