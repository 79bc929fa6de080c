import { describe } from 'vitest'
import { copy } from '../../src/tasks/copy.ts'
import { cases, refuses } from './support/cases.ts'
import { fileState } from './support/states.ts'

const project = { 'files/logo': 'logo' }

describe('copy', () => {
  cases(copy, [
    {
      name: 'is written',
      want: { from: 'files/logo', to: '/srv/logo', owner: 'www-data', mode: '0444' },
      project,
      changes: [
        `content null → 4 bytes (${fileState('logo').sha256?.slice(0, 8)}): put /srv/logo www-data: 0444 "logo"`,
        'owner null → www-data: "',
        'mode null → 0444: "',
      ],
    },
    {
      name: 'is right',
      want: { from: 'files/logo', to: '/srv/logo' },
      project,
      answers: { file: fileState('logo') },
      changes: [],
    },
  ])

  refuses(copy, [
    ['no file', { from: '', to: '/a' }, 'from must name'],
    ['a relative path', { from: 'a', to: 'a' }, 'absolute'],
    ['an owner like an option', { from: 'a', to: '/a', owner: '--x' }, 'owner must be'],
  ])
})
