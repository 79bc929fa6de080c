import { type Change, change } from '../model/change.ts'
import type { Probes } from '../model/probe.ts'
import type { Shell } from '../model/shell.ts'
import { type Detail, taskType } from '../model/task.ts'
import { type FileState, stat } from '../shell/readers/file.ts'
import { type ScriptResult, succeeds } from '../shell/readers/script.ts'
import { type UnitState, unit as unitProbe } from '../shell/readers/unit.ts'
import { sh } from '../shell/sh.ts'
import { firstLine } from './first-line.ts'
import { invalidPath } from './path.ts'
import { scriptLines, shellStep } from './steps.ts'
import { invalidUnit, unitName } from './unit-name.ts'

export interface WaitFor {
  /** A path that must be there. */
  readonly path?: string
  /** A TCP port that something must listen on, on any address of the host. */
  readonly port?: number
  /** A systemd unit that must be active. */
  readonly unit?: string
  /** A script that must succeed. Read-only, for every plan asks it. */
  readonly succeeds?: Shell
  /** Seconds to wait, 600 at most. Default: 60. */
  readonly within?: number
}

interface WaitNow {
  readonly path: FileState | undefined
  readonly unit: UnitState | undefined
  readonly script: ScriptResult | undefined
}

/** Seconds between two looks. */
const PAUSE = 0.5

/**
 * Waits until something is so: exactly one of `path`, `port`, `unit` and `succeeds`. It is as wanted where it is so already;
 * else apply looks again and again, and fails when the time is over. It changes nothing itself, so it stands behind the
 * task that brings about what it waits for.
 *
 * @example
 * waitFor({ port: 5432, within: 30 })
 */
export const waitFor = taskType('waitFor', {
  key: (want: WaitFor) => `wait:${label(want)}`,
  label,
  invalid,
  check,
  read: (values) => values as unknown as WaitNow,
  apply,
  detail,
  honesty: () => 'probed',
})

function label({ path, port, unit, succeeds: script }: WaitFor): string {
  if (path !== undefined) return path
  if (port !== undefined) return `port ${port}`
  return unit === undefined ? firstLine(script?.shell ?? '') : unitName(unit)
}

function invalid({ path, port, unit, succeeds: script, within }: WaitFor): string | undefined {
  if ([path, port, unit, script].filter((one) => one !== undefined).length !== 1)
    return 'say exactly one of path, port, unit and succeeds'
  if (port !== undefined && !(Number.isInteger(port) && port >= 1 && port <= 65535))
    return `port must be a whole number from 1 to 65535, not ${JSON.stringify(port)}`
  if (script !== undefined && !script.shell?.trim()) return 'succeeds must be a script: sh`…`'
  if (within !== undefined && !(Number.isFinite(within) && within > 0 && within <= 600))
    return `within must be seconds, at most 600, not ${JSON.stringify(within)}`
  return (
    (path === undefined ? undefined : invalidPath(path)) ?? (unit === undefined ? undefined : invalidUnit('unit', unit))
  )
}

function check(want: WaitFor): Probes {
  if (want.path !== undefined) return { path: stat(want.path) }
  if (want.unit !== undefined) return { unit: unitProbe(want.unit) }
  return { script: succeeds(condition(want)) }
}

/** A script that succeeds when it is so. A listener is in state 0A, its port in hexadecimal digits. */
function condition({ path, port, unit, succeeds: script }: WaitFor): Shell {
  if (path !== undefined) return sh`[ -e ${path} ] || [ -L ${path} ]`
  if (unit !== undefined) return sh`systemctl is-active --quiet -- ${unitName(unit)}`
  const digits = (port ?? 0).toString(16).toUpperCase().padStart(4, '0')
  return (
    script ??
    sh`grep -q ${`^ *[0-9]*: [0-9A-F]*:${digits} [0-9A-F]*:0000 0A `} /proc/net/tcp /proc/net/tcp6 2>/dev/null`
  )
}

function isSo(want: WaitFor, { path, unit, script }: WaitNow): boolean {
  if (want.path !== undefined) return path !== undefined
  return want.unit === undefined ? script?.code === 0 : unit?.active === 'active'
}

function apply(want: WaitFor, now: WaitNow): readonly Change[] {
  const within = want.within ?? 60
  const wait = shellStep(
    scriptLines(
      sh`i=0; until (`,
      condition(want),
      sh`) >/dev/null 2>&1; do i=$((i + 1)); [ "$i" -lt ${Math.ceil(within / PAUSE)} ] || { echo ${`not so within ${within} s`}; exit 1; }; sleep ${PAUSE}; done`,
    ),
    { foreign: true },
  )
  return change('state', 'not so', isSo(want, now) ? 'not so' : `so within ${within} s`, wait)
}

function detail(want: WaitFor, now: WaitNow): Detail {
  if (want.unit !== undefined && now.unit) return { notes: [`it is ${now.unit.active} now`] }
  return {}
}
