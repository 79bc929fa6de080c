import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { redisDesired } from '../../../src/clusters/redis/desired.ts'
import { parseSurvey } from '../../../src/clusters/redis/parse-survey.ts'
import { redisSettings } from '../../../src/clusters/redis/settings.ts'
import { surveyScript } from '../../../src/clusters/redis/survey-script.ts'
import { Secret } from '../../../src/model/secret.ts'

const PASSWORD = 'not-to-be-seen-1'
const HASH = createHash('sha256').update(PASSWORD).digest('hex')
const password = new Secret('redisPassword', PASSWORD)
const nodes = ['app1', 'app2', 'app3'].map((host, index) => ({ host, address: `10.0.0.${index + 1}` }))
const desired = redisDesired({
  ...{ name: 'cache', environment: 'lab', nodes, persistence: 'cache', password, sentinelPassword: password },
  settings: redisSettings({ persistence: 'cache', memory: 64, more: {} }),
})

/** Programs of which each run is recorded, with its arguments. */
const WATCHED = ['grep', 'sed', 'tr', 'cut', 'head', 'tail', 'sort', 'wc', 'sha256sum', 'timeout', 'stat', 'find']
const WELL = `case $* in
*" ping") echo PONG ;;
*"acl list") echo "user default on #${HASH} #${'0'.repeat(64)} ~* &* +@all" ;;
*"get masterauth") printf 'masterauth\\n%s\\n' "$REDISCLI_AUTH" ;;
esac`

const made: string[] = []
afterAll(() => made.map((folder) => rmSync(folder, { recursive: true })))

/** The files of a node; one was saved, another one was made by somebody. */
function layOut(root: string): void {
  for (const name of ['password', 'sentinel']) writeFileSync(join(root, 'etc/evenkeel-redis', name), PASSWORD)
  const conf = `# Made by evenkeel, kept by the daemon: set cache\nmasterauth "${PASSWORD}"\nuser default on #${HASH} ~*\n`
  writeFileSync(join(root, 'etc/redis/redis.conf'), conf)
  writeFileSync(join(root, 'etc/redis/sentinel.conf'), `sentinel sentinel-pass "${PASSWORD}"\n`)
  writeFileSync(join(root, 'var/lib/redis/aside-20260101T000000Z.rdb'), 'keys')
  writeFileSync(join(root, 'var/lib/redis/aside-$(x).rdb'), 'keys')
}

/** The script of a node, as it is, on a root of its own where `cli` stands for redis-cli: what it printed, and what it ran. */
async function surveyed(cli: string, there: 'a node' | 'a bare host' = 'a node') {
  const root = mkdtempSync(join(tmpdir(), 'redis-survey-'))
  made.push(root)
  const folders = there === 'a node' ? ['etc/redis', 'etc/evenkeel-redis', 'var/lib/redis', 'var/log/redis'] : []
  for (const folder of ['bin', ...folders]) mkdirSync(join(root, folder), { recursive: true })
  const program = (name: string, text: string) => {
    writeFileSync(join(root, 'bin', name), `#!/bin/sh\n${text}\n`)
    chmodSync(join(root, 'bin', name), 0o755)
  }
  program('redis-cli', cli)
  program('systemctl', ':')
  const real = (name: string) => ['/usr/bin', '/bin'].map((at) => `${at}/${name}`).find((path) => existsSync(path))
  for (const name of WATCHED) program(name, `echo "${name} $*" >>'${root}/ran'\nexec ${real(name)} "$@"`)
  if (there === 'a node') layOut(root)
  const text = surveyScript(desired).shell.replaceAll(
    /\/(?:etc|var\/lib|var\/log)\/(?:evenkeel-)?redis/g,
    (path) => root + path,
  )
  const began = Date.now()
  const printed = await new Promise<string>((resolve, reject) => {
    const env = { PATH: `${root}/bin:/usr/bin:/bin` }
    const child = execFile('sh', { env }, (error, output) => (error ? reject(error) : resolve(output)))
    child.stdin?.end(text)
  })
  return { printed, seconds: (Date.now() - began) / 1000, ran: readFileSync(join(root, 'ran'), 'utf8') }
}

describe.concurrent('the survey of a node', () => {
  test('names what opens its server, and no argument of a program tells a password or its hash', async () => {
    const { printed, ran } = await surveyed(WELL)

    const lines = printed.split('\n').filter((line) => line.includes('password'))
    expect(lines).toEqual([
      ...['password own yes', 'password former missing no', 'password others 1'],
      ...['password master yes', 'password saved yes'],
      ...['spassword own yes', 'spassword former missing no', 'spassword others 1'],
      ...['spassword peers yes', 'spassword servers no'],
    ])
    expect(ran).toContain('redis-cli')
    expect(printed + ran).not.toContain(PASSWORD)
    expect(printed + ran).not.toContain(HASH)
  })

  test('tells what lies aside, and how much room is left', async () => {
    const { printed } = await surveyed(WELL)
    expect(printed).toMatch(/^free [1-9]\d*$/m)
    expect(printed.split('\n').filter((line) => line.startsWith('aside '))).toEqual([
      expect.stringMatching(/^aside 4096\t.*\/aside-20260101T000000Z.rdb$/),
    ])
  })

  test('of a bare host says that nothing is there', async () => {
    const { printed } = await surveyed('echo "Could not connect: Connection refused"; exit 1', 'a bare host')
    expect(parseSurvey(desired, 'app1', { state: 'value', value: printed })).toMatchObject({
      prepared: false,
      trouble: { redis: 'down', sentinel: 'down' },
      disk: { configured: { redis: false, sentinel: false }, aside: [] },
    })
  })

  // 3 s for what is there, 6 s each for both daemons, 2 s for their logs.
  test.each([
    ['at once', 'exec sleep 60', ['via redis hung', 'via sentinel hung']],
    [
      'after a first answer',
      'case $* in *" ping") mkdir "$0.${10}" 2>/dev/null && echo PONG && exit ;; esac; exec sleep 60',
      ['via redis ok', 'half redis', 'via sentinel ok', 'half sentinel'],
    ],
  ])('ends in time where daemons hang %s', { timeout: 30_000 }, async (_, cli, told) => {
    const { printed, seconds } = await surveyed(cli)

    expect(printed.split('\n').filter((line) => /^(via|half) /.test(line))).toEqual(told)
    expect(printed.endsWith('\nend\n')).toBe(true)
    expect(seconds).toBeLessThan(18)
  })

  test('counts for nothing where a daemon hangs half way', () => {
    const printed = 'survey 1\nnow 1\nvia redis ok\nhalf redis\nvia sentinel down\nend\n'
    expect(parseSurvey(desired, 'app1', { state: 'value', value: printed })).toMatchObject({
      unreachable: 'its answer cannot be read: its redis answers half of what it is asked',
    })
  })
})
