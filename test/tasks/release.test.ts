import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { release } from '../../src/tasks/release.ts'
import { refusalStep } from '../../src/tasks/steps.ts'
import { compile, refuses } from './support/cases.ts'
import { directoryState, fileState, linkState, socketState } from './support/states.ts'
import { type Packed, tarOf } from './support/tar.ts'

const MEMBERS: readonly Packed[] = [
  { name: 'bin/', mode: 0o755, type: '5' },
  { name: 'bin/run', mode: 0o755, data: 'run' },
  { name: 'now', mode: 0o777, type: '2', target: 'bin/run' },
]
const latin1 = (bytes: Buffer) => bytes.toString('latin1')
const PROJECT = {
  'dist/': latin1(tarOf(MEMBERS)),
  'a.tar': latin1(tarOf(MEMBERS)),
  'a.tgz': latin1(gzipSync(tarOf(MEMBERS.map((member) => ({ ...member, name: `app-1/${member.name}` }))))),
  'b.tar': latin1(tarOf([{ name: 'bin/run', mode: 0o755, data: 'ran' }])),
}
const WANT = { from: 'dist', to: '/srv/app', version: '1.2.0' }

const compiled = (more: object = {}) => compile(release, { want: { ...WANT, ...more }, project: PROJECT })
const sumOf = (more: object = {}) => (compiled(more).want as { sum: string }).sum
const SUM = sumOf()
const record = (head: string, ...names: readonly string[]) => ({ code: 0, output: [head, ...names, ''].join('\n') })

function look(more: object, answers: object) {
  const { kind, want } = compiled(more)
  const now = kind.read({ ...answers }, want)
  const changes = kind.apply(want, now).flat()
  const told = changes.map(({ field, from, to }) => `${field}: ${from} → ${to}`)
  return { changes, told, moves: kind.moves?.(want, changes), detail: kind.detail?.(want, now, {}) }
}

