import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { readSavedPlan } from '../../src/load/saved-plan.ts'
import { DeployError } from '../../src/model/error.ts'
import { sha256 } from '../../src/model/json.ts'
import type { SavedTask } from '../../src/model/saved-plan.ts'
import { requireFresh, requireUnchanged, type Seen, savePlan, sumOf } from '../../src/plan/save-plan.ts'
import { schemaErrors } from '../docs/schema.ts'

const NOW = new Date('2026-01-02T03:04:05Z')
const NOBODY: ReadonlySet<string> = new Set()

function task(host: string, key: string, more: Partial<SavedTask> = {}): SavedTask {
  return { phase: 'web', host, key, task: `file ${key}`, where: 'playbooks/site.ts:7', target: sha256(key), ...more }
}

const seen: Seen = {
  hosts: [
    { host: 'app1', machineId: 'a'.repeat(32), keys: ['SHA256:one'] },
    { host: 'app2', machineId: 'b'.repeat(32), keys: [] },
  ],
  tasks: [task('app1', 'x', { guard: sha256('was') }), task('app1', 'y'), task('app2', 'x'), task('app2', 'y')],
  clusters: [{ phase: 'main', decision: sha256('whole') }],
  owed: [{ host: 'app2', id: '0123456789abcdef' }],
}
const saved = savePlan({ tool: '1.2.3', environment: 'prod', playbook: 'site' }, seen, NOW)

/** The refusal of a call, as `where: message`; undefined when it let it pass. */
function refusal(call: () => void): string | undefined {
  try {
    call()
    return undefined
  } catch (error) {
    if (!(error instanceof DeployError)) throw error
    expect(error.exit).toBe(4)
    expect(error.hint).toContain('deploy plan ENV --out FILE')
    return `${error.where ? `${error.where}: ` : ''}${error.message}`
  }
}

const changed = (index: number, more: Partial<SavedTask>) =>
  seen.tasks.map((item, at) => (at === index ? { ...item, ...more } : item))

test('what did not change is let through', () => {
  expect(refusal(() => requireUnchanged(saved, seen, NOBODY))).toBeUndefined()
})

test.each<[string, Seen, string]>([
  [
    'another machine',
    { ...seen, hosts: [{ ...seen.hosts[0]!, machineId: 'c' }, seen.hosts[1]!] },
    'app1 is another machine',
  ],
  ['a host that is gone', { ...seen, hosts: [seen.hosts[0]!] }, 'app2 is another machine'],
  [
    'another host key',
    { ...seen, hosts: [{ ...seen.hosts[0]!, keys: ['SHA256:two'] }, seen.hosts[1]!] },
    'the host key that is trusted for app1',
  ],
  [
    'another target',
    { ...seen, tasks: changed(3, { target: sha256('z') }) },
    'playbooks/site.ts:7: the saved plan is refused: app2: file y is no longer what was planned',
  ],
  [
    'a host that changed',
    { ...seen, tasks: changed(0, { guard: sha256('is') }) },
    'app1: file x: the host changed since',
  ],
  [
    'a task that has nothing to do any more',
    { ...seen, tasks: [task('app1', 'x'), ...seen.tasks.slice(1)] },
    'app1: file x: the host changed since',
  ],
  [
    'a task that has something to do now',
    { ...seen, tasks: changed(1, { guard: sha256('new') }) },
    'app1: file y: the host changed since',
  ],
  ['a task that is gone', { ...seen, tasks: seen.tasks.slice(1) }, 'app1: file x is no longer in the playbook'],
  [
    'a task that is new',
    { ...seen, tasks: [...seen.tasks, task('app2', 'z')] },
    'app2: file z was not in the playbook then',
  ],
  [
    'another order',
    { ...seen, tasks: [seen.tasks[1]!, seen.tasks[0]!, ...seen.tasks.slice(2)] },
    'app1: file y has another place',
  ],
  [
    'a cluster that is decided about otherwise',
    { ...seen, clusters: [{ phase: 'main', decision: sha256('a standby is down') }] },
    'cluster main is not as it was',
  ],
  ['a cluster that is gone', { ...seen, clusters: [] }, 'cluster main is not as it was'],
  ['another owed handler', { ...seen, owed: [] }, 'other handlers are owed now'],
])('%s is refused and named', (_name, now, says) => {
  expect(refusal(() => requireUnchanged(saved, now, NOBODY))).toContain(says)
})

