import { describe } from 'vitest'
import { directory } from '../../src/tasks/directory.ts'
import { cases, refuses } from './support/cases.ts'
import { directoryState, fileState, linkState, socketState } from './support/states.ts'

const path = '/srv/app'
const kept = '{keeps /srv/app}'

describe('directory', () => {
  cases(directory, [
    {
      name: 'is made, mode 0755',
      want: { path },
      changes: [
        `kind null → directory: mkdir -m 0700 -- /srv/app\nown /srv/app '' 00755 ${kept}`,
        'mode null → 0755: "',
      ],
    },
    {
      name: 'is made with owner, group, mode and its parents',
      want: { path: '/srv/a/b', owner: 'app', group: 'adm', mode: '2770', parents: true },
      changes: [
        'kind null → directory: (umask 022; mkdir -p -- /srv/a)\nmkdir -m 0700 -- /srv/a/b\nown /srv/a/b app:adm 02770 {keeps /srv/a/b}',
        'owner null → app: "',
        'group null → adm: "',
        'mode null → 2770: "',
      ],
    },
    {
      name: 'is made with a group alone',
      want: { path, group: 'adm' },
      changes: [
        `kind null → directory: mkdir -m 0700 -- /srv/app\nown /srv/app :adm 00755 ${kept}`,
        'group null → adm: "',
        'mode null → 0755: "',
      ],
    },
    {
      name: 'is right',
      want: { path, owner: 'root', group: 'root', mode: '755' },
      answers: { path: directoryState() },
      changes: [],
      detail: {},
    },
    {
      name: 'keeps a mode that is left out',
      want: { path },
      answers: { path: directoryState({ mode: '1777' }) },
      changes: [],
    },
    {
      name: 'changes mode, taking setgid off',
      want: { path, mode: '0750' },
      answers: { path: directoryState({ mode: '2755' }) },
      changes: [`mode 2755 → 0750: own /srv/app '' 00750 ${kept}`],
    },
    {
      name: 'changes owner and group',
      want: { path, owner: 'app', group: 'app' },
      answers: { path: directoryState() },
      changes: [`owner root → app: own /srv/app app:app '' ${kept}`, 'group root → app: "'],
    },
    {
      name: 'never takes the place of a file',
      want: { path },
      answers: { path: fileState('x') },
      changes: [`kind file → directory: echo '/srv/app is a file: no directory can take its place' >&2; exit 1`],
      detail: { refuse: '/srv/app is a file: no directory can take its place' },
    },
    {
      name: 'never takes the place of a link',
      want: { path },
      answers: { path: linkState('/data') },
      changes: [
        `kind symlink → directory: echo '/srv/app is a link to /data: no directory can take its place' >&2; exit 1`,
      ],
      detail: { refuse: '/srv/app is a link to /data: no directory can take its place' },
    },
    {
      name: 'never takes the place of a socket',
      want: { path },
      answers: { path: socketState },
      changes: [
        `kind other → directory: echo '/srv/app is neither a file nor a directory: no directory can take its place' >&2; exit 1`,
      ],
    },
    { name: 'is absent', want: { path, absent: true }, changes: [] },
    {
      name: 'is removed when it is empty',
      want: { path, absent: true },
      answers: { path: directoryState() },
      changes: [`kind directory → null: rmdir -- /srv/app ${kept}`],
      asks: ['folder', 'inside'],
      details: { inside: { code: 0, output: '' } },
      detail: {},
    },
    {
      name: 'is not removed when it is not empty',
      want: { path, absent: true },
      answers: { path: directoryState() },
      changes: [`kind directory → null: rmdir -- /srv/app ${kept}`],
      details: { inside: { code: 0, output: 'a\nb\nc\nd\n' } },
      detail: { refuse: '/srv/app is not empty: a, b, c, …' },
    },
    {
      name: 'is not removed where it is a link',
      want: { path, absent: true },
      answers: { path: linkState('/data') },
      changes: [`kind symlink → null: echo '/srv/app is a link to /data: directory does not remove it' >&2; exit 1`],
      detail: { refuse: '/srv/app is a link to /data: directory does not remove it' },
    },
  ])

  refuses(directory, [
    ['a relative path', { path: 'srv' }, 'absolute'],
    ['a mode that is a number', { path, mode: 755 }, 'octal digits in quotes'],
    ['absent with a mode', { path, absent: true, mode: '0755' }, 'path alone'],
  ])
})
