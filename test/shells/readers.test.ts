import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Probe } from '../../src/model/probe.ts'
import { defineSay, markParser } from '../../src/shell/frames.ts'
import { answerBytes, askProbes, defineReaders, printAnswers, readPieces } from '../../src/shell/probe-script.ts'
import { group, memberships, user } from '../../src/shell/readers/account.ts'
import { cronEntries } from '../../src/shell/readers/cron.ts'
import { file, stat } from '../../src/shell/readers/file.ts'
import { pkg } from '../../src/shell/readers/pkg.ts'
import { script, succeeds } from '../../src/shell/readers/script.ts'
import { sysctlValue } from '../../src/shell/readers/sysctl.ts'
import { notWritable, writable } from '../../src/shell/readers/writable.ts'
import { sh } from '../../src/shell/sh.ts'

const NONCE = 'b'.repeat(32)
const ODD = [
  'sp ace',
  "quo'te",
  'new\nline',
  '-dash',
  '*',
  '$(id)',
  'é',
  'e\u0301',
  'trailing ',
  'tab\t',
  'x'.repeat(255),
  '\x1b[31m',
  "'\\''",
]
let folder = ''

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'readers-'))
  for (const name of ODD) writeFileSync(join(folder, name), `content of ${name}`)
  mkdirSync(join(folder, 'sub'))
  symlinkSync('line\nbreak', join(folder, 'link'))
  writeFileSync(join(folder, 'empty'), '')
  chmodSync(join(folder, 'empty'), 0o4751)
})
afterAll(() => rmSync(folder, { recursive: true }))

function shell(text: string): Buffer {
  return execFileSync('sh', {
    input: `${text}\n`,
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
}

function ask(probes: readonly Probe[]) {
  const output = shell(`N=${NONCE}\n${defineSay(1)}\n${defineReaders(probes)}\n${askProbes(probes)}say end`)
  return readPieces(markParser(NONCE).push(output), probes)
}

function answer<T>(probe: Probe<T>) {
  const piece = ask([probe]).values().next().value
  return probe.reader.parse(piece as Buffer, probe.key)
}

function allProbes(): readonly Probe[] {
  const paths = [...ODD, 'sub', 'link', 'empty', 'nope', 'empty/below', 'nope/nope'].map((name) => join(folder, name))
  return [
    ...paths.map(file),
    ...paths.map(stat),
    ...paths.map(writable),
    writable('/proc/sys'),
    ...['bash', 'nosuchpackage', 'coreutils', 'alsonosuch', 'dpkg'].map(pkg),
    ...['root', 'nosuchuser', 'daemon', 'www-data'].map(user),
    ...['root', 'nosuchgroup', 'daemon'].map(group),
    ...['root', 'nosuchuser', 'daemon'].map(memberships),
    cronEntries('root', 'none'),
    ...['kernel.ostype', 'no.such', 'net.ipv4.ip_local_port_range'].map(sysctlValue),
    script(sh`printf 'a\\0b'; exit 3`),
    script(sh`echo out`),
    succeeds(sh`test -e /nope`),
  ]
}

test('what the controller expects is byte for byte what a host prints, for any of the probes in any order', () => {
  const probes = allProbes()
  const pieces = ask(probes)

  expect(answerBytes(probes, pieces)).toEqual(shell(`${defineReaders(probes)}\n${printAnswers(probes)}`))
  fc.assert(
    fc.property(fc.shuffledSubarray([...probes], { minLength: 1 }), (some) => {
      const printed = shell(`${defineReaders(some)}\n${printAnswers(some)}`)
      expect(answerBytes(some, pieces).toString('latin1')).toBe(printed.toString('latin1'))
    }),
    { numRuns: 60, seed: 7 },
  )
})

describe('file', () => {
  test.each(ODD)('reads %j', (name) => {
    expect(answer(file(join(folder, name)))).toMatchObject({
      state: 'value',
      value: { kind: 'file', size: Buffer.byteLength(`content of ${name}`) },
    })
  })

  test('reads kinds, modes, targets and hashes', () => {
    expect(answer(file(join(folder, 'sub')))).toMatchObject({ state: 'value', value: { kind: 'directory' } })
    expect(answer(stat(join(folder, 'link')))).toMatchObject({
      state: 'value',
      value: { kind: 'symlink', target: 'line\nbreak' },
    })
    expect(answer(file(join(folder, 'empty')))).toEqual({
      state: 'value',
      value: {
        kind: 'file',
        owner: 'root',
        group: 'root',
        uid: 0,
        gid: 0,
        mode: '4751',
        size: 0,
        target: undefined,
        sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
      },
    })
  })

  test('proves absence, also below a file', () => {
    expect(answer(file(join(folder, 'nope')))).toEqual({ state: 'absent' })
    expect(answer(stat(join(folder, 'empty/below')))).toEqual({ state: 'absent' })
  })

  test('a path it may not look at is unreadable, not absent', () => {
    const loop = join(folder, 'loop')
    symlinkSync('loop', loop)

    expect(answer(file(join(loop, 'x')))).toMatchObject({
      state: 'unreadable',
      reason: expect.stringContaining('Too many levels of symbolic links'),
    })
  })
})

describe('pkg', () => {
  test('knows what is installed and what is not', () => {
    expect(answer(pkg('bash'))).toMatchObject({ state: 'value', value: { status: 'ii' } })
    expect(answer(pkg('nosuchpackage'))).toEqual({ state: 'absent' })
  })
})

describe('writable', () => {
  test.each([
    ['a folder', '', { state: 'value', value: { writable: true, mount: '', root: false } }],
    ['a file', 'empty', { state: 'absent' }],
    ['nothing', 'nope', { state: 'absent' }],
  ])('%s', (_name, path, expected) => {
    expect(answer(writable(join(folder, path)))).toEqual(expected)
  })

  test.each([
    [{ writable: true, mount: '', root: false }, undefined],
    [undefined, undefined],
    [{ writable: false, mount: '/srv', root: true }, 'the file system mounted at /srv is read-only'],
    [{ writable: false, mount: '/srv', root: false }, 'by this user (its file system is mounted at /srv)'],
  ])('says why: %j', (state, says) => {
    if (says === undefined) expect(notWritable('/srv/x', state)).toBeUndefined()
    else expect(notWritable('/srv/x', state)).toContain(says)
  })
})

describe('accounts', () => {
  test('reads users, groups and memberships', () => {
    expect(answer(user('root'))).toMatchObject({ state: 'value', value: { uid: 0, gid: 0, home: '/root' } })
    expect(answer(user('nosuchuser'))).toEqual({ state: 'absent' })
    expect(answer(group('daemon'))).toMatchObject({ state: 'value', value: { gid: 1 } })
    expect(answer(memberships('root'))).toMatchObject({ state: 'value', value: expect.arrayContaining(['root']) })
    expect(answer(memberships('nosuchuser'))).toEqual({ state: 'absent' })
  })
})

describe('script', () => {
  test.each([
    [
      'output and code',
      sh`printf 'caf\\303\\251\n\n'; exit 3`,
      { state: 'value', value: { code: 3, output: 'café\n\n' } },
    ],
    ['no output', sh`exit 0`, { state: 'value', value: { code: 0, output: '' } }],
    ['a missing command', sh`nosuchcommand`, { state: 'value', value: { code: 127, output: '' } }],
    ['a syntax error', sh`if then`, { state: 'unreadable' }],
    ['too much output', sh`head -c 70000 /dev/zero | tr '\\0' x`, { state: 'unreadable' }],
  ])('%s', (_name, text, expected) => {
    expect(answer(script(text))).toMatchObject(expected)
  })
})
