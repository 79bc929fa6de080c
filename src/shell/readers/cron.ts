import type { Answer, Probe, Reader } from '../../model/probe.ts'
import { absent, callFunction, fromPiece, splitNul, toPiece, unreadable, utf8, value } from './records.ts'

/** The lines behind each mark `# evenkeel: NAME` in a user's crontab; mostly one. */
export type CronEntries = readonly string[]

/** Where cron keeps the crontabs of users. */
export const CRONTABS = '/var/spool/cron/crontabs'

/** The entries of a user's crontab that have a name. Absent: none has it. No process: the shell reads the file itself. */
export function cronEntries(user: string, name: string): Probe<CronEntries> {
  return { reader, key: `${user} ${name}` }
}

const reader: Reader<CronEntries> = {
  kind: 'cron',
  define: `r_cron() { for k; do f=${CRONTABS}/\${k%% *} m="# evenkeel: \${k#* }" p=
if [ ! -x ${CRONTABS} ] && [ -d ${CRONTABS} ]; then printf 'uonly root can read crontabs'
elif [ -e "$f" ] && [ ! -r "$f" ]; then printf 'uPermission denied'
elif [ -e "$f" ]; then
  while IFS= read -r l || [ -n "$l" ]; do [ "$p" != "$m" ] || printf 'v%s\\n' "$l"; p=$l; done <"$f"
  [ "$p" != "$m" ] || printf 'v\\n'
fi; printf '\\0'; done; }`,
  call: (keys) => callFunction('r_cron', keys),
  split: (output, keys) => {
    const texts = splitNul(output)
    return keys.map((_key, index) => toPiece(texts[index] ?? 'uno answer'))
  },
  join: (pieces) => Buffer.from(pieces.map((piece) => `${fromPiece<string>(piece)}\0`).join(''), 'latin1'),
  parse,
}

function parse(piece: Buffer): Answer<CronEntries> {
  const text = utf8(fromPiece<string>(piece))
  if (text === '') return absent
  if (text.startsWith('u')) return unreadable(text.slice(1))
  return value(
    text
      .trimEnd()
      .split('\n')
      .map((line) => line.slice(1)),
  )
}