test('a host that cannot be reached does not stand in the way of the others', () => {
  const without: Seen = {
    hosts: seen.hosts.slice(0, 1),
    tasks: seen.tasks.filter(({ host }) => host === 'app1'),
    clusters: seen.clusters,
    owed: [],
  }
  expect(refusal(() => requireUnchanged(saved, without, new Set(['app2'])))).toBeUndefined()
  expect(refusal(() => requireUnchanged(saved, { ...without, tasks: [] }, new Set(['app2'])))).toContain('app1: file x')
})

test('F65 a plan is good for 24 hours, and for the version that made it', () => {
  const later = (hours: number) => new Date(NOW.getTime() + hours * 3600_000)
  expect(refusal(() => requireFresh(saved, '1.2.3', later(23.99)))).toBeUndefined()
  expect(refusal(() => requireFresh(saved, '1.2.3', later(24)))).toContain('expired at 2026-01-03T03:04:05.000Z')
  expect(refusal(() => requireFresh(saved, '1.2.4', NOW))).toContain('version 1.2.3 of the tool, and this is 1.2.4')
  expect(refusal(() => requireFresh({ ...saved, expires: 'never' }, '1.2.3', NOW))).toContain('expired')
})

describe('the file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'saved-plan-'))
  const file = join(folder, 'plan.json')
  const text = JSON.stringify(saved, null, 1)
  afterAll(() => rmSync(folder, { recursive: true }))
  const read = (content: string | Buffer) => {
    writeFileSync(file, content)
    return readSavedPlan(file, sumOf)
  }

  test('comes back as it was written, and fits its schema', () => {
    expect(read(text)).toEqual(saved)
    expect(schemaErrors('saved-plan', JSON.parse(text))).toEqual([])
    expect(statSync(file).size).toBeGreaterThan(500)
  })

  test('F64 altered in any one byte it is refused, or says the very same', () => {
    const bytes = Buffer.from(text)
    let same = 0
    for (let at = 0; at < bytes.length; at++) {
      const altered = Buffer.from(bytes)
      altered[at] = (bytes[at] ?? 0) ^ (1 + (at % 255))
      const refused = refusal(() => {
        expect(read(altered)).toEqual(saved)
      })
      if (refused === undefined) same++
    }
    // Some alterations of blanks between words mean nothing.
    expect(same).toBeLessThan(bytes.length / 20)
  })

  test.each([
    ['cut', text.slice(0, -20), 'no JSON'],
    ['empty', '', 'no JSON'],
    ['something else', '{"format":1}', 'no saved plan'],
    ['of another format', text.replace('"format": 1', '"format": 2'), 'no saved plan'],
    ['with one more field', text.replace('"format": 1', '"format": 1, "more": 1'), 'no saved plan'],
    [
      'with two tasks in the other order',
      JSON.stringify({ ...saved, tasks: saved.tasks.toReversed() }),
      'altered or cut',
    ],
    ['with another host', text.replaceAll('app2', 'app3'), 'altered or cut'],
    ['not UTF-8', Buffer.from([0xff, 0xfe]), 'no JSON'],
  ])('F64 %s, it is refused', (_name, content, says) => {
    expect(refusal(() => read(content))).toContain(says)
  })

  test('that is not there is a mistake of the command line', () => {
    expect(() => readSavedPlan(join(folder, 'none'), sumOf)).toThrow(
      expect.objectContaining({ exit: 64, code: 'E_PLAN_FILE' }),
    )
  })
})
