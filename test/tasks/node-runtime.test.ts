import { describe, expect, test } from 'vitest'
import { sha256 } from '../../src/model/json.ts'
import { type NodeRuntime, nodeRuntime } from '../../src/tasks/node-runtime.ts'
import { compile, refuses } from './support/cases.ts'
import { directoryState, fileState, linkState } from './support/states.ts'

const SUM = sha256('archive')
const WANT: NodeRuntime = { version: '22.18.0', from: 'node.tar.gz', sha256: SUM }
const URL = 'https://example.org/node.tar.xz'

const RIGHT = {
  folder: directoryState(),
  record: { code: 0, output: `${SUM} - -\n` },
  current: linkState('node-v22.18.0'),
  'link node': linkState('../lib/node/bin/node'),
  'has node': fileState('x'),
  'link npm': linkState('../lib/node/bin/npm'),
  'has npm': linkState('x'),
  others: { code: 0, output: 'node-v20.1.0\n' },
}

function look(answers: object, more: object = {}) {
  const { kind, want } = compile(nodeRuntime, {
    want: { ...WANT, ...more } as NodeRuntime,
    project: { 'node.tar.gz': 'archive' },
  })
  const now = kind.read({ ...answers }, want)
  const changes = kind.apply(want, now).flat()
  const steps = [...new Set(changes.flatMap((change) => change.steps))]
  return {
    told: changes.map(({ field, from, to }) => `${field}: ${from} → ${to}`),
    steps,
    scripts: steps.map((step) => (step.kind === 'shell' ? step.script : '')),
    moves: kind.moves?.(want, changes),
    detail: kind.detail?.(want, now, {}),
  }
}

describe('nodeRuntime', () => {
  test('a bare host gets all of it: the archive is unpacked before a link leads to it', () => {
    const { told, steps, scripts, moves, detail } = look({})
    expect(told).toEqual([
      `content: null → ${SUM.slice(0, 8)}`,
      'current: null → node-v22.18.0',
      'node: null → ../lib/node/bin/node',
    ])
    expect(steps.map((step) => [step.kind === 'shell' && step.keeps, step.content?.sha256])).toEqual([
      [undefined, SUM],
      ['/usr/local/lib/node', undefined],
      [undefined, undefined],
    ])
    expect(scripts[0]).toContain('--strip-components=1')
    expect(moves).toBe(false)
    expect(detail?.notes).toEqual(['npm, npx and corepack are linked where the archive has them'])
  })

  test('is right', () => {
    expect(look(RIGHT).told).toEqual([])
  })

  test('the hash is compared before anything is unpacked, wherever the archive comes from', () => {
    for (const more of [{}, { from: undefined, url: URL }]) {
      const [script = ''] = look({}, more).scripts
      expect(script.indexOf('sha256sum')).toBeGreaterThan(0)
      expect(script.indexOf('sha256sum')).toBeLessThan(script.indexOf('tar -x'))
      expect(script.includes('apt-helper')).toBe('url' in more)
    }
  })

  test('another version: the one before stays and counts as used last', () => {
    const now = { ...RIGHT, folder: undefined, record: undefined, current: linkState('node-v18.0.0') }
    const { told, scripts, moves } = look({
      ...now,
      'has npm': undefined,
      others: { code: 0, output: 'node-v18.0.0\nnode-v20.1.0\n' },
    })
    expect(told).toEqual([
      `content: null → ${SUM.slice(0, 8)}`,
      'current: node-v18.0.0 → node-v22.18.0',
      'runtimes: node-v20.1.0 → null',
    ])
    expect(scripts[1]).toContain('touch -c -- .node-v18.0.0.release')
    expect(moves).toBe(true)
  })

  test.each([
    ['a command by hand', { 'link npm': linkState('/opt/npm') }, ['npm: /opt/npm → ../lib/node/bin/npm']],
    ['a command that is gone', { 'link node': undefined }, ['node: null → ../lib/node/bin/node']],
    ['a link to what it has not', { 'has npm': undefined }, ['npm: ../lib/node/bin/npm → null']],
    ["another's command that it has not", { 'has npm': undefined, 'link npm': fileState('x') }, []],
    ['the link', { current: linkState('node-v20.1.0') }, ['current: node-v20.1.0 → node-v22.18.0']],
    ['by hand', { record: { code: 0, output: `${SUM} - -\n./bin/node\n` } }, ['files: other: bin/node → as unpacked']],
    [
      'a runtime too many',
      { others: { code: 0, output: 'node-v21.0.0\nnode-v20.1.0\n' } },
      ['runtimes: node-v20.1.0 → null'],
    ],
    [
      'of runtimes too many, one that is still run',
      { others: { code: 0, output: 'node-v21.0.0\nnode-v20.1.0 used\nnode-v18.0.0\n' } },
      ['runtimes: node-v18.0.0 → null'],
    ],
  ])('%s', (_name, broken, told) => {
    expect(look({ ...RIGHT, ...broken }).told).toEqual(told)
  })

  test.each([
    ['/usr/local/bin/node', { 'link node': fileState('x') }],
    ['/usr/local/bin/npm', { 'link npm': fileState('x') }],
    ['/usr/local/lib/node', { current: directoryState() }],
    ['/usr/local/lib/node-v22.18.0', { folder: fileState('x') }],
  ])('refuses where %s is something else', (path, broken) => {
    const { detail, scripts } = look({ ...RIGHT, ...broken })
    expect(detail?.refuse).toMatch(new RegExp(`^${path} is no (link|folder): no (link|runtime) can take its place$`))
    expect(scripts).toEqual([expect.stringMatching(/^echo .*exit 1$/)])
  })

  test('an archive of the project with another hash is an error of the plan', () => {
    expect(() => look({}, { sha256: '0'.repeat(64) })).toThrow(`node.tar.gz has the sha256 ${SUM}, not 000`)
  })

  refuses(nodeRuntime, [
    ['a version with a v', { ...WANT, version: 'v22.18.0' }, 'version must be like'],
    ['two archives', { ...WANT, url: URL }, 'either from or url'],
    ['no archive', { ...WANT, from: undefined }, 'either from or url'],
    ['another way to get it', { ...WANT, from: undefined, url: 'ftp://x/y' }, 'url must begin'],
    ['a url with a blank', { ...WANT, from: undefined, url: 'http://x/y z' }, 'url must begin'],
    ['a hash that is none', { ...WANT, sha256: 'abc' }, 'sha256 must be'],
    ['one to keep', { ...WANT, keep: 1 }, 'keep must be'],
  ])
})
