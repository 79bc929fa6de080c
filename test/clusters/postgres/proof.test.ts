import { execFileSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { judgeProof } from '../../../src/clusters/postgres/judge-proof.ts'
import type { Desired } from '../../../src/clusters/postgres/model.ts'
import { proofScripts } from '../../../src/clusters/postgres/proof.ts'
import type { NodeAnswer } from '../../../src/model/cluster.ts'
import { captured, desired } from './support/captured.ts'

type Change = (text: string) => string

/** The captured answers, those of some nodes changed. In them db2 is the primary. */
function answers(name: string, changes: Readonly<Record<string, Change>> = {}): ReadonlyMap<string, NodeAnswer> {
  return new Map(
    desired.nodes.map(({ host }) => {
      const text = captured(`proof/${name}-${host}`)
      const changed = changes[host]?.(text) ?? text
      if (changes[host] && changed === text) throw new Error(`nothing changed at ${host}`)
      return [host, { state: 'value', value: changed }]
    }),
  )
}

const sync: Desired = { ...desired, durability: 'sync' }

test('a whole cluster: nothing is to be said', () => {
  expect(judgeProof(desired, answers('whole'))).toEqual([])
  expect(judgeProof(sync, answers('whole'))).toEqual([])
})

test('durability sync, and nobody confirms', () => {
  expect(judgeProof(sync, answers('unconfirmed'))).toEqual([
    'db1: a write through its pgbouncer was not confirmed by a standby within 8 s',
    'db2: a write through its pgbouncer was not confirmed by a standby within 8 s',
    'db3: a write through its pgbouncer was not confirmed by a standby within 8 s',
    'db2: no standby confirms its commits, which durability sync asks for',
  ])
})

test('a pgbouncer that is down', () => {
  expect(judgeProof(desired, answers('pooler'))).toEqual([
    'db3: a write through its pgbouncer failed: psql: error: connection to server at "127.0.0.1", port 6432 failed: Connection refused',
    'db3: its pgbouncer does not answer',
  ])
})

const replace = (from: string | RegExp, to: string) => (text: string) => text.replace(from, to)

test.each<[string, Readonly<Record<string, Change>>, readonly string[]]>([
  [
    'no answer in time',
    { db1: replace('write done\n', '') },
    ['db1: a write through its pgbouncer failed: no answer within 8 s'],
  ],
  [
    'a write that went elsewhere',
    { db1: replace('write at 10.173.119.11', 'write at 10.173.119.12') },
    ['db1: a write through its pgbouncer went to 10.173.119.12, not to the primary db2'],
  ],
  [
    'clients of another database are sent elsewhere',
    { db1: replace('pooler app,10.173.119.11', 'pooler app,10.173.119.10') },
    ['db1: its pgbouncer sends the clients of app to 10.173.119.10, not to db2'],
  ],
  [
    'clients are held',
    { db1: replace(/(pooler app,.*),0,0\n/, '$1,1,0\n') },
    ['db1: its pgbouncer holds the clients of app'],
  ],
  [
    'a database that is not known',
    { db3: replace(/pooler app,.*\n/, '') },
    ['db3: its pgbouncer does not know the database app'],
  ],
  [
    'rows that are not shown',
    { db1: replace('row db3\n', '') },
    ['db1: its server does not show what was written through db3'],
  ],
  ['no receiver', { db1: replace('"status": "streaming"', '"status": "waiting"') }, ['db1: it does not stream']],
  [
    'the wrong upstream',
    { db1: replace('"sender": "10.173.119.11"', '"sender": "10.173.119.12"') },
    ['db1: it streams from 10.173.119.12, not from the primary db2'],
  ],
  [
    'no TLS',
    { db2: replace('"ssl": true, "name": "db3"', '"ssl": false, "name": "db3"') },
    ['db3: it streams without TLS'],
  ],
  [
    'catching up',
    { db2: replace('"state": "streaming"', '"state": "catchup"') },
    ['db1: the primary db2 does not see it stream'],
  ],
  [
    'another system',
    { db3: replace('"systemId": "7712417300420872932"', '"systemId": "1"') },
    ['db3: its data is of another cluster'],
  ],
  [
    'an inactive slot',
    { db2: replace('"active": true, "walStatus"', '"active": false, "walStatus"') },
    ['db2: nobody uses the slot repmgr_slot_1, which keeps log back'],
  ],
  [
    'no repmgrd',
    {
      db3: replace(
        'unit Id=repmgrd.service\nunit ActiveState=active',
        'unit Id=repmgrd.service\nunit ActiveState=activating',
      ),
    },
    ['db3: repmgrd is activating'],
  ],
  [
    'an expired certificate',
    { db1: replace(/certificate notAfter=.*\n/, 'certificate notAfter=Nov 25 10:00:00 2026 GMT\n') },
    ['db1: its certificate ended at 2026-11-25T10:00:00.000Z'],
  ],
  [
    'a server that still shows a certificate that has ended',
    {
      db1: replace(
        'tls ok',
        'tls psql: error: connection to server at "10.173.119.10", port 5432 failed: SSL error: certificate verify failed',
      ),
    },
    [
      'db1: its server cannot be reached over TLS as clients verify it: psql: error: connection to server at "10.173.119.10", port 5432 failed: SSL error: certificate verify failed',
    ],
  ],
  [
    'a connection over TLS that nobody tried',
    { db1: replace('tls ok\n', '') },
    ['db1: its server cannot be reached over TLS as clients verify it: it was not tried'],
  ],
  ['no certificate', { db1: replace(/certificate notAfter=.*\n/, '') }, ['db1: it has no certificate']],
  [
    'a primary that refuses',
    { db2: replace('"readOnly": false', '"readOnly": true') },
    ['db2: the primary refuses writes by default'],
  ],
  ['no server', { db3: replace(/^sql .*\n/gm, '') }, ['db3: its server does not answer']],
  ['no primary', { db2: replace('"inRecovery": false', '"inRecovery": true') }, ['there is no primary']],
  [
    'two primaries',
    { db3: replace('"inRecovery": true', '"inRecovery": false') },
    ['db2 and db3 are primaries at the same time'],
  ],
  ['half an answer', { db3: replace(/end\n$/, '') }, ['db3: its answer cannot be read: its end is missing']],
  ['an empty answer', { db3: () => '' }, ['db3: its answer cannot be read: it is empty']],
])('%s', (_name, changes, problems) => {
  expect(judgeProof(desired, answers('whole', changes))).toEqual(problems)
})

test('a node that gave no answer', () => {
  const dead = (answer: NodeAnswer) => judgeProof(desired, new Map(answers('whole')).set('db3', answer))
  expect(dead({ state: 'unreadable', reason: 'connection refused' })).toEqual(['db3: connection refused'])
  expect(dead({ state: 'absent' })).toEqual(['db3: it gave no answer'])
})

test('a node that was not asked, e.g. because it leaves', () => {
  expect(judgeProof(desired, new Map([...answers('whole')].filter(([host]) => host !== 'db3')))).toEqual([])
})

describe('its scripts', () => {
  const all = desired.nodes.map(({ host }) => host)

  test('one for each node, with the token in SQL', () => {
    const scripts = proofScripts(desired, "a'b", all)
    expect([...scripts.keys()]).toEqual(['db1', 'db2', 'db3'])
    expect(scripts.get('db2')).toContain(`values ('\\''db2'\\'', '\\''a'\\'''\\''b'\\'')`)
  })

  const nodes = desired.nodes.map((node, index) => (index === 0 ? { ...node, kind: 'witness' as const } : node))
  const witness = { ...desired, nodes }

  test('a witness has clients, and no rows', () => {
    const scripts = proofScripts(witness, 'token', all)
    expect(scripts.get('db1')).toContain('insert into')
    expect(scripts.get('db1')).not.toContain('select distinct node')
    expect(scripts.get('db2')).toContain('!= 3 ]')
    expect(scripts.get('db1')).not.toContain('tls %s')
    expect(scripts.get('db2')).toContain(`host=${desired.nodes[1]?.address} port=5432`)
  })

  test('are shell, and tell what a connection over TLS came to in one line, before the survey', () => {
    const script = proofScripts(desired, 'token', all).get('db2') ?? ''
    const run = (psql: string) => {
      const bin = mkdtempSync(join(tmpdir(), 'proof-'))
      const stub = (name: string, text: string) =>
        writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 })
      stub('runuser', 'shift 3; exec "$@"')
      stub('psql', `for last; do :; done; [ "$last" != 'select 1' ] || { ${psql}; }`)
      const env = { PATH: `${bin}:${process.env.PATH}` }
      const short = `${script.slice(0, script.indexOf('while rows='))}wait\necho survey 1\n`
      const lines = execFileSync('sh', { input: short, env, encoding: 'utf8' }).split('\n')
      return lines.slice(0, lines.indexOf('survey 1')).filter((line) => line.startsWith('tls '))
    }
    execFileSync('sh', ['-n'], { input: script })
    expect(run('echo 1')).toEqual(['tls ok'])
    expect(run('echo "psql: error: no" >&2; echo more; exit 2')).toEqual(['tls psql: error: no'])
    expect(run('sleep 9')).toEqual(['tls no answer within 3 s'])
  })

  test('of nodes that are not asked there is none, and nobody waits for their rows', () => {
    const scripts = proofScripts(desired, 'token', ['db1', 'db3'])
    expect([...scripts.keys()]).toEqual(['db1', 'db3'])
    for (const script of scripts.values()) expect(script).toContain('!= 2 ]')
  })

  test('a witness is no primary, is of another system, and shows no rows', () => {
    const own = (text: string) =>
      text
        .replace(/^(row|tls) .*\n/gm, '')
        .replace('"inRecovery": true', '"inRecovery": false')
        .replaceAll('7712417300420872932', '1')
    expect(judgeProof(witness, answers('whole', { db1: own }))).toEqual([])
    const silent = (text: string) => own(text).replace('write done\n', '')
    expect(judgeProof(witness, answers('whole', { db1: silent }))).toEqual([
      'db1: a write through its pgbouncer failed: no answer within 8 s',
    ])
  })
})
