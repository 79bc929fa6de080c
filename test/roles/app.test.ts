import { expect, test } from 'vitest'
import { appWorkers, environmentFile } from '../../roles/app.ts'
import { knexMigrations } from '../../roles/knex.ts'
import { Secret } from '../../src/model/secret.ts'
import type { Task } from '../../src/model/task.ts'

const wanted = (tasks: readonly Task[], type: string) =>
  tasks.filter((task) => task.type === type).map(({ want }) => want as Record<string, unknown>)

test('variables are quoted for systemd and the shell, and none can end its quotes', () => {
  const [file = {}] = wanted(environmentFile('app', 'env', { PORT: 1, PASSWORD: new Secret('p', 'a b"$c') }), 'file')
  expect((file.content as Secret).reveal()).toBe(`# Managed by evenkeel.\nPORT='1'\nPASSWORD='a b"$c'\n`)
  for (const value of ["a'b", 'a\nb'])
    expect(() => environmentFile('app', 'env', { X: new Secret('p', value) })).toThrow(
      'X of app has a quote or a line break',
    )
})

test('each worker has a unit, and a handler of its own', () => {
  const app = { name: 'app', version: '1', from: 'dist', mirror: 'mirror', node: '24.0.0', main: 'server.js' }
  const tasks = appWorkers({ ...app, ports: [3001, 3002], environment: {} })
  expect(wanted(tasks, 'service').map(({ unit }) => unit)).toEqual(['app@3001', 'app@3002'])
  const [current] = tasks.filter((task) => task.type === 'currentRelease')
  expect([current?.options.notify].flat().map((one) => one?.restarts)).toEqual(['app@3001', 'app@3002'])
})

test('a lock that was left is told with the command as it is typed', () => {
  const on = { environment: 'prod', host: 'web1' }
  const tasks = knexMigrations({ app: { name: 'shop', version: '2', node: '24.0.0' }, environment: {}, on })
  const [command = {}] = wanted(tasks, 'command')
  expect((command.run as { shell: string }).shell).toContain('deploy run prod web1 -- shop-knex migrate:unlock')
})
