import { Command } from 'commander'
import { expect, test } from 'vitest'
import { acceptedLoss, repairGoal, repairRedisCommand } from '../../src/cli/repair-db.ts'

test('what was accepted is node and bytes, as a refusal prints it', () => {
  expect(acceptedLoss('postgres', [])).toEqual({})
  expect(acceptedLoss('postgres', ['app1=552', 'app2=unknown'])).toEqual({ app1: 552, app2: 'unknown' })
})

test.each(['app1', 'app1=', 'app1=all', 'app1=-1', '=5', 'app1=5 bytes'])('%s is no such thing', (value) => {
  expect(() => acceptedLoss('postgres', [value])).toThrow(
    `--accept-data-loss takes NODE=BYTES or NODE=unknown, as the refusal prints it, not '${value}'`,
  )
})

test('a node is named once', () => {
  expect(() => acceptedLoss('postgres', ['app1=5', 'app2=5', 'app1=9'])).toThrow('--accept-data-loss names app1 twice')
})

test('what is given up is saved only where something is given up', () => {
  expect(repairGoal('postgres', [])).toEqual({ acceptLoss: {} })
  expect(repairGoal('postgres', ['app1=552'])).toEqual({ acceptLoss: { app1: 552 } })
  expect(repairGoal('postgres', ['app1=552'], true)).toEqual({ acceptLoss: { app1: 552 }, salvage: true })
  expect(() => repairGoal('postgres', [], true)).toThrow(
    expect.objectContaining({
      exit: 64,
      message: '--salvage saves what --accept-data-loss gives up, and that was not given',
    }),
  )
})

test('the help of Redis says that nothing of an unknown loss is saved but files', () => {
  const program = new Command()
  repairRedisCommand(program, () => {})
  const help = program.commands[0]?.helpInformation().replaceAll(/\s+/g, ' ')
  expect(help).toContain('=unknown: only files on its disk are, what is in the memory of its server is gone')
})

test('of Redis it is keys that are given up', () => {
  expect(acceptedLoss('redis', ['app1=552'])).toEqual({ app1: 552 })
  expect(() => acceptedLoss('redis', ['app1'])).toThrow('--accept-data-loss takes NODE=KEYS or NODE=unknown')
})
