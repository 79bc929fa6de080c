import { describe, expect, test } from 'vitest'
import { DeployError } from '../../src/model/error.ts'
import { sh } from '../../src/shell/sh.ts'
import { authorizedKeys } from '../../src/tasks/authorized-keys.ts'
import { bytesContent } from '../../src/tasks/steps.ts'
import { sudoers } from '../../src/tasks/sudoers.ts'
import { sysctl } from '../../src/tasks/sysctl.ts'
import { type Timer, timer } from '../../src/tasks/timer.ts'
import { cases, compile, refuses } from './support/cases.ts'

const file = (text: string, more: object = {}) => ({
  file: {
    kind: 'file',
    owner: 'root',
    group: 'root',
    mode: '0644',
    size: text.length,
    sha256: bytesContent(text).sha256,
    ...more,
  },
})

describe('sudoers', () => {
  test('writes a file that visudo judges', () => {
    const { kind, want } = compile(sudoers, { want: { name: 'app', rules: ['app ALL=(ALL) NOPASSWD: ALL'] } })
    const [change] = kind.apply(want, kind.read({}, want)).flat()

    expect(kind.key(want)).toBe('path:/etc/sudoers.d/app')
    expect(change?.steps).toMatchObject([
      { kind: 'put', mode: '0440', owner: 'root', validate: expect.stringContaining('visudo -c -f "$1"') },
    ])
  })

  refuses(sudoers, [
    ['a name with a dot', { name: 'a.b', rules: ['x'] }, 'no name with a dot'],
    ['a name with a slash', { name: '../a', rules: ['x'] }, 'name must be'],
    ['no rules', { name: 'a' }, 'at least one line'],
    ['a rule of two lines', { name: 'a', rules: ['x\ny'] }, 'one line'],
    ['absent with rules', { name: 'a', rules: ['x'], absent: true }, 'name alone'],
  ])
})

describe('sysctl', () => {
  const want = {
    name: '60-web',
    settings: { 'net.core.somaxconn': 1024, 'net.ipv4.ip_local_port_range': '10240   65000' },
  }
  const text = '# Managed by evenkeel.\nnet.core.somaxconn = 1024\nnet.ipv4.ip_local_port_range = 10240 65000\n'
  const live = { 'live net.core.somaxconn': '1024', 'live net.ipv4.ip_local_port_range': '10240 65000' }

  cases(sysctl, [
    { name: 'is as wanted', want, answers: { ...file(text), ...live }, changes: [] },
    {
      name: 'names a live value though the file is right',
      want,
      answers: { ...file(text), ...live, 'live net.core.somaxconn': '128' },
      changes: ['live net.core.somaxconn 128 → 1024: sysctl -q -w net.core.somaxconn=1024'],
    },
    {
      name: 'tells that this kernel has no such setting',
      want: { name: 'x', settings: { 'net.none': 1 } },
      answers: file('# Managed by evenkeel.\nnet.none = 1\n'),
      changes: ['live net.none null → 1: sysctl -q -w net.none=1'],
      detail: { notes: ['this kernel has no net.none now: a module of this run must bring it'] },
    },
    {
      name: 'is removed',
      want: { name: 'x', absent: true },
      answers: file('x'),
      changes: ['kind file → null: rm -f -- /etc/sysctl.d/x.conf {keeps /etc/sysctl.d/x.conf}'],
    },
  ])

  test.each([
    ['net.ipv4.conf.eth0/1.rp_filter', 'net/ipv4/conf/eth0.1/rp_filter'],
    ['net/ipv4/conf/eth0.1/rp_filter', 'net/ipv4/conf/eth0.1/rp_filter'],
  ])('looks for %s where sysctl does', (name, path) => {
    const { kind, want: resolved } = compile(sysctl, { want: { name: 'x', settings: { [name]: 1 } } })
    expect(Object.values(kind.check(resolved)).map(({ key }) => key)).toContain(path)
  })

  refuses(sysctl, [
    ['no settings', { name: 'a' }, 'at least one kernel setting'],
    ['a way out of /proc/sys', { name: 'a', settings: { 'net/../../x': 1 } }, 'cannot be the name'],
    ['a name like an option', { name: 'a', settings: { '-vm.x': 1 } }, 'cannot be the name'],
    ['a value of two lines', { name: 'a', settings: { 'vm.x': '1\nvm.y = 2' } }, 'one line of text'],
    ['a name with a slash', { name: 'a/b', settings: { 'vm.x': 1 } }, 'name must be'],
    ['absent with settings', { name: 'a', settings: { 'vm.x': 1 }, absent: true }, 'name alone'],
  ])
})

