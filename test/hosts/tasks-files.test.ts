import { createHash, randomBytes } from 'node:crypto'
import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { quote } from '../../src/shell/sh.ts'
import { describeOnLab, useLab } from './support/lab.ts'
import { outcomes } from './support/project.ts'
import { type FieldCase, planned, testFields, useTrial, wrong } from './support/trial.ts'

/** A content as plans show it. */
const shown = (content: string | Buffer) =>
  `${Buffer.byteLength(content)} bytes (${createHash('sha256').update(content).digest('hex').slice(0, 8)})`

const LARGE = randomBytes(5 * 1024 * 1024)

/** The fields of a task that keeps a whole file: how it is written for a path, and its content. */
function wholeFileCases(type: string, task: (path: string) => string, text: string): readonly FieldCase[] {
  const field = (name: string, more: string, broken: (path: string) => string, says: string): FieldCase => {
    const path = `/srv/f/${type}-${name}`
    return { task: `${task(path)}${more} })`, broken: broken(path), says: `${type} ${path}: ${says}`, paths: [path] }
  }
  const created = `content none → ${shown(text)}, mode none → 0644`
  return [
    field('content', '', (path) => `echo by hand >${path}`, `content ${shown('by hand\n')} → ${shown(text)}`),
    field('owner', `, owner: 'games'`, (path) => `chown root ${path}`, 'owner root → games'),
    field('uid', `, owner: '4321'`, (path) => `chown games ${path}`, 'owner 5 → 4321'),
    field(
      'group',
      `, group: 'games', mode: '2755'`,
      (path) => `chgrp 0 ${path}; chmod 2755 ${path}`,
      'group root → games',
    ),
    field('mode', `, mode: '0600'`, (path) => `chmod 4755 ${path}`, 'mode 4755 → 0600'),
    field('gone', '', (path) => `rm ${path}`, created),
    field(
      'link',
      '',
      (path) => `mv ${path} ${path}-aside; ln -s ${type}-link-aside ${path}`,
      `kind symlink → file, ${created}`,
    ),
    field(
      'valid',
      `, validate: sh\`test "$(stat -c %U%a "$1")" = games640 && cmp -s "$1" /srv/f/${type}-gone\`, owner: 'games', mode: '0640'`,
      (path) => `echo >${path}`,
      `content 1 byte → ${Buffer.byteLength(text)} bytes`,
    ),
  ]
}

const path = (
  type: string,
  name: string,
  more: string,
  says: string,
  scripts: { before?: string; broken: string; also?: readonly string[] },
): FieldCase => ({
  task: `${type}({ path: '/srv/f/${name}'${more} })`,
  ...(scripts.before && { before: `cd /srv/f; ${scripts.before}` }),
  broken: `cd /srv/f; ${scripts.broken}`,
  says: `${type} /srv/f/${name}: ${says}`,
  paths: [`/srv/f/${name}`, ...(scripts.also ?? [])],
})

