import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Ini, ini } from '../../src/tasks/ini.ts'
import { bytesContent } from '../../src/tasks/steps.ts'
import { compile, refuses } from './support/cases.ts'

/** What becomes of a text; the text itself when it is as wanted. */
function edited(text: string, settings: Ini['settings']): string {
  const { kind, want } = compile(ini, { want: { path: '/etc/x.conf', settings } })
  const bytes = Buffer.from(text)
  const file = { kind: 'file', size: bytes.length, mode: '0644', sha256: bytesContent(bytes).sha256 }
  const [change] = kind.apply(want, kind.read({ file, content: { bytes, whole: true } }, want)).flat()
  const [step] = change?.steps ?? []
  return step?.kind === 'put' && 'bytes' in step.content.source ? step.content.source.bytes.toString() : text
}

const FILE = `# top
global=1

[a]
; comment
x = 1
y=2

[b] # more
x = 3
`

describe('ini', () => {
  test.each<[string, string, Ini['settings'], string]>([
    ['a value that is right', FILE, { a: { x: 1, y: '2' }, b: { x: 3 }, '': { global: 1 } }, FILE],
    ['a value, with the signs of its line', FILE, { a: { y: 5 } }, FILE.replace('y=2', 'y=5')],
    ['a value of one section only', FILE, { b: { x: 4 } }, FILE.replace('x = 3', 'x = 4')],
    ['a value above the sections', FILE, { '': { global: true } }, FILE.replace('global=1', 'global=true')],
    ['a new key at the end of its section', FILE, { a: { z: 7 } }, FILE.replace('y=2\n', 'y=2\nz=7\n')],
    ['a new key above the sections', FILE, { '': { z: 7 } }, FILE.replace('global=1\n', 'global=1\nz=7\n')],
    ['a new section', FILE, { c: { z: 7, w: 8 } }, `${FILE}\n[c]\nz=7\nw=8\n`],
    ['a file that is empty', '', { c: { z: 7 } }, '[c]\nz = 7\n'],
    ['a key that shall go', FILE, { a: { x: null } }, FILE.replace('x = 1\n', '')],
    ['a key that is gone', FILE, { a: { none: null }, d: { x: null } }, FILE],
    ['a key that is there twice', 'k=1\nk=2\n', { '': { k: 3 } }, 'k=3\n'],
    ['a section in two parts', '[a]\nk=1\n[b]\nk=9\n[a]\nk=2\n', { a: { k: 3 } }, '[a]\nk=3\n[b]\nk=9\n[a]\n'],
    ['an empty value', 'k = 1\n', { '': { k: '' } }, 'k = \n'],
    ['a comment that looks like it', '#k=1\n', { '': { k: 2 } }, '#k=1\nk = 2\n'],
    ['a value with equals signs', 'k=a=b\n', { '': { k: 'c=d' } }, 'k=c=d\n'],
    ['a last line without an end', '[a]\nx=1', { a: { x: 2 } }, '[a]\nx=2\n'],
  ])('%s', (_name, text, settings, result) => {
    expect(edited(text, settings)).toBe(result)
    expect(edited(result, settings)).toBe(result)
  })

  test('what was set is found as set, whatever the file was', () => {
    const word = fc.stringMatching(/^[a-z]{1,3}$/)
    const line = fc.oneof(
      fc
        .tuple(word, fc.constantFrom('=', ' = ', '  ='), fc.stringMatching(/^[ -~]{0,6}$/))
        .map((parts) => parts.join('')),
      word.map((name) => `[${name}]`),
      fc.constantFrom('', '# comment', '; k=v', '   '),
    )
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 12 }),
        word,
        word,
        fc.stringMatching(/^\S{0,4}$/),
        (lines, section, key, value) => {
          const text = lines.map((one) => `${one}\n`).join('')
          const once = edited(text, { [section]: { [key]: value } })
          expect(edited(once, { [section]: { [key]: value } })).toBe(once)
          expect(edited(once, { [section]: { [key]: null } }).split('\n')).not.toContain(`${key}=${value}`)
        },
      ),
      { numRuns: 500, seed: 3 },
    )
  })

  refuses(ini, [
    ['no settings', { path: '/a', settings: {} }, 'at least one key'],
    ['a section without keys', { path: '/a', settings: { a: {} } }, 'at least one key'],
    ['a section with a bracket', { path: '/a', settings: { 'a]': { k: 1 } } }, 'name of a section'],
    ['a key with an equals sign', { path: '/a', settings: { a: { 'k=': 1 } } }, 'cannot be a key'],
    ['a key like a comment', { path: '/a', settings: { a: { '#k': 1 } } }, 'cannot be a key'],
    ['a value with a line break', { path: '/a', settings: { a: { k: 'a\n[b]' } } }, 'line break'],
    ['a value that is a list', { path: '/a', settings: { a: { k: [] } } }, 'must be a text, a number'],
    ['a relative path', { path: 'a', settings: { a: { k: 1 } } }, 'path must be absolute'],
  ])
})
