import { type Change, change } from '../model/change.ts'
import type { Detail } from '../model/task.ts'
import { taskType } from '../model/task.ts'
import { type UnitState, unit } from '../shell/readers/unit.ts'
import { sh } from '../shell/sh.ts'
import { shellStep } from './steps.ts'
import { invalidUnit, isUnitTemplate, unitName } from './unit-name.ts'
import { type UnitWant, unitChanges, unitRefusal } from './unit-state.ts'

export interface Service extends UnitWant {
  /** Unit name, with or without its `.service` suffix. */
  readonly unit: string
  /** Whether the unit is masked, so that nothing can start it. Omitted: left alone. */
  readonly masked?: boolean
}

/**
 * Keeps a systemd unit running (or stopped), enabled (or disabled), masked (or not). A unit that is not there yet is
 * planned all the same: a package or unit file of this run may bring it.
 *
 * @example
 * service({ unit: 'nginx', running: true, enabled: true })
 */
export const service = taskType('service', {
  key: (want: Service) => `service:${unitName(want.unit)}`,
  label: (want) => want.unit,
  invalid,
  check: (want) => ({ unit: unit(want.unit) }),
  read: (values) => values.unit,
  apply,
  detail,
})

function invalid(want: Service): string | undefined {
  if (want.masked && (want.running || want.enabled)) return 'a masked unit can neither run nor be enabled'
  if ([want.running, want.enabled, want.masked].every((field) => field === undefined))
    return 'say running, enabled or masked'
  if (typeof want.unit === 'string' && isUnitTemplate(want.unit))
    return `${want.unit} is a template of units: name an instance`
  return invalidUnit('unit', want.unit)
}

/** A unit is unmasked before it is started, and stopped before it is masked. */
function apply(want: Service, now: UnitState | undefined): readonly (readonly Change[])[] {
  const name = unitName(want.unit)
  const mask = shellStep(
    // Each verb knows one place only: /etc, or with --runtime /run.
    want.masked
      ? sh`systemctl mask --quiet -- ${name}`
      : sh`systemctl unmask --quiet -- ${name} && systemctl unmask --quiet --runtime -- ${name}`,
  )
  const masked = change(
    'masked',
    now?.file === 'masked' || (now?.file === 'masked-runtime' ? 'runtime' : false),
    want.masked,
    mask,
  )
  const others = unitChanges(name, want, now)
  return want.masked ? [...others, masked] : [masked, ...others]
}

function detail(want: Service, now: UnitState | undefined): Detail {
  if (!now) return { notes: ['there is no such unit yet: a package or unit file of this run must bring it'] }
  const refuse = want.masked === false ? undefined : unitRefusal(unitName(want.unit), want, now)
  return refuse === undefined
    ? {}
    : { refuse: `${refuse}${now.file.startsWith('masked') ? ' (masked: false unmasks it)' : ''}` }
}
