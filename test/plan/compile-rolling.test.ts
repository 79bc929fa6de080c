import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { haproxy } from '../../src/balancers/haproxy.ts'
import { healthFlag } from '../../src/balancers/health-flag.ts'
import { memory } from '../../src/facts/memory.ts'
import { DeployError } from '../../src/model/error.ts'
import type { Inventory } from '../../src/model/inventory.ts'
import { playbook } from '../../src/model/playbook.ts'
import { type RollingInput, site } from '../../src/model/site.ts'
import { compileRolling } from '../../src/plan/compile-rolling.ts'
import type { FactTable } from '../../src/plan/expand.ts'
import { sh } from '../../src/shell/sh.ts'

const { parallel, rolling } = site({ groups: ['app', 'lb'], vars: z.object({ port: z.number() }) })

const inventory: Inventory = {
  environment: 'lab',
  file: 'inventories/lab.yaml',
  groups: { app: ['app1', 'app2', 'app3'], lb: ['lb1'] },
  hosts: ['app3', 'lb1', 'app1', 'app2'].map((name, index) => ({
    name,
    groups: [name === 'lb1' ? 'lb' : 'app'],
    vars: { port: 3000 + index },
    connection: { address: `192.0.2.${index + 1}`, become: 'sudo', transport: 'openssh' },
  })),
}

type Input = RollingInput<{ port: number }, 'app' | 'lb', { readonly memory: typeof memory }>

const GOOD: Pick<Input, 'on' | 'through' | 'healthy' | 'tasks'> = {
  on: 'app',
  through: haproxy({ on: 'lb1', backend: 'app' }),
  healthy: () => ({ url: 'http://127.0.0.1/healthz' }),
  tasks: () => [],
}

/** Options as they come where nobody has checked the types. */
function compile(options: object, factsOf: () => FactTable = () => new Map()) {
  const phases = [parallel('first', { on: 'all', tasks: () => [] }), rolling('app', { ...GOOD, ...options })]
  return compileRolling({ inventory, playbook: playbook('p', phases) }, [0, 1], factsOf)
}

/** The one mistake of a phase, as `message · hint`. */
function mistake(options: object): string {
  try {
    compile(options)
    return 'none'
  } catch (error) {
    if (!(error instanceof DeployError)) throw error
    expect(error).toMatchObject({
      code: 'E_ROLLING',
      exit: 64,
      where: expect.stringContaining('compile-rolling.test.ts:'),
    })
    expect(error.message).toMatch(/^phase "app": /)
    return [error.message.slice('phase "app": '.length), ...(error.hint ? [error.hint] : [])].join(' · ')
  }
}

describe('what is made of a phase', () => {
  test('only rolling phases, by their place, with the whole pool in the order of the inventory', () => {
    const compiled = compile({ waves: '25%', settle: 0 })

    expect([...compiled.keys()]).toEqual([1])
    expect(compiled.get(1)).toMatchObject({
      nodes: ['app3', 'app1', 'app2'],
      options: { waves: '25%', settle: 0 },
      balancer: { label: 'haproxy app on lb1' },
    })
    expect(compiled.get(1)?.options).not.toHaveProperty('through')
  })

  test('a phase that is not asked for is not looked at', () => {
    const phases = [rolling('app', { ...GOOD, waves: 0 })]

    expect(compileRolling({ inventory, playbook: playbook('p', phases) }, [], () => new Map()).size).toBe(0)
  })

  test('through as a function is given the site', () => {
    const through: Input['through'] = ({ environment, group }) =>
      haproxy({ on: group('lb')[0]?.name ?? '', backend: `${environment}-${group('app').length}` })

    expect(compile({ through }).get(1)?.balancer.label).toBe('haproxy lab-3 on lb1')
  })

  test('the health of each host, one condition or several, from its variables', () => {
    const healthy: Input['healthy'] = ({ name, vars }) =>
      name === 'app1'
        ? { url: `http://127.0.0.1:${vars.port}/` }
        : [{ url: 'http://127.0.0.1/', within: 5 }, { command: sh`true` }]

    expect(Object.fromEntries(compile({ healthy }).get(1)?.health ?? [])).toEqual({
      app3: [{ url: 'http://127.0.0.1/', within: 5 }, { command: { shell: 'true' } }],
      app1: [{ url: 'http://127.0.0.1:3002/' }],
      app2: [{ url: 'http://127.0.0.1/', within: 5 }, { command: { shell: 'true' } }],
    })
  })

  test('the health only of hosts whose facts are known', () => {
    const facts: FactTable = new Map([['app2', { memory: { total: 7, swap: 0 } }]])
    const healthy: Input['healthy'] = (host) => ({ url: `http://127.0.0.1/${host.facts.memory.total}` })

    expect([...(compile({ facts: { memory }, healthy }, () => facts).get(1)?.health ?? [])]).toEqual([
      ['app2', [{ url: 'http://127.0.0.1/7' }]],
    ])
  })
})

