import { type Change, change } from '../model/change.ts'
import type { Probe } from '../model/probe.ts'
import type { Shell } from '../model/shell.ts'
import { taskType } from '../model/task.ts'
import { CRONTABS, type CronEntries, cronEntries } from '../shell/readers/cron.ts'
import { sh } from '../shell/sh.ts'
import { invalidName } from './ownership.ts'
import { shellStep } from './steps.ts'

export interface Cron {
  /** Names the entry in its crontab, so that it is found again when its schedule or command changes. */
  readonly name: string
  /** When it runs: five fields (minute, hour, day of month, month, day of week), or `@daily` and the like. */
  readonly schedule?: string
  /** One line of shell. `%` and `\`, which cron reads for itself, are written as `\%` and `\\`. */
  readonly run?: Shell
  /** Whose crontab it stands in, and who it runs as. Default: root. */
  readonly user?: string
  /** `true`: the entry shall not be there. Default: false. */
  readonly absent?: boolean
}

type CronProbes = { readonly entries: Probe<CronEntries> }

const NICKNAMES = ['@reboot', '@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly']

/**
 * Keeps an entry of a user's crontab, under a comment `# evenkeel: NAME`; all other lines are left alone. `crontab` itself
 * judges and installs the new table.
 *
 * @example
 * cron({ name: 'backup', schedule: '15 3 * * *', run: sh`/usr/local/sbin/backup --quiet` })
 */
export const cron = taskType('cron', {
  key: (want: Cron) => `cron:${userOf(want)}:${want.name}`,
  label: (want) => (userOf(want) === 'root' ? want.name : `${want.name} of ${userOf(want)}`),
  invalid,
  check: (want): CronProbes => ({ entries: cronEntries(userOf(want), want.name) }),
  read: ({ entries }) => entries ?? [],
  apply,
  removal: (want) => ({
    type: 'cron',
    want: { name: want.name, user: userOf(want), absent: true },
    proof: cronEntries(userOf(want), want.name),
  }),
})

function userOf({ user = 'root' }: Cron): string {
  return user
}

function invalid({ name, schedule, run, user, absent }: Cron): string | undefined {
  if (typeof name !== 'string' || !/^[A-Za-z0-9_][A-Za-z0-9_ .:@-]{0,99}$/.test(name) || name.endsWith(' '))
    return `name must be letters, digits, blanks and _ . : @ -, at most 100, not ${JSON.stringify(name)}`
  if (absent) {
    return schedule === undefined && run === undefined
      ? invalidName('user', user)
      : 'absent: true goes with name and user alone'
  }
  if (!run?.shell.trim()) return 'run must be a script: sh`…`'
  if (/[\n\r\0]/.test(run.shell)) return 'run must be one line: put more into a file, and run that'
  return invalidSchedule(schedule) ?? invalidName('user', user)
}

/** cron's own grammar is `crontab`'s to judge; this tells a schedule from a slip of the keyboard. */
function invalidSchedule(schedule: unknown): string | undefined {
  if (
    typeof schedule === 'string' &&
    (NICKNAMES.includes(schedule) || /^[0-9*,/a-z-]+( [0-9*,/a-z-]+){4}$/i.test(schedule))
  )
    return undefined
  return `schedule must be five fields with one blank between, or one of ${NICKNAMES.join(' ')}, not ${JSON.stringify(schedule)}`
}

function apply(want: Cron, entries: CronEntries): readonly (readonly Change[])[] {
  const [first, ...more] = entries
  if (want.absent) return [change('entry', first ?? null, null, edit(want))]
  const now = first === undefined ? undefined : parsed(first)
  const step = edit(want)
  return [
    change('schedule', now?.schedule ?? null, want.schedule, step),
    change('run', now?.command ?? null, commandOf(want), step),
    change('entries', more.length + 1, 1, step),
  ]
}

/** cron takes `%` for a line break, and two backslashes for one. */
function commandOf({ run }: Cron): string {
  return run?.shell.replace(/[\\%]/g, '\\$&') ?? ''
}

/** A line of a crontab. What is no entry at all, a comment say, counts as a command without a schedule. */
function parsed(line: string): { readonly schedule: string | null; readonly command: string } {
  const [, schedule, command] = /^\s*(@\S+|\S+(?:\s+\S+){4})\s+(.*)$/.exec(line) ?? []
  if (schedule === undefined || command === undefined || line.trimStart().startsWith('#'))
    return { schedule: null, command: line }
  return { schedule: schedule.replace(/\s+/g, ' '), command }
}

/**
 * Puts the entry in the place of the first one of its name, or at the end, and takes all further ones out. The table is
 * read from its file, whose first lines `crontab` writes anew, and nothing is installed unless it was read whole.
 */
function edit(want: Cron) {
  const user = userOf(want)
  const table = `${CRONTABS}/${user}`
  const entry = want.absent ? '' : `${want.schedule} ${commandOf(want)}`
  return shellStep(
    sh`command -v crontab >/dev/null || { echo 'crontab is not there: install the package cron'; exit 1; }
m=${`# evenkeel: ${want.name}`} e=${entry} f=${table} i=0 p= d=
entry() { [ -n "$d" ] || [ -z "$e" ] || printf '%s\\n%s\\n' "$m" "$e"; d=1; }
t=$(set -e; [ ! -e "$f" ] || while IFS= read -r l || [ -n "$l" ]; do i=$((i + 1))
  case $i$l in '1# DO NOT EDIT THIS FILE'*|'2# ('*' installed on '*|'3# (Cron version'*) continue ;; esac
  if [ "$p" = "$m" ]; then p=; entry; elif [ "$l" = "$m" ]; then p=$l; else printf '%s\\n' "$l"; fi
done <"$f"; entry)
if [ -n "$t" ]; then crontab -u ${user} - <<END_OF_TABLE
$t
END_OF_TABLE
else crontab -u ${user} -r; fi`,
    { keeps: table },
  )
}