const FIELDS: readonly FieldCase[] = [
  ...wholeFileCases('file', (to) => `file({ path: '${to}', content: 'one\\ntwo\\n'`, 'one\ntwo\n'),
  ...wholeFileCases('copy', (to) => `copy({ from: 'files/some', to: '${to}'`, 'some\n'),
  ...wholeFileCases(
    'template',
    (to) => `template({ from: 'some.hbs', to: '${to}', data: { port: 3000 }`,
    'port=3000\n',
  ),
  {
    task: `copy({ from: 'files/large', to: '/srv/f/large' })`,
    broken: 'truncate -s -1 /srv/f/large',
    says: `copy /srv/f/large: content ${shown(LARGE.subarray(0, -1))} → ${shown(LARGE)}`,
    paths: ['/srv/f/large'],
  },
  path('file', 'any', `, mode: '0640'`, 'mode 0644 → 0640', { broken: 'echo of its own >any; chmod 0644 any' }),
  path(
    'file',
    'bytes',
    `, content: Buffer.from([0, 255, 10, 13, 195])`,
    `content ${shown('x')} → ${shown(Buffer.from([0, 255, 10, 13, 195]))}`.replace('1 bytes', '1 byte'),
    { broken: 'printf x >bytes' },
  ),
  path('file', 'empty', `, content: ''`, `content ${shown('\n')} → ${shown('')}`.replace('1 bytes', '1 byte'), {
    broken: 'echo >empty',
  }),
  path('file', 'secret', `, content: 'new secret', mode: '0600'`, 'content 11 bytes → 10 bytes', {
    broken: 'echo old secret >secret',
  }),
  path('file', 'absent', ', absent: true', 'kind file → none', { before: 'echo x >absent', broken: 'echo x >absent' }),
  path('file', 'absent-link', ', absent: true', 'kind symlink → none', {
    before: 'ln -s /etc/passwd absent-link',
    broken: 'ln -s nowhere absent-link',
  }),
  path('directory', 'd-owner', `, owner: 'games', mode: '2770'`, 'owner root → games', {
    broken: 'chown root d-owner',
  }),
  path('directory', 'd-group', `, group: '60', mode: '2770'`, 'group 0 → 60', { broken: 'chgrp root d-group' }),
  path('directory', 'd-mode', `, mode: '0755'`, 'mode 2755 → 0755', { broken: 'chmod 2755 d-mode' }),
  path('directory', 'd-parents/of/this', ', parents: true', 'kind none → directory, mode none → 0755', {
    broken: 'rm -r d-parents',
    also: ['/srv/f/d-parents', '/srv/f/d-parents/of'],
  }),
  path('directory', 'd-absent', ', absent: true', 'kind directory → none', {
    before: 'mkdir d-absent',
    broken: 'mkdir d-absent',
  }),
  path('symlink', 'l-target', `, target: 'file-content'`, 'target file-mode → file-content', {
    broken: 'ln -sfn file-mode l-target',
  }),
  path('symlink', 'l-folder', `, target: '/srv/f/d-mode'`, 'target /srv/f/d-owner → /srv/f/d-mode', {
    broken: 'ln -sfn /srv/f/d-owner l-folder',
  }),
  path('symlink', 'l-kind', `, target: 'nowhere'`, 'kind file → symlink, target none → nowhere', {
    broken: 'rm l-kind; echo mine >l-kind',
  }),
  path('symlink', 'l-absent', ', absent: true', 'target x → none', {
    before: 'ln -s x l-absent',
    broken: 'ln -s x l-absent',
  }),
  path('lines', 'lines-kept', `, lines: ['two']`, 'content 6 bytes → 10 bytes', {
    before: 'echo one >lines-kept; chown games lines-kept; chmod 0600 lines-kept',
    broken: 'echo three >lines-kept',
  }),
  path(
    'lines',
    'lines-match',
    `, lines: [{ line: 'port 1', matching: /^#?port/, after: /^head/ }]`,
    `content ${shown('head\nport 2\nport 3\ntail')} → ${shown('head\nport 1\ntail\n')}`,
    {
      before: 'printf "head\\n#port 9\\ntail" >lines-match',
      broken: 'printf "head\\nport 2\\nport 3\\ntail" >lines-match',
    },
  ),
  path(
    'lines',
    'lines-absent',
    `, lines: [{ matching: /bad/, absent: true }, { line: 'x', before: /^end/ }]`,
    `content ${shown('good\nx\nend\nis bad\n')} → ${shown('good\nx\nend\n')}`,
    {
      before: 'printf "bad\\ngood\\nend\\n" >lines-absent',
      broken: 'printf "good\\nx\\nend\\nis bad\\n" >lines-absent',
    },
  ),
  path(
    'lines',
    'lines-create',
    `, lines: ['only'], create: true`,
    `content none → ${shown('only\n')}, mode none → 0644`,
    { broken: 'rm lines-create' },
  ),
]

/** Names that mean something to a shell, to find, to printf or to a terminal. */
const ODD = [
  'sp  ace',
  ' leading',
  'trailing ',
  "quo'te",
  'dou"ble',
  '-leading',
  '--',
  '*',
  '?',
  '[a]',
  '$(touch x)',
  '`id`',
  '$HOME',
  'a;b',
  'a&b',
  'a|b',
  '>x',
  '~',
  '#x',
  '!x',
  '{a,b}',
  'back\\slash',
  '\\n',
  '%s%n',
  'é',
  'e\u0301',
  'ß∂😀',
  'tab\there',
  'bell\u0007esc\u001b[31m',
  '.deploy',
  'x'.repeat(255),
  'é'.repeat(127),
]

