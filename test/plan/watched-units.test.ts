import { expect, test } from 'vitest'
import type { Sources } from '../../src/model/content.ts'
import { handler } from '../../src/model/handler.ts'
import type { Task } from '../../src/model/task.ts'
import { compileTasks } from '../../src/plan/compile.ts'
import { watchedUnits } from '../../src/plan/watched-units.ts'
import { sh } from '../../src/shell/sh.ts'
import { file } from '../../src/tasks/file.ts'
import { service } from '../../src/tasks/service.ts'
import { unit } from '../../src/tasks/unit.ts'

const again = handler('restart app', sh`systemctl restart app`, { restarts: 'app.service' })

test.each<[string, readonly Task[], readonly string[]]>([
  ['nothing', [file({ path: '/a', content: 'x' })], []],
  ['a service that is kept running', [service({ unit: 'nginx', running: true })], ['nginx.service']],
  ['one that is stopped', [service({ unit: 'nginx', running: false })], []],
  ['one of which nothing is said', [service({ unit: 'nginx', enabled: true })], []],
  ['a unit', [unit({ name: 'app', content: '[Service]\nExecStart=/bin/true\n', running: true })], ['app.service']],
  ['a handler', [file({ path: '/a', content: 'x' }, { notify: again })], ['app.service']],
  [
    'all of them, each once',
    [
      service({ unit: 'nginx.service', running: true }),
      file({ path: '/a', content: 'x' }, { notify: again }),
      file({ path: '/b', content: 'x' }, { notify: again }),
      service({ unit: 'app', running: true }),
    ],
    ['nginx.service', 'app.service'],
  ],
])('%s', (_title, tasks, units) => {
  const placed = tasks.map((task, index) => ({ ...task, where: `site.ts:${index}` }))

  expect(watchedUnits(compileTasks('app1', placed, {} as Sources))).toEqual(units)
})
