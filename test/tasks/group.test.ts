import { describe } from 'vitest'
import { group } from '../../src/tasks/group.ts'
import { cases, refuses } from './support/cases.ts'

const now = { gid: 1001, members: [] }

describe('group', () => {
  cases(group, [
    { name: 'is made', want: { name: 'app' }, changes: ['group null → app: groupadd -- app'] },
    {
      name: 'is made with a gid for the system',
      want: { name: 'app', gid: 900, system: true },
      changes: ['group null → app: groupadd -g 900 -r -- app', 'gid null → 900: "'],
    },
    { name: 'is there', want: { name: 'app', gid: 1001, system: true }, answers: { group: now }, changes: [] },
    {
      name: 'changes its gid',
      want: { name: 'app', gid: 5 },
      answers: { group: now },
      changes: ['gid 1001 → 5: groupmod -g 5 -- app'],
    },
    { name: 'is absent', want: { name: 'app', absent: true }, changes: [] },
    {
      name: 'is removed',
      want: { name: 'app', absent: true },
      answers: { group: now },
      changes: ['group app → null: groupdel -- app'],
    },
  ])

  refuses(group, [
    ['a name like an option', { name: '-x' }, 'name must begin'],
    ['a name in capitals', { name: 'App' }, 'name must begin'],
    ['a name that is too long', { name: 'a'.repeat(33) }, 'at most 32'],
    ['a gid that is a text', { name: 'app', gid: '5' }, 'gid must be a whole number'],
    ['a gid below 0', { name: 'app', gid: -1 }, 'gid must be a whole number'],
    ['absent with a gid', { name: 'app', gid: 1, absent: true }, 'name alone'],
  ])
})