describe('release', () => {
  test('asks for the folder and for its record, and for nothing in it by name', () => {
    const { kind, want } = compiled()
    const [folder, asked] = Object.values(kind.check(want))
    expect(`${folder?.reader.kind} ${folder?.key}`).toBe('stat /srv/app/releases/1.2.0')
    expect(asked?.key).toContain('.1.2.0.release')
    expect(asked?.key).not.toContain('bin')
    expect(kind.key(want)).toBe('path:/srv/app/releases/1.2.0')
  })

  test('is new', () => {
    const { told, changes, moves, detail } = look({ owner: 'app', group: 'web' }, {})
    expect(told).toEqual([`content: null → 1 file (${SUM.slice(0, 8)})`, 'owner: null → app', 'group: null → web'])
    expect(new Set(changes.flatMap(({ steps }) => steps)).size).toBe(2)
    expect(moves).toBe(false)
    expect(detail).toEqual({})
  })

  test('is right', () => {
    const folder = directoryState()
    expect(look({}, { folder, record: record(`${SUM} - -`) }).told).toEqual([])
    expect(look({ owner: 'app' }, { folder, record: record(`${SUM} app -`) }).told).toEqual([])
  })

  test('a record without its folder is nothing', () => {
    expect(look({}, { record: record(`${SUM} - -`) }).told).toEqual([`content: null → 1 file (${SUM.slice(0, 8)})`])
  })

  test.each([
    [
      'another content',
      {},
      record(`${'0'.repeat(64)} - -`),
      [`content: other (00000000) → 1 file (${SUM.slice(0, 8)})`],
    ],
    ['no record', {}, record(''), [`content: unknown → 1 file (${SUM.slice(0, 8)})`]],
    ['another owner', { owner: 'app' }, record(`${SUM} root -`), ['owner: root → app']],
    ['another group', { group: 'web' }, record(`${SUM} - -`), ['group: null → web']],
    ['by hand', {}, record(`${SUM} - -`, './bin/run', '.'), ['files: other: bin/run, . → as unpacked']],
    [
      'much by hand',
      {},
      record(`${SUM} - -`, './a', './b', './c', './d', './e', './f'),
      ['files: other: a, b, c, d, e and more → as unpacked'],
    ],
  ])('%s', (_name, more, answer, fields) => {
    const { told, changes } = look(more, { folder: directoryState(), record: answer })
    expect(told).toEqual(fields)
    expect(changes.map(({ steps }) => steps)).toEqual([changes[0]?.steps])
  })

  test('replacing one may move what stands behind it, and the plan says what stays in it', () => {
    const { moves, detail } = look({}, { folder: directoryState(), record: record(`${SUM} - -`, './now') })
    expect(moves).toBe(true)
    expect(detail?.notes).toEqual([
      'the folder is replaced as a whole; its node_modules stay, what else was put in it does not',
    ])
    expect(look({}, { folder: directoryState() }).detail?.notes).toHaveLength(2)
  })

  test('the current release is not replaced by another content', () => {
    const answer = { folder: directoryState(), record: record(`${'0'.repeat(64)} - -`) }
    const { told, changes, detail } = look({}, { ...answer, serves: { code: 0, output: 'serves\n' } })
    const no =
      "/srv/app/releases/1.2.0 is the current release, and the project's content is another one: give it another version"
    expect(told).toEqual([`content: other (00000000) → 1 file (${SUM.slice(0, 8)})`])
    expect(changes[0]?.steps).toEqual([refusalStep(no)])
    expect(detail).toEqual({ refuse: no })
    expect(look({}, { ...answer, serves: { code: 0, output: '' } }).detail?.refuse).toBeUndefined()
  })

  test('the same content has the same sum, however it is packed', () => {
    expect(sumOf({ from: 'a.tar' })).toBe(SUM)
    expect(sumOf({ from: 'a.tgz', strip: 1 })).toBe(SUM)
    expect(sumOf({ from: 'b.tar' })).not.toBe(SUM)
  })

  test('what is brought: the sums of the files, then the archive', () => {
    const [sums, archive] = look({ from: 'a.tgz', strip: 1, owner: 'app' }, {}).changes[0]?.steps ?? []
    const bytes = sums?.content && 'bytes' in sums.content.source ? sums.content.source.bytes.toString() : ''
    expect(bytes).toMatch(/^[0-9a-f]{64} {2}\.\/bin\/run\n$/)
    const script = archive?.kind === 'shell' ? archive.script : ''
    expect(script).toContain('--strip-components=1')
    expect(script).toContain("tar -x -m --no-same-owner --no-same-permissions '-z' ")
    expect(script).toContain('chown -hR -- app: ')
  })

  test.each([
    ['file', fileState('x')],
    ['symlink', linkState('1.1.0')],
    ['no folder', socketState],
  ])('refuses where there is %s', (what, folder) => {
    const { changes, detail } = look({}, { folder })
    expect(detail?.refuse).toContain(`/srv/app/releases/1.2.0 is ${what === 'no folder' ? '' : 'a '}${what}`)
    expect(changes[0]?.steps).toMatchObject([{ script: expect.stringMatching(/^echo .*exit 1$/) }])
  })

  refuses(release, [
    ['nothing to release', { ...WANT, from: '' }, 'from must name'],
    ['a relative folder', { ...WANT, to: 'srv' }, 'absolute'],
    ['a version with a slash', { ...WANT, version: 'a/b' }, 'version must be'],
    ['a hidden version', { ...WANT, version: '.a' }, 'version must be'],
    ['a version that is a number', { ...WANT, version: 12 }, 'version must be'],
    ['a strip that is none', { ...WANT, strip: 1.5 }, 'strip must be'],
    ['a uid', { ...WANT, owner: '1000' }, 'owner must be a name'],
    ['a group like an option', { ...WANT, group: '-x' }, 'group must be'],
  ])
})
