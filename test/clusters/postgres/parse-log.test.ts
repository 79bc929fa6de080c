import { expect, test } from 'vitest'
import { parseLog } from '../../../src/clusters/postgres/parse-log.ts'
import { seen } from './support/captured.ts'

const commit = (at: string) =>
  `rmgr: Transaction len (rec/tot):     34/    34, tx:        912, lsn: ${at}, prev 0/2391E410, desc: COMMIT 2026-11-26 10:49:54 UTC`
const error = (text: string) => `pg_waldump: error: ${text}`

test.each([
  ['stopped-standby-log', { end: '0/2391E4A8' }],
  ['killed-standby-log', { end: '0/2391E4A8', lastCommit: '0/2391E480' }],
  ['killed-primary-log', { end: '0/2394FC10', lastCommit: '0/2394FA78' }],
])('%s', (name, log) => {
  expect(seen(name).disk?.log).toEqual(log)
})

test('a killed standby has more than its control file tells', () => {
  expect(seen('killed-standby-log').disk).toMatchObject({ recoveryEnd: '0/2391B980', log: { end: '0/2391E4A8' } })
})

test('promoted and killed before a checkpoint: it is on the timeline that it made', () => {
  expect(seen('promoted-and-killed').disk).toMatchObject({
    state: 'in production',
    standbySignal: false,
    timeline: 3,
    checkpoint: '0/26FC3A10',
    log: { end: '0/29E8B0F0', lastCommit: '0/29E8AF58' },
    history: [
      { timeline: 2, forkedAt: '0/19001678' },
      { timeline: 3, forkedAt: '0/29E71260' },
    ],
  })
})

test.each([
  ['error in WAL record at 0/3000060: invalid record length at 0/30000D8: wanted 24, got 0', '0/30000D8'],
  ['error in WAL record at 0/3000060: record with incorrect prev-link 0/1 at 0/30000D8', '0/30000D8'],
  ['error in WAL record at 0/3000060: invalid contrecord length 12 (expected 90) at 0/3002000', '0/3002000'],
  [
    'error in WAL record at 0/3000060: invalid magic number 0000 in log segment 000000010000000000000003, offset 8192',
    '0/3002000',
  ],
  [
    'error in WAL record at 1A/3000060: unexpected pageaddr 0/1 in log segment 000000010000001A00000003, offset 16384',
    '1A/3004000',
  ],
  ['could not find file "000000010000000100000004": No such file or directory', '1/4000000'],
  ['could not find a valid record after 0/3000028', '0/3000028'],
])('%s', (complaint, end) => {
  expect(parseLog('1 0/3000028', [commit('0/3000060'), error(complaint)])).toEqual({ end, lastCommit: '0/3000060' })
  expect(parseLog('1 0/3000028', [error(complaint)])).toEqual({ end })
})

test('what was prepared to be committed counts as well: somebody was promised that it will be', () => {
  const prepared = commit('0/3000090').replace('COMMIT', 'PREPARE gid shop-7:')
  const end = error('error in WAL record at 0/3000060: invalid record length at 0/30000D8: wanted 24, got 0')
  expect(parseLog('1 0/3000028', [commit('0/3000060'), prepared, end])?.lastCommit).toBe('0/3000090')
})

test('what did not come to its end says nothing', () => {
  expect(parseLog(undefined, [])).toBeUndefined()
  expect(parseLog('1 0/3000028', [])).toBeUndefined()
  expect(parseLog('1 0/3000028', [commit('0/3000060')])).toBeUndefined()
  expect(parseLog('1 0/3000028', [error('could not open directory "pg_wal"')])).toBeUndefined()
})

test.each(['', '1', 'x 0/0', '1 somewhere'])('nonsense is refused: "%s"', (from) => {
  expect(() => parseLog(from, [])).toThrow('no place to read a log from')
})
