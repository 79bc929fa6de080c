import { createHash } from 'node:crypto'
import { beforeAll, expect, test } from 'vitest'
import { describeOnLab, useLab } from './support/lab.ts'
import { outcomes } from './support/project.ts'
import { type FieldCase, planned, testFields, useTrial, wrong } from './support/trial.ts'

const shown = (text: string) =>
  `${Buffer.byteLength(text)} bytes (${createHash('sha256').update(text).digest('hex').slice(0, 8)})`

const INSTALL = '\n[Install]\nWantedBy=multi-user.target\n'
const SLEEP = `[Service]\nExecStart=/bin/sleep infinity\n${INSTALL}`
const OTHER = `[Service]\nExecStart=/bin/sleep 9999\n${INSTALL}`
const TIMER = `[Timer]\nOnCalendar=2099-01-01\nUnit=s-run.service\n[Install]\nWantedBy=timers.target\n`

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

const FILE = (name: string) => `/etc/systemd/system/${name}.service`
/** Writes down the process of a unit. */
const PID = (name: string) => `systemctl show -p MainPID ${name} >/srv/c/${name}.pid`
const BY_HAND = '[Service]\nExecStart=/bin/sleep 8888\n'
const edited = `content ${shown(BY_HAND)} → ${shown(SLEEP)}`
const sleeping = `content: ${JSON.stringify(SLEEP)}`

