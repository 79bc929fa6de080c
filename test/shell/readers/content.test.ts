import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { CONTENT_LIMIT, content, type FileContent } from '../../../src/shell/readers/content.ts'

/** Root may read everything, so a test of what may not be read asks as somebody else. */
const NOBODY = { uid: 65534, gid: 65534 }

describe('content', () => {
  const folder = mkdtempSync(join(tmpdir(), 'content-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const { reader } = content('')
  const path = (name: string) => join(folder, name)

  function ask(keys: readonly string[], user: { uid?: number; gid?: number } = {}) {
    const output = execFileSync('sh', ['-c', `${reader.define}\n${reader.call(keys)}`], user)
    const pieces = reader.split(output, keys)
    expect(reader.join(pieces)).toEqual(output)
    return pieces.map((piece, index) => reader.parse(piece, keys[index] ?? ''))
  }

  test('gives the bytes of files, in the order asked, and nothing of what is none', () => {
    const bytes = Buffer.from([0, 255, 10, 13, 10, 32])
    writeFileSync(path('bytes'), bytes)
    writeFileSync(path('empty'), '')
    writeFileSync(path("-it's a\nname"), 'x\n')
    mkdirSync(path('folder'))
    symlinkSync('bytes', path('link'))
    const whole = (value: Buffer): { state: string; value: FileContent } => ({
      state: 'value',
      value: { bytes: value, whole: true },
    })

    expect(ask(['bytes', 'none', 'empty', "-it's a\nname", 'folder', 'link'].map(path))).toEqual([
      whole(bytes),
      { state: 'absent' },
      whole(Buffer.alloc(0)),
      whole(Buffer.from('x\n')),
      { state: 'absent' },
      { state: 'absent' },
    ])
  })

  test('stops after 256 KiB and says so', () => {
    writeFileSync(path('limit'), Buffer.alloc(CONTENT_LIMIT, 'x'))
    writeFileSync(path('more'), Buffer.alloc(CONTENT_LIMIT + 1, 'x'))

    const values = ask([path('limit'), path('more')]).map(
      (answer) => answer.state === 'value' && [answer.value.bytes.length, answer.value.whole],
    )

    expect(values).toEqual([
      [CONTENT_LIMIT, true],
      [CONTENT_LIMIT, false],
    ])
  })

  test('says why a file cannot be read', () => {
    writeFileSync(path('secret'), 'x', { mode: 0 })
    chmodSync(folder, 0o755)

    const reason = expect.stringContaining('Permission denied')
    expect(ask([path('secret')], process.getuid?.() === 0 ? NOBODY : {})).toEqual([{ state: 'unreadable', reason }])
  })
})
