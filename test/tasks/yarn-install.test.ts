import { describe, expect, test } from 'vitest'
import { sha256 } from '../../src/model/json.ts'
import { yarnInstall } from '../../src/tasks/yarn-install.ts'
import { compile, refuses } from './support/cases.ts'

const WANT = { dir: '/srv/app', yarn: '/usr/local/lib/yarn/bin/yarn.js' }
const MARK = {
  'yarn.lock': sha256('lock'),
  'package.json': sha256('json'),
  node: 'v22.18.0',
  packages: sha256('names'),
  with: 'production',
}
const text = (lines: object) =>
  Object.entries(lines)
    .map(([name, value]) => `${name} ${value}\n`)
    .join('')
const { with: _with, ...NOW } = MARK

function look(more: object, mark?: object, now: object = NOW) {
  const { kind, want } = compile(yarnInstall, { want: { ...WANT, ...more } })
  const answers = mark ? { mark: { code: 0, output: `${text(mark)}\n${text(now)}` } } : {}
  const changes = kind.apply(want, kind.read(answers, want)).flat()
  const [, install] = changes[0]?.steps ?? []
  return {
    told: changes.map(({ field, from, to }) => `${field}: ${from} → ${to}`),
    install,
    script: install?.kind === 'shell' ? install.script : '',
  }
}

describe('yarnInstall', () => {
  test('a bare host, or a folder that is still to come', () => {
    const { told, install, script } = look({ as: 'app' })
    expect(told).toEqual(['packages: null → of yarn.lock, production'])
    expect(install).toMatchObject({ foreign: true, as: 'app' })
    expect(script).toContain("'--frozen-lockfile' '--ignore-scripts'")
    expect(script).toContain('--production=true')
    expect(script).not.toContain('--offline')
  })

  test('with a mirror nothing is downloaded', () => {
    const { told, script } = look({ mirror: '/srv/mirror', production: false })
    expect(told).toEqual(['packages: null → of yarn.lock, all offline'])
    expect(script).toContain('YARN_YARN_OFFLINE_MIRROR=/srv/mirror')
    expect(script).toContain('--offline')
    expect(script).toContain('--production=false')
  })

  test('is right', () => {
    expect(look({}, MARK).told).toEqual([])
  })

  test.each([
    [
      'yarn.lock',
      {},
      { 'yarn.lock': sha256('new') },
      [`yarn.lock: ${sha256('lock').slice(0, 8)} → ${sha256('new').slice(0, 8)}`],
    ],
    [
      'package.json',
      {},
      { 'package.json': sha256('new') },
      [`package.json: ${sha256('json').slice(0, 8)} → ${sha256('new').slice(0, 8)}`],
    ],
    ['node', {}, { node: 'v22.18.10' }, ['node: v22.18.0 → v22.18.10']],
    ['packages', {}, { packages: sha256('x') }, ['packages: changed by hand → of yarn.lock']],
    ['parameters', { production: false, mirror: '/m' }, {}, ['with: production → all offline']],
  ])('another %s', (_name, more, now, told) => {
    expect(look(more, MARK, { ...NOW, ...now }).told).toEqual(told)
  })

  refuses(yarnInstall, [
    ['a relative folder', { ...WANT, dir: 'srv' }, 'absolute'],
    ['yarn by name', { ...WANT, yarn: 'yarn' }, 'absolute'],
    ['a relative mirror', { ...WANT, mirror: 'm' }, 'absolute'],
    ['a user like an option', { ...WANT, as: '-x' }, 'as must be'],
  ])
})