const ODD_FIELDS: readonly FieldCase[] = ODD.flatMap((name) => {
  const [file, folder, link] = [`/srv/o/f/${name}`, `/srv/o/d/${name}`, `/srv/o/l/${name}`]
  return [
    {
      task: `file({ path: ${JSON.stringify(file)}, content: ${JSON.stringify(name)} })`,
      broken: `chmod 0600 ${quote(file)}; echo >${quote(file)}; chmod 0644 ${quote(file)}`,
      says: `file ${file}: content ${shown('\n').replace('bytes', 'byte')} → ${shown(name).replace(/^1 bytes/, '1 byte')}`,
      paths: [file],
    },
    {
      task: `directory({ path: ${JSON.stringify(folder)}, owner: 'games' })`,
      broken: `chown 0 ${quote(folder)}`,
      says: `directory ${folder}: owner root → games`,
      paths: [folder],
    },
    {
      task: `symlink({ path: ${JSON.stringify(link)}, target: ${JSON.stringify(name)} })`,
      broken: `ln -sfn x ${quote(link)}`,
      says: `symlink ${link}: target x → ${name}`,
      paths: [link],
    },
  ]
})

interface WrongCase {
  readonly title: string
  readonly before: string
  readonly task: string
  /** What is said. */
  readonly says: RegExp
  /** A script, and what it prints after the failed apply. */
  readonly left: readonly [script: string, output: string]
}

const tmpfs = (folder: string, options: string) =>
  `mkdir -p ${folder}; mount -t tmpfs -o ${options} tmpfs ${folder}; cd ${folder}`

const WRONG: readonly WrongCase[] = [
  {
    title: 'a candidate that is judged wrong',
    before: 'echo old >/srv/e/judged; chmod 0600 /srv/e/judged',
    task: `file({ path: '/srv/e/judged', content: 'bad\\n', mode: '0644', validate: sh\`cat "$1"; echo not good >&2; exit 3\` })`,
    says: /file \/srv\/e\/judged: bad\nnot good/,
    left: ['cat /srv/e/judged; stat -c %a /srv/e/judged', 'old\n600\n'],
  },
  {
    title: 'a full disk',
    before: `${tmpfs('/srv/e/full', 'size=64k')}; echo old >file; head -c 57344 /dev/zero >fill`,
    task: `file({ path: '/srv/e/full/file', content: 'x'.repeat(20000) })`,
    says: /\/srv\/e\/full\/.*No space left on device[\s\S]*\/srv\/e\/full +[48]\.0K/,
    left: ['cd /srv/e/full; cat file; ls -A', 'old\nfile\nfill\n'],
  },
  {
    title: 'no free inode',
    before: `${tmpfs('/srv/e/inodes', 'nr_inodes=2')}; echo old >file`,
    task: `file({ path: '/srv/e/inodes/file', content: 'new' })`,
    says: /\/srv\/e\/inodes\/.*No space left on device[\s\S]*IFree[\s\S]*\/srv\/e\/inodes .* 0\n/,
    left: ['cd /srv/e/inodes; cat file; ls -A', 'old\nfile\n'],
  },
  {
    title: 'a read-only file system, seen by the plan',
    before: `${tmpfs('/srv/e/read-only', 'size=64k')}; echo old >file; mount -o remount,ro /srv/e/read-only`,
    task: `file({ path: '/srv/e/read-only/file', content: 'new' })`,
    says: /file \/srv\/e\/read-only\/file: nothing can be written in .*: the file system mounted at \/srv\/e\/read-only is read-only/,
    left: ['cat /srv/e/read-only/file', 'old\n'],
  },
  {
    title: 'an owner that is not there',
    before: 'echo old >/srv/e/owner',
    task: `file({ path: '/srv/e/owner', content: 'new', owner: 'nobody-such' })`,
    says: /nobody-such/,
    left: ['cat /srv/e/owner', 'old\n'],
  },
  {
    title: 'a folder that is not there',
    before: ':',
    task: `file({ path: '/srv/e/no/folder/file', content: 'new' })`,
    says: /there is no folder to put \/srv\/e\/no\/folder\/file in/,
    left: ['ls -A /srv/e/no 2>&1 || :', "ls: cannot access '/srv/e/no': No such file or directory\n"],
  },
  ...(
    [
      [
        'directory',
        `file({ path: '/srv/e/way', content: 'x' })`,
        'mkdir /srv/e/way',
        /is a directory: no file can take its place/,
        'directory',
      ],
      [
        'socket',
        `file({ path: '/srv/e/way', content: 'x' })`,
        'mkfifo /srv/e/way',
        /neither a file, a directory nor a link/,
        'fifo',
      ],
      [
        'directory',
        `file({ path: '/srv/e/way', absent: true })`,
        'mkdir /srv/e/way',
        /is a directory: it is not removed as a file/,
        'directory',
      ],
      [
        'directory',
        `symlink({ path: '/srv/e/way', target: 'x' })`,
        'mkdir /srv/e/way',
        /is a directory: no link can take its place/,
        'directory',
      ],
      [
        'file',
        `symlink({ path: '/srv/e/way', absent: true })`,
        'echo >/srv/e/way',
        /is a file: symlink does not remove it/,
        'regular file',
      ],
      [
        'file',
        `directory({ path: '/srv/e/way' })`,
        'echo >/srv/e/way',
        /is a file: no directory can take its place/,
        'regular file',
      ],
      [
        'symlink',
        `directory({ path: '/srv/e/way' })`,
        'ln -s /srv /srv/e/way',
        /is a link to \/srv: no directory can take its place/,
        'symbolic link',
      ],
      [
        'file in it',
        `directory({ path: '/srv/e/way', absent: true })`,
        'mkdir /srv/e/way; echo >/srv/e/way/kept',
        /is not empty: kept/,
        'directory',
      ],
      [
        'symlink',
        `lines({ path: '/srv/e/way', lines: ['x'] })`,
        'ln -s /etc/motd /srv/e/way',
        /is a link to \/etc\/motd: name the file itself/,
        'symbolic link',
      ],
      [
        'binary file',
        `lines({ path: '/srv/e/way', lines: ['x'] })`,
        'printf "\\303" >/srv/e/way',
        /is no text in UTF-8/,
        'regular file',
      ],
      [
        'file in the way above',
        `file({ path: '/srv/e/way/below', content: 'x' })`,
        'echo >/srv/e/way',
        /there is no folder to put/,
        'regular file',
      ],
    ] as const
  ).map(
    ([what, task, before, says, left]): WrongCase => ({
      title: `a ${what} in the way of ${task}`,
      before: `rm -rf /srv/e/way; ${before}`,
      task,
      says,
      left: ['stat -c %F /srv/e/way | sed "s/ empty//"', `${left}\n`],
    }),
  ),
]

