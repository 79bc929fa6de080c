import { beforeAll, expect, test } from 'vitest'
import { SERVICE_ERRORS } from './cases/service-errors.ts'
import { SERVICE_FIELDS } from './cases/service-fields.ts'
import { OTHER, SLEEP, TIMER, unitFile } from './cases/units.ts'
import { describeOnLab, useLab } from './support/lab.ts'
import { outcomes } from './support/project.ts'
import { planned, testFields, testWrong, useTrial, wrong } from './support/trial.ts'

describeOnLab('service, unit and command on a real host', () => {
  const lab = useLab('tasks-services', ['app1'])
  const trial = useTrial(lab)
  const { on, plan, apply } = trial

  beforeAll(async () => {
    trial.project.write('templates/some.hbs', OTHER.replace('9999', '{{seconds}}'))
    const names = SERVICE_FIELDS.flatMap(({ says }) => /^service ([a-z-]+@?)a?:/.exec(says)?.[1] ?? [])
    await on(`mkdir -p /srv/c; cd /lib/systemd/system
      for unit in ${names.join(' ')}; do printf '${SLEEP}' >$unit.service; done
      printf '${TIMER}' >s-timer.timer; printf '${SLEEP}' >s-timer.service; systemctl daemon-reload`)
  })

  testFields(trial, SERVICE_FIELDS)

  test('units run by the file that is there, and only what had to was restarted', async () => {
    const same = await on(`cd /srv/c; for pid in *.pid; do
      systemctl show -p MainPID "\${pid%.pid}" | cmp -s - "$pid" && echo "$pid"; done; :`)
    expect(same).toBe('u-mode.pid\nu-no-restart.pid\n')
    expect(await on('cat /srv/c/as/said; stat -c %U /srv/c/as/said')).toBe(
      `it's  $(id) /srv/c/as /usr/games games games 0022\ngames\n`,
    )
  })

  testWrong(trial, SERVICE_ERRORS)

  test('F46 output of a command: bounded, bytes and line ends kept, a daemon left behind is not waited for and lives on', async () => {
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
    await on(`printf '${looping}' >${unitFile('w-loop')}; cp ${unitFile('w-loop')} ${unitFile('w-handled')}; systemctl daemon-reload
      systemctl start w-loop w-handled; until systemctl show -p NRestarts w-loop | grep -q '=[3-9]'; do :; done`)
    const mended = looping.replace('false', 'sleep 999')
    trial.project.tasks(
      `[
      unit({ name: 'w-loop', content: ${JSON.stringify(mended)}, running: true }),
      file({ path: '${unitFile('w-handled')}', content: ${JSON.stringify(mended)} }, { notify: restart }),
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
    await on(`printf '${OTHER}' >${unitFile('w-owed')}; systemctl daemon-reload; systemctl start w-owed`)
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
