import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { below } from '../../../src/shell/readers/below.ts'

const { reader } = below('/')

/** What sh prints for these keys, where `define` stands before the call. */
function ask(keys: readonly string[], define = reader.define): Buffer {
  const script = `LC_ALL=C; export LC_ALL; ${define}\n${reader.call(keys)}`
  return execFileSync('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'pipe'] })
}

test('all names below, sorted; no folder is absent; what was printed is what is joined', () => {
  const root = mkdtempSync(join(tmpdir(), 'evenkeel-below-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  const [full, empty, none] = [join(root, 'full'), join(root, 'empty'), join(root, 'none')]
  mkdirSync(join(full, 'b'), { recursive: true })
  mkdirSync(empty)
  for (const name of ['b/ü', 'a\nb', '.c']) writeFileSync(join(full, name), '')

  const keys = [full, none, empty]
  const output = ask(keys)
  const pieces = reader.split(output, keys)

  expect(pieces.map((piece, index) => reader.parse(piece, keys[index] ?? ''))).toEqual([
    { state: 'value', value: ['.c', 'a\nb', 'b', 'b/ü'] },
    { state: 'absent' },
    { state: 'value', value: [] },
  ])
  expect(reader.join(pieces)).toEqual(output)
  expect(reader.join([pieces[0] ?? Buffer.alloc(0)])).toEqual(ask([full]))
  const absence = (key: string) => execFileSync('sh', ['-c', `${reader.absence?.(key)} && echo gone || echo there`])
  expect([absence(none), absence(full)].map(String)).toEqual(['gone\n', 'there\n'])
})

test('what find complains of is unreadable, and so is no answer', () => {
  const find = `find() { printf 'a\\0'; echo "find: '/x/secret': Permission denied" >&2; }`
  const [piece = Buffer.alloc(0)] = reader.split(ask(['/x'], `${find}\n${reader.define}`), ['/x'])
  expect(reader.parse(piece, '/x')).toEqual({
    state: 'unreadable',
    reason: "find: '/x/secret': Permission denied",
  })
  const [nothing = Buffer.alloc(0)] = reader.split(Buffer.alloc(0), ['/x'])
  expect(reader.parse(nothing, '/x').state).toBe('unreadable')
})