/** What a user planted in folders of theirs, to lead the tool elsewhere. */
const PLANTED = [
  ['file', `file({ path: '/srv/p/way/file', content: 'x', owner: 'games' })`],
  ['mode of a file', `file({ path: '/srv/p/way/mine', mode: '0666' })`],
  ['directory', `directory({ path: '/srv/p/way/folder' })`],
  ['parents', `directory({ path: '/srv/p/way/a/folder', parents: true })`],
  ['symlink', `symlink({ path: '/srv/p/way/link', target: 'x' })`],
  ['lines', `lines({ path: '/srv/p/way/mine', lines: ['x'] })`],
  ['removal', `file({ path: '/srv/p/way/mine', absent: true })`],
] as const

describeOnLab('file, directory, symlink, copy, template and lines on a real host', () => {
  const lab = useLab('tasks-files', ['app1'])
  const trial = useTrial(lab)
  const { on, plan, apply } = trial
  const temporary = () => on(`find / -xdev -name '.deploy-*'; find /srv -name '.deploy-*'`)

  beforeAll(async () => {
    trial.project.write('files/some', 'some\n')
    writeFileSync(join(lab.root, 'files/large'), LARGE)
    trial.project.write('templates/some.hbs', 'port={{port}}\n')
    await on('mkdir -p /srv/f /srv/o/f /srv/o/d /srv/o/l /srv/e')
  })

  testFields(trial, FIELDS)
  test('the large copy is whole', async () => {
    expect(await on('sha256sum </srv/f/large')).toContain(createHash('sha256').update(LARGE).digest('hex'))
    expect(await on('cat /srv/f/file-link-aside')).toBe('one\ntwo\n')
  })

  testFields(trial, ODD_FIELDS)
  test('no odd name did anything else', async () => {
    expect(
      (await on('ls /srv/o; ls -A /srv/o/f | wc -l; ls -A / /root | grep -c "^x$" || :')).split('\n').slice(0, 5),
    ).toEqual(['d', 'f', 'l', String(ODD.length), '0'])
  })

  test.each(WRONG)('$title', async ({ before, task, says, left: [script, output] }) => {
    await on(before)
    trial.project.tasks(`[${task}, file({ path: '/srv/e/later', content: 'never' })]`)
    const applied = await apply()
    expect(wrong(applied)).toMatch(says)
    expect(applied.code).toBe(1)
    expect(outcomes(applied).at(-1)).toBe('app1 file /srv/e/later: not-run')
    expect(await on(script)).toBe(output)
    expect(await temporary()).toBe('')
  })

  test.each(PLANTED)('a link on the way that a user planted is not followed: %s', async (_title, task) => {
    await on(`rm -rf /srv/p; install -d -o games -m 700 /srv/p; install -d -m 755 /srv/p/root
      echo root >/srv/p/root/mine; chmod 600 /srv/p/root/mine; ln -s root /srv/p/way; chown -h games /srv/p/way`)
    const look = () => on('cd /srv/p; ls -lA --time-style=full-iso . root; stat -c %a root/mine')
    const before = await look()
    trial.project.tasks(`[${task}]`)
    const applied = await apply()
    expect(wrong(applied)).toContain('/srv/p/way is a link to root made by user games, who does not own what is there')
    expect(await look()).toBe(before)
  })

  test("links on the way that are root's, or lead to a folder of their owner, are followed", async () => {
    await on(
      `install -d -o games /srv/q /srv/q/real; ln -s /srv/q /srv/q-root; ln -s real /srv/q/own; chown -h games /srv/q/own`,
    )
    trial.project.tasks(`[file({ path: '/srv/q-root/a', content: 'a' }), file({ path: '/srv/q/own/b', content: 'b' })]`)
    expect(wrong(await apply())).toBe('')
    expect(await on('cat /srv/q/a /srv/q/real/b')).toBe('ab')
  })

  test('a planted link in place of a managed path is replaced; what it points to is left alone', async () => {
    await on(`install -d -o games /srv/r; echo secret >/srv/r-root; chmod 600 /srv/r-root; cd /srv/r
      for l in file copy mode; do ln -s ../r-root $l; chown -h games $l; done`)
    const look = () => on('stat -c "%i %U %a %Y %s" /srv/r-root; cat /srv/r-root')
    const before = await look()
    trial.project.tasks(`[
      file({ path: '/srv/r/file', content: 'new', owner: 'games', mode: '0666' }),
      copy({ from: 'files/some', to: '/srv/r/copy', owner: 'games' }),
      file({ path: '/srv/r/mode', mode: '0666' }),
    ]`)
    expect(wrong(await apply())).toBe('')
    expect(await look()).toBe(before)
    expect(await on('stat -c "%F %U %a" /srv/r/*')).toBe(
      'regular file games 644\nregular file games 666\nregular empty file root 666\n',
    )
  })

  test('an owner that an earlier task makes', async () => {
    trial.project.tasks(`[
      user({ name: 'early', group: 'games' }),
      file({ path: '/srv/e/early', content: 'x', owner: 'early' }),
      directory({ path: '/srv/e/early-d', owner: 'early', group: 'games' }),
    ]`)
    expect(outcomes(await apply())).toEqual([
      'app1 user early: changed',
      'app1 file /srv/e/early: changed',
      'app1 directory /srv/e/early-d: changed',
    ])
    expect(await on('stat -c %U:%G /srv/e/early /srv/e/early-d')).toBe('early:root\nearly:games\n')
    expect(planned(await plan())).toEqual([])
  })

  test('what a user may not read is a problem of the plan, not absent', async () => {
    const { identityFile, knownHosts, hosts } = lab.reach
    copyFileSync(identityFile, join(lab.root, 'key'))
    copyFileSync(knownHosts, join(lab.root, 'inventories/op.known_hosts'))
    await on(
      `useradd -m op && install -d -o op -m 700 ~op/.ssh && install -o op -m 600 /root/.ssh/authorized_keys ~op/.ssh/ && install -d -m 700 /srv/closed && echo x >/srv/closed/file && echo x >/srv/closed-file && chmod 600 /srv/closed-file`,
    )
    trial.project.write(
      'inventories/op.yaml',
      `connection: { user: op, identityFile: key, become: none }\ngroups: { app: { hosts: [app1] } }\nhosts: { app1: { address: ${hosts.app1?.address} } }\n`,
    )
    trial.project.tasks(`[
      file({ path: '/srv/closed/file', content: 'x' }),
      file({ path: '/srv/closed-file', content: 'x' }),
      directory({ path: '/srv/closed/folder' }),
      lines({ path: '/srv/closed/lines', lines: ['x'] }),
      file({ path: '/home/op/mine', content: 'x' }),
    ]`)
    const told = await plan('op')
    expect(told.code).toBe(1)
    expect(told.problems.map(({ task, message }) => `${task}: ${message}`)).toEqual([
      expect.stringMatching(/^file \/srv\/closed\/file: cannot be read: .*Permission denied$/),
      expect.stringMatching(/^file \/srv\/closed-file: cannot be read: .*Permission denied$/),
      expect.stringMatching(/^directory \/srv\/closed\/folder: cannot be read: .*Permission denied$/),
      expect.stringMatching(/^lines \/srv\/closed\/lines: cannot be read: .*Permission denied$/),
    ])
  })
})
