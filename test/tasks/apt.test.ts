import { describe, expect, test } from 'vitest'
import { apt } from '../../src/tasks/apt.ts'
import { cases, compile, refuses } from './support/cases.ts'

const installed = (version: string) => ({ status: 'ii', version })
const simulated = (output: string, code = 0) => ({ simulation: { code, output } })

/** The script of the first step, and the fields. */
function scriptOf(want: Parameters<typeof apt>[0], answers: Record<string, unknown> = {}) {
  const { kind, want: resolved } = compile(apt, { want })
  const changes = kind.apply(resolved, kind.read(answers, resolved)).flat()
  const step = changes[0]?.steps[0]
  return {
    fields: changes.map(({ field, from, to }) => `${field} ${from} → ${to}`),
    script: step?.kind === 'shell' ? step.script : '',
    foreign: step?.kind === 'shell' && step.foreign,
    steps: new Set(changes.flatMap(({ steps }) => steps)).size,
  }
}

describe('apt', () => {
  cases(apt, [
    {
      name: 'is installed',
      want: { packages: ['nginx'] },
      answers: { 'pkg nginx': installed('1') },
      changes: [],
      honesty: 'exact',
    },
    {
      name: 'is installed and held',
      want: { packages: ['nginx'] },
      answers: { 'pkg nginx': { status: 'hi', version: '1' } },
      changes: [],
    },
    {
      name: 'is installed in the pinned version',
      want: { packages: ['nginx=1'] },
      answers: { 'pkg nginx': installed('1') },
      changes: [],
    },
    {
      name: 'is installed in the newest version',
      want: { packages: ['nginx'], state: 'latest' },
      answers: { 'pkg nginx': installed('1'), 'candidate nginx': { version: '1' }, fresh: { code: 0, output: '' } },
      changes: [],
    },
    {
      name: 'is installed and unknown to the lists',
      want: { packages: ['nginx'], state: 'latest' },
      answers: { 'pkg nginx': installed('1'), fresh: { code: 0, output: '' } },
      changes: [],
    },
    { name: 'is absent', want: { packages: ['nginx'], state: 'absent' }, changes: [] },
    {
      name: 'is absent but for its configuration',
      want: { packages: ['nginx'], state: 'absent' },
      answers: { 'pkg nginx': { status: 'rc', version: '1' } },
      changes: [],
    },
    {
      name: 'is purged',
      want: { packages: ['nginx'], state: 'absent', purge: true },
      answers: { 'pkg nginx': { status: 'un', version: '' } },
      changes: [],
    },
  ])

  refuses(apt, [
    ['no packages', { packages: [] }, 'at least one package'],
    ['an option', { packages: ['--reinstall'] }, 'does not name a package'],
    ['a removal mark', { packages: ['nginx-'] }, 'does not name a package'],
    ['a state that is none', { packages: ['nginx'], state: 'nonsense' }, 'state must be'],
    ['a name in capitals', { packages: ['Nginx'] }, 'does not name a package'],
    ['a release', { packages: ['nginx/stable'] }, 'does not name a package'],
    ['a pattern', { packages: ['nginx*'] }, 'does not name a package'],
    ['a package twice', { packages: ['nginx', 'nginx=1'] }, 'twice'],
    ['a version with latest', { packages: ['nginx=1'], state: 'latest' }, 'a version goes with state present'],
    ['purge of what is present', { packages: ['nginx'], purge: true }, 'purge goes with state absent'],
    ['start with absent', { packages: ['nginx'], state: 'absent', start: false }, 'do not go with state absent'],
  ])

  test('one foreign step installs what is missing, and only that', () => {
    const { fields, script, foreign, steps } = scriptOf(
      { packages: ['nginx', 'redis-server', 'tree=2'] },
      { 'pkg nginx': installed('1'), 'pkg tree': installed('1') },
    )

    expect(fields).toEqual(['redis-server null → installed', 'tree 1 → 2'])
    expect([foreign, steps]).toEqual([true, 1])
    expect(script).toContain('install --no-install-recommends --allow-downgrades --no-remove -- redis-server tree=2')
    expect(script).toContain('--force-confold')
    expect(script).not.toContain('policy-rc.d')
  })

  test.each([
    ['broken off', { status: 'iF', version: '1' }, 'nginx 1 (iF) → installed'],
    ['removed but for its configuration', { status: 'rc', version: '1' }, 'nginx configuration only → installed'],
    ['known but not installed', { status: 'un', version: '' }, 'nginx null → installed'],
  ])('a package that is %s is installed', (_name, state, field) => {
    expect(scriptOf({ packages: ['nginx'] }, { 'pkg nginx': state }).fields).toEqual([field])
  })

  test('recommends, removals and no start are said to apt', () => {
    const { script } = scriptOf({ packages: ['nginx'], recommends: true, allowRemovals: true, start: false })

    expect(script).toContain('install --install-recommends -- nginx')
    expect(script).toContain('/usr/sbin/policy-rc.d')
  })

  test('latest installs a newer candidate', () => {
    const answers = { 'pkg nginx': installed('1'), 'candidate nginx': { version: '2' }, fresh: { code: 0, output: '' } }

    const { fields, script } = scriptOf({ packages: ['nginx'], state: 'latest' }, answers)

    expect(fields).toEqual(['nginx 1 → 2'])
    expect(script).toContain('--no-remove -- nginx')
  })

  test('latest refreshes lists older than a day, even when nothing newer is known', () => {
    const answers = { 'pkg nginx': installed('1'), 'candidate nginx': { version: '1' }, fresh: { code: 1, output: '' } }

    const { fields, script } = scriptOf({ packages: ['nginx'], state: 'latest' }, answers)

    expect(fields).toEqual(['package lists older than a day → fresh'])
    expect(script).toMatch(/refresh; lists_fresh$/)
  })

  test('absent removes what is there and checks that nothing else goes', () => {
    const { fields, script } = scriptOf(
      { packages: ['nginx', 'libc6:i386'], state: 'absent' },
      { 'pkg nginx': installed('1'), 'pkg libc6:i386': installed('2') },
    )

    expect(fields).toEqual(['nginx 1 → null', 'libc6:i386 2 → null'])
    expect(script).toContain('remove -- nginx libc6:i386')
    expect(script).toContain('grep -vxF -e nginx -e libc6')
  })

  test('purge removes the configuration as well', () => {
    const { fields, script } = scriptOf(
      { packages: ['nginx'], state: 'absent', purge: true, allowRemovals: true },
      { 'pkg nginx': { status: 'rc', version: '1' } },
    )

    expect(fields).toEqual(['nginx configuration only → null'])
    expect(script).toContain('purge -- nginx')
    expect(script).not.toContain('more=')
  })

  test('its steps may move what other tasks look at', () => {
    const { kind, want } = compile(apt, { want: { packages: ['nginx'] } })

    expect(kind.moves?.(want, [])).toBe(true)
  })

  const details: readonly (readonly [
    string,
    Parameters<typeof apt>[0],
    ReturnType<typeof simulated> | Record<never, never>,
    unknown,
  ])[] = [
    [
      'versions and what comes along',
      { packages: ['nginx'] },
      simulated(
        'lists\nfresh\nInst nginx-common (1.2 Debian:12 [all])\nInst nginx [1.1] (1.2 Debian:12 [amd64])\nConf nginx (1.2 Debian:12 [amd64])\n',
      ),
      { notes: ['nginx 1.1 → 1.2', '1 more package comes along'] },
    ],
    [
      'lists that are not there',
      { packages: ['nginx'] },
      simulated('E: Unable to locate package nginx\n', 100),
      { notes: ['versions are not known until the package lists are refreshed'] },
    ],
    [
      'lists that are old',
      { packages: ['nginx'] },
      simulated('lists\nInst nginx (1.2 Debian:12 [amd64])\n'),
      {
        notes: [
          'nginx 1.2',
          'the package lists are older than a day and are refreshed first, so versions may be newer',
        ],
      },
    ],
    [
      'what apt says against it',
      { packages: ['xx'] },
      simulated('lists\nfresh\nE: Unable to locate package xx\n', 100),
      { notes: ['apt says now: Unable to locate package xx; a package source of this run must change that'] },
    ],
    [
      'removals that are not allowed',
      { packages: ['nginx'] },
      simulated('lists\nfresh\nRemv apache2 [2.4]\nInst nginx (1.2 Debian:12 [amd64])\n'),
      { refuse: 'this also removes apache2 (allowRemovals: true lets it)' },
    ],
    [
      'removals that are allowed',
      { packages: ['nginx'], allowRemovals: true },
      simulated('lists\nfresh\nRemv apache2 [2.4]\nInst nginx (1.2 Debian:12 [amd64])\n'),
      { notes: ['nginx 1.2', 'this also removes apache2'] },
    ],
    [
      'an older version',
      { packages: ['nginx=1.1'] },
      simulated('lists\nfresh\nThe following packages will be DOWNGRADED:\nInst nginx [1.2] (1.1 Debian:12 [amd64])\n'),
      { notes: ['nginx 1.2 → 1.1', 'older versions than those installed'] },
    ],
    [
      'someone else at work',
      { packages: ['nginx'] },
      simulated('held process 7 (dpkg -i x.deb)\nlists\nfresh\nInst nginx (1.2 Debian:12 [amd64])\n'),
      {
        notes: ['someone else is at work with packages now, and is waited for: process 7 (dpkg -i x.deb)', 'nginx 1.2'],
      },
    ],
    [
      'an installation broken off',
      { packages: ['nginx'] },
      simulated('broken tree\nlists\nfresh\n'),
      { refuse: 'an earlier installation was broken off (tree): look at it, then run dpkg --configure -a' },
    ],
    ['no answer', { packages: ['nginx'] }, {}, { notes: ['apt could not be asked what it would do'] }],
  ]

  test.each(details)('the plan tells of %s', (_name, want, values, expected) => {
    const { kind, want: resolved } = compile(apt, { want })
    const now = kind.read({}, resolved)

    expect(Object.keys(kind.detailProbes?.(resolved, now) ?? {})).toEqual(['simulation'])
    expect(kind.detail?.(resolved, now, values)).toEqual(expected)
  })

  test('the key does not depend on order, versions or state', () => {
    const keys = [
      { packages: ['b', 'a'] },
      { packages: ['a', 'b=1'] },
      { packages: ['a', 'b'], state: 'absent' as const },
    ].map((want) => {
      const { kind, want: resolved } = compile(apt, {
        want: { ...want, packages: want.packages.map((name) => name.replace(/^./, 'x$&')) },
      })
      return kind.key(resolved)
    })

    expect(new Set(keys)).toEqual(new Set(['apt:xa,xb']))
  })
})
