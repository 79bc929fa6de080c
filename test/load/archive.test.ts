import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readArchive } from '../../src/load/archive.ts'
import { sha256 } from '../../src/model/json.ts'

const LONG = `long/${'x'.repeat(90)}/${'ü'.repeat(60)}`
const TARGET = 'y'.repeat(150)

describe('archives as tar writes them', () => {
  let folder = ''
  const pack = (...options: string[]) =>
    execFileSync('tar', ['-C', folder, '-cf', '-', ...options], { encoding: 'buffer' })

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'evenkeel-archive-'))
    mkdirSync(join(folder, LONG), { recursive: true })
    mkdirSync(join(folder, 'bin'))
    chmodSync(join(folder, 'bin'), 0o770)
    writeFileSync(join(folder, 'bin/run'), 'run\n')
    chmodSync(join(folder, 'bin/run'), 0o4775)
    writeFileSync(join(folder, LONG, 'f'), Buffer.alloc(1000, 7))
    writeFileSync(join(folder, 'empty'), '')
    chmodSync(join(folder, 'empty'), 0o600)
    symlinkSync(TARGET, join(folder, 'bin/link'))
    writeFileSync(join(folder, 'big'), Buffer.alloc(10_000, 'b'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  test.each(['gnu', 'pax'])('format %s: names, kinds, modes, hashes and targets', (format) => {
    for (const bytes of [pack(`--format=${format}`, '.'), pack(`--format=${format}`, '-z', '.')]) {
      const { members } = readArchive(bytes)
      const byName = new Map(members.map((member) => [member.name, member]))
      expect(byName.get('bin')).toEqual({ name: 'bin', kind: 'directory', mode: '0750' })
      expect(byName.get('bin/run')).toEqual({ name: 'bin/run', kind: 'file', mode: '0755', sha256: sha256('run\n') })
      expect(byName.get('bin/link')).toMatchObject({ kind: 'symlink', target: TARGET })
      expect(byName.get(`${LONG}/f`)).toMatchObject({ kind: 'file', sha256: sha256(Buffer.alloc(1000, 7)) })
      expect(byName.get('empty')).toMatchObject({ mode: '0600', sha256: sha256('') })
      expect(byName.get('big')?.sha256).toBe(sha256('b'.repeat(10_000)))
      expect(members).toHaveLength(10)
    }
  })

  test('ustar keeps the front of a long name in a field of its own', () => {
    const name = `${'d'.repeat(90)}/${'e'.repeat(90)}`
    mkdirSync(join(folder, name), { recursive: true })
    expect(readArchive(pack('--format=ustar', name)).members.map((member) => member.name)).toEqual([name])
  })

  test('whether it is gzip', () => {
    expect([readArchive(pack('empty')).gzip, readArchive(pack('-z', 'empty')).gzip]).toEqual([false, true])
  })

  test.each([
    ['a hard link', ['--format=gnu'], 'is a hard link'],
    ['a hard link in pax', ['--format=pax'], 'is a hard link'],
  ])('refuses %s and names it', (_name, options, says) => {
    const hard = join(folder, 'hard')
    mkdirSync(hard, { recursive: true })
    rmSync(join(hard, 'b'), { force: true })
    writeFileSync(join(hard, 'a'), 'a')
    execFileSync('ln', [join(hard, 'a'), join(hard, 'b')])
    expect(() => readArchive(pack(...options, 'hard'))).toThrow(says)
  })

  test.each([
    ['a pipe', (bytes: Buffer) => reheaded(bytes, '6'), '"empty" is a pipe'],
    ['a device', (bytes: Buffer) => reheaded(bytes, '3'), '"empty" is a device'],
    ['an unknown type', (bytes: Buffer) => reheaded(bytes, 'V'), '"empty" is of the type "V"'],
    ['a header that was changed', (bytes: Buffer) => altered(bytes, 3), 'damaged'],
    ['one that is cut off behind a member', (bytes: Buffer) => bytes.subarray(0, 512), 'cut off'],
    ['nothing', () => Buffer.alloc(0), 'this is no tar archive'],
    ['text', () => Buffer.from('hello '.repeat(200)), 'this is no tar archive'],
    ['gzip of text', () => gzipSync('hello '.repeat(200)), 'this is no tar archive'],
    ['gzip that is cut off', (bytes: Buffer) => gzipSync(bytes).subarray(0, 60), 'the gzip data is damaged'],
    ['xz', () => Buffer.from('fd377a585a0000', 'hex'), 'this is xz'],
    ['zip', () => Buffer.from('504b030400', 'hex'), 'this is zip'],
  ])('refuses %s', (_name, damage, says) => {
    expect(() => readArchive(damage(pack('empty')))).toThrow(says)
  })

  test('refuses one that is cut off in a member, and names it', () => {
    expect(() => readArchive(pack('big').subarray(0, 5000))).toThrow('cut off in "big"')
  })
})

function altered(bytes: Buffer, at: number): Buffer {
  const other = Buffer.from(bytes)
  other[at] = (other[at] ?? 0) ^ 1
  return other
}

/** The same archive, its first member of another type, the sum right again. */
function reheaded(bytes: Buffer, type: string): Buffer {
  const other = Buffer.from(bytes)
  other.write(type, 156, 'latin1')
  other.fill(' ', 148, 156)
  const sum = other.subarray(0, 512).reduce((total, byte) => total + byte, 0)
  other.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return other
}
