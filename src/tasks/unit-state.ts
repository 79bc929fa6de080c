import { type Change, change, type Shown } from '../model/change.ts'
import type { ShellStep } from '../model/step.ts'
import type { UnitState } from '../shell/readers/unit.ts'
import { sh } from '../shell/sh.ts'
import { scriptLines, shellStep } from './steps.ts'

/** Whether a unit runs now, starts at boot, can be started at all. */
export interface UnitWant {
  /** Whether the unit runs now. Omitted: left alone. */
  readonly running?: boolean
  /** Whether the unit starts at boot. Omitted: left alone. */
  readonly enabled?: boolean
}

/** States of a unit file in which `enable` and `disable` have nothing to say. */
const NEITHER = ['generated', 'indirect', 'alias']

/** Changes of `enabled`, then of `running`. `unit` has its suffix; `now` is undefined when there is no such unit yet. */
export function unitChanges(unit: string, want: UnitWant, now: UnitState | undefined): readonly (readonly Change[])[] {
  // A unit that is new to systemd is read when it is started: no need to read all of them again.
  const enable = now ? sh`enable --quiet` : sh`enable --quiet --no-reload`
  const enabling = shellStep(
    scriptLines(
      sh`systemctl ${want.enabled ? enable : sh`disable --quiet`} -- ${unit}`,
      !want.enabled && now?.file === 'enabled-runtime' && sh`systemctl disable --quiet --runtime -- ${unit}`,
    ),
  )
  const run = want.running ? startStep(unit, now) : shellStep(sh`systemctl stop -- ${unit}`, { foreign: true })
  return [
    change('enabled', enabledNow(now, want.enabled), want.enabled, enabling),
    change('running', runningNow(now, want.running), want.running, run),
  ]
}

/**
 * Starts a unit, from the definition on disk, even where it gave up for having failed too often. When it does not start,
 * its last messages tell why.
 */
export function startStep(unit: string, now: UnitState | undefined, verb: 'start' | 'restart' = 'start'): ShellStep {
  return shellStep(
    scriptLines(
      now?.stale && sh`systemctl daemon-reload`,
      (now?.active === 'failed' || now?.active === 'activating') && sh`systemctl reset-failed -- ${unit} || :`,
      sh`systemctl ${verb} -- ${unit} || { systemctl status --no-pager --full -n 20 -- ${unit}; exit 1; }`,
    ),
    { foreign: true, starts: unit },
  )
}

/** `true` and `false` only where that is certain: a unit in `activating` may be starting for the hundredth time. */
function runningNow(now: UnitState | undefined, wanted: boolean | undefined): Shown {
  const active = now?.active ?? 'inactive'
  if (active === 'active' || active === 'reloading' || active === 'refreshing') return true
  return active === 'inactive' || (active === 'failed' && !wanted) ? false : active
}

/** What is neither enabled nor disabled shows its own word where that is not what is wanted. */
function enabledNow(now: UnitState | undefined, wanted: boolean | undefined): Shown {
  const file = now?.file ?? ''
  if (file === 'enabled') return true
  if (NEITHER.includes(file)) return wanted ?? false
  if (file === '' || file === 'disabled') return false
  return wanted || file === 'enabled-runtime' ? file : false
}

/** Why a unit cannot be enabled or started as it is, or `undefined` when it can. */
export function unitRefusal(unit: string, want: UnitWant, now: UnitState | undefined): string | undefined {
  const masked = now?.file.startsWith('masked')
  if (masked && (want.running || want.enabled)) return `${unit} is masked: systemd will not start it`
  if (now?.file === 'static' && want.enabled)
    return `${unit} has no [Install] section, so it cannot be enabled: leave enabled out`
  return undefined
}
