import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Claim, claimedOrder } from '../../src/cli/claimed-order.ts'
import { redactor } from '../../src/model/redaction.ts'
import { journaledCommand, openJournal } from '../../src/run/journal.ts'

const claim = (command: string, more: Partial<Claim> = {}): Claim => ({
  ...{ run: 'run-a', command, recorded: command, environment: 'prod', yes: true },
  ...more,
})
const leave = 'db remove-node prod db3'

test.each<[string, Claim, object | undefined]>([
  ['no order for a cluster', claim('apply prod'), undefined],
  ['mending, that nobody here knows of', claim('repair-db prod', { recorded: undefined }), { environment: 'prod' }],
  ['a node that leaves, as this machine knows', claim(leave), { goal: { remove: 'db3' } }],
  [
    'an upgrade, as this machine knows',
    claim('db upgrade prod --cluster main'),
    { goal: { upgrade: true }, cluster: 'main' },
  ],
  [
    'another master of a set of Redis, which is known by its name',
    claim('db switchover prod app2 --cluster cache'),
    { goal: { primary: 'app2' }, cluster: 'cache' },
  ],
  ['one that only hosts know of, and somebody is asked', claim(leave, { recorded: undefined, yes: false }), {}],
])('%s is taken over', (_, claimed, order) => {
  const taken = claimedOrder(claimed)
  if (order) expect(taken).toMatchObject(order)
  else expect(taken).toBe(undefined)
})

test.each<[string, Claim, string]>([
  [
    'another environment',
    claim('repair-db lab'),
    'run run-a is of another environment by its command: deploy repair-db lab',
  ],
  ['another environment, asked or not', claim('db switchover lab db2', { yes: false }), 'is of another environment'],
  ['an upgrade of another environment', claim('db upgrade lab'), 'is of another environment'],
  ...['db switchover prod db2', 'db add-node prod db4', 'db upgrade prod', leave].map(
    (command): [string, Claim, string] => [
      `--yes to what only hosts say: ${command}`,
      claim(command, { recorded: undefined }),
      `run run-a is not known here, and only its hosts say what it was: deploy ${command}; that takes more than --yes`,
    ],
  ),
  [
    'another command than the one that was typed here',
    claim(leave, { recorded: 'repair-db prod', yes: false }),
    'run run-a began here as: deploy repair-db prod; its hosts say: deploy db remove-node prod db3',
  ],
])('%s is refused', (_, claimed, message) => {
  expect(() => claimedOrder(claimed)).toThrow(
    expect.objectContaining({
      code: 'E_NOT_OURS',
      exit: 4,
      message: expect.stringContaining(message),
      hint: 'deploy abandon prod run-a, and type by hand what is wanted',
    }),
  )
})

test('the journal of a run knows its command until it ended; what a host calls a run names no other file', () => {
  const root = mkdtempSync(join(tmpdir(), 'journal-'))
  const known = (run: string, locked?: readonly string[]) => {
    const journal = openJournal(root, run, redactor([]))
    journal.append({ event: 'run', run, command: leave })
    if (locked) journal.append({ event: 'end', locked, results: [] })
    journal.close()
    return journaledCommand(root, run)
  }
  expect([known('run-a'), known('run-b', ['db1']), known('run-c', [])]).toEqual([leave, leave, undefined])
  expect(journaledCommand(root, '../runs/run-a')).toBe(undefined)
  expect(journaledCommand(root, 'run-d')).toBe(undefined)
})
