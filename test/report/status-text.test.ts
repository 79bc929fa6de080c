import { expect, test } from 'vitest'
import { statusText } from '../../src/report/status-text.ts'

const paint = (_colour: string, text: string) => text
const nothing = { done: [], failed: [], handlers: [] }

test('a status for people: what is open, and which commands see to it', () => {
  const run = {
    run: 'run-a',
    holder: 'run-a: alice on laptop (pid 7) since 2026-01-01, by apply prod',
    hosts: ['app1', 'app2'],
    working: ['app1'],
  }
  const hosts = [
    {
      host: 'app1',
      held: { run: 'run-a', working: true, progress: { ...nothing, done: ['path:/a'], open: 'path:/b' } },
      owed: [],
    },
    {
      host: 'app2',
      held: { run: 'run-a', working: false, progress: { ...nothing, open: 'path:/a' } },
      owed: [{ handler: 'restart', run: 'run-a' }],
    },
    {
      host: 'long-name',
      held: { run: 'run-a', working: false, progress: { ...nothing, failed: ['x'], end: 'failed' } },
      owed: [],
    },
    { host: 'db1', held: { run: 'run-a', working: false, progress: nothing }, owed: [] },
    {
      host: 'db2',
      owed: [
        { handler: 'one', run: 'r' },
        { handler: 'two\u001b[2J', run: 'r' },
      ],
    },
    { host: 'db3', owed: [] },
    { host: 'db4', owed: [], unreachable: 'db4: no route to 10.0.0.4' },
  ]
  expect(statusText({ environment: 'prod', hosts, runs: [run] }, paint)).toBe(`Status of prod
  app1       held         by run run-a
                          at work path:/b
                          done: path:/a
  app2       held         by run run-a
                          cut off at path:/a: nobody knows how it ended
                          owes handler restart, since run run-a
  long-name  held         by run run-a
                          its program ended: failed
                          failed: x
  db1        held         by run run-a
                          nothing was begun
  db2        owes         handler one, since run r
                          handler two\\x1b[2J, since run r
  db3        free
  db4        unreachable  no route to 10.0.0.4

Run run-a: alice on laptop (pid 7) since 2026-01-01, by apply prod
  holds app1, app2; whether its process still lives cannot be told from here; at work on app1
  finish it: deploy resume prod
  close it as it is: deploy abandon prod

Status: 1 unfinished run, 3 handlers owed, 1 unreachable on 7 hosts.
`)
})
