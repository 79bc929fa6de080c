import { sh } from '../../shell/sh.ts'
import { places } from './settings.ts'

/**
 * Of a server that is down and was a primary, its log behind the last checkpoint, read to its end: where the last record
 * begins, how long it is, where the last commit begins. What cannot be read in time says nothing. `$D` is the data
 * directory; `$r` whether a server runs in it.
 */
export const READ_LOG = sh`if [ "$r" = no ] && [ -f "$D/PG_VERSION" ] && [ ! -e "$D/standby.signal" ]; then
  c=$(limit 1 ${`${places.bin}/pg_controldata`} "$D")
  t=$(printf '%s\n' "$c" | sed -n "s/^Latest checkpoint's TimeLineID: *//p")
  s=$(printf '%s\n' "$c" | sed -n 's/^Latest checkpoint location: *//p')
  { limit 6 ${`${places.bin}/pg_waldump`} -p "$D/pg_wal" -t "$t" -s "$s"; echo "ended $?"; } | awk '
    match($0, /lsn: [0-9A-F]+[/][0-9A-F]+/) {
      lsn = substr($0, RSTART + 5, RLENGTH - 5)
      bytes = $0; sub(/^.*len .rec.tot.: *[0-9]+[/] */, "", bytes); sub(/,.*/, "", bytes)
      if ($0 ~ /desc: COMMIT/) commit = lsn
    }
    $1 == "ended" && $2 < 128 && lsn != "" { print "wal " lsn " " bytes " " (commit == "" ? "-" : commit) }'
fi`
