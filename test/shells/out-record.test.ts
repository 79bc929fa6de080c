import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import type { OutRecord } from '../../src/model/out-record.ts'
import { defineSay, markParser } from '../../src/shell/frames.ts'
import { forgetOut, HELLO_OUT, noteOut, readOut } from '../../src/shell/out-record.ts'

const NONCE = 'e'.repeat(32)
const RUN = '20260101-000000-abcd'
const record: OutRecord = {
  ...{ node: 'app1', balancer: 'haproxy app on lb1', phase: 'app', run: RUN, who: 'alice@laptop' },
  ...{
    since: '2026-01-01T00:00:00.000Z',
    why: 'being changed',
    project: 'shop',
    environment: 'prod',
    playbook: 'site',
  },
  hosts: ['app1', 'app2'],
}

let folder = ''

beforeEach(() => {
  const path = mkdtempSync(join(tmpdir(), 'evenkeel-out-'))
  folder = path
  mkdirSync(join(path, 'S'))
  mkdirSync(join(path, 'R'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  held(RUN, 7)
})

/** Writes down who holds the host. */
function held(run: string, fence: number): void {
  writeFileSync(join(folder, 'S/owner'), `${run} ${fence}\n{}\n`)
}

/** What a script says on this host: the words of its marks. */
function run(script: string) {
  const text = `N=${NONCE} S=${folder}/S R=${folder}/R\n${defineSay(1)}\n${script}`
  return markParser(NONCE).push(execFileSync('sh', { input: text }))
}

function said(script: string): readonly string[] {
  return run(script).map(({ words }) => words.join(' '))
}

function known(): readonly OutRecord[] {
  return readOut(run(`say hello\n${HELLO_OUT}\nsay end`))
}

test('noted, known, changed, forgotten', () => {
  expect(known()).toEqual([])
  expect(said(noteOut(RUN, 7, record))).toEqual(['noted'])
  expect(known()).toEqual([record])

  expect(said(noteOut(RUN, 7, { ...record, why: 'not healthy' }))).toEqual(['noted'])
  expect(known()).toEqual([{ ...record, why: 'not healthy' }])

  expect(said(forgetOut(RUN, 7, [record]))).toEqual(['noted'])
  expect(known()).toEqual([])
  expect(said(forgetOut(RUN, 7, [record]))).toEqual(['noted'])
})

test('nobody else reads it, and nothing is left beside it', () => {
  run(noteOut(RUN, 7, record))

  expect((statSync(join(folder, 'S/out')).mode & 0o777).toString(8)).toBe('700')
  expect(readdirSync(join(folder, 'S/out'))).toHaveLength(1)
})

test('a node of two rolling phases remembers both, and forgets one, or both', () => {
  const other = { ...record, phase: 'static', balancer: 'health flag /var/lib/health/out' }
  run(noteOut(RUN, 7, record))
  run(noteOut(RUN, 7, other))
  expect(
    known()
      .map(({ balancer }) => balancer)
      .toSorted(),
  ).toEqual([record.balancer, other.balancer])

  run(forgetOut(RUN, 7, [record]))
  expect(known()).toEqual([other])
  run(forgetOut(RUN, 7, [record, other]))
  expect(known()).toEqual([])
})

test.each<[string, () => void]>([
  ['another run holds the host', () => held('20260101-000000-ffff', 7)],
  ['the same run with a later fence', () => held(RUN, 8)],
  ['the same run with an earlier one', () => held(RUN, 6)],
  ['nobody holds it', () => rmSync(join(folder, 'S/owner'))],
  ['nobody can tell who holds it', () => writeFileSync(join(folder, 'S/owner'), '')],
])('fenced: %s', (_title, meanwhile) => {
  run(noteOut(RUN, 7, record))
  meanwhile()

  expect(said(noteOut(RUN, 7, { ...record, why: 'too late' }))).toEqual(['fenced'])
  expect(said(forgetOut(RUN, 7, [record]))).toEqual(['fenced'])
  expect(known()).toEqual([record])
})

test('a why with everything that shells and terminals read', () => {
  const why = `it's "so" $(id) \`id\` \\n %s\n\r\t\u0000\u0001\u001b[2J\u0085\u202e${'é'.repeat(9)}`
  run(noteOut(RUN, 7, { ...record, why }))

  expect(known()).toEqual([{ ...record, why }])
})

test('a why as long as a journal is cut, and the record is known all the same', () => {
  const why = `not healthy: app.service did not stay up\n${'\u001b"'.repeat(40_000)}`
  expect(said(noteOut(RUN, 7, { ...record, why }))).toEqual(['noted'])

  const [now] = known()
  expect(now?.why.slice(0, 500)).toBe(why.slice(0, 500))
  expect(now?.why.length).toBe(2000)
  expect({ ...now, why: '' }).toEqual({ ...record, why: '' })
})

test('a run for a thousand hosts', () => {
  const hosts = Array.from({ length: 1000 }, (_, index) => `app-${index}.example.org`)
  expect(said(noteOut(RUN, 7, { ...record, hosts }))).toEqual(['noted'])

  expect(known()[0]?.hosts).toEqual(hosts)
})

test('what somebody else put there is no record: a folder, an endless file, a link, nonsense', () => {
  run(noteOut(RUN, 7, record))
  mkdirSync(join(folder, 'S/out/folder'))
  symlinkSync('nowhere', join(folder, 'S/out/link'))
  writeFileSync(join(folder, 'S/out/large'), 'x'.repeat(1_000_000))
  writeFileSync(join(folder, 'S/out/-n'), 'nonsense')

  expect(known()).toEqual([record])
})

test('a host that cannot write it down says why, not that it did', () => {
  writeFileSync(join(folder, 'S/out'), '')
  const marks = run(`${noteOut(RUN, 7, record)}\nsay end`)

  expect(marks.map(({ words }) => words[0])).toEqual(['end'])
  expect(marks[0]?.before.toString()).toContain('File exists')
  expect(existsSync(join(folder, 'S/out/.new'))).toBe(false)
})
