import { type FieldCase, shownContent } from '../support/trial.ts'
import { BY_HAND, noteProcess, OTHER, SLEEP, TIMER, unitFile } from './units.ts'

/** A service on a unit that is there before. */
const service = (name: string, wants: string, says: string, broken: string, before = ''): FieldCase => ({
  task: `service({ unit: '${name}', ${wants} })`,
  before,
  broken,
  says: `service ${name}: ${says}`,
})

const unit = (name: string, wants: string, says: string, broken: string): FieldCase => ({
  task: `unit({ name: '${name}', ${wants} })`,
  broken,
  says: `unit ${name.includes('.') ? name : `${name}.service`}: ${says}`,
})

const edited = `content ${shownContent(BY_HAND)} → ${shownContent(SLEEP)}`
const sleeping = `content: ${JSON.stringify(SLEEP)}`

/** One case for each field of service and unit, and for each guard of command. */
export const SERVICE_FIELDS: readonly FieldCase[] = [
  unit(
    'u-stale',
    `${sleeping}, running: true`,
    'definition not read by systemd → read, running by the old file → restarted',
    noteProcess('u-stale'),
  ),
  service('s-run', 'running: true', 'running false → true', 'systemctl stop s-run'),
  service(
    's-failed',
    'running: true',
    'running failed → true',
    'systemctl kill -s KILL s-failed; until systemctl is-failed -q s-failed; do :; done',
  ),
  service('s-stop', 'running: false', 'running true → false', 'systemctl start s-stop', 'systemctl start s-stop'),
  service('s-enabled', 'enabled: true', 'enabled false → true', 'systemctl disable -q s-enabled'),
  service(
    's-runtime',
    'enabled: true',
    'enabled enabled-runtime → true',
    'systemctl disable -q s-runtime; systemctl enable -q --runtime s-runtime',
  ),
  service(
    's-disabled',
    'enabled: false',
    'enabled true → false',
    'systemctl enable -q s-disabled',
    'systemctl enable -q s-disabled',
  ),
  service(
    's-disabled-run',
    'enabled: false',
    'enabled enabled-runtime → false',
    'systemctl enable -q --runtime s-disabled-run',
    'systemctl enable -q s-disabled-run',
  ),
  service('s-masked', 'masked: true', 'masked false → true', 'systemctl unmask -q s-masked'),
  service(
    's-unmasked',
    'masked: false',
    'masked true → false',
    'systemctl mask -q s-unmasked',
    'systemctl mask -q s-unmasked',
  ),
  service(
    's-unmasked-run',
    'masked: false',
    'masked runtime → false',
    'systemctl mask -q --runtime s-unmasked-run',
    'systemctl mask -q --runtime s-unmasked-run',
  ),
  service(
    's-all',
    'running: true, enabled: true, masked: false',
    'masked true → false, enabled masked → true, running false → true',
    'systemctl disable -q --now s-all; systemctl mask -q s-all',
  ),
  service(
    's-instance@a',
    'running: true, enabled: true',
    'enabled false → true, running false → true',
    'systemctl disable -q --now s-instance@a',
  ),
  service('s-timer.timer', 'running: true, enabled: true', 'running false → true', 'systemctl stop s-timer.timer'),
  unit('u-content', sleeping, edited, `printf '${BY_HAND}' >${unitFile('u-content')}`),
  unit('u-owner', sleeping, 'owner games → root', `chown games ${unitFile('u-owner')}`),
  unit('u-group', `${sleeping}, running: true`, 'group games → root', `chgrp games ${unitFile('u-group')}`),
  unit(
    'u-mode',
    `${sleeping}, running: true`,
    'mode 0600 → 0644',
    `${noteProcess('u-mode')}; chmod 600 ${unitFile('u-mode')}`,
  ),
  unit(
    'u-gone',
    sleeping,
    `content none → ${shownContent(SLEEP)}, owner none → root, group none → root, mode none → 0644`,
    `rm ${unitFile('u-gone')}`,
  ),
  unit('u-run', `${sleeping}, running: true`, 'running false → true', 'systemctl stop u-run'),
  unit('u-stop', `${sleeping}, running: false`, 'running true → false', 'systemctl start u-stop'),
  unit('u-enabled', `${sleeping}, enabled: true`, 'enabled false → true', 'systemctl disable -q u-enabled'),
  unit('u-disabled', `${sleeping}, enabled: false`, 'enabled true → false', 'systemctl enable -q u-disabled'),
  unit(
    'u-restart',
    `${sleeping}, running: true`,
    `${edited}, running by the old file → restarted`,
    `${noteProcess('u-restart')}; printf '${BY_HAND}' >${unitFile('u-restart')}`,
  ),
  unit(
    'u-no-restart',
    `${sleeping}, running: true, restart: false`,
    edited,
    `${noteProcess('u-no-restart')}; printf '${BY_HAND}' >${unitFile('u-no-restart')}`,
  ),
  unit(
    'u-from',
    `from: 'some.hbs', data: { seconds: 9999 }`,
    `content ${shownContent(BY_HAND)} → ${shownContent(OTHER)}`,
    `printf '${BY_HAND}' >${unitFile('u-from')}`,
  ),
  unit(
    'u-timer.timer',
    `content: ${JSON.stringify(TIMER)}, running: true, enabled: true`,
    'enabled false → true, running false → true',
    'systemctl disable -q --now u-timer.timer',
  ),
  unit(
    'u-template@.service',
    sleeping,
    `content ${shownContent(BY_HAND)} → ${shownContent(SLEEP)}`,
    `printf '${BY_HAND}' >${unitFile('u-template@')}`,
  ),
  {
    task: `command({ run: sh\`touch creates\`, cwd: '/srv/c', creates: '/srv/c/creates' })`,
    broken: 'rm /srv/c/creates',
    says: 'command touch creates: run none → creates /srv/c/creates',
  },
  {
    task: `command({ run: sh\`touch unless\`, cwd: '/srv/c', unless: sh\`test -e unless\` })`,
    broken: 'rm /srv/c/unless',
    says: 'command touch unless: run none → will run',
  },
  {
    task: `command({ run: sh\`rm only\`, cwd: '/srv/c', onlyIf: sh\`test -e only\` })`,
    before: 'touch /srv/c/only',
    broken: 'touch /srv/c/only',
    says: 'command rm only: run none → will run',
  },
  {
    task: `command({ run: sh\`echo "$WORD" $PWD $HOME $USER $(id -un) $(umask) >said\`, cwd: '/srv/c/as', env: { WORD: "it's  $(id)", NUMBER: 4 }, as: 'games', unless: sh\`test -s said && test "$NUMBER $USER" = '4 games'\` })`,
    before: 'install -d -o games /srv/c/as',
    broken: `rm /srv/c/as/said; touch -d +1hour ${unitFile('u-stale')}`,
    says: 'command echo "$WORD" $PWD $HOME $USER $(id -un) $(umask) >said: run none → will run',
  },
]
