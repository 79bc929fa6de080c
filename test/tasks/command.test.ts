import { describe, expect, test } from 'vitest'
import { sh } from '../../src/shell/sh.ts'
import { command } from '../../src/tasks/command.ts'
import { cases, compile, refuses } from './support/cases.ts'
import { fileState } from './support/states.ts'

const run = sh`make install`
const yes = { code: 0, output: '' }
const no = { code: 1, output: '' }
const always = ['run null → will run: set -e; umask 022\nmake install {foreign}']

describe('command', () => {
  cases(command, [
    { name: 'without guard always runs and says so', want: { run }, changes: always, honesty: 'opaque' },
    {
      name: 'runs while what it creates is not there',
      want: { run, creates: '/srv/x' },
      changes: ['run null → creates /srv/x: set -e; umask 022\nmake install {foreign}'],
      honesty: 'probed',
    },
    {
      name: 'does not run when what it creates is there',
      want: { run, creates: '/srv/x' },
      answers: { path: fileState('') },
      changes: [],
    },
    {
      name: 'runs while unless fails',
      want: { run, unless: sh`test -e /x` },
      answers: { unless: no },
      changes: always,
      honesty: 'probed',
    },
    {
      name: 'does not run when unless succeeds',
      want: { run, unless: sh`test -e /x` },
      answers: { unless: yes },
      changes: [],
    },
    {
      name: 'runs while onlyIf succeeds',
      want: { run, onlyIf: sh`test -e /x` },
      answers: { onlyIf: yes },
      changes: always,
      honesty: 'probed',
    },
    {
      name: 'does not run when onlyIf fails',
      want: { run, onlyIf: sh`test -e /x` },
      answers: { onlyIf: no },
      changes: [],
    },
    {
      name: 'needs every guard to agree',
      want: { run, creates: '/x', unless: sh`a`, onlyIf: sh`b` },
      answers: { unless: no, onlyIf: no },
      changes: [],
    },
    {
      name: 'runs as a user, in a folder, with variables',
      want: { run, as: 'app', cwd: '/srv/my app', env: { A: "it's", PORT: 3000 } },
      changes: [
        [
          'run null → will run: set -e; umask 022',
          'USER=app LOGNAME=app HOME=$(getent passwd app | cut -d: -f6); export USER LOGNAME HOME',
          "cd -- '/srv/my app'",
          "export A='it'\\''s' PORT=3000",
          'make install {foreign, as app}',
        ].join('\n'),
      ],
    },
  ])

  refuses(command, [
    ['no script', {}, 'run must be a script'],
    ['an empty script', { run: sh` ` }, 'run must be a script'],
    ['a relative cwd', { run, cwd: 'x' }, 'absolute'],
    ['a relative creates', { run, creates: 'x' }, 'absolute'],
    ['a variable that cannot be one', { run, env: { 'A-B': 1 } }, 'cannot name a variable'],
    ['a user like an option', { run, as: '-x' }, 'as must be a name'],
  ])

  test('guards are asked where the command would run', () => {
    const { kind, want } = compile(command, { want: { run, as: 'app', cwd: '/srv', unless: sh`test -d x` } })

    expect(kind.check(want).unless?.key).toContain("runuser -u app -- sh -c 'set -e; umask 022\nUSER=app")
    expect(kind.check(want).unless?.key).toContain('cd -- /srv\ntest -d x')
  })

  test('two commands that differ in anything are two tasks', () => {
    const wants = [{ run }, { run, cwd: '/srv' }, { run, as: 'app' }, { run, env: { A: 1 } }]

    const keys = wants.map((want) => compile(command, { want })).map(({ kind, want }) => kind.key(want))

    expect(new Set(keys).size).toBe(4)
  })

  test('the label is the first line, cut', () => {
    const { kind } = compile(command, { want: { run } })

    expect(kind.label({ run: sh`a` })).toBe('a')
    expect(kind.label({ run: sh`a\nb` })).toBe('a …')
    expect(kind.label({ run: { shell: 'x'.repeat(100) } })).toBe(`${'x'.repeat(72)} …`)
  })
})
