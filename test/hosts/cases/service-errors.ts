import type { WrongCase } from '../support/trial.ts'
import { OTHER, unitFile } from './units.ts'

/** Units that do not start and commands that fail. */
export const SERVICE_ERRORS: readonly WrongCase[] = [
  {
    title: 'a unit file that systemd cannot read',
    before: `printf '${OTHER}' >${unitFile('w-syntax')}; systemctl daemon-reload; systemctl start w-syntax`,
    task: `unit({ name: 'w-syntax', content: '[Service]\\nExecStart=/bin/sleep 1\\nNosuchKey=1\\n', running: true })`,
    says: /w-syntax\.service:3: Unknown key.*NosuchKey/,
    left: [`cat ${unitFile('w-syntax')}; systemctl is-active w-syntax`, `${OTHER}active\n`],
  },
  {
    title: 'a unit file without a command',
    task: `unit({ name: 'w-none', content: '[Service]\\nUser=games\\n' })`,
    says: /w-none\.service.*(lacks|Refusing|bad unit file)/,
    left: ['systemctl cat w-none 2>&1 || :', 'No files found for w-none.service.\n'],
  },
  {
    title: 'a unit that does not start, with its last messages',
    task: `unit({ name: 'w-oneshot', content: "[Service]\\nType=oneshot\\nRemainAfterExit=yes\\nExecStart=/bin/sh -c 'echo its last words; exit 3'\\n", running: true })`,
    says: /Job for w-oneshot\.service failed[\s\S]*its last words/,
  },
  {
    title: 'a unit that nobody brings',
    task: `service({ unit: 'w-nosuch', running: true })`,
    says: /Unit w-nosuch\.service not found/,
  },
  {
    title: 'a masked unit, seen by the plan',
    before: 'systemctl mask -q s-run',
    task: `service({ unit: 's-run', running: true, enabled: true })`,
    says: /s-run\.service is masked: systemd will not start it \(masked: false unmasks it\)/,
  },
  {
    title: 'a unit that cannot be enabled, seen by the plan',
    before: `printf '[Service]\\nExecStart=/bin/true\\n' >${unitFile('w-static')}; systemctl daemon-reload`,
    task: `service({ unit: 'w-static', enabled: true })`,
    says: /w-static\.service has no \[Install\] section/,
  },
  {
    title: 'a command that fails',
    task: `command({ run: sh\`echo first; false; echo never\` })`,
    says: /^command echo first; false; echo never: first\n$/,
  },
  {
    title: 'a command that takes too long, with what it left running in its group',
    task: `command({ run: sh\`echo begun; sleep 7777 & sleep 7777\` }, { timeout: 1 })`,
    says: /: begun\nno end within 1 s: stopped\n$/,
    left: ['pgrep -fc "[s]leep 7777" || :', '0\n'],
  },
  {
    title: 'a command in a folder that is not there',
    task: `command({ run: sh\`touch /srv/never\`, cwd: '/srv/nosuch' })`,
    says: /can't cd to \/srv\/nosuch/,
    left: ['test ! -e /srv/never', ''],
  },
  {
    title: 'a command as a user who is not there',
    task: `command({ run: sh\`touch /srv/never\`, as: 'nosuch' })`,
    says: /user nosuch does not exist/,
    left: ['test ! -e /srv/never', ''],
  },
  {
    title: 'a command that leaves its guard as it was',
    task: `command({ run: sh\`true\`, creates: '/srv/never' })`,
    says: /command true .*ran, and its guard says that it is still to be run/,
    later: true,
  },
]
