import { expect, test } from 'vitest'
import { ourselves } from '../../src/run/holder.ts'
import { inOrder } from '../../src/run/rollback.ts'

const about = { command: 'apply lab', project: 'p', environment: 'lab', playbook: 'site', prune: false, hosts: [] }
const run = (name: string, since: string) => ({ run: name, owner: { ...ourselves(about), since } })

test('of two runs that started in one second the later one is the last, whatever their names', () => {
  const first = run('20261127-035446-e02a', '2026-11-27T03:54:46.022Z')
  const second = run('20261127-035446-673a', '2026-11-27T03:54:46.913Z')

  expect(inOrder([second, first])).toEqual([first, second])
  expect(inOrder([first, second])).toEqual([first, second])
})

test('the second in the name goes before what an owner claims', () => {
  const old = run('20261127-035445-ffff', '2027-01-01T00:00:00.000Z')
  const last = run('20261127-035446-0000', '2026-11-27T03:54:46.000Z')

  expect(inOrder([last, old])).toEqual([old, last])
})