describe('mistakes', () => {
  test.each([1, 12, '1%', '25%', '100%'])('waves: %j is none', (waves) => {
    expect(mistake({ waves })).toBe('none')
  })

  test.each([0, -1, 1.5, Number.NaN, '25', '0%', '101%', '1.5%', ' 25%', '', null])('waves: %j', (waves) => {
    const text = typeof waves === 'number' ? String(waves) : JSON.stringify(waves)
    expect(mistake({ waves })).toBe(`waves must be a number from 1 or "25%", not ${text}`)
  })

  test.each([
    [{ floor: 3 }, 'floor wants all 3 nodes to serve: none could ever leave'],
    [{ floor: '100%' }, 'floor wants all 3 nodes to serve: none could ever leave'],
    [{ floor: 2, waves: 2 }, 'waves of 2 of 3 nodes never leave 2 serving, as floor wants'],
    [{ floor: 2, canary: ['app1', 'app2'] }, 'waves of 2 of 3 nodes never leave 2 serving, as floor wants'],
  ] as const)('%j could never be carried out', (options, says) => {
    expect(mistake(options as never)).toBe(says)
  })

  test.each([0, 2, '0%', '60%'])('floor: %j is none', (floor) => {
    expect(mistake({ floor })).toBe('none')
  })

  test.each([-1, 0.5, '50', '120%', true])('floor: %j', (floor) => {
    expect(mistake({ floor })).toBe(`floor must be a number or "50%", not ${JSON.stringify(floor)}`)
  })

  test('a floor above the pool', () => {
    expect(mistake({ floor: 4 })).toBe('floor is 4, and the pool has 3 nodes')
  })

  test.each(['settle', 'leave', 'rejoin'])('%s', (name) => {
    expect([0, 0.5, 3600].map((value) => mistake({ [name]: value }))).toEqual(['none', 'none', 'none'])
    expect([-1, 3601, '3', Number.POSITIVE_INFINITY].map((value) => mistake({ [name]: value }))).toEqual(
      ['-1', '3601', '"3"', 'Infinity'].map((value) => `${name} must be seconds, at most 3600, not ${value}`),
    )
  })

  test('a canary that is no node of the pool', () => {
    expect(mistake({ canary: ['app1', 'app9'] })).toBe(
      'canary: node "app9" is not known (nodes: app3, app1, app2) · did you mean app3?',
    )
    expect(mistake({ canary: ['lb1'] })).toContain('canary: node "lb1" is not known')
  })

  test('a balancer on a host that is not in the inventory', () => {
    const through = haproxy({ on: 'lb2', backend: 'app' })

    expect(mistake({ through })).toBe(
      'its balancer: host "lb2" is not known (hosts: lb1, app2, app3, app1) · did you mean lb1?',
    )
  })

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['a text', 'lb1'],
    ['a function that gives none', () => undefined],
    ['the function that makes one', healthFlag],
  ])('through is %s', (_title, through) => {
    expect(mistake({ through })).toMatch(/^(through must be a balancer · make it with|healthFlag)/)
  })

  test('a balancer that cannot be made, with its own words', () => {
    const through = () => haproxy({ on: 'lb1', backend: 'a b' })

    expect(mistake({ through })).toMatch(/^haproxy: .*a b/)
  })

  test.each([
    ['an empty list', []],
    ['undefined', undefined],
    ['null', null],
  ])('healthy says nothing: %s', (_title, health) => {
    expect(mistake({ healthy: () => health })).toBe('healthy says nothing for app3: a node must prove its health')
  })

  test.each([
    [{}],
    ['http://127.0.0.1/'],
    [false],
    [{ url: '' }],
    [{ url: '127.0.0.1/healthz' }],
    [{ url: 'ftp://127.0.0.1/' }],
    [{ url: 'http:///healthz' }],
    [{ url: 7 }],
    [{ command: 'true' }],
    [{ url: 'http://127.0.0.1/' }, undefined],
  ])('healthy that is nonsense: %j', (...health) => {
    expect(mistake({ healthy: () => health })).toBe(
      `healthy: ${JSON.stringify(health.at(-1))} is neither { url: 'http://…' } nor { command: sh\`…\` }`,
    )
  })

  test('a misspelt condition', () => {
    expect(mistake({ healthy: () => ({ url: 'http://127.0.0.1/', versoin: '1' }) })).toBe(
      'healthy: option "versoin" is not known (options: version, within, url, contains, status) · did you mean version?',
    )
    expect(mistake({ healthy: () => ({ command: sh`true`, contains: 'x' }) })).toMatch(
      /^healthy: option "contains" is not known \(options: /,
    )
  })

  test.each([0, -1, 3601, '5', Number.NaN])('within: %j', (within) => {
    const text = typeof within === 'string' ? '"5"' : String(within)
    expect(mistake({ healthy: () => ({ command: sh`true`, within }) })).toBe(
      `healthy: within must be seconds, at most 3600, not ${text}`,
    )
  })

  test('healthy that throws, or is missing', () => {
    const healthy = () => {
      throw new Error('no port')
    }

    expect(mistake({ healthy })).toBe('no port')
    expect(mistake({ healthy: undefined })).toBe('healthy is not a function')
  })
})
