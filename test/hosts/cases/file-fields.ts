import { randomBytes } from 'node:crypto'
import { type FieldCase, shownContent } from '../support/trial.ts'

/** A file of the project that is too large to be sent with a program. */
export const LARGE = randomBytes(5 * 1024 * 1024)

/** The fields of a task that keeps a whole file: how it is written for a path, and its content. */
function wholeFileCases(type: string, task: (path: string) => string, text: string): readonly FieldCase[] {
  const field = (name: string, more: string, broken: (path: string) => string, says: string): FieldCase => {
    const path = `/srv/f/${type}-${name}`
    return { task: `${task(path)}${more} })`, broken: broken(path), says: `${type} ${path}: ${says}`, paths: [path] }
  }
  const created = `content none → ${shownContent(text)}, mode none → 0644`
  return [
    field(
      'content',
      '',
      (path) => `echo by hand >${path}`,
      `content ${shownContent('by hand\n')} → ${shownContent(text)}`,
    ),
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

/** One case for each field of file, copy, template, directory, symlink and lines. */
export const FILE_FIELDS: readonly FieldCase[] = [
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
    says: `copy /srv/f/large: content ${shownContent(LARGE.subarray(0, -1))} → ${shownContent(LARGE)}`,
    paths: ['/srv/f/large'],
  },
  path('file', 'any', `, mode: '0640'`, 'mode 0644 → 0640', { broken: 'echo of its own >any; chmod 0644 any' }),
  path(
    'file',
    'bytes',
    `, content: Buffer.from([0, 255, 10, 13, 195])`,
    `content ${shownContent('x')} → ${shownContent(Buffer.from([0, 255, 10, 13, 195]))}`,
    { broken: 'printf x >bytes' },
  ),
  path('file', 'empty', `, content: ''`, `content ${shownContent('\n')} → ${shownContent('')}`, {
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
    `content ${shownContent('head\nport 2\nport 3\ntail')} → ${shownContent('head\nport 1\ntail\n')}`,
    {
      before: 'printf "head\\n#port 9\\ntail" >lines-match',
      broken: 'printf "head\\nport 2\\nport 3\\ntail" >lines-match',
    },
  ),
  path(
    'lines',
    'lines-absent',
    `, lines: [{ matching: /bad/, absent: true }, { line: 'x', before: /^end/ }]`,
    `content ${shownContent('good\nx\nend\nis bad\n')} → ${shownContent('good\nx\nend\n')}`,
    {
      before: 'printf "bad\\ngood\\nend\\n" >lines-absent',
      broken: 'printf "good\\nx\\nend\\nis bad\\n" >lines-absent',
    },
  ),
  path(
    'lines',
    'lines-create',
    `, lines: ['only'], create: true`,
    `content none → ${shownContent('only\n')}, mode none → 0644`,
    { broken: 'rm lines-create' },
  ),
]
