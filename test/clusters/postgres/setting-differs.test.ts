import { expect, test } from 'vitest'
import { settingDiffers } from '../../../src/clusters/postgres/setting-differs.ts'

const blocks = (value: string) => ({ value, unit: '8kB', type: 'integer' })
const plain = (value: string, type = 'integer') => ({ value, unit: '', type })
const unit = (value: string, unit: string, type = 'integer') => ({ value, unit, type })

test.each([
  [blocks('16384'), '128MB'],
  [blocks('16384'), "'128MB'"],
  [blocks('16384'), "'128 MB'"],
  [blocks('16384'), '131072kB'],
  [blocks('16384'), '16384'],
  [blocks('131072'), '1GB'],
  [blocks('65536'), '0.5GB'],
  [blocks('256'), '-1'],
  [unit('32', 'MB'), '32MB'],
  [unit('1024', 'MB'), '1GB'],
  [unit('524288', 'kB'), '512MB'],
  [unit('16777216', 'B'), '16MB'],
  [unit('60000', 'ms'), '1min'],
  [unit('60', 's'), '1min'],
  [unit('1440', 'min'), '1d'],
  [unit('200', 'ms', 'real'), '0.2s'],
  [plain('100'), '100'],
  [plain('100'), '0x64'],
  [plain('511', 'integer'), '0777'],
  [plain('0.9', 'real'), '0.90'],
  [plain('on', 'bool'), 'true'],
  [plain('on', 'bool'), '1'],
  [plain('off', 'bool'), "'no'"],
  [plain('replica', 'enum'), 'hot_standby'],
  [plain('replica', 'enum'), 'Replica'],
  [plain('on', 'enum'), 'true'],
  [plain('try', 'enum'), 'try'],
  [plain('repmgr', 'string'), "'repmgr'"],
  [plain('repmgr,pg_stat_statements', 'string'), "'repmgr, pg_stat_statements'"],
  [plain("it's", 'string'), "'it''s'"],
  [plain("it's", 'string'), "'it\\'s'"],
  [plain('', 'string'), "''"],
])('%j runs as %s', (running, wanted) => {
  expect(settingDiffers(running, wanted)).toBe(false)
})

test.each([
  [blocks('16384'), '256MB'],
  [blocks('16384'), '128'],
  [blocks('16384'), '128mb'],
  [blocks('16384'), '128s'],
  [blocks('16384'), 'much'],
  [unit('60', 's'), '60ms'],
  [plain('100'), '101'],
  [plain('100'), '-1'],
  [plain('0.9', 'real'), '0.5'],
  [plain('on', 'bool'), 'off'],
  [plain('on', 'bool'), 'perhaps'],
  [plain('logical', 'enum'), 'replica'],
  [plain('try', 'enum'), 'on'],
  [plain('', 'string'), "'repmgr'"],
  [plain('repmgr', 'string'), "'Repmgr'"],
])('%j does not run as %s', (running, wanted) => {
  expect(settingDiffers(running, wanted)).toBe(true)
})
