import { describe } from 'vitest'
import { user } from '../../src/tasks/user.ts'
import { cases, refuses } from './support/cases.ts'

const answers = {
  user: { uid: 1000, gid: 1000, comment: 'App', home: '/home/app', shell: '/bin/bash' },
  groups: ['app', 'video', 'adm'],
}
const primary = '$(getent group app >/dev/null && echo -g app || echo -U)'

describe('user', () => {
  cases(user, [
    {
      name: 'is made with a home and a shell',
      want: { name: 'app' },
      changes: [
        `user null → app: useradd -m -d /home/app -s /bin/bash ${primary} -- app`,
        'home null → /home/app: "',
        'shell null → /bin/bash: "',
      ],
      detail: {},
    },
    {
      name: 'is made for the system, without home',
      want: { name: 'app', system: true },
      changes: [
        `user null → app: useradd -r -M -d /nonexistent -s /usr/sbin/nologin ${primary} -- app`,
        'home null → /nonexistent: "',
        'shell null → /usr/sbin/nologin: "',
      ],
    },
    {
      name: 'is made for the system, with a home',
      want: { name: 'app', system: true, createHome: true, home: '/srv/app' },
      changes: [
        `user null → app: useradd -r -m -d /srv/app -s /usr/sbin/nologin ${primary} -- app`,
        'home null → /srv/app: "',
        'shell null → /usr/sbin/nologin: "',
      ],
    },
    {
      name: 'is made with everything',
      want: {
        name: 'app',
        uid: 1500,
        group: 'www-data',
        groups: ['video', 'adm'],
        comment: "It's App",
        home: '/srv/app',
        shell: '/bin/sh',
        createHome: false,
      },
      changes: [
        `user null → app: useradd -M -u 1500 -g www-data -G video,adm -c 'It'\\''s App' -d /srv/app -s /bin/sh -- app`,
        'uid null → 1500: "',
        'group null → www-data: "',
        'groups null → adm,video: "',
        `comment null → It's App: "`,
        'home null → /srv/app: "',
        'shell null → /bin/sh: "',
      ],
    },
    {
      name: 'is right',
      want: {
        name: 'app',
        uid: 1000,
        group: 'app',
        groups: ['adm'],
        comment: 'App',
        home: '/home/app',
        shell: '/bin/bash',
        system: true,
      },
      answers,
      changes: [],
      detail: {},
    },
    { name: 'is right with its primary group by gid', want: { name: 'app', group: '1000' }, answers, changes: [] },
    {
      name: 'is right when a wanted group is its primary one',
      want: { name: 'app', groups: ['app', 'adm'] },
      answers,
      changes: [],
    },
    {
      name: 'is right with exactly these groups',
      want: { name: 'app', groups: ['video', 'adm'], exactGroups: true },
      answers,
      changes: [],
    },
    {
      name: 'joins groups and stays in others',
      want: { name: 'app', groups: ['sudo'] },
      answers,
      changes: ['groups adm,video → adm,sudo,video: usermod -G adm,sudo,video -- app'],
    },
    {
      name: 'leaves groups with exactGroups',
      want: { name: 'app', groups: ['adm'], exactGroups: true },
      answers,
      changes: ['groups adm,video → adm: usermod -G adm -- app'],
    },
    {
      name: 'leaves all groups',
      want: { name: 'app', groups: [], exactGroups: true },
      answers,
      changes: [`groups adm,video → : usermod -G '' -- app`],
    },
    {
      name: 'changes everything by one usermod',
      want: { name: 'app', uid: 1500, group: 'adm', comment: '', home: '/srv/app', shell: '/bin/sh' },
      answers,
      changes: [
        `uid 1000 → 1500: usermod -u 1500 -g adm -c '' -d /srv/app -s /bin/sh -- app`,
        'group app → adm: "',
        'comment App → : "',
        'home /home/app → /srv/app: "',
        'shell /bin/bash → /bin/sh: "',
      ],
      detail: { notes: ['files outside /home/app keep the old uid 1000', 'the files in /home/app are not moved'] },
    },
    { name: 'is absent', want: { name: 'app', absent: true }, changes: [] },
    {
      name: 'is removed without its home',
      want: { name: 'app', absent: true },
      answers,
      changes: ['user app → null: userdel -- app'],
      detail: { notes: ['the home /home/app is left alone'] },
    },
  ])

  refuses(user, [
    ['a name like an option', { name: '-x' }, 'name must begin'],
    ['a name with a space', { name: 'a b' }, 'name must begin'],
    ['a uid that is no whole number', { name: 'app', uid: 1.5 }, 'uid must be a whole number'],
    ['a group like an option', { name: 'app', groups: ['-x'] }, 'group must be a name'],
    ['a primary group with a comma', { name: 'app', group: 'a,b' }, 'group must be a name'],
    ['a comment with a colon', { name: 'app', comment: 'a:b' }, 'colon'],
    ['a comment with a line break', { name: 'app', comment: 'a\nb' }, 'line break'],
    ['a comment with a tab', { name: 'app', comment: 'a\tb' }, 'control character'],
    ['a relative home', { name: 'app', home: 'app' }, 'absolute'],
    ['a shell with a colon', { name: 'app', shell: '/bin/a:b' }, 'colon'],
    ['exactGroups without groups', { name: 'app', exactGroups: true }, 'exactGroups needs groups'],
    ['absent with a uid', { name: 'app', uid: 1, absent: true }, 'name alone'],
  ])
})
