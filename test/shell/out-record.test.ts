import { expect, test } from 'vitest'
import type { OutRecord } from '../../src/model/out-record.ts'
import { markParser } from '../../src/shell/frames.ts'
import { noteOut, readOut } from '../../src/shell/out-record.ts'

const NONCE = 'e'.repeat(32)
const record: OutRecord = {
  ...{ node: 'app1', balancer: 'haproxy app on lb1', phase: 'app', run: '20260101-000000-abcd', who: 'alice@laptop' },
  ...{
    since: '2026-01-01T00:00:00.000Z',
    why: 'being changed',
    project: 'shop',
    environment: 'prod',
    playbook: 'site',
  },
  hosts: ['app1', 'app2'],
}

/** The records in what a host prints: the text behind each `out`. */
function read(...texts: readonly string[]): readonly OutRecord[] {
  const said = texts.map((text) => `\n${NONCE} out\n${text}`).join('')
  return readOut(markParser(NONCE).push(Buffer.from(`\n${NONCE} host 1 2 3\n${said}\n${NONCE} end\n`)))
}

test('reads what was written, whatever is in it', () => {
  const odd = { ...record, why: `it's "so" $(id) \u001b[31m\n\u0085`, who: '' }

  expect(read(`${JSON.stringify(record)}\n`, `${JSON.stringify(odd)}\n`)).toEqual([record, odd])
  expect(read()).toEqual([])
})

test('what later versions add is left out', () => {
  expect(read(JSON.stringify({ ...record, more: { x: 1 } }))).toEqual([record])
})

test.each<[string, string]>([
  ['nothing', ''],
  ['no JSON', 'out'],
  ['one that was cut off', JSON.stringify(record).slice(0, -3)],
  ['null', 'null'],
  ['a number', '7'],
  ['a list', '[]'],
  ['a field that is missing', JSON.stringify({ ...record, run: undefined })],
  ['a field that is no text', JSON.stringify({ ...record, why: { toString: 'x' } })],
  ['hosts that are a text', JSON.stringify({ ...record, hosts: 'app1' })],
  ['hosts that are none', JSON.stringify({ ...record, hosts: undefined })],
  ['a host that is no text', JSON.stringify({ ...record, hosts: ['app1', 7] })],
])('what is no record counts as none: %s', (_title, text) => {
  expect(read(text, `${JSON.stringify(record)}\n`)).toEqual([record])
})

test('a record is written under one name for a phase of a playbook, whatever its balancer is called', () => {
  const name = (more: Partial<OutRecord>) => /out\/([0-9a-f]{16})"/.exec(noteOut('r', 1, { ...record, ...more }))?.[1]

  expect(name({})).toMatch(/^[0-9a-f]{16}$/)
  expect(name({ run: 'other', why: 'other', node: 'app2', balancer: 'b' })).toBe(name({}))
  expect(
    new Set([name({}), name({ phase: 'b' }), name({ playbook: 'b' }), name({ environment: 'b', phase: '' })]).size,
  ).toBe(4)
})
