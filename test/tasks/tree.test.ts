import { describe, expect, test } from 'vitest'
import { tree } from '../../src/tasks/tree.ts'
import { compile, refuses } from './support/cases.ts'
import { directoryState, fileState, linkState } from './support/states.ts'
import { tarOf } from './support/tar.ts'

const FOLDER = tarOf([
  { name: 'css/', mode: 0o755, type: '5' },
  { name: 'css/main.css', mode: 0o644, data: 'css' },
  { name: 'index.html', mode: 0o644, data: 'html' },
  { name: 'now', mode: 0o777, type: '2', target: 'css' },
]).toString('latin1')
const WANT = { from: 'public', to: '/srv/www' }
const RIGHT = {
  css: directoryState(),
  'css/main.css': fileState('css'),
  'index.html': fileState('html'),
  now: linkState('css'),
}
const ALL = ['css', 'css/main.css', 'index.html', 'now']

function look(more: object, answers: object) {
  const { kind, want } = compile(tree, { want: { ...WANT, ...more }, project: { 'public/': FOLDER } })
  const now = kind.read({ ...answers }, want)
  const changes = kind.apply(want, now).flat()
  return {
    changes,
    told: changes.map(({ field, from, to }) => `${field}: ${from} → ${to}`),
    detail: kind.detail?.(want, now, {}),
    asked: Object.values(kind.check(want)).map(({ reader, key }) => `${reader.kind} ${key}`),
  }
}

describe('tree', () => {
  test('asks for each file by its hash, and for all names only where others are to go', () => {
    const { asked } = look({}, {})
    expect(asked).toContain('file /srv/www/css/main.css')
    expect(asked).not.toContain('below /srv/www')
    expect(look({ purge: true }, {}).asked).toContain('below /srv/www')
  })

  test('a folder that is empty gets all', () => {
    expect(look({}, {}).told).toEqual(['added: null → css, css/main.css, index.html, now'])
  })

  test('is right', () => {
    expect(look({ purge: true, owner: 'root' }, { ...RIGHT, '/': ALL }).told).toEqual([])
  })

  test('what is added, changed and removed, each by name', () => {
    const now = { ...RIGHT, 'css/main.css': fileState('by hand'), 'index.html': undefined }
    const { told, changes } = look(
      { purge: true },
      { ...now, '/': ['css', 'css/main.css', 'css/old', 'dir', 'dir/x', 'now'] },
    )
    expect(told).toEqual([
      'added: null → index.html',
      'changed: css/main.css → as in the project',
      'removed: css/old, dir → null',
    ])
    expect(changes[0]?.steps).toEqual(changes[1]?.steps)
    expect(changes[2]?.steps).toMatchObject([
      { script: expect.stringContaining('for p in /srv/www/css/old /srv/www/dir; do enter') },
    ])
  })

  test('modes: of the project, or of the parameters', () => {
    const wrong = { ...RIGHT, 'index.html': fileState('html', { mode: '0666' }) }
    expect(look({}, wrong).told).toEqual(['mode: other: index.html → as in the project'])
    expect(look({ mode: '640', directoryMode: '750' }, RIGHT).told).toEqual([
      'mode: other: css, css/main.css, index.html → as in the project',
    ])
  })

  test('names of many that are removed are all told', () => {
    const names = Array.from({ length: 7 }, (_, index) => `x${index}`)
    const { told, detail } = look({ purge: true }, { ...RIGHT, '/': [...ALL, ...names] })
    expect(told).toEqual(['removed: x0, x1, x2, x3, x4 and 2 more → null'])
    expect(detail?.notes).toEqual(['removed: x0, x1, x2, x3, x4, x5, x6'])
  })

  test.each([['a folder in place of a file', { ...RIGHT, 'index.html': directoryState() }, 'is a directory: no file']])(
    'refuses %s',
    (_name, answers, says) => {
      const { detail, changes } = look({ purge: true }, answers)
      expect(detail?.refuse).toContain(says)
      expect(changes[0]?.steps).toMatchObject([{ script: expect.stringMatching(/^echo .*exit 1$/) }])
    },
  )

  test('what is no folder of the project is an error', () => {
    expect(() => look({ from: 'none' }, {})).toThrow('none is not a folder of the project')
  })

  refuses(tree, [
    ['no folder', { ...WANT, from: '' }, 'from must name'],
    ['a relative folder', { ...WANT, to: 'srv' }, 'absolute'],
    ['a uid', { ...WANT, owner: '33' }, 'owner must be a name'],
    ['a mode as a number', { ...WANT, mode: 640 }, 'mode must be octal'],
    ['a group like an option', { ...WANT, group: '-x' }, 'group must be'],
    ['folders nobody can write in', { ...WANT, directoryMode: '0555' }, 'directoryMode must be'],
  ])
})
