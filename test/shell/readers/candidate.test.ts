import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { candidate } from '../../../src/shell/readers/candidate.ts'

const POLICY = `nginx:
  Installed: (none)
  Candidate: 1.22.1-9+deb12u10
  Version table:
     1.22.1-9+deb12u10 500
        500 http://deb.example/debian bookworm/main amd64 Packages
libc6:i386:
  Installed: 2.36
  Candidate: 2.37
  Version table:
 *** 2.36 100
old:
  Installed: 1
  Candidate: (none)
  Version table:
`

describe('candidate', () => {
  const { reader } = candidate('')

  const folder = mkdtempSync(join(tmpdir(), 'candidate-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'apt-cache'), `#!/bin/sh\nprintf '%s' "$POLICY"\n`, { mode: 0o755 })

  function ask(keys: readonly string[], before = '') {
    const script = `PATH=${folder}:$PATH\n${before}\n${reader.define}\n${reader.call(keys)}`
    const output = execFileSync('sh', ['-c', script], { env: { ...process.env, LC_ALL: 'C', POLICY } })
    const pieces = reader.split(output, keys)
    expect(reader.join(pieces)).toEqual(output)
    return pieces.map((piece, index) => reader.parse(piece, keys[index] ?? ''))
  }

  test('gives the version that apt would install', () => {
    expect(ask(['nginx', 'libc6:i386', 'old', 'unknown', 'nginx:amd64'])).toEqual([
      { state: 'value', value: { version: '1.22.1-9+deb12u10' } },
      { state: 'value', value: { version: '2.37' } },
      { state: 'absent' },
      { state: 'absent' },
      { state: 'value', value: { version: '1.22.1-9+deb12u10' } },
    ])
  })

  test('says so where there is no apt', () => {
    expect(ask(['nginx'], 'command() { return 1; }')).toEqual([
      { state: 'unreadable', reason: 'apt-cache is not there' },
    ])
  })
})
