import { expect, test } from 'vitest'
import { describeOnLab, useLab } from './support/lab.ts'
import { type FieldCase, planned, testFields, testWrong, useTrial, type WrongCase, wrong } from './support/trial.ts'

const table = (user: string, script: string) => `crontab -u ${user} -l | ${script} | crontab -u ${user} -`

const FIELDS: readonly FieldCase[] = [
  {
    task: `cron({ name: 'gone', schedule: '1 2 3 4 *', run: sh\`echo gone\` })`,
    broken: table('root', `sed '/evenkeel: gone/,+1d'`),
    says: 'cron gone: schedule none → 1 2 3 4 *, run none → echo gone',
  },
  {
    task: `cron({ name: 'schedule', schedule: '@daily', run: sh\`echo \${'it is'} 100%\` })`,
    before: `printf '%s\\n' '# by hand' 'PATH=/bin:/usr/bin' '5 5 * * * echo \\% by hand' | crontab -`,
    broken: table('root', `sed 's/^@daily/@hourly/'`),
    says: 'cron schedule: schedule @hourly → @daily',
  },
  {
    task: `cron({ name: 'run', schedule: '0 0 1 1 *', run: sh\`echo run\` })`,
    broken: table('root', `sed 's/echo run/echo other/'`),
    says: 'cron run: run echo other → echo run',
  },
  {
    task: `cron({ name: 'twice', schedule: '0 0 2 1 *', run: sh\`echo twice\` })`,
    broken: `{ crontab -l; printf '# evenkeel: twice\\n0 0 2 1 * echo twice\\n'; } >/tmp/t; crontab /tmp/t; rm /tmp/t`,
    says: 'cron twice: entries 2 → 1',
  },
  {
    task: `cron({ name: 'of games', schedule: '0 0 3 1 *', run: sh\`echo games\`, user: 'games' })`,
    broken: 'crontab -u games -r',
    says: 'cron of games of games: schedule none → 0 0 3 1 *, run none → echo games',
  },
  {
    task: `cron({ name: 'absent', user: 'mail', absent: true })`,
    before: `printf '# evenkeel: absent\\n@reboot true\\n' | crontab -u mail -`,
    broken: `printf '# evenkeel: absent\\n@reboot false\\n' | crontab -u mail -`,
    says: 'cron absent of mail: entry @reboot false → none',
  },
]

const WRONG: readonly WrongCase[] = [
  {
    title: 'what crontab does not take is not installed, and the table stays as it was',
    before: `printf '1 1 1 1 1 by hand\\n' | crontab -`,
    task: `cron({ name: 'bad', schedule: '99 * * * *', run: sh\`true\` })`,
    says: /errors in crontab file/,
    left: ['crontab -l', '1 1 1 1 1 by hand\n'],
  },
  {
    title: 'a user who is not there',
    task: `cron({ name: 'bad', schedule: '* * * * *', run: sh\`true\`, user: 'nobody-here' })`,
    says: /nobody-here.*unknown|unknown.*nobody-here/,
  },
]

describeOnLab('cron on a real host', () => {
  const trial = useTrial(useLab('cron', ['app1']))
  testFields(trial, FIELDS)

  test('all other lines are left alone; an empty table is removed', async () => {
    const root = await trial.on('crontab -l')
    expect(root).toMatch(/^# by hand\nPATH=\/bin:\/usr\/bin\n5 5 \* \* \* echo \\% by hand\n/)
    expect(root).toContain(`@daily echo 'it is' 100\\%\n`)
    expect(await trial.on('crontab -u mail -l 2>/dev/null || echo none')).toBe('none\n')
    expect(await trial.on('stat -c "%U %G %a" /var/spool/cron/crontabs/root')).toBe('root crontab 600\n')
  })

  test('cron runs what was written, percent signs and backslashes included', async () => {
    const text = String.raw`100% \ \\ \% \\% a\b \\\ it's`
    trial.project.tasks(
      `cron({ name: 'exact', schedule: '@reboot', run: sh\`printf '%s' \${text} >/srv/exact; touch /srv/ran\` })`,
      `const text = ${JSON.stringify(text)}`,
    )
    expect(wrong(await trial.apply())).toBe('')
    await trial.on(`rm -f /run/crond.reboot; systemctl restart cron
      i=0; until [ -e /srv/ran ]; do i=$((i+1)); [ $i -lt 100 ] || exit 1; sleep 0.1; done`)

    expect(await trial.on('cat /srv/exact')).toBe(text)
    expect(planned(await trial.plan())).toEqual([])
  })

  testWrong(trial, WRONG)
})
