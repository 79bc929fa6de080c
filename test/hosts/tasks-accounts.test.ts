import { expect, test } from 'vitest'
import { describeOnLab, useLab } from './support/lab.ts'
import { type FieldCase, planned, testFields, testWrong, useTrial, type WrongCase, wrong } from './support/trial.ts'

const account = (type: string, name: string, more: string, says: string, broken: string, before = ''): FieldCase => ({
  task: `${type}({ name: '${name}'${more} })`,
  before,
  broken,
  says: `${type} ${name}: ${says}`,
})

const COMMENT = `Zoë "Z" O'Neill $(id) \\ *, room 1`

const FIELDS: readonly FieldCase[] = [
  account('group', 'g-gone', '', 'group none → g-gone', 'groupdel g-gone'),
  account('group', 'g-gid', ', gid: 710', 'gid 711 → 710', 'groupmod -g 711 g-gid'),
  account('group', 'g-system', ', system: true', 'group none → g-system', 'groupdel g-system'),
  account('group', 'g-absent', ', absent: true', 'group g-absent → none', 'groupadd g-absent', 'groupadd g-absent'),
  account(
    'user',
    'u-gone',
    '',
    'user none → u-gone, home none → /home/u-gone, shell none → /bin/bash',
    'userdel u-gone',
  ),
  account('user', 'u-uid', ', uid: 720', 'uid 721 → 720', 'usermod -u 721 u-uid'),
  account('user', 'u-group', `, group: 'games'`, 'group users → games', 'usermod -g users u-group'),
  account('user', 'u-gid', `, group: '60'`, 'group 100 → 60', 'usermod -g users u-gid'),
  account(
    'user',
    'u-groups',
    `, groups: ['games', 'audio']`,
    'groups mail → audio,games,mail',
    'usermod -G mail u-groups',
  ),
  account(
    'user',
    'u-exact',
    `, groups: ['video', 'audio'], exactGroups: true`,
    'groups audio,mail,video → audio,video',
    'usermod -aG mail u-exact',
  ),
  account(
    'user',
    'u-none',
    `, groups: [], exactGroups: true`,
    'groups mail → ',
    'usermod -aG mail u-none',
    'useradd -M -G games u-none',
  ),
  account(
    'user',
    'u-comment',
    `, comment: ${JSON.stringify(COMMENT)}`,
    `comment by hand → ${COMMENT}`,
    `usermod -c 'by hand' u-comment`,
  ),
  account(
    'user',
    'u-no-comment',
    `, comment: ''`,
    'comment by hand → ',
    `usermod -c 'by hand' u-no-comment`,
    `useradd -M -c x u-no-comment`,
  ),
  account(
    'user',
    'u-home',
    `, home: '/srv/u home'`,
    'home /home/u-home → /srv/u home',
    'usermod -d /home/u-home u-home',
  ),
  account('user', 'u-shell', `, shell: '/bin/sh'`, 'shell /bin/bash → /bin/sh', 'usermod -s /bin/bash u-shell'),
  account(
    'user',
    'u-system',
    `, system: true, shell: '/usr/sbin/nologin'`,
    'shell /bin/sh → /usr/sbin/nologin',
    'usermod -s /bin/sh u-system',
  ),
  account(
    'user',
    'u-absent',
    ', absent: true',
    'user u-absent → none',
    'useradd -m u-absent',
    'useradd -m u-absent; touch ~u-absent/kept',
  ),
]

const WRONG: readonly WrongCase[] = [
  {
    title: 'a group that is not there',
    before: ':',
    task: `user({ name: 'w-group', groups: ['nosuch'] })`,
    says: /group 'nosuch' does not exist/,
    left: ['getent passwd w-group || echo none', 'none\n'],
  },
  {
    title: 'a uid that is taken',
    before: 'useradd -M -u 4600 taken',
    task: `user({ name: 'w-uid', uid: 4600 })`,
    says: /UID 4600 is not unique/,
    left: ['getent passwd w-uid || echo none', 'none\n'],
  },
  {
    title: 'a gid that is taken',
    before: ':',
    task: `group({ name: 'w-gid', gid: 60 })`,
    says: /GID '60' already exists/,
    left: ['getent group w-gid || echo none', 'none\n'],
  },
  {
    title: 'a group that is the primary one of a user',
    before: 'groupadd w-primary; useradd -M -g w-primary w-member',
    task: `group({ name: 'w-primary', absent: true })`,
    says: /cannot remove the primary group of user 'w-member'/,
    left: ['getent group w-primary | cut -d: -f1', 'w-primary\n'],
  },
  {
    title: 'a user with a process',
    before:
      'useradd -M -u 4700 w-busy; setsid -f runuser -u w-busy -- sleep 600 </dev/null >/dev/null 2>&1; until pgrep -u w-busy sleep >/dev/null; do :; done',
    task: `user({ name: 'w-busy', absent: true })`,
    says: /user w-busy is currently used by process \d+/,
    left: ['getent passwd w-busy | cut -d: -f1', 'w-busy\n'],
  },
]

describeOnLab('user and group on a real host', () => {
  const lab = useLab('tasks-accounts', ['app1'])
  const trial = useTrial(lab)
  const { on, plan, apply } = trial

  testFields(trial, FIELDS)

  test('what only counts for new accounts', async () => {
    trial.project.tasks(`[
      group({ name: 'n-system', system: true }),
      user({ name: 'n-system-user', system: true }),
      user({ name: 'n-system-home', system: true, createHome: true, shell: '/bin/sh' }),
      user({ name: 'n-homeless', createHome: false }),
      group({ name: 'n-own', gid: 4800 }),
      user({ name: 'n-own', groups: ['n-system'] }),
    ]`)
    expect(wrong(await apply())).toBe('')
    expect(planned(await plan())).toEqual([])
    expect(
      await on(`getent group n-system | cut -d: -f3 | awk '{ print ($1 < 1000) }'
      getent passwd n-system-user n-system-home n-homeless | cut -d: -f1,6,7; ls -d /home/n-* /nonexistent 2>/dev/null
      stat -c '%U %G' /home/n-own; id -nG n-own; getent passwd n-own | cut -d: -f4; passwd -S n-own | cut -d' ' -f2`),
    ).toBe(
      `1
n-system-user:/nonexistent:/usr/sbin/nologin
n-system-home:/home/n-system-home:/bin/sh
n-homeless:/home/n-homeless:/bin/bash
/home/n-own
/home/n-system-home
n-own n-own
n-own n-system
4800
L
`,
    )
  })

  test('a removed user keeps its home, a changed uid takes the files of the home along', async () => {
    expect(await on('ls -A /home/u-absent | grep kept; stat -c %u /home/u-uid')).toBe('kept\n720\n')
  })

  testWrong(trial, WRONG)
})