describe('authorizedKeys', () => {
  const A = `ssh-ed25519 ${'A'.repeat(64)}aaaaaaaa ann`
  const B = `ecdsa-sha2-nistp256 ${'B'.repeat(64)}bbbbbbbb bob@x y`
  const user = { uid: 1, gid: 7, home: '/home/app' }
  const folder = { kind: 'directory', owner: 'app', mode: '0700' }
  const now = (text: string, more: object = {}) => ({
    user,
    folder,
    ...file(text, { owner: 'app', group: 'app', mode: '0600', ...more }),
    content: { bytes: Buffer.from(text), whole: true },
  })
  const fields = (want: object, answers: object) => {
    const { kind, want: resolved } = compile(authorizedKeys, { want: { user: 'app', keys: [A], ...want } })
    const changes = kind.apply(resolved, kind.read({ ...answers }, resolved)).flat()
    return changes.map(({ field, from, to }) => `${field} ${from} → ${to}`)
  }
  const written = (want: object, answers: object) => {
    const { kind, want: resolved } = compile(authorizedKeys, { want: { user: 'app', keys: [A], ...want } })
    const steps = kind
      .apply(resolved, kind.read({ ...answers }, resolved))
      .flat()
      .flatMap((change) => change.steps)
    const put = steps.find((step) => step.kind === 'put')
    return put && 'bytes' in put.content.source ? put.content.source.bytes.toString() : undefined
  }

  test.each<[string, object, object, readonly string[], string | undefined]>([
    ['is as wanted', {}, now(`${A}\n`), [], undefined],
    ['leaves others alone', {}, now(`# x\n${B}\n${A}\n`), [], undefined],
    ['adds a key', {}, now(`${B}`), ['key null → ssh-ed25519 …aaaaaaaa ann'], `${B}\n${A}\n`],
    [
      'takes others out',
      { exact: true },
      now(`# x\n${B}\n${A}\n`),
      ['key ecdsa-sha2-nistp256 …bbbbbbbb bob@x y → null'],
      `# x\n${A}\n`,
    ],
    [
      'changes options',
      { keys: [`no-pty ${A}`] },
      now(`${A}\n`),
      ['key ssh-ed25519 …aaaaaaaa ann → null', 'key null → no-pty ssh-ed25519 …aaaaaaaa ann'],
      `no-pty ${A}\n`,
    ],
    ['leaves a line that is there twice', {}, now(`${A}\n${A}\n`), [], undefined],
    [
      'takes the same key with other options out',
      {},
      now(`${A}\nno-pty ${A}\n`),
      ['key no-pty ssh-ed25519 …aaaaaaaa ann → null'],
      `${A}\n`,
    ],
    [
      'makes folder and file',
      {},
      { user },
      ['folder null → /home/app/.ssh', 'key null → ssh-ed25519 …aaaaaaaa ann', 'mode null → 0600'],
      `${A}\n`,
    ],
    ['mends the mode', {}, now(`${A}\n`, { mode: '0644' }), ['mode 0644 → 0600'], undefined],
    [
      'mends the folder',
      {},
      { ...now(`${A}\n`), folder: { ...folder, mode: '0755', owner: 'root' } },
      ['owner root → app', 'mode 0755 → 0700'],
      undefined,
    ],
    ['has no key at all', { keys: [], exact: true }, now(`${A}\n`), ['key ssh-ed25519 …aaaaaaaa ann → null'], ''],
  ])('%s', (_name, want, answers, changes, text) => {
    expect(fields(want, answers)).toEqual(changes)
    expect(written(want, answers)).toBe(text)
  })

  test.each([
    ['another home', { ...now(''), user: { ...user, home: '/srv/app' } }, "say home: '/srv/app'"],
    ['a link for a folder', { user, folder: { kind: 'symlink' } }, 'is no directory'],
    ['a link for the file', { user, folder, file: { kind: 'symlink' } }, 'is no file'],
    [
      'a file that is no text',
      { user, folder, ...file('x'), content: { bytes: Buffer.from([0]), whole: true } },
      'no text',
    ],
  ])('refuses %s', (_name, answers, says) => {
    const { kind, want } = compile(authorizedKeys, { want: { user: 'app', keys: [A] } })
    const state = kind.read(answers, want)
    expect(kind.detail?.(want, state, {}).refuse).toContain(says)
    expect(kind.apply(want, state).flat()[0]?.steps).toMatchObject([{ script: expect.stringContaining('exit 1') }])
  })

  refuses(authorizedKeys, [
    ['a private key', { user: 'app', keys: ['-----BEGIN OPENSSH PRIVATE KEY-----'] }, 'no public key'],
    ['a key of two lines', { user: 'app', keys: [`${A}\n${B}`] }, 'no public key'],
    ['one key twice', { user: 'app', keys: [A, `no-pty ${A}`] }, 'one key twice'],
    ['no key', { user: 'app', keys: [] }, 'at least one key'],
    ['no user', { keys: [A] }, 'user must be named'],
    ['a relative home', { user: 'app', keys: [A], home: 'x' }, 'path must be absolute'],
  ])
})

