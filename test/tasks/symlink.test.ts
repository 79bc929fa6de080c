import { describe } from 'vitest'
import { symlink } from '../../src/tasks/symlink.ts'
import { cases, refuses } from './support/cases.ts'
import { directoryState, fileState, linkState, socketState } from './support/states.ts'

const path = '/etc/app/on'
const link = [
  `printf '%s\\n' /etc/app/.deploy-"$RUN-$TASK" >>"$S/temps"`,
  'ln -sfnT -- ../off /etc/app/.deploy-"$RUN-$TASK"',
  'mv -fT -- /etc/app/.deploy-"$RUN-$TASK" /etc/app/on',
  'sync -- /etc/app {keeps /etc/app/on}',
].join('\n')

describe('symlink', () => {
  cases(symlink, [
    { name: 'is made', want: { path, target: '../off' }, changes: [`target null → ../off: ${link}`], detail: {} },
    { name: 'is right', want: { path, target: '../off' }, answers: { path: linkState('../off') }, changes: [] },
    {
      name: 'points elsewhere',
      want: { path, target: '../off' },
      answers: { path: linkState('/x') },
      changes: [`target /x → ../off: ${link}`],
    },
    {
      name: 'takes the place of a file, which is kept',
      want: { path, target: '../off' },
      answers: { path: fileState('abc') },
      changes: [`kind file → symlink: ${link}`, 'target null → ../off: "'],
      detail: { notes: ['the file of 3 bytes is replaced by the link and kept'] },
    },
    {
      name: 'in the root folder',
      want: { path: '/on', target: '-x y' },
      changes: [
        `target null → -x y: printf '%s\\n' /.deploy-"$RUN-$TASK" >>"$S/temps"\nln -sfnT -- '-x y' /.deploy-"$RUN-$TASK"\nmv -fT -- /.deploy-"$RUN-$TASK" /on\nsync -- / {keeps /on}`,
      ],
    },
    {
      name: 'never takes the place of a directory',
      want: { path, target: '../off' },
      answers: { path: directoryState() },
      changes: [`kind directory → symlink: echo '/etc/app/on is a directory: no link can take its place' >&2; exit 1`],
      detail: { refuse: '/etc/app/on is a directory: no link can take its place' },
    },
    {
      name: 'never takes the place of a socket',
      want: { path, target: '../off' },
      answers: { path: socketState },
      changes: [`kind other → symlink: echo '/etc/app/on is no link: no link can take its place' >&2; exit 1`],
    },
    { name: 'is absent', want: { path, absent: true }, changes: [] },
    {
      name: 'is removed',
      want: { path, absent: true },
      answers: { path: linkState('/x') },
      changes: ['target /x → null: rm -f -- /etc/app/on {keeps /etc/app/on}'],
    },
    {
      name: 'is not removed where it is a file',
      want: { path, absent: true },
      answers: { path: fileState('') },
      changes: [`kind file → null: echo '/etc/app/on is a file: symlink does not remove it' >&2; exit 1`],
      detail: { refuse: '/etc/app/on is a file: symlink does not remove it' },
    },
  ])

  refuses(symlink, [
    ['no target', { path }, 'target is missing'],
    ['an empty target', { path, target: '' }, 'target is missing'],
    ['a newline in a target', { path, target: 'a\nb' }, 'line break'],
    ['absent with a target', { path, target: 'a', absent: true }, 'path alone'],
    ['a relative path', { path: 'a', target: 'b' }, 'absolute'],
  ])
})
