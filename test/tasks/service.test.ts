import { describe } from 'vitest'
import { service } from '../../src/tasks/service.ts'
import { cases, refuses } from './support/cases.ts'
import { unitState } from './support/states.ts'

const startOf = (unit: string) =>
  `systemctl start -- ${unit} || { systemctl status --no-pager --full -n 20 -- ${unit}; exit 1; } {starts ${unit}, foreign}`
const start = startOf('nginx.service')
const stop = 'systemctl stop -- nginx.service {foreign}'
const enable = 'systemctl enable --quiet -- nginx.service'
const disable = 'systemctl disable --quiet -- nginx.service'
const unit = (active: string, file: string, stale = false) => ({ unit: unitState(active, file, stale) })

describe('service', () => {
  cases(service, [
    {
      name: 'runs and is enabled',
      want: { unit: 'nginx', running: true, enabled: true },
      answers: unit('active', 'enabled'),
      changes: [],
      detail: {},
    },
    {
      name: 'is enabled and started',
      want: { unit: 'nginx', running: true, enabled: true },
      answers: unit('inactive', 'disabled'),
      changes: [`enabled false → true: ${enable}`, `running false → true: ${start}`],
    },
    {
      name: 'is disabled and stopped',
      want: { unit: 'nginx.service', running: false, enabled: false },
      answers: unit('active', 'enabled'),
      changes: [`enabled true → false: ${disable}`, `running true → false: ${stop}`],
    },
    {
      name: 'does not exist yet',
      want: { unit: 'nginx', running: true, enabled: true },
      changes: [
        `enabled false → true: ${enable.replace('--quiet', '--quiet --no-reload')}`,
        `running false → true: ${start}`,
      ],
      detail: { notes: ['there is no such unit yet: a package or unit file of this run must bring it'] },
    },
    { name: 'does not exist and need not', want: { unit: 'nginx', running: false, enabled: false }, changes: [] },
    {
      name: 'that failed is reset and started',
      want: { unit: 'nginx', running: true },
      answers: unit('failed', 'enabled'),
      changes: [`running failed → true: systemctl reset-failed -- nginx.service || :\n${start}`],
    },
    {
      name: 'that failed does not run',
      want: { unit: 'nginx', running: false },
      answers: unit('failed', 'enabled'),
      changes: [],
    },
    {
      name: 'in activating does not run yet',
      want: { unit: 'nginx', running: true },
      answers: unit('activating', 'enabled'),
      changes: [`running activating → true: systemctl reset-failed -- nginx.service || :\n${start}`],
    },
    {
      name: 'in activating is stopped',
      want: { unit: 'nginx', running: false },
      answers: unit('activating', 'enabled'),
      changes: [`running activating → false: ${stop}`],
    },
    {
      name: 'in reloading runs',
      want: { unit: 'nginx', running: true },
      answers: unit('reloading', 'enabled'),
      changes: [],
    },
    {
      name: 'is started from the file on disk',
      want: { unit: 'nginx', running: true },
      answers: unit('inactive', 'enabled', true),
      changes: [`running false → true: systemctl daemon-reload\n${start}`],
    },
    {
      name: 'enabled until the next boot is not enabled',
      want: { unit: 'nginx', enabled: true },
      answers: unit('active', 'enabled-runtime'),
      changes: [`enabled enabled-runtime → true: ${enable}`],
    },
    {
      name: 'enabled until the next boot is disabled',
      want: { unit: 'nginx', enabled: false },
      answers: unit('active', 'enabled-runtime'),
      changes: [`enabled enabled-runtime → false: ${disable}\nsystemctl disable --quiet --runtime -- nginx.service`],
    },
    {
      name: 'from an init script is taken as it is',
      want: { unit: 'nginx', enabled: true },
      answers: unit('active', 'generated'),
      changes: [],
    },
    {
      name: 'static is not enabled',
      want: { unit: 'nginx', enabled: false },
      answers: unit('active', 'static'),
      changes: [],
    },
    {
      name: 'static cannot be enabled',
      want: { unit: 'nginx', enabled: true },
      answers: unit('active', 'static'),
      changes: [`enabled static → true: ${enable}`],
      detail: { refuse: 'nginx.service has no [Install] section, so it cannot be enabled: leave enabled out' },
    },
    {
      name: 'masked cannot be started',
      want: { unit: 'nginx', running: true },
      answers: unit('inactive', 'masked'),
      changes: [`running false → true: ${start}`],
      detail: { refuse: 'nginx.service is masked: systemd will not start it (masked: false unmasks it)' },
    },
    {
      name: 'is unmasked first',
      want: { unit: 'nginx', running: true, enabled: true, masked: false },
      answers: unit('inactive', 'masked'),
      changes: [
        'masked true → false: systemctl unmask --quiet -- nginx.service && systemctl unmask --quiet --runtime -- nginx.service',
        `enabled masked → true: ${enable}`,
        `running false → true: ${start}`,
      ],
      detail: {},
    },
    {
      name: 'is stopped and disabled, then masked',
      want: { unit: 'nginx', running: false, enabled: false, masked: true },
      answers: unit('active', 'enabled'),
      changes: [
        `enabled true → false: ${disable}`,
        `running true → false: ${stop}`,
        'masked false → true: systemctl mask --quiet -- nginx.service',
      ],
    },
    {
      name: 'masked until the next boot is masked for good',
      want: { unit: 'nginx', masked: true },
      answers: unit('inactive', 'masked-runtime'),
      changes: ['masked runtime → true: systemctl mask --quiet -- nginx.service'],
    },
    {
      name: 'is masked',
      want: { unit: 'nginx', masked: true, running: false, enabled: false },
      answers: unit('inactive', 'masked'),
      changes: [],
    },
    {
      name: 'of another kind of unit',
      want: { unit: 'backup.timer', running: true },
      changes: [`running false → true: ${startOf('backup.timer')}`],
    },
    {
      name: 'of an instance with a backslash',
      want: { unit: 'getty@a\\x2db', enabled: false },
      answers: unit('inactive', 'enabled'),
      changes: [`enabled true → false: systemctl disable --quiet -- 'getty@a\\x2db.service'`],
    },
  ])

  refuses(service, [
    ['no unit', { running: true }, 'unit must be the name'],
    ['a template of units', { unit: 'app@', running: true }, 'is a template of units: name an instance'],
    ['a unit like an option', { unit: '--all', running: true }, 'unit must be the name'],
    ['a unit with a slash', { unit: '../x', running: true }, 'unit must be the name'],
    ['nothing to keep', { unit: 'nginx' }, 'say running, enabled or masked'],
    ['masked and running', { unit: 'nginx', masked: true, running: true }, 'can neither run nor be enabled'],
  ])
})