describe('timer', () => {
  const want: Timer = { name: 'backup', run: sh`echo ${'100% "$HOME" \\'}`, calendar: '*-*-* 03:15' }
  const texts = (timer_: Timer) =>
    timer(timer_).map((task) => {
      const { want: resolved } = compile(() => task, { want: undefined })
      const {
        file: { path, content },
      } = resolved as { file: { path: string; content: { source: { bytes: Buffer } } } }
      return [path, content.source.bytes.toString()]
    })

  test('is stopped before its service, when it shall not be there', () => {
    const units = timer({ name: 'backup', absent: true }).map(({ want: unit }) => unit)
    expect(units).toEqual([
      { name: 'backup.timer', absent: true },
      { name: 'backup.service', absent: true },
    ])
  })

  test('is a timer and its service', () => {
    expect(texts({ ...want, user: 'app', persistent: true, randomDelay: '5min' })).toEqual([
      [
        '/etc/systemd/system/backup.service',
        `[Unit]\nDescription=backup\n\n[Service]\nType=oneshot\nUser=app\nExecStart=/bin/sh -c "echo '100%% \\"$$HOME\\" \\\\'"\n`,
      ],
      [
        '/etc/systemd/system/backup.timer',
        '[Unit]\nDescription=backup\n\n[Timer]\nOnCalendar=*-*-* 03:15\nPersistent=true\nRandomizedDelaySec=5min\n\n[Install]\nWantedBy=timers.target\n',
      ],
    ])
  })

  test.each(['\n', '\r', '\r\n'])('a value with the line break %j adds no line of its own', (end) => {
    const [[, service = ''] = []] = texts({ ...want, run: sh`echo ${`a${end}ExecStartPre=/bin/evil`}` })

    expect(service.split(/[\n\r]/).filter((line) => line.startsWith('Exec'))).toHaveLength(1)
    expect(service).toContain(`echo 'a${JSON.stringify(end).slice(1, -1)}ExecStartPre=/bin/evil'`)
  })

  test.each<[string, Partial<Record<keyof Timer, unknown>>, string]>([
    ['neither calendar nor every', { calendar: undefined }, 'either calendar or every'],
    ['both', { every: '5min' }, 'either calendar or every'],
    [
      'persistent without a calendar',
      { calendar: undefined, every: '5min', persistent: true },
      'persistent goes with calendar',
    ],
    ['a time of two lines', { calendar: 'daily\n[Service]' }, 'one line of text'],
    ['a name with a slash', { name: 'a/b' }, 'name must be'],
    ['nothing to run', { run: sh`` }, 'run must be a script'],
    ['a NUL character', { run: sh`a\0b` }, 'NUL'],
    ['a specifier in a time', { every: undefined, calendar: '%n' }, 'without %'],
    ['a user like an option', { user: '-x' }, 'user must be a name'],
    ['something to run of what shall not be there', { calendar: undefined, absent: true }, 'goes with name alone'],
  ])('refuses %s', (_name, more, says) => {
    const call = () => timer({ ...want, ...more } as Timer)
    expect(call).toThrow(DeployError)
    expect(call).toThrow(says)
  })
})
