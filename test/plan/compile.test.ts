import { describe, expect, test } from 'vitest'
import type { Sources } from '../../src/model/content.ts'
import { DeployErrors } from '../../src/model/error.ts'
import { handler } from '../../src/model/handler.ts'
import type { Task } from '../../src/model/task.ts'
import { compileTasks } from '../../src/plan/compile.ts'
import { sh } from '../../src/shell/sh.ts'
import { directory } from '../../src/tasks/directory.ts'
import { file } from '../../src/tasks/file.ts'
import { lines } from '../../src/tasks/lines.ts'

const sources: Sources = {
  template: () => {
    throw new Error('no templates here')
  },
  file: () => {
    throw new Error('no files here')
  },
  archive: () => {
    throw new Error('no archives here')
  },
  folder: () => {
    throw new Error('no folders here')
  },
  local: () => {
    throw new Error('nothing is written here')
  },
}

function compile(...tasks: readonly Task[]) {
  return compileTasks(
    'app1',
    tasks.map((task, index) => ({ ...task, where: `site.ts:${index + 1}` })),
    sources,
  )
}

function errors(...tasks: readonly Task[]): readonly string[] {
  try {
    compile(...tasks)
    return []
  } catch (error) {
    if (error instanceof DeployErrors) return error.errors.map(({ where, message }) => `${where}: ${message}`)
    throw error
  }
}

describe('one owner for each thing', () => {
  test('two tasks that want the same are one', () => {
    const tasks = compile(
      file({ path: '/a', content: 'x' }),
      file({ path: '/a', content: 'x' }),
      file({ path: '/b', content: 'x' }),
    )
    expect(tasks.map(({ key, index }) => [key, index])).toEqual([
      ['path:/a', 0],
      ['path:/b', 1],
    ])
  })

  test.each([
    [
      'two contents',
      file({ path: '/a', content: 'x' }),
      file({ path: '/a', content: 'y' }),
      'site.ts:2: app1: file /a wants something else than file /a at site.ts:1',
    ],
    [
      'two types',
      directory({ path: '/a' }),
      file({ path: '/a', content: 'y' }),
      'site.ts:2: app1: file /a wants something else than directory /a at site.ts:1',
    ],
    [
      'a part and the whole',
      file({ path: '/a', content: 'x' }),
      lines({ path: '/a', lines: ['y'] }),
      'site.ts:2: app1: lines /a manages a part of a file that file /a at site.ts:1 manages as a whole',
    ],
  ])('%s on one path are an error that names both lines', (_name, first, second, message) => {
    expect(errors(first, second)).toEqual([message])
  })

  test('all mistakes are told at once', () => {
    expect(errors(file({ path: 'a', content: 'x' }), file({ path: '/b', mode: '9' }))).toHaveLength(2)
  })
})

describe('handlers', () => {
  test('one name, one body', () => {
    const one = handler('reload', sh`true`)
    const other = handler('reload', sh`false`)
    expect(
      errors(file({ path: '/a', content: '' }, { notify: one }), file({ path: '/b', content: '' }, { notify: other })),
    ).toEqual([
      'site.ts:2: app1: two handlers are named "reload" and do different things: notified by file /a and file /b',
    ])
  })

  test('two equal tasks are one that notifies whom either notifies', () => {
    const one = handler('one', sh`true`)
    const two = handler('two', sh`true`)
    const tasks = compile(
      file({ path: '/a', content: '' }, { notify: one }),
      file({ path: '/a', content: '' }, { notify: [one, two] }),
    )
    expect(tasks.map(({ notify }) => notify.map(({ name }) => name))).toEqual([['one', 'two']])
  })

  test('the name of a handler is one line', () => {
    expect(errors(file({ path: '/a', content: '' }, { notify: handler('a\nb', sh`true`) }))).toEqual([
      'site.ts:1: app1: the name of handler "a\\nb" must be one line',
    ])
  })

  test('a unit without its suffix means a service', () => {
    const [task] = compile(
      file({ path: '/a', content: '' }, { notify: handler('restart', sh`true`, { restarts: 'nginx' }) }),
    )
    expect(task?.notify[0]?.restarts).toBe('nginx.service')
  })
})

describe('the target of a task', () => {
  const target = (task: Task) => compile(task)[0]?.target

  test('is the same for equal wants, whoever wrote them', () => {
    expect(target(file({ path: '/a', content: 'x', mode: '0600' }))).toBe(
      target(file({ mode: '0600', content: 'x', path: '/a' })),
    )
  })

  test.each([
    ['content', file({ path: '/a', content: 'y' })],
    ['mode', file({ path: '/a', content: 'x', mode: '0600' })],
    ['path', file({ path: '/b', content: 'x' })],
  ])('differs by %s', (_name, task) => {
    expect(target(task)).not.toBe(target(file({ path: '/a', content: 'x' })))
  })
})
