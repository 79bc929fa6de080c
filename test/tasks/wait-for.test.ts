import { describe, expect, test } from 'vitest'
import { sh } from '../../src/shell/sh.ts'
import { waitFor } from '../../src/tasks/wait-for.ts'
import { compile, refuses } from './support/cases.ts'

function fields(want: Parameters<typeof waitFor>[0], answers: object): readonly string[] {
  const { kind, want: resolved } = compile(waitFor, { want })
  const changes = kind.apply(resolved, kind.read({ ...answers }, resolved)).flat()
  return changes.map(({ field, from, to }) => `${field} ${from} → ${to}`)
}

describe('waitFor', () => {
  test.each([
    ['a path', { path: '/run/x' }, {}, { path: { kind: 'file' } }],
    ['a unit', { unit: 'nginx' }, { unit: { active: 'activating' } }, { unit: { active: 'active' } }],
    ['a port', { port: 80 }, { script: { code: 1 } }, { script: { code: 0 } }],
    ['a script', { succeeds: sh`true` }, { script: { code: 2 } }, { script: { code: 0 } }],
  ])('%s that is so already is as wanted, else it is waited for', (_name, want, before, after) => {
    expect(fields(want, before)).toEqual(['state not so → so within 60 s'])
    expect(fields({ ...want, within: 5 }, before)).toEqual(['state not so → so within 5 s'])
    expect(fields(want, after)).toEqual([])
  })

  test('tells what a unit is now', () => {
    const { kind, want } = compile(waitFor, { want: { unit: 'nginx' } })
    expect(kind.detail?.(want, { unit: { active: 'failed' } }, {})).toEqual({ notes: ['it is failed now'] })
  })

  refuses(waitFor, [
    ['nothing', {}, 'exactly one of'],
    ['two things', { port: 1, path: '/x' }, 'exactly one of'],
    ['a port that is none', { port: 70000 }, 'port must be'],
    ['a path that is relative', { path: 'x' }, 'path must be absolute'],
    ['an empty script', { succeeds: sh`` }, 'succeeds must be'],
    ['an hour', { port: 1, within: 3600 }, 'at most 600'],
    ['a unit like an option', { unit: '-x' }, 'unit must be'],
  ])
})