const FIELDS: readonly FieldCase[] = [
  unit(
    'u-stale',
    `${sleeping}, running: true`,
    'definition not read by systemd → read, running by the old file → restarted',
    PID('u-stale'),
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
  unit('u-content', sleeping, edited, `printf '${BY_HAND}' >${FILE('u-content')}`),
  unit('u-owner', sleeping, 'owner games → root', `chown games ${FILE('u-owner')}`),
  unit('u-group', `${sleeping}, running: true`, 'group games → root', `chgrp games ${FILE('u-group')}`),
  unit('u-mode', `${sleeping}, running: true`, 'mode 0600 → 0644', `${PID('u-mode')}; chmod 600 ${FILE('u-mode')}`),
  unit(
    'u-gone',
    sleeping,
    `content none → ${shown(SLEEP)}, owner none → root, group none → root, mode none → 0644`,
    `rm ${FILE('u-gone')}`,
  ),
  unit('u-run', `${sleeping}, running: true`, 'running false → true', 'systemctl stop u-run'),
  unit('u-stop', `${sleeping}, running: false`, 'running true → false', 'systemctl start u-stop'),
  unit('u-enabled', `${sleeping}, enabled: true`, 'enabled false → true', 'systemctl disable -q u-enabled'),
  unit('u-disabled', `${sleeping}, enabled: false`, 'enabled true → false', 'systemctl enable -q u-disabled'),
  unit(
    'u-restart',
    `${sleeping}, running: true`,
    `${edited}, running by the old file → restarted`,
    `${PID('u-restart')}; printf '${BY_HAND}' >${FILE('u-restart')}`,
  ),
  unit(
    'u-no-restart',
    `${sleeping}, running: true, restart: false`,
    edited,
    `${PID('u-no-restart')}; printf '${BY_HAND}' >${FILE('u-no-restart')}`,
  ),
  unit(
    'u-from',
    `from: 'some.hbs', data: { seconds: 9999 }`,
    `content ${shown(BY_HAND)} → ${shown(OTHER)}`,
    `printf '${BY_HAND}' >${FILE('u-from')}`,
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
    `content ${shown(BY_HAND)} → ${shown(SLEEP)}`,
    `printf '${BY_HAND}' >${FILE('u-template@')}`,
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
    broken: `rm /srv/c/as/said; touch -d +1hour ${FILE('u-stale')}`,
    says: 'command echo "$WORD" $PWD $HOME $USER $(id -un) $(umask) >said: run none → will run',
  },
]

interface WrongCase {
  readonly title: string
  readonly before?: string
  readonly task: string
  readonly says: RegExp
  readonly left?: readonly [script: string, output: string]
  /** Whether tasks after it are done. Default: false. */
  readonly later?: boolean
}

const WRONG: readonly WrongCase[] = [
  {
    title: 'a unit file that systemd cannot read',
    before: `printf '${OTHER}' >${FILE('w-syntax')}; systemctl daemon-reload; systemctl start w-syntax`,
    task: `unit({ name: 'w-syntax', content: '[Service]\\nExecStart=/bin/sleep 1\\nNosuchKey=1\\n', running: true })`,
    says: /w-syntax\.service:3: Unknown key.*NosuchKey/,
    left: [`cat ${FILE('w-syntax')}; systemctl is-active w-syntax`, `${OTHER}active\n`],
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
    before: `printf '[Service]\\nExecStart=/bin/true\\n' >${FILE('w-static')}; systemctl daemon-reload`,
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
    says: /not as wanted although every step succeeded: command true/,
    later: true,
  },
]

describeOnLab('service, unit and command on a real host', () => {
  const lab = useLab('tasks-services', ['app1'])
  const trial = useTrial(lab)
  const { on, plan, apply } = trial

  beforeAll(async () => {
    trial.project.write('templates/some.hbs', OTHER.replace('9999', '{{seconds}}'))
    const names = FIELDS.flatMap(({ says }) => /^service ([a-z-]+@?)a?:/.exec(says)?.[1] ?? [])
    await on(`mkdir -p /srv/c; cd /lib/systemd/system
      for unit in ${names.join(' ')}; do printf '${SLEEP}' >$unit.service; done
      printf '${TIMER}' >s-timer.timer; printf '${SLEEP}' >s-timer.service; systemctl daemon-reload`)
  })

  testFields(trial, FIELDS)

  test('units run by the file that is there, and only what had to was restarted', async () => {
    const same = await on(`cd /srv/c; for pid in *.pid; do
      systemctl show -p MainPID "\${pid%.pid}" | cmp -s - "$pid" && echo "$pid"; done; :`)
    expect(same).toBe('u-mode.pid\nu-no-restart.pid\n')
    expect(await on('cat /srv/c/as/said; stat -c %U /srv/c/as/said')).toBe(
      `it's  $(id) /srv/c/as /usr/games games games 0022\ngames\n`,
    )
  })

  test.each(WRONG)(
    '$title',
    async ({ before = ':', task, says, left: [script, output] = [':', ''], later = false }) => {
      await on(`rm -f /srv/later; ${before}`)
      trial.project.tasks(`[${task}, file({ path: '/srv/later', content: 'never' })]`)
      const applied = await apply()
      expect(wrong(applied)).toMatch(says)
      expect(applied.code).toBe(1)
      expect(await on(script)).toBe(output)
      expect(await on('test ! -e /srv/later || echo later')).toBe(later ? 'later\n' : '')
    },
  )

  test('output of a command: bounded, bytes and line ends kept, a daemon left behind is not waited for and lives on', async () => {
    trial.project.tasks(`[
      command({ run: sh\`echo begin; head -c 300000 /dev/zero | tr '\\\\0' x; echo; echo end\`, unless: sh\`test -e /srv/d/1\` }),
      command({ run: sh\`printf 'caf\\\\303'; sleep 0.3; printf '\\\\251\\\\0\\\\033[31m  \\\\n\\\\n'\`, unless: sh\`test -e /srv/d/2\` }),
      command({ run: sh\`printf '\\\\377\\\\376'\`, unless: sh\`test -e /srv/d/3\` }),
      command({ run: sh\`echo parent; (echo child; while sleep 0.1; do touch /srv/d/lives; done) & echo $! >/srv/d/pid\`, unless: sh\`test -e /srv/d/4\` }),
      command({ run: sh\`touch 1 2 3 4; echo last\`, cwd: '/srv/d', unless: sh\`test -e /srv/d/1\` }),
    ]`)
    await on('mkdir -p /srv/d')
    const applied = await apply()
    expect(wrong(applied)).toBe('')
    const [long = '', text, bytes, daemon = '', last] = applied.results.map(({ output }) => output)
    expect(long.length).toBeLessThanOrEqual(2 * 65536)
    expect(long).toMatch(/^begin\nx{65000}[\s\S]*x\nend\n$/)
    expect(text).toBe('café\0\u001b[31m  \n\n')
    expect(bytes).toBe('\ufffd\ufffd')
    expect(daemon).toMatch(/^parent\n(child\n)*$/)
    expect(daemon.length).toBeLessThan(400)
    expect(last).toBe('last\n')
    await on(
      'rm -f /srv/d/lives; i=0; until [ -e /srv/d/lives ] || [ $((i += 1)) -gt 30 ]; do sleep 0.1; done; kill $(cat /srv/d/pid)',
    )
    expect(planned(await plan())).toEqual([])
  })

  test('a unit in a loop of restarts is mended, and its handler restarts count as well', async () => {
    const looping = `[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/false\nRestart=always\nRestartSec=50ms\n`
    await on(`printf '${looping}' >${FILE('w-loop')}; cp ${FILE('w-loop')} ${FILE('w-handled')}; systemctl daemon-reload
      systemctl start w-loop w-handled; until systemctl show -p NRestarts w-loop | grep -q '=[3-9]'; do :; done`)
    const mended = looping.replace('false', 'sleep 999')
    trial.project.tasks(
      `[
      unit({ name: 'w-loop', content: ${JSON.stringify(mended)}, running: true }),
      file({ path: '${FILE('w-handled')}', content: ${JSON.stringify(mended)} }, { notify: restart }),
    ]`,
      `const restart = handler('restart it', sh\`systemctl daemon-reload; systemctl restart w-handled\`, { restarts: 'w-handled' })`,
    )
    expect(wrong(await apply())).toBe('')
    expect(planned(await plan())).toEqual([])
    await on('systemctl stop w-loop w-handled')
  })

  test('a restart is remembered from before the file changes; nothing is owed for a file that was refused', async () => {
    const task = (key: string) =>
      `unit({ name: 'w-owed', content: '[Service]\\nExecStart=/bin/sleep 1111\\n${key}\\n', running: true }, { notify: h })`
    const note = `const h = handler('note', sh\`echo ran >>/srv/noted\`)`
    await on(`printf '${OTHER}' >${FILE('w-owed')}; systemctl daemon-reload; systemctl start w-owed`)
    trial.project.tasks(`[${task('NosuchKey=1')}]`, note)
    expect((await apply()).code).toBe(1)
    expect(await on('ls -A /var/lib/deploy/owed')).toBe('')

    trial.project.tasks(
      `[
      command({ run: sh\`printf '#!/bin/sh\\\\ncase $1 in daemon-reload) kill -9 $(cat /run/deploy/*/*/pid) ;; *) exec /bin/systemctl "$@" ;; esac\\\\n' >/usr/local/sbin/systemctl; chmod 755 /usr/local/sbin/systemctl\`, unless: sh\`test -e /usr/local/sbin/systemctl\` }),
      ${task('Nice=1')},
    ]`,
      note,
    )
    expect((await apply()).code).toBe(3)
    await on('rm /usr/local/sbin/systemctl; systemctl daemon-reload')
    trial.project.tasks(`[${task('Nice=1')}]`, note)
    expect((await plan()).changes.map(({ task }) => task).toSorted()).toEqual([
      'handler note',
      'handler restart w-owed.service',
    ])
    expect(wrong(await apply())).toBe('')
    expect(
      await on(
        'cat /srv/noted; ls -A /var/lib/deploy/owed; tr "\\0" " " </proc/$(systemctl show -p MainPID --value w-owed)/cmdline',
      ),
    ).toBe('ran\n/bin/sleep 1111 ')
    expect(planned(await plan())).toEqual([])
  })

  test('nothing of the tool is left running', async () => {
    expect(
      await on('systemctl list-units --no-legend --plain "deploy-*"; pgrep -fa "[h]ead -c 65536|[t]ail -c 65536" || :'),
    ).toBe('')
    expect(outcomes({ ...(await plan()), results: [] })).toEqual([])
  })
})
