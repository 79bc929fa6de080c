// examples/app, deployed as its README says to fewer hosts, and asked from outside what it promises.
import { readFileSync } from 'node:fs'
import { get } from 'node:http'
import { Agent, request } from 'node:https'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { beforeAll, describe, expect, test } from 'vitest'
import { describeOnLab, useLab } from '../../hosts/support/lab.ts'
import { documentOf, type Ran } from '../../hosts/support/project.ts'
import { DOMAIN, layOut, type Platform } from '../platform.ts'

interface Answer {
  readonly status: number | undefined
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: string
}

describeOnLab('the platform of examples/app', () => {
  const lab = useLab('platform', ['lb1', 'app1', 'app2', 'app3'])
  let platform: Platform
  let agent: Agent
  const deploy = (...args: readonly string[]): Promise<Ran> => platform.start(args).ended
  const apply = (...args: readonly string[]) => deploy('apply', 'lab', '--yes', '--no-check', ...args)
  const on = (host: string, script: string) => platform.on(host, script)
  const addressOf = (host: string) => lab.reach.hosts[host]!.address

  /** Asks a host over TLS, as a client that trusts the internal CA alone. */
  async function ask(host: string, path: string, body?: unknown): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    const sent = request(
      {
        host: addressOf(host),
        agent,
        path,
        method: body ? 'POST' : 'GET',
        headers: { host: DOMAIN, 'content-type': 'application/json' },
      },
      async (response) =>
        resolve({ status: response.statusCode, headers: response.headers, body: await text(response) }),
    )
    sent.on('error', reject).end(body && JSON.stringify(body))
    return promise
  }

  async function askPlain(host: string, path: string): Promise<number | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<number | undefined>()
    get({ host: addressOf(host), path, timeout: 10_000 }, (response) => {
      response.resume()
      resolve(response.statusCode)
    }).on('error', reject)
    return promise
  }

  const seenByBalancer = async () => (await platform.pool()).join('\n')

  beforeAll(async () => {
    platform = layOut(lab)
    for (const none of ['README.md', 'a.js.map']) platform.project.write(`app/migrations/${none}`, '')
    for (const host of lab.hosts) expect((await platform.trust(host)).code).toBe(0)
    agent = new Agent({ ca: readFileSync(join(lab.root, 'files/lab-ca.crt')), servername: DOMAIN, keepAlive: true })
  }, 120_000)

  test('is deployed to bare hosts by one apply, and the next plan is empty', async () => {
    const { code, stdout, stderr } = await apply()
    expect(code, `${stdout}${stderr}`).toBe(0)
    const planned = await deploy('plan', 'lab', '--no-check', '--json')
    expect(documentOf(planned).summary).toMatchObject({ changes: 0 })
    expect(await seenByBalancer()).toBe('app1 UP\napp2 UP\napp3 UP')
  }, 700_000)

  describe('answers', () => {
    test('the page, also for deep links, under a Content-Security-Policy', async () => {
      for (const path of ['/', '/some/deep/link']) {
        const { status, headers, body } = await ask('lb1', path)
        expect(status).toBe(200)
        expect(headers['content-security-policy']).toBe("default-src 'self'")
        expect(body).toContain('<title>Notes</title>')
      }
      expect((await ask('lb1', '/app.js')).headers['content-type']).toContain('javascript')
    })

    test('the API, through the balancer and into the database', async () => {
      expect(JSON.parse((await ask('lb1', '/version')).body)).toEqual({ version: '1.0.0' })
      expect((await ask('lb1', '/api/notes', { text: 'kept' })).status).toBe(201)
      expect(JSON.parse((await ask('lb1', '/api/notes')).body)).toContainEqual(
        expect.objectContaining({ text: 'kept' }),
      )
      expect((await ask('lb1', '/api/notes', { text: 5 })).status).toBe(400)
    })

    test('with a cache that takes writes, also when its master is gone', async () => {
      const answers = async () => JSON.parse((await ask('lb1', '/api/cache')).body)
      expect(await answers()).toEqual({ answers: true })
      await on('app1', 'systemctl stop redis-server')
      await expect.poll(answers, { timeout: 30_000 }).toEqual({ answers: true })
      await on('app1', 'systemctl start redis-server')
    }, 60_000)

    test('over plain HTTP its health alone', async () => {
      expect(await askPlain('app1', '/healthz')).toBe(200)
      for (const path of ['/', '/version', '/api/notes', '/healthz/x']) expect(await askPlain('app1', path)).toBe(404)
      expect(await askPlain('lb1', '/')).toBe(302)
    })

    test('503 as its health while the database cannot be reached', async () => {
      await on('app1', 'systemctl stop pgbouncer')
      expect(await askPlain('app1', '/healthz')).toBe(503)
      await on('app1', 'systemctl start pgbouncer')
      await expect.poll(() => askPlain('app1', '/healthz'), { timeout: 10_000 }).toBe(200)
      await expect.poll(seenByBalancer, { timeout: 10_000 }).toBe('app1 UP\napp2 UP\napp3 UP')
    })

    test('every request while its health flag is there, and closes the connections', async () => {
      await on('app1', 'touch /var/lib/health/out')
      expect(await askPlain('app1', '/healthz')).toBe(503)
      for (const [path, status, body] of [
        ['/', 200],
        ['/deep', 200],
        ['/app.css', 200],
        ['/version', 200],
        ['/api/notes', 201, { text: 'x' }],
      ] as const) {
        const answer = await ask('app1', path, body)
        expect([path, answer.status, answer.headers.connection]).toEqual([path, status, 'close'])
        expect(answer.headers['content-security-policy']).toBe("default-src 'self'")
      }
      await on('app1', 'rm /var/lib/health/out')
      expect(await askPlain('app1', '/healthz')).toBe(200)
      expect((await ask('app1', '/')).headers.connection).toBe('keep-alive')
    })
  })

  describe('its workers', () => {
    test('come back when they are killed', async () => {
      const state = () => on('app1', 'systemctl show -p ActiveState,NRestarts --value notes@3001')
      await on('app1', 'systemctl kill -s KILL notes@3001')
      await expect.poll(state, { timeout: 15_000 }).toBe('1\nactive')
    })

    test('end what they have begun when they are stopped, and are not held up by idle connections', async () => {
      await ask('app1', '/version')
      // A client that sends the second half of its note while the worker already stops.
      const said = await on(
        'app1',
        `mkfifo /run/note; curl -sv -w ' %{http_code}' -H 'expect: 100-continue' -H 'content-type: application/json' -T - -X POST http://127.0.0.1:3002/api/notes </run/note >/run/answer 2>/run/said & exec 9>/run/note; rm /run/note
        printf '{"text":' >&9
        i=0; until grep -q '100 Continue' /run/said; do i=$((i + 1)); [ $i -lt 100 ] || exit 1; sleep 0.1; done
        systemctl stop --no-block notes@3002
        i=0; until [ "$(systemctl is-active notes@3002)" = deactivating ]; do i=$((i + 1)); [ $i -lt 100 ] || exit 1; sleep 0.1; done
        printf '"late"}' >&9; exec 9>&-; wait; cat /run/answer
        i=0; until [ "$(systemctl is-active notes@3002)" = inactive ]; do i=$((i + 1)); [ $i -lt 50 ] || exit 1; sleep 0.1; done
        systemctl show -p Result --value notes@3002; systemctl start notes@3002`,
      )
      expect(said).toMatch(/^\{"id":\d+,"text":"late"\} 201\s*success$/)
    })

    test('are shut in', async () => {
      const exposure = await on('app1', 'systemd-analyze security --no-pager notes@3001 | tail -n 1')
      expect(Number(/: ([\d.]+) /.exec(exposure)?.[1])).toBeLessThanOrEqual(2)
      expect(await on('app1', 'stat -c "%a %U %G" /etc/notes/env')).toBe('640 root notes')
    })
  })

  test('the balancer keeps who is drained over a reload by its handler', async () => {
    const admin = (command: string) => on('lb1', `echo '${command}' | socat - /run/haproxy/admin.sock`)
    const state = '/var/lib/haproxy/server-state'
    const reload = async () => {
      const before = await admin('show info')
      await on('lb1', `echo '# changed by hand' >>/etc/haproxy/haproxy.cfg`)
      const { code, stdout } = await apply('--limit', 'lb1')
      expect(code, stdout).toBe(0)
      expect(/^Pid: .*/m.exec(await admin('show info'))?.[0]).not.toBe(/^Pid: .*/m.exec(before)?.[0])
    }
    await admin('set server app/app2 state drain')
    await reload()
    expect(await seenByBalancer()).toBe('app1 UP\napp2 DRAIN\napp3 UP')
    // It would bring the state back with the next start, whatever was done by hand since.
    expect(await on('lb1', `[ -e ${state} ] || echo gone`)).toBe('gone')
    await on('lb1', `install -d /var/lib/deploy/drained/app; touch /var/lib/deploy/drained/app/app2`)
    await reload()
    expect(await on('lb1', `[ -e ${state} ] && echo kept`)).toBe('kept')
    await on('lb1', `rm -r /var/lib/deploy/drained/app`)
    await admin('set server app/app2 state ready')
    await reload()
    expect(await seenByBalancer()).toBe('app1 UP\napp2 UP\napp3 UP')
    expect(await on('lb1', `[ -e ${state} ] || echo gone`)).toBe('gone')
  })

  test('a migration lock that was left is named; then version 2 takes the place of version 1 without a lost request', async () => {
    platform.release('2.0.0')
    await on('app1', `runuser -u postgres -- psql -d notes -c 'update knex_migrations_lock set is_locked = 1'`)
    const locked = await apply()
    expect(locked.code).toBe(1)
    expect(locked.stdout).toContain('deploy run lab app1 -- notes-knex migrate:unlock')
    expect(JSON.parse((await ask('lb1', '/version')).body)).toEqual({ version: '1.0.0' })
    const unlocked = await deploy('run', 'lab', 'app1', '--', 'notes-knex', 'migrate:unlock')
    expect(unlocked.code, unlocked.stderr).toBe(0)

    const load = await platform.load()
    const { code, stdout, stderr } = await apply()
    const result = await load.stop()

    expect(code, `${stdout}${stderr}`).toBe(0)
    expect(result).toMatchObject({ failed: 0, failures: {} })
    expect(Object.keys(result.versions).sort()).toEqual(['1.0.0', '2.0.0'])
    expect(result.versions['1.0.0']!.last).toBeLessThan(result.seconds)
    expect(JSON.parse((await ask('lb1', '/api/notes', { text: 'new', author: 'me' })).body)).toMatchObject({
      author: 'me',
    })
    expect(documentOf(await deploy('plan', 'lab', '--no-check', '--json')).summary).toMatchObject({ changes: 0 })
  }, 300_000)
})
