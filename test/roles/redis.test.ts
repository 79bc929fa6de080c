import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { type Redis, redis } from '../../roles/redis.ts'
import { projectSources } from '../../src/load/sources.ts'
import type { Host, Site } from '../../src/model/playbook.ts'
import { Secret } from '../../src/model/secret.ts'
import { flattenTasks, type TaskTree } from '../../src/model/task.ts'
import { type CompiledTask, compileTasks } from '../../src/plan/compile.ts'
import { type Acted, type Answers, actScript, type Files } from '../clusters/redis/support/fake-cli.ts'

type Vars = { readonly ip: string }
type Groups = 'app' | 'lb'

const sources = projectSources(fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, ''))
const peer = (name: string, ip: string, ...groups: readonly Groups[]): Host<Vars, Groups, unknown> => ({
  ...{ name, address: `${name}.public`, groups, vars: { ip }, facts: {} },
})
const [app1, lb] = [peer('app1', '10.0.0.1', 'app'), peer('lb', '10.0.0.9', 'lb')]
const hosts = [app1, peer('app2', '10.0.0.2', 'app'), peer('app3', '10.0.0.3', 'app'), lb]
const site: Site<Vars, Groups, unknown> = {
  ...{ environment: 'prod', secrets: {}, hosts },
  group: (name) => hosts.filter(({ groups }) => groups.includes(name)),
}
const input: Redis<Vars, Groups> = {
  on: 'app',
  address: ({ vars }) => vars.ip,
  persistence: 'cache',
  ca: () => ({ certificate: 'SECURITY.md', key: new Secret('caKey', 'key') }),
  password: () => new Secret('redisPassword', 'pass-of-servers'),
}

function compiled(tree: TaskTree): ReadonlyMap<string, CompiledTask> {
  return new Map(compileTasks('app1', flattenTasks(tree), sources).map((task) => [task.key, task]))
}

const prepared = (more: Partial<Redis<Vars, Groups>> = {}) =>
  compiled(redis<Vars, Groups>({ ...input, ...more }).prepare(app1, site, 'cache'))

function content(tasks: ReadonlyMap<string, CompiledTask>, path: string): string {
  type File = { readonly content?: { readonly source: { readonly bytes: Buffer } } }
  const want = tasks.get(`path:${path}`)?.want as File & { readonly file?: File }
  return String((want.content ?? want.file?.content)?.source.bytes)
}

describe('what the role prepares on a node', () => {
  const tasks = prepared()

  test('packages come without a start, and the files of the daemons are none of its own', () => {
    const apt = [...tasks.values()].find(({ key }) => key.startsWith('apt:'))
    expect(apt?.want).toMatchObject({ start: false })
    expect([...tasks.keys()].filter((key) => /\.conf$/.test(key))).toEqual([
      'path:/etc/systemd/system/redis-server.service.d/evenkeel.conf',
      'path:/etc/systemd/system/redis-sentinel.service.d/evenkeel.conf',
    ])
  })

  test('whatever starts a server asks the script of before its start, as root', () => {
    expect(content(tasks, '/etc/systemd/system/redis-server.service.d/evenkeel.conf')).toContain(
      'ExecStartPre=+/usr/local/lib/evenkeel/redis-before-start\n',
    )
  })

  test('passwords are for root only; without a former one its file is empty', () => {
    for (const [name, said] of [
      ['password', 'pass-of-servers'],
      ['former', ''],
      ['sentinel', 'pass-of-servers'],
    ] as const) {
      expect(content(tasks, `/etc/evenkeel-redis/${name}`)).toBe(said)
      expect(tasks.get(`path:/etc/evenkeel-redis/${name}`)?.want).toMatchObject({ mode: '0600', owner: 'root' })
    }
  })

  test('Sentinels have a password of their own where a playbook says one', () => {
    const sentinelPassword = () => new Secret('sentinelPassword', 'pass-of-sentinels')
    expect(content(prepared({ sentinelPassword }), '/etc/evenkeel-redis/sentinel')).toBe('pass-of-sentinels')
  })

  test('its certificate names its address, and what runs starts at boot', () => {
    const own = flattenTasks(redis<Vars, Groups>(input).tasks(app1, site, 'cache'))
    const wants = (type: string) => own.filter((task) => task.type === type).map(({ want }) => want)
    expect(wants('certificate')).toMatchObject([{ name: 'app1', ips: ['10.0.0.1', '127.0.0.1'] }])
    expect(wants('service')).toMatchObject([
      { unit: 'redis-server', enabled: true },
      { unit: 'redis-sentinel', enabled: true },
    ])
  })

  test('a host of another group is no node', () => {
    expect(() => redis<Vars, Groups>(input).prepare(lb, site, 'cache')).toThrow('lb is no node of the cluster cache')
    expect(() => redis<Vars, Groups>({ ...input, on: [] }).cluster(site, 'cache')).toThrow(
      'no host is a node of the cluster cache',
    )
  })

  test('a password that is no secret is refused without a word of it', () => {
    const plain = { password: () => 'plain text' as unknown as Secret }
    expect(() => prepared(plain)).toThrow(/^password of the cluster cache must be a secret: site\.secrets\.NAME$/)
  })
})

const made: string[] = []
afterAll(() => made.map((folder) => rmSync(folder, { recursive: true })))

const OURS = '# Made by evenkeel, kept by the daemon: set cache\n'
const [CACHE, DURABLE] = [`${OURS}appendonly no\n`, `${OURS}appendonly yes\n`]
const REPLICA = 'replicaof 10.0.0.1 6379\n'

