import { describe, expect, test } from 'vitest'
import { lines } from '../../src/tasks/lines.ts'
import { cases, compile, refuses } from './support/cases.ts'
import { directoryState, fileState, linkState } from './support/states.ts'

const path = '/etc/conf'
const answers = (text: string | Buffer, more = {}) => ({
  file: fileState(text, more),
  content: { bytes: Buffer.from(text), whole: true },
})

describe('lines', () => {
  cases(lines, [
    { name: 'are there', want: { path, lines: ['a', 'c'] }, answers: answers('a\nb\nc\n'), changes: [] },
    {
      name: 'are there, the last without line break',
      want: { path, lines: ['b'] },
      answers: answers('a\nb'),
      changes: [],
    },
    {
      name: 'are added, with owner and mode kept',
      want: { path, lines: ['x'] },
      answers: answers('a', { owner: 'app', mode: '0664' }),
      changes: [expect.stringMatching(/^content .*: put \/etc\/conf app:root 0664 "a\\nx\\n"$/)],
      detail: { diff: '@@ -1,1 +1,2 @@\n-a\n\\ No newline at end of file\n+a\n+x' },
    },
    {
      name: 'of a file that others may not read are not shown',
      want: { path, lines: ['x'] },
      answers: answers('a\n', { mode: '0600' }),
      changes: ['content 2 bytes → 4 bytes: put /etc/conf root:root 0600 "a\\nx\\n"'],
      detail: { notes: ['content: changed (2 → 4 bytes); not shown, for others may not read it'] },
    },
    {
      name: 'make the file',
      want: { path, lines: ['x', 'y'], create: true },
      changes: [expect.stringMatching(/^content null → .*: put \/etc\/conf : 0644 "x\\ny\\n"$/), 'mode null → 0644: "'],
    },
    {
      name: 'of a file that is not there fail, but may come',
      want: { path, lines: ['x'] },
      changes: [`content null → 1 line: echo '/etc/conf is not there (create: true makes it)' >&2; exit 1`],
      detail: { notes: ['/etc/conf is not there yet: something of this run must bring it, or say create: true'] },
    },
    {
      name: 'that shall be absent are absent where there is no file',
      want: { path, lines: [{ line: 'x', absent: true }] },
      changes: [],
    },
    {
      name: 'of a directory cannot be',
      want: { path, lines: ['x'] },
      answers: { file: directoryState() },
      changes: [expect.stringContaining('/etc/conf is a directory')],
      detail: { refuse: '/etc/conf is a directory: no file can take its place' },
    },
    {
      name: 'are not kept through a link',
      want: { path, lines: ['x'] },
      answers: { file: linkState('/x') },
      changes: [expect.stringContaining('name the file itself')],
      detail: { refuse: '/etc/conf is a link to /x: name the file itself' },
    },
    {
      name: 'are not kept in what is no text',
      want: { path, lines: ['x'] },
      answers: answers(Buffer.from([255, 10])),
      changes: [expect.stringContaining('no text in UTF-8')],
      detail: { refuse: '/etc/conf is no text in UTF-8: no part can be kept in it' },
    },
    {
      name: 'are not kept in large files',
      want: { path, lines: ['x'] },
      answers: { file: fileState('', { size: 300_000 }), content: { bytes: Buffer.alloc(0), whole: false } },
      changes: [expect.stringContaining('300000 bytes')],
    },
    {
      name: 'are not decided on what changed meanwhile',
      want: { path, lines: ['x'] },
      answers: { file: fileState('a\n'), content: { bytes: Buffer.from('b\n'), whole: true } },
      changes: [expect.stringContaining('changed while it was read')],
      detail: { refuse: '/etc/conf changed while it was read: try again' },
    },
  ])

  const edits: readonly (readonly [
    name: string,
    before: string,
    lines: Parameters<typeof lines>[0]['lines'],
    after: string,
  ])[] = [
    ['replace what they match', 'a\n#Port 1\nb\n', [{ line: 'Port 2', matching: /^#?Port / }], 'a\nPort 2\nb\n'],
    [
      'replace the first match and remove the others',
      '#Port 1\na\nPort 3\n',
      [{ line: 'Port 2', matching: /^#?Port / }],
      'Port 2\na\n',
    ],
    [
      'stay where they are and remove other matches',
      '#Port 1\nPort 2\n',
      [{ line: 'Port 2', matching: /^#?Port / }],
      'Port 2\n',
    ],
    ['are added where nothing matches', 'a\n', [{ line: 'Port 2', matching: /^#?Port / }], 'a\nPort 2\n'],
    ['go behind the last match', 'a1\na2\nb\n', [{ line: 'x', after: /^a/ }], 'a1\na2\nx\nb\n'],
    ['go before the first match', 'b\na1\na2\n', [{ line: 'x', before: /^a/ }], 'b\nx\na1\na2\n'],
    ['go before the first line', 'a\n', [{ line: 'x', before: /^a/ }], 'x\na\n'],
    [
      'go to the end without a match',
      'a\n',
      [
        { line: 'x', before: /^z/ },
        { line: 'y', after: /^z/ },
      ],
      'a\nx\ny\n',
    ],
    ['are removed', 'a\nx\nb\nx\n', [{ line: 'x', absent: true }], 'a\nb\n'],
    ['are removed by pattern', 'a\nx1\nx2\n', [{ matching: /^x/, absent: true }], 'a\n'],
    ['are all removed', 'x\n', [{ line: 'x', absent: true }], ''],
    ['are added and removed in order', 'a\n', ['b', { line: 'a', absent: true }, 'c'], 'b\nc\n'],
    ['are added to an empty file', '', ['a'], 'a\n'],
    ['keep empty lines', '\n\na\n\n', ['b'], '\n\na\n\nb\n'],
    ['keep what is no line break', 'a\r\nb\u2028\n', ['c'], 'a\r\nb\u2028\nc\n'],
    ['take global patterns as plain ones', 'x1\nx2\nx3\n', [{ matching: /^x/g, absent: true }], ''],
    ['take text with $ as it is', 'a\n', [{ line: '$& $1', matching: /^a|^\$/ }], '$& $1\n'],
  ]

  test.each(edits)('%s, and then nothing is left to do', (_name, before, wanted, after) => {
    const { kind, want } = compile(lines, { want: { path, lines: wanted } })
    const put = kind.apply(want, kind.read(answers(before), want)).flat()[0]?.steps[0]
    const again = kind.apply(want, kind.read(answers(after), want)).flat()

    expect(put?.kind === 'put' && 'bytes' in put.content.source && put.content.source.bytes.toString()).toBe(after)
    expect(again).toEqual([])
  })

  refuses(lines, [
    ['no lines', { path, lines: [] }, 'at least one line'],
    ['a line break in a line', { path, lines: ['a\nb'] }, 'line break'],
    ['a line break in an entry', { path, lines: [{ line: 'a\nb' }] }, 'line break'],
    ['an entry that says nothing', { path, lines: [{}] }, 'needs line'],
    ['matching alone', { path, lines: [{ matching: /x/ }] }, 'needs line'],
    ['a place for what is absent', { path, lines: [{ line: 'a', absent: true, after: /x/ }] }, 'not with absent'],
    ['two places', { path, lines: [{ line: 'a', before: /x/, after: /x/ }] }, 'not both'],
    [
      'a pattern that does not match its line',
      { path, lines: [{ line: 'a', matching: /^b/ }] },
      'added again and again',
    ],
    ['a relative path', { path: 'x', lines: ['a'] }, 'absolute'],
  ])

  test('they are a part of the file', () => {
    const { kind, want } = compile(lines, { want: { path, lines: [{ line: 'a', matching: /a/g }] } })

    expect([kind.key(want), kind.partOf?.(want)]).toEqual(['lines:/etc/conf', '/etc/conf'])
    expect(want).toEqual({ path, create: false, lines: [{ line: 'a', absent: false, matching: ['a', ''] }] })
  })
})
