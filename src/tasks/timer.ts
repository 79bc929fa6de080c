import { callSite } from '../model/call-site.ts'
import { DeployError, exitCodes } from '../model/error.ts'
import type { Shell } from '../model/shell.ts'
import type { Task, TaskOptions } from '../model/task.ts'
import { invalidName } from './ownership.ts'
import { unit } from './unit.ts'

export interface Timer {
  /** Names the timer and its service: `NAME.timer` starts `NAME.service`. */
  readonly name: string
  /** What it runs, with POSIX sh. Omitted only with `absent`. */
  readonly run?: Shell
  /** When, as systemd.time(7) says it: `daily`, `*-*-* 03:15`, `Mon..Fri 08:00`. Either this or `every`. */
  readonly calendar?: string
  /** How long after it last ran, e.g. `15min`; the first time that long after the boot. */
  readonly every?: string
  /** The user it runs as. Default: root. */
  readonly user?: string
  /** `true`: what was missed while the host was off runs at the next boot; with `calendar` only. Default: false. */
  readonly persistent?: boolean
  /** Put off by a random time up to this, e.g. `5min`, so that not all hosts run at once. Default: none. */
  readonly randomDelay?: string
  /** `true`: neither of the two units shall be there; both are stopped and disabled first. Default: false. */
  readonly absent?: boolean
}

/**
 * A systemd timer and the service that it starts: two unit files, the timer enabled and running. It gives the tasks of
 * both, so that each has its own diff. A change of the service does not run it.
 *
 * @throws DeployError `E_TASK` (exit 64) when its parameters make no sense.
 *
 * @example
 * timer({ name: 'backup', calendar: '*-*-* 03:15', run: sh`/usr/local/sbin/backup`, persistent: true })
 */
export function timer(want: Timer, options: TaskOptions = {}): readonly Task[] {
  const wrong = mistake(want)
  if (wrong)
    throw new DeployError({
      code: 'E_TASK',
      message: `timer ${want.name}: ${wrong}`,
      where: callSite(),
      exit: exitCodes.usage,
    })
  const { name, user, run, absent } = want
  if (absent || !run) {
    return ['timer', 'service'].map((suffix) => unit({ name: `${name}.${suffix}`, absent: true }, options))
  }
  const service = lines(
    '[Unit]',
    `Description=${name}`,
    '',
    '[Service]',
    'Type=oneshot',
    user && `User=${user}`,
    command(run),
  )
  return [
    unit({ name: `${name}.service`, content: service, restart: false }, options),
    unit({ name: `${name}.timer`, content: timerText(want), enabled: true, running: true }, options),
  ]
}

function timerText({ name, calendar, every, persistent, randomDelay }: Timer): string {
  return lines(
    '[Unit]',
    `Description=${name}`,
    '',
    '[Timer]',
    calendar !== undefined && `OnCalendar=${calendar}`,
    every !== undefined && `OnBootSec=${every}`,
    every !== undefined && `OnUnitActiveSec=${every}`,
    persistent && 'Persistent=true',
    randomDelay !== undefined && `RandomizedDelaySec=${randomDelay}`,
    '',
    '[Install]',
    'WantedBy=timers.target',
  )
}

function mistake({ name, absent, ...parts }: Timer): string | undefined {
  const { run, calendar, every, persistent, randomDelay, user } = parts
  if (typeof name !== 'string' || !/^[A-Za-z0-9_][A-Za-z0-9_-]{0,99}$/.test(name))
    return 'name must be letters, digits, _ and -'
  if (absent) {
    return Object.values(parts).some((value) => value !== undefined) ? 'absent: true goes with name alone' : undefined
  }
  if (!run?.shell.trim()) return 'run must be a script: sh`…`'
  if (run.shell.includes('\0')) return 'a NUL character cannot be part of run'
  if ((calendar === undefined) === (every === undefined)) return 'say either calendar or every'
  if (persistent && calendar === undefined) return 'persistent goes with calendar only'
  const long = [calendar, every, randomDelay].find((text) => text !== undefined && !/^[^\n\r\0%]+$/.test(text))
  if (long !== undefined) return `${JSON.stringify(long)} must be one line of text, without %`
  return invalidName('user', user)
}

/** A script as one word of ExecStart=: systemd reads C escapes, `%` and `$` in it. A lone CR ends a line there as well. */
function command({ shell }: Shell): string {
  const word = shell
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t')
    .replaceAll('%', '%%')
    .replaceAll('$', '$$$$')
  return `ExecStart=/bin/sh -c "${word}"`
}

function lines(...all: readonly (string | false | undefined)[]): string {
  return all.flatMap((line) => (typeof line === 'string' ? [`${line}\n`] : [])).join('')
}
