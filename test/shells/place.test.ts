import { execFileSync } from 'node:child_process'
import { lstatSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { PLACE_FUNCTIONS } from '../../src/shell/place-functions.ts'

test('F48 what is put back is never written through a link that stands in the place of its temporary file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-place-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = (name: string) => join(folder, name)
  writeFileSync(path('kept'), 'kept')
  writeFileSync(path('secret'), 'secret', { mode: 0o600 })
  symlinkSync('secret', path('.deploy-r1-back'))
  const script = `S=${folder} P=${folder} RUN=r1\n${PLACE_FUNCTIONS}\nbring_back "$S/kept" "$S/file"`
  execFileSync('sh', ['-c', script])
  expect(readFileSync(path('file'), 'utf8')).toBe('kept')
  expect(lstatSync(path('file')).isFile()).toBe(true)
  expect(readFileSync(path('secret'), 'utf8')).toBe('secret')
})