/** The script as the role writes it, on a root of its own: for how long it slept, and what is there behind it. */
function beforeStart(conf: string, there: readonly ('permit' | 'dump' | 'log')[] = []) {
  const root = mkdtempSync(join(tmpdir(), 'redis-start-'))
  made.push(root)
  for (const folder of ['bin', 'etc/redis', 'var/lib/redis', 'run']) mkdirSync(join(root, folder), { recursive: true })
  writeFileSync(join(root, 'bin/sleep'), `#!/bin/sh\necho "$*" >>'${root}/slept'\n`)
  chmodSync(join(root, 'bin/sleep'), 0o755)
  if (conf !== '') writeFileSync(join(root, 'etc/redis/redis.conf'), conf)
  const [permit, data] = [join(root, 'run/evenkeel-redis-start'), join(root, 'var/lib/redis')]
  if (there.includes('permit')) writeFileSync(permit, '')
  if (there.includes('log')) {
    mkdirSync(join(data, 'appendonlydir'))
    writeFileSync(join(data, 'appendonlydir/appendonly.aof.1.base.rdb'), 'keys')
  }
  if (there.includes('dump')) writeFileSync(join(data, 'dump.rdb'), 'old keys')
  const text = content(prepared(), '/usr/local/lib/evenkeel/redis-before-start')
  const input = text.replaceAll(/\/(?:etc|var\/lib)\/redis\b|\/run\/evenkeel-redis-start/g, (path) => root + path)
  execFileSync('sh', { input, env: { PATH: `${root}/bin:/usr/bin:/bin` }, stdio: ['pipe', 'pipe', 'ignore'] })
  const slept = existsSync(join(root, 'slept')) ? readFileSync(join(root, 'slept'), 'utf8').trim() : '0'
  const left = readdirSync(data)
  return { slept, permit: existsSync(permit), data: left.map((name) => name.replace(/-\d{8}T\d{6}Z\./, '-TIME.')) }
}

describe('before a server starts', () => {
  test.each([
    ['a former master waits until another one is the master', CACHE, [], { slept: '9' }],
    ['a former master of a durable set comes back with what it has', DURABLE, ['log'], { slept: '0' }],
    ['one whose disk is lost waits until another one is the master', DURABLE, [], { slept: '9' }],
    ['one that a step starts with an empty disk does not', DURABLE, ['permit'], { slept: '0', permit: false }],
    ['a replica with an empty disk starts at once', DURABLE + REPLICA, [], { slept: '0' }],
    ['a replica starts at once', CACHE + REPLICA, [], { slept: '0' }],
    ['a master that a step starts does so at once, and only once', CACHE, ['permit'], { slept: '0', permit: false }],
    ['a permit is used up by a replica too', CACHE + REPLICA, ['permit'], { slept: '0', permit: false }],
    ['a dump of a cache is moved aside', CACHE + REPLICA, ['dump'], { data: ['aside-TIME.rdb'] }],
    ['a dump of a former master of a cache too', CACHE, ['dump'], { slept: '9', data: ['aside-TIME.rdb'] }],
    ['a dump of a durable set stays', DURABLE + REPLICA, ['dump'], { data: ['dump.rdb'] }],
    [
      'a file that is none of ours is left alone',
      'appendonly no\n',
      ['permit', 'dump'],
      { slept: '0', permit: true, data: ['dump.rdb'] },
    ],
    ['without a file nothing is done', '', ['dump'], { slept: '0', data: ['dump.rdb'] }],
  ] as const)('%s', (_, conf, there, behind) => {
    expect(beforeStart(conf, there)).toMatchObject(behind)
  })
})

describe('a server takes its certificate', () => {
  const own = flattenTasks(redis<Vars, Groups>(input).tasks(app1, site, 'cache'))
  const handlers = own.flatMap(({ options }) => [options.notify ?? []].flat())
  const script = handlers.find(({ name }) => name === 'redis takes its certificate')?.script ?? ''
  const conf = '/etc/redis/redis.conf'
  const files = { [conf]: `${OURS}masterauth "another"\n` }
  const TAKES = '127.0.0.1:6379 config set tls-cert-file /etc/redis/tls/node.crt'
  const takes = ({ asked }: Acted) => asked.filter((one) => / config /.test(one) && !one.startsWith('no answer'))

  test.each<[string, Files]>([
    ['there is no file of it', {}],
    ['its file is none of ours', { [conf]: 'tls-port 6379\n' }],
  ])('not where %s: nothing is asked', (_, there) => {
    expect(actScript(script, [], there)).toEqual({ code: 0, output: '', asked: [], by: [], wrote: {} })
  })

  test('not where it does not run', () => {
    const acted = actScript(script, [[/^systemctl is-active/, '!']], files)
    expect([acted.code, acted.output, takes(acted)]).toEqual([0, '', []])
  })

  test.each<[string, Answers, readonly string[]]>([
    ['with its password', [[/config set/, 'OK']], ['a password']],
    [
      'with the one of before',
      [
        [/config set/, 'OK', /config set/],
        [/config set/, '!WRONGPASS'],
      ],
      ['a password', 'another'],
    ],
  ])('%s', (_, answers, passwords) => {
    const acted = actScript(script, answers, files)
    expect([acted.code, acted.output]).toEqual([0, ''])
    expect(acted.by.filter((one) => one.endsWith(TAKES))).toEqual(passwords.map((one) => `${one}: ${TAKES}`))
    expect(acted.asked.filter((one) => /restart|stop|start/.test(one))).toEqual([])
  })

  test('or says so, with no word of a password', () => {
    const acted = actScript(script, [[/config set/, '!ERR not with "a password"']], files)
    expect([acted.code, acted.output]).toEqual([1, 'the server does not take its certificate\n'])
    expect(takes(acted)).toEqual([TAKES, TAKES])
  })
})
