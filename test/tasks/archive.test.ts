import { describe, expect, test } from 'vitest'
import type { Member } from '../../src/model/content.ts'
import { sha256 } from '../../src/model/json.ts'
import { archive } from '../../src/tasks/archive.ts'
import { landing } from '../../src/tasks/archive-members.ts'
import { compile, refuses, showChanges } from './support/cases.ts'
import { directoryState, fileState, linkState, socketState } from './support/states.ts'
import { type Packed, tarOf } from './support/tar.ts'

const MEMBERS: readonly Packed[] = [
  { name: 'app-1/', mode: 0o755, type: '5' },
  { name: 'app-1/bin/run', mode: 0o775, data: 'run' },
  { name: 'app-1/conf', mode: 0o640, data: 'conf' },
  { name: 'app-1/now', mode: 0o777, type: '2', target: 'bin/run' },
]
const ARCHIVE = tarOf(MEMBERS).toString('latin1')
const SUM = sha256(Buffer.from(ARCHIVE, 'latin1'))
const RIGHT = {
  bin: directoryState(),
  'bin/run': fileState('run', { mode: '0755' }),
  conf: fileState('conf', { mode: '0640' }),
  now: linkState('bin/run'),
}

function look(more: object, answers: object) {
  const { kind, want } = compile(archive, {
    want: { from: 'a.tar', to: '/srv/app', strip: 1, ...more },
    project: { 'a.tar': ARCHIVE },
  })
  const changes = kind.apply(want, kind.read({ ...answers }, want)).flat()
  return { changes, fields: showChanges(changes), detail: kind.detail?.(want, { ...answers }, {}) }
}

/** Each field without its steps. */
const told = (more: object, answers: object) =>
  look(more, answers).changes.map(({ field, from, to }) => `${field}: ${from} → ${to}`)

describe('archive', () => {
  test('asks for each file by its hash and for the rest by its state', () => {
    const { kind, want } = compile(archive, {
      want: { from: 'a.tar', to: '/srv/app', strip: 1 },
      project: { 'a.tar': ARCHIVE },
    })
    expect(Object.values(kind.check(want)).map(({ reader, key }) => `${reader.kind} ${key}`)).toEqual([
      'stat /srv/app/bin',
      'file /srv/app/bin/run',
      'file /srv/app/conf',
      'stat /srv/app/now',
    ])
  })

  test('is right', () => {
    expect(told({}, RIGHT)).toEqual([])
    expect(told({ owner: 'root', group: '0' }, RIGHT)).toEqual([])
  })

  test('a folder that is empty gets all', () => {
    expect(told({}, {})).toEqual([`content: null → 2 files (${SUM.slice(0, 8)})`])
  })

  test('names what differs, and unpacks just that', () => {
    const now = { ...RIGHT, conf: fileState('by hand'), now: linkState('elsewhere') }
    const { changes } = look({ owner: 'games', group: 'games' }, now)
    expect(changes.map(({ field, from }) => `${field}: ${from}`)).toEqual([
      'owner: other: bin, bin/run',
      'group: other: bin, bin/run',
      'content: other: conf, now',
    ])
    const [open, unpack] = changes.at(-1)?.steps ?? []
    expect(open).toMatchObject({ content: { sha256: SUM } })
    expect(open).toHaveProperty('script', expect.stringContaining('printf \'%s\\n\' ./conf ./now >"$P/list.$TASK.6"'))
    expect(open).toHaveProperty('script', expect.stringContaining(': >"$P/list.$TASK.5"'))
    expect(open).toHaveProperty('script', expect.not.stringContaining('bin/run'))
    expect(unpack).toMatchObject({ foreign: true, as: 'games' })
  })

  test('names a few of many', () => {
    const many = tarOf(Array.from({ length: 9 }, (_, index) => ({ name: `f${index}`, mode: 0o644, data: 'x' })))
    const { kind, want } = compile(archive, {
      want: { from: 'm', to: '/srv/m' },
      project: { m: many.toString('latin1') },
    })
    const [only] = kind.apply(want, { f8: fileState('x') }).flat()
    expect(only?.from).toBe('other: f0, f1, f2, f3, f4 and 3 more')
  })

  test('a mode alone is mended alone', () => {
    expect(look({}, { ...RIGHT, conf: fileState('conf', { mode: '0666' }) }).fields).toEqual([
      "mode other: conf → as in the archive: own /srv/app/conf '' 0640",
    ])
  })

  test.each([
    ['a file where a folder shall be', { ...RIGHT, bin: fileState('') }, '/srv/app/bin is a file: no folder'],
    ['a link where a folder shall be', { ...RIGHT, bin: linkState('/etc') }, '/srv/app/bin is a symlink: no folder'],
    ['a folder where a file shall be', { ...RIGHT, conf: directoryState() }, '/srv/app/conf is a directory: no file'],
    ['a socket', { ...RIGHT, conf: socketState }, '/srv/app/conf is neither'],
  ])('refuses %s', (_name, now, says) => {
    const { detail, changes } = look({}, now)
    expect(detail?.refuse).toContain(says)
    expect(changes[0]?.steps).toMatchObject([{ script: expect.stringMatching(/^echo .*exit 1$/) }])
  })

  test('the sum of the archive must be the one that is given', () => {
    expect(() => told({ sha256: SUM.toUpperCase() }, RIGHT)).not.toThrow()
    expect(() => told({ sha256: '0'.repeat(64) }, RIGHT)).toThrow(`a.tar has the sha256 ${SUM}, not 000`)
  })

  refuses(archive, [
    ['no archive', { from: '', to: '/a' }, 'from must name'],
    ['a relative folder', { from: 'a', to: 'a' }, 'absolute'],
    ['a strip that is none', { from: 'a', to: '/a', strip: -1 }, 'strip must be'],
    ['a sum that is none', { from: 'a', to: '/a', sha256: 'abc' }, 'sha256 must be'],
    ['a uid', { from: 'a', to: '/a', owner: '1000' }, 'owner must be a name'],
    ['an owner like an option', { from: 'a', to: '/a', owner: '--x' }, 'owner must be'],
    ['a group like an option', { from: 'a', to: '/a', group: '-x' }, 'group must be'],
  ])
})

