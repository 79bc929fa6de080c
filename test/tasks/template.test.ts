import { describe, expect, test } from 'vitest'
import { type Template, template } from '../../src/tasks/template.ts'
import { cases, compile, refuses } from './support/cases.ts'
import { fileState } from './support/states.ts'

const project = { 'app.env.hbs': 'PORT={{port}}\n' }

describe('template', () => {
  cases(template, [
    {
      name: 'is rendered and written',
      want: { from: 'app.env.hbs', to: '/etc/app.env', data: { port: 3000 }, mode: '0640', owner: 'app' },
      project,
      changes: [
        'content null → 10 bytes: put /etc/app.env app: 0640 "PORT=3000\\n"',
        'owner null → app: "',
        'mode null → 0640: "',
      ],
    },
    {
      name: 'is right',
      want: { from: 'app.env.hbs', to: '/etc/app.env', data: { port: 3000 } },
      project,
      answers: { file: fileState('PORT=3000\n') },
      changes: [],
    },
  ])

  refuses<Template>(template, [
    ['no template', { from: '', to: '/a', data: {} }, 'from must name'],
    ['no data', { from: 'a', to: '/a' }, 'data must be an object'],
    ['a list as data', { from: 'a', to: '/a', data: [] }, 'data must be an object'],
    ['a relative path', { from: 'a', to: 'a', data: {} }, 'absolute'],
    ['a mode that is a number', { from: 'a', to: '/a', data: {}, mode: 644 }, 'octal digits in quotes'],
  ])

  test('names template, line and variable of what is missing', () => {
    const want = { from: 'app.env.hbs', to: '/etc/app.env', data: { prot: 3000 } }

    expect(() => compile(template, { want, project })).toThrow(
      'templates/app.env.hbs:1:6: `port` is not there; did you mean `prot`?',
    )
  })
})
