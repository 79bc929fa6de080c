import { describe, expect, test } from 'vitest'
import { sh } from '../../src/shell/sh.ts'
import { file } from '../../src/tasks/file.ts'
import { cases, compile, refuses } from './support/cases.ts'
import { directoryState, fileState, linkState, socketState } from './support/states.ts'

const path = '/etc/motd'
const now = fileState('old\n')
const contentBefore = (text: string | Buffer) => ({ before: { bytes: Buffer.from(text), whole: true } })

describe('file', () => {
  cases(file, [
    {
      name: 'is written where there is none, mode 0644, owner of the connection',
      want: { path, content: 'hi\n' },
      changes: ['content null → 3 bytes (98ea6e4f): put /etc/motd : 0644 "hi\\n"', 'mode null → 0644: "'],
      asks: ['folder'],
      detail: { diff: '@@ -0,0 +1,1 @@\n+hi' },
    },
    {
      name: 'is written with owner, group and mode',
      want: { path, content: 'hi\n', owner: 'app', group: 'adm', mode: '640' },
      changes: [
        'content null → 3 bytes: put /etc/motd app:adm 0640 "hi\\n"',
        'owner null → app: "',
        'group null → adm: "',
        'mode null → 0640: "',
      ],
      detail: { notes: ['content: new (3 bytes); not shown, for others may not read it'] },
    },
    {
      name: 'is right',
      want: { path, content: 'old\n', owner: 'root', group: 'root', mode: '0644' },
      answers: { file: now },
      changes: [],
      detail: {},
    },
    {
      name: 'is right by uid and gid',
      want: { path, content: 'old\n', owner: '0', group: '0' },
      answers: { file: now },
      changes: [],
    },
    {
      name: 'keeps owner, group and mode that are left out',
      want: { path, content: 'new\n' },
      answers: { file: fileState('old\n', { owner: 'app', group: 'adm', mode: '0604' }) },
      changes: [
        `content 4 bytes (${hash8('old\n')}) → 4 bytes (${hash8('new\n')}): put /etc/motd app:adm 0604 "new\\n"`,
      ],
      asks: ['folder', 'before'],
      details: contentBefore('old\n'),
      detail: { diff: '@@ -1,1 +1,1 @@\n-old\n+new' },
    },
    {
      name: 'gets content, owner and mode in one step',
      want: { path, content: 'new\n', owner: 'app', mode: '0600' },
      answers: { file: now },
      changes: [
        'content 4 bytes → 4 bytes: put /etc/motd app:root 0600 "new\\n"',
        'owner root → app: "',
        'mode 0644 → 0600: "',
      ],
      asks: ['folder'],
      detail: { notes: ['content: changed (4 → 4 bytes); not shown, for others may not read it'] },
    },
    {
      name: 'does not show what others could not read before',
      want: { path, content: 'new\n', mode: '0644' },
      answers: { file: fileState('secret\n', { mode: '0640' }) },
      changes: ['content 7 bytes → 4 bytes: put /etc/motd root:root 0644 "new\\n"', 'mode 0640 → 0644: "'],
      asks: ['folder'],
      detail: { notes: ['content: changed (7 → 4 bytes); not shown, for others may not read it'] },
    },
    {
      name: 'changes only its mode',
      want: { path, content: 'old\n', mode: '0600' },
      answers: { file: now },
      changes: [`mode 0644 → 0600: own /etc/motd '' 0600 {keeps /etc/motd}`],
      detail: {},
    },
    {
      name: 'changes owner, group and mode without content',
      want: { path, owner: 'app', group: 'adm', mode: '0600' },
      answers: { file: now },
      changes: [
        'owner root → app: own /etc/motd app:adm 0600 {keeps /etc/motd}',
        'group root → adm: "',
        'mode 0644 → 0600: "',
      ],
    },
    {
      name: 'changes only its group',
      want: { path, group: 'adm' },
      answers: { file: now },
      changes: [`group root → adm: own /etc/motd :adm '' {keeps /etc/motd}`],
    },
    {
      name: 'keeps setuid through a change of hands',
      want: { path, owner: 'app' },
      answers: { file: fileState('', { mode: '4755' }) },
      changes: ['owner root → app: own /etc/motd app 4755 {keeps /etc/motd}'],
    },
    { name: 'with any content is there', want: { path }, answers: { file: now }, changes: [] },
    {
      name: 'with any content is made empty',
      want: { path },
      changes: [`content null → 0 bytes (${hash8('')}): put /etc/motd : 0644 ""`, 'mode null → 0644: "'],
    },
    {
      name: 'takes the place of a link and leaves its target alone',
      want: { path, content: 'hi\n' },
      answers: { file: linkState('/etc/other') },
      changes: [
        'kind symlink → file: put /etc/motd : 0644 "hi\\n"',
        `content null → 3 bytes (${hash8('hi\n')}): "`,
        'mode null → 0644: "',
      ],
      asks: ['folder'],
      detail: { notes: ['the link to /etc/other is replaced by a file; /etc/other itself is left alone'] },
    },
    {
      name: 'never takes the place of a directory',
      want: { path, content: 'hi\n' },
      answers: { file: directoryState() },
      changes: [`kind directory → file: echo '/etc/motd is a directory: no file can take its place' >&2; exit 1`],
      detail: { refuse: '/etc/motd is a directory: no file can take its place' },
    },
    {
      name: 'never takes the place of a socket',
      want: { path, content: 'hi\n' },
      answers: { file: socketState },
      changes: [
        `kind other → file: echo '/etc/motd is neither a file, a directory nor a link: no file can take its place' >&2; exit 1`,
      ],
      detail: { refuse: '/etc/motd is neither a file, a directory nor a link: no file can take its place' },
    },
    { name: 'is absent', want: { path, absent: true }, changes: [] },
    {
      name: 'is removed',
      want: { path, absent: true },
      answers: { file: now },
      changes: ['kind file → null: rm -f -- /etc/motd {keeps /etc/motd}'],
      detail: {},
    },
    {
      name: 'is removed where it is a link',
      want: { path, absent: true },
      answers: { file: linkState('x') },
      changes: ['kind symlink → null: rm -f -- /etc/motd {keeps /etc/motd}'],
      detail: { notes: ['the link to x is removed; x itself is left alone'] },
    },
    {
      name: 'is not removed where it is a directory',
      want: { path, absent: true },
      answers: { file: directoryState() },
      changes: [`kind directory → null: echo '/etc/motd is a directory: it is not removed as a file' >&2; exit 1`],
      detail: { refuse: '/etc/motd is a directory: it is not removed as a file' },
    },
    {
      name: 'passes its validation on',
      want: { path: '/etc/sudoers', content: 'x', validate: sh`visudo -cf "$1"` },
      changes: [
        `content null → 1 byte (${hash8('x')}): put /etc/sudoers : 0644 "x" if visudo -cf "$1"`,
        'mode null → 0644: "',
      ],
    },
    {
      name: 'with a path that needs quotes',
      want: { path: "/srv/it's $(x)", mode: '0600' },
      answers: { file: now },
      changes: [`mode 0644 → 0600: own '/srv/it'\\''s $(x)' '' 0600 {keeps '/srv/it'\\''s $(x)'}`],
    },
    {
      name: 'names binary content as such',
      want: { path, content: Buffer.from([0, 1, 2]) },
      answers: { file: now },
      changes: [
        `content 4 bytes (${hash8('old\n')}) → 3 bytes (${hash8(Buffer.from([0, 1, 2]))}): put /etc/motd root:root 0644 "\\u0000\\u0001\\u0002"`,
      ],
      details: contentBefore('old\n'),
      detail: { notes: ['binary content: changed (4 → 3 bytes)'] },
    },
    {
      name: 'shows sizes only of large files',
      want: { path, content: 'x' },
      answers: { file: fileState('', { size: 300_000 }) },
      changes: [`content 300000 bytes (${hash8('')}) → 1 byte (${hash8('x')}): put /etc/motd root:root 0644 "x"`],
      asks: ['folder'],
      detail: { notes: ['content: changed (300000 → 1 byte)'] },
    },
  ])

  refuses(file, [
    ['a relative path', { path: 'etc/motd' }, 'absolute'],
    ['no path', {}, 'path must be a text'],
    ['a path with ..', { path: '/etc/../motd' }, 'written without'],
    ['a path with a / at the end', { path: '/etc/motd/' }, 'written without'],
    ['the root', { path: '/' }, 'root folder'],
    ['a newline in a path', { path: '/etc/a\nb' }, 'line break'],
    ['a NUL in a path', { path: '/etc/a\0b' }, 'NUL'],
    ['a name of more than 255 bytes', { path: `/${'ä'.repeat(128)}` }, '255 bytes'],
    ['a mode that is a number', { path, mode: 0o644 }, 'the number 420 could be meant either way'],
    ['a mode that is not octal', { path, mode: '0688' }, 'octal digits'],
    ['a mode in words', { path, mode: 'u+x' }, 'octal digits'],
    ['a mode of two digits', { path, mode: '44' }, 'octal digits'],
    ['an owner with a colon', { path, owner: 'a:b' }, 'owner must be a name'],
    ['an owner like an option', { path, owner: '-R' }, 'owner must be a name'],
    ['an empty group', { path, group: '' }, 'group must be a name'],
    ['content that is no text', { path, content: 3 }, 'a text, a Buffer or a secret'],
    ['absent with content', { path, absent: true, content: '' }, 'path alone'],
    ['absent with a mode', { path, absent: true, mode: '0644' }, 'path alone'],
    ['validate without content', { path, validate: sh`true` }, 'validate needs content'],
  ])

  test('keys of all owners of a path are the same', () => {
    expect(compile(file, { want: { path } }).kind.key({ path })).toBe('path:/etc/motd')
  })

  test('a diff is cut after 200 lines', () => {
    const { kind, want } = compile(file, { want: { path, content: 'a\n'.repeat(500) } })

    const lines = kind.detail?.(want, undefined, {}).diff?.split('\n') ?? []

    expect(lines).toHaveLength(201)
    expect(lines.at(-1)).toBe('… 301 more lines')
  })

  test('contents that have nothing in common are not compared to the end', () => {
    const text = (mark: string) => Array.from({ length: 9000 }, (_, index) => `${mark}${index}\n`).join('')
    const { kind, want } = compile(file, { want: { path, content: text('a') } })

    const detail = kind.detail?.(want, fileState(text('b')), contentBefore(text('b')))

    expect(detail?.notes?.[0]).toContain('hardly a line is the same')
  })
})

function hash8(content: string | Buffer): string {
  return fileState(content).sha256?.slice(0, 8) ?? ''
}
