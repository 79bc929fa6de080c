import { describe, expect, test } from 'vitest'
import { currentRelease } from '../../src/tasks/current-release.ts'
import { compile, refuses } from './support/cases.ts'
import { directoryState, fileState, linkState } from './support/states.ts'

const WANT = { of: '/srv/app', version: '1.2' }
const releases = (previous: string, ...others: readonly string[]) => ({
  code: 0,
  output: [previous, ...others, ''].join('\n'),
})

function look(more: object, answers: object, details: object = { there: { code: 0, output: '' } }) {
  const { kind, want } = compile(currentRelease, { want: { ...WANT, ...more } })
  const now = kind.read({ ...answers }, want)
  const changes = kind.apply(want, now).flat()
  const scripts = changes.flatMap(({ steps }) => steps.map((step) => (step.kind === 'shell' ? step.script : '')))
  return {
    changes,
    told: changes.map(({ field, from, to }) => `${field}: ${from} → ${to}`),
    script: scripts.join('\n'),
    detail: kind.detail?.(want, now, { ...details }),
  }
}

describe('currentRelease', () => {
  test('is made; the release is still to come', () => {
    const { told, changes, detail, script } = look({}, {}, {})
    expect(told).toEqual(['target: null → releases/1.2'])
    expect(changes[0]?.steps.at(-1)).toMatchObject({ keeps: '/srv/app/current' })
    expect(detail?.notes).toEqual(['release 1.2 is not there now: a task of this run must bring it'])
    expect(script).not.toContain('.previous')
  })

  test('is right', () => {
    expect(look({}, { link: linkState('releases/1.2'), releases: releases('1.1', '1.1', '1.0') }).told).toEqual([])
  })

  test('the answer is the same before and after the wanted release is unpacked', () => {
    const { kind, want } = compile(currentRelease, { want: WANT })
    expect(kind.check(want).releases?.key).toContain('grep -vxF -e 1.2')
  })

  test('is switched, and what was current is remembered', () => {
    const now = { link: linkState('releases/1.1'), releases: releases('1.0', '1.1', '1.0') }
    const { told, script, detail } = look({}, now)
    expect(told).toEqual(['target: releases/1.1 → releases/1.2'])
    expect(script).toContain('ln -sfnT -- 1.1 "$n"; mv -fT -- "$n" .previous')
    expect(script).toContain('ln -sfnT -- releases/1.2')
    expect(detail).toEqual({})
  })

  test.each([
    ['/srv/app/releases/1.1', true],
    ['./releases/1.1', true],
    ['/srv/other/releases/1.1', false],
    ['elsewhere', false],
  ])('a link to %s is one to a release of this folder: %s', (target, known) => {
    expect(look({}, { link: linkState(target) }).script.includes('.previous')).toBe(known)
  })

  test.each([
    ['no more than there may be', {}, 'releases/1.2', ['1.1', '1.1', '1.0'], undefined],
    ['the oldest goes', {}, 'releases/1.2', ['1.1', '1.1', '1.0', '0.9', '0.8'], '0.9, 0.8'],
    ['the one before stays, however old', {}, 'releases/1.2', ['0.8', '1.1', '1.0', '0.9', '0.8'], '0.9'],
    ['keep 1: the current one and the one before', { keep: 1 }, 'releases/1.2', ['1.0', '1.1', '1.0'], '1.1'],
    [
      'keep 1 and a switch: what was current stays',
      { keep: 1 },
      'releases/1.0',
      ['0.9', '1.1', '1.0', '0.9'],
      '1.1, 0.9',
    ],
    ['nothing known of the one before', { keep: 2 }, 'releases/1.2', ['', '1.1', '1.0'], '1.0'],
  ])('%s', (_name, more, target, [previous = '', ...others], gone) => {
    const { told, script } = look(more, { link: linkState(target), releases: releases(previous, ...others) })
    expect(told.filter((line) => line.startsWith('releases'))).toEqual(gone ? [`releases: ${gone} → null`] : [])
    if (gone) expect(script).toContain(`for o in ${gone.replaceAll(',', '')}; do`)
  })

  test.each([
    ['a directory', directoryState()],
    ['a file', fileState('x')],
  ])('refuses where there is %s', (what, link) => {
    const { changes, detail } = look({}, { link })
    expect(detail?.refuse).toBe(`/srv/app/current is ${what}: no link can take its place`)
    expect(changes[0]?.steps).toMatchObject([{ script: expect.stringMatching(/^echo .*exit 1$/) }])
  })

  refuses(currentRelease, [
    ['a relative folder', { ...WANT, of: 'srv' }, 'absolute'],
    ['a version that leads out', { ...WANT, version: '..' }, 'version must be'],
    ['none to keep', { ...WANT, keep: 0 }, 'keep must be'],
  ])
})
