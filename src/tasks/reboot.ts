import { change } from '../model/change.ts'
import type { Shell } from '../model/shell.ts'
import { taskType } from '../model/task.ts'
import { succeeds } from '../shell/readers/script.ts'
import { sh } from '../shell/sh.ts'
import { firstLine } from './first-line.ts'
import { shellStep } from './steps.ts'

export interface Reboot {
  /**
   * Read-only script: the host is rebooted when it succeeds, and it must fail afterwards. Default: /run/reboot-required is
   * there, by which packages of Debian ask for it.
   */
  readonly when?: Shell
}

const REQUIRED = sh`[ -e /run/reboot-required ]`

/**
 * Reboots the host where that is needed, waits until it has booted, known by its boot id, and goes on with the tasks
 * behind. The option `timeout` says how many seconds it may be away. Handlers that are owed by then run after it.
 *
 * @example
 * reboot({ when: sh`[ -e /run/reboot-required ]` })
 */
export const reboot = taskType('reboot', {
  key: (want: Reboot) => `reboot:${condition(want).shell}`,
  label: ({ when }) => (when ? `when ${firstLine(when.shell)}` : 'when required'),
  invalid: ({ when }) => (when === undefined || when.shell?.trim() ? undefined : 'when must be a script: sh`…`'),
  check: (want) => ({ when: succeeds(condition(want)) }),
  read: ({ when }) => when?.code === 0,
  apply: (_want, needed) => [change('needed', needed, false, REBOOT)],
  honesty: () => 'probed',
  moves: () => true,
})

const REBOOT = shellStep(sh`if [ -d /run/systemd/system ]; then systemctl reboot; else reboot; fi`, { reboots: true })

function condition({ when = REQUIRED }: Reboot): Shell {
  return when
}
