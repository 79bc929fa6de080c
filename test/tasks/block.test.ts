import { describe, expect, test } from 'vitest'
import { block } from '../../src/tasks/block.ts'
import { compile, refuses } from './support/cases.ts'

const want = { path: '/etc/hosts', name: 'peers', content: '10.0.0.1 a\n10.0.0.2 b\n' }
const BEGIN = '# BEGIN evenkeel: peers'
const END = '# END evenkeel: peers'

/** What becomes of a text, or the sentence that says why nothing does. */
function edited(text: string, more: object = {}): string {
  const { kind, want: resolved } = compile(block, { want: { ...want, ...more } })
  const bytes = Buffer.from(text)
  const file = { kind: 'file', size: bytes.length, mode: '0644', sha256: '' }
  const now = { ...(kind.read({ file, content: { bytes, whole: true } }, resolved) as object), unfit: undefined, text }
  const [change] = kind.apply(resolved, now).flat()
  const [step] = change?.steps ?? []
  if (step?.kind === 'shell') return step.script
  return step && 'bytes' in step.content.source ? step.content.source.bytes.toString() : 'as wanted'
}

describe('block', () => {
  const whole = `${BEGIN}\n10.0.0.1 a\n10.0.0.2 b\n${END}\n`

  test.each([
    ['is added at the end', 'x\n', {}, `x\n${whole}`],
    ['ends a last line that has no end', 'x', {}, `x\n${whole}`],
    ['is as wanted', `x\n${whole}y\n`, {}, 'as wanted'],
    ['is mended where it stands', `x\n${BEGIN}\nold\n${END}\ny\n`, {}, `x\n${whole}y\n`],
    ['is removed', `x\n${whole}y`, { content: undefined, absent: true }, 'x\ny\n'],
    ['is not there', 'x', { content: undefined, absent: true }, 'as wanted'],
    [
      'may have another comment',
      '',
      { comment: '//', content: 'z' },
      '// BEGIN evenkeel: peers\nz\n// END evenkeel: peers\n',
    ],
  ])('%s', (_name, text, more, result) => {
    expect(edited(text, more)).toBe(result)
  })

  test.each([
    ['without its end', `${BEGIN}\nx\n`, 'not whole'],
    ['without its begin', `x\n${END}\n`, 'not whole'],
    ['in wrong order', `${END}\n${BEGIN}\n`, 'not whole'],
    ['twice', `${whole}${whole}`, 'there twice'],
  ])('%s it is left alone, and told', (_name, text, says) => {
    expect(edited(text)).toContain(says)
  })

  test('two blocks of a file have two keys', () => {
    const keys = ['a', 'b'].map((name) => compile(block, { want: { ...want, name } }))
    expect(new Set(keys.map(({ kind, want: one }) => kind.key(one))).size).toBe(2)
    expect(keys.map(({ kind, want: one }) => kind.label(one))).toEqual(['/etc/hosts a', '/etc/hosts b'])
  })

  refuses(block, [
    ['no name', { path: '/a', content: '' }, 'name must be'],
    ['a name with a colon', { ...want, name: 'a: b' }, 'name must be'],
    ['neither content nor absent', { path: '/a', name: 'n' }, 'either content or absent'],
    ['both', { ...want, absent: true }, 'either content or absent'],
    ['content with a mark', { ...want, content: `x\n${END}` }, 'marks of a block'],
    ['a comment of two lines', { ...want, comment: '#\n' }, 'comment must be'],
    ['a relative path', { ...want, path: 'etc' }, 'path must be absolute'],
  ])
})
