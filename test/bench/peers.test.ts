import { expect, test } from 'vitest'
import { ansibleChanges, fits, pyinfraChanges, versions } from './peers.ts'

test('changes of all hosts in the recap of Ansible are summed', () => {
  const line = (host: string, changed: number) =>
    `${host} : ok=59   changed=${changed}    unreachable=0    failed=0    skipped=0\n`
  expect(ansibleChanges(`PLAY RECAP ***\n${line('web01', 2)}${line('web02', 1)}`)).toBe(3)
  expect(ansibleChanges(line('web01', 0))).toBe(0)
  expect(ansibleChanges('Traceback')).toBeNaN()
})

test('versions are those of the tools, not of all that pip lists', () => {
  expect(versions('ansible-core==2.19.14\ncffi==2.1.1\nmitogen==0.3.54\npyinfra==3.10.0\n')).toBe(
    'ansible-core 2.19.14, mitogen 0.3.54, pyinfra 3.10.0',
  )
})

test('changed operations of pyinfra are those of its grand total', () => {
  const total = (success: string) => `Grand total                           56      ${success}         -       12   \n`
  expect(pyinfraChanges(`    files.directory (/tmp/x)   1       1         -       -   \n    ${total('44')}`)).toBe(44)
  expect(pyinfraChanges(total('-'))).toBe(0)
  expect(pyinfraChanges('Traceback')).toBeNaN()
})

test('a run without a number of changes never counts as done', () => {
  expect([fits(0, 'none'), fits(3, 'some')]).toEqual([true, true])
  expect([fits(1, 'none'), fits(0, 'some'), fits(Number.NaN, 'none'), fits(Number.NaN, 'some')]).not.toContain(true)
})