describe('what lands in the folder', () => {
  const file = (name: string): Member => ({ name, kind: 'file', mode: '0644', sha256: '' })
  const folder = (name: string, mode = '0755'): Member => ({ name, kind: 'directory', mode })
  const link = (name: string, target: string): Member => ({ name, kind: 'symlink', mode: '0755', target })
  const names = (members: readonly Member[], strip = 0) => landing('a', members, strip).map(({ name }) => name)

  test('folders that are not named are added before what is in them', () => {
    expect(names([file('a/b/c'), folder('a', '0700')])).toEqual(['a', 'a/b', 'a/b/c'])
    expect(landing('a', [file('a/b'), folder('a', '0700')], 0)[0]?.mode).toBe('0700')
  })

  test('strip takes leading parts off', () => {
    expect(names([folder('.'), folder('top'), file('top/./x'), folder('top/d')], 1)).toEqual(['x', 'd'])
  })

  test('links within the folder may stay', () => {
    expect(names([link('a/l', '../b'), link('m', 'a/l'), link('a/b/n', '../../x/y')])).toContain('a/b/n')
  })

  test.each([
    ['an absolute name', [file('/etc/passwd')], '"/etc/passwd" leads out'],
    ['a name that goes up', [file('a/../../x')], '"a/../../x" leads out'],
    ['a link to an absolute path', [link('l', '/etc')], '"l" is a link that leads out of the folder, to /etc'],
    ['a link that goes up', [link('a/l', '../../x')], '"a/l" is a link that leads out'],
    ['a link to the folder above', [link('l', '..')], '"l" is a link that leads out'],
    ['a link that goes up behind a name', [link('d', '.'), link('l', 'd/..')], '"l" is a link that leads out'],
    ['a file behind a link', [link('l', 'd'), file('l/x')], '"l/x" goes through "l"'],
    ['a file behind a file', [file('f'), file('f/x')], '"f/x" goes through "f"'],
    ['a link in place of a folder', [file('d/x'), link('d', 'e')], '"d" is in it twice'],
    ['a file twice', [file('f'), file('./f')], '"./f" is in it twice'],
    ['a line break', [file('a\nb')], 'line break'],
    ['a backslash', [file('a\\b')], 'backslash'],
    ['a folder nobody can write in', [folder('d', '0555')], 'mode 0555'],
    ['nothing', [folder('.')], 'there is nothing in it'],
    ['too much', Array.from({ length: 5001 }, (_, index) => file(`${index}`)), 'at most 5000'],
  ])('refuses %s', (_name, members, says) => {
    expect(() => names(members)).toThrow(says)
  })

  test('refuses a strip that leaves nothing of a file', () => {
    expect(() => names([file('a'), file('b/c')], 1)).toThrow('"a" has no name left after strip: 1')
    expect(() => names([link('a/l', '../b')], 1)).toThrow('leads out')
  })
})
