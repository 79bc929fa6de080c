import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readArchive } from '../../src/load/archive.ts'
import { packFolder } from '../../src/load/folder.ts'
import { projectSources } from '../../src/load/sources.ts'
import { sha256 } from '../../src/model/json.ts'
import { projectFolder, told } from './project-folder.ts'

const LONG = `long/${'x'.repeat(90)}/${'ü'.repeat(60)}`
const TARGET = 'y'.repeat(150)

describe('a folder packed as an archive', () => {
  let folder = ''

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'evenkeel-folder-'))
    mkdirSync(join(folder, LONG), { recursive: true })
    writeFileSync(join(folder, LONG, 'f'), Buffer.alloc(1000, 7))
    writeFileSync(join(folder, 'run'), 'run\n')
    chmodSync(join(folder, 'run'), 0o700)
    writeFileSync(join(folder, 'conf'), '')
    chmodSync(join(folder, 'conf'), 0o660)
    writeFileSync(join(folder, '.hidden'), 'x'.repeat(512))
    symlinkSync(TARGET, join(folder, 'link'))
    mkdirSync(join(folder, 'empty'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  test('names, kinds, hashes and targets; modes as if the umask were 022', () => {
    const { members, gzip } = packFolder(folder)
    expect(gzip).toBe(false)
    expect(members.map(({ name, mode }) => `${mode} ${name}`)).toEqual([
      '0644 .hidden',
      '0644 conf',
      '0755 empty',
      '0755 link',
      '0755 long',
      `0755 long/${'x'.repeat(90)}`,
      `0755 ${LONG}`,
      `0644 ${LONG}/f`,
      '0755 run',
    ])
    expect(members.at(3)).toEqual({ name: 'link', kind: 'symlink', mode: '0755', target: TARGET })
    expect(members.at(-1)).toEqual({ name: 'run', kind: 'file', mode: '0755', sha256: sha256('run\n') })
  })

  test('the archive is what it says, to us and to tar, and the same each time', () => {
    const { content, members } = packFolder(folder)
    const bytes = 'bytes' in content.source ? content.source.bytes : Buffer.alloc(0)
    expect(content).toMatchObject({ sha256: sha256(bytes), size: bytes.length })
    expect(readArchive(bytes).members).toEqual(members)
    const listed = execFileSync('tar', ['-t', '--quoting-style=literal', '-f', '-'], { input: bytes, encoding: 'utf8' })
    expect(
      listed
        .trim()
        .split('\n')
        .map((name) => name.replace(/\/$/, '')),
    ).toEqual(members.map(({ name }) => name))
    chmodSync(join(folder, 'conf'), 0o600)
    expect(packFolder(folder).content.sha256).toBe(content.sha256)
    expect(execFileSync('tar', ['-xO', '-f', '-', `${LONG}/f`], { input: bytes })).toEqual(Buffer.alloc(1000, 7))
  })

  test('what is neither a file, a folder nor a link is named', () => {
    execFileSync('mkfifo', [join(folder, 'empty/pipe')])
    expect(() => packFolder(folder)).toThrow('"empty/pipe" is neither a file, a folder nor a link')
    rmSync(join(folder, 'empty/pipe'))
  })

  test('one that is too large is refused before its files are read, and what is largest is named', () => {
    // More than a program can read at once.
    writeFileSync(join(folder, 'empty/huge'), '')
    truncateSync(join(folder, 'empty/huge'), 8 * 1024 ** 3)
    expect(() => packFolder(folder)).toThrow(
      'its files have more than 512 MiB together, most of them "empty" (8192 MiB), "long" (1 MiB), ".hidden" (1 MiB)',
    )
    rmSync(join(folder, 'empty/huge'))
  })
})

test('a folder of a project, read once; what is none is nothing', async () => {
  const root = projectFolder({ 'dist/app.js': 'app\n', 'dist.tar': '' })
  const sources = projectSources(root)
  expect(sources.folder('dist')?.members.map(({ name }) => name)).toEqual(['app.js'])
  expect(sources.folder('dist')).toBe(sources.folder('dist'))
  expect([sources.folder('dist.tar'), sources.folder('none')]).toEqual([undefined, undefined])
  execFileSync('mkfifo', [join(root, 'dist/pipe')])
  expect(await told(() => projectSources(root).folder('dist'))).toEqual([
    'dist cannot be read: "pipe" is neither a file, a folder nor a link',
  ])
})
