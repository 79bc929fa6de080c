import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { haproxy } from '../../src/balancers/haproxy.ts'
import { healthFlag } from '../../src/balancers/health-flag.ts'
import { labExec } from '../../src/lab/inside.ts'
import type { Balancer } from '../../src/model/balancer.ts'
import { redactor } from '../../src/model/redaction.ts'
import { takeStages, viewPool } from '../../src/run/balancer-calls.ts'
import type { Pool } from '../../src/run/pool.ts'
import { keepAsking } from './support/keep-alive.ts'
import { describeOnLab, useLab } from './support/lab.ts'
import { poolOf } from './support/pool-of.ts'

const RUN = '20261126-010203-abcd'
const LATER = '20261126-020304-0123'
const FLAG = '/var/lib/health/out'
const STATES = '/var/lib/haproxy/server-state'

/** As the health flag wants it: the check fails while it is there, and connections are closed after their next answer. */
const nginx = (node: string) => `server {
  listen 80 default_server; listen 8080; listen [::]:8080;
  location = /healthz { if (-f ${FLAG}) { return 503; } return 200 "ok\\n"; }
  location / { error_page 418 = @drain; if (-f ${FLAG}) { return 418; } return 200 "${node}\\n"; }
  location @drain { keepalive_timeout 0; return 200 "${node}\\n"; }
}`

const config = (servers: Readonly<Record<string, string>>) => `global
  user haproxy
  group haproxy
  stats socket /run/haproxy/admin.sock mode 600 level admin
  server-state-file ${STATES}
defaults
  mode tcp
  timeout connect 2s
  timeout client 1m
  timeout server 1m
  option redispatch
  load-server-state-from-file global
frontend web
  bind :8080
  default_backend app
backend app
  option httpchk GET /healthz
  default-server check port 80 inter 300ms fall 2 rise 2
${Object.entries(servers)
  .map(([name, address]) => `  server ${name} ${address}:8080`)
  .join('\n')}
`

describeOnLab('balancers', () => {
  const lab = useLab('balancers', ['lb1', 'app1', 'app2'], { packages: ['haproxy', 'socat', 'nginx-light', 'curl'] })
  const plain = haproxy({ on: 'lb1', backend: 'app' })
  const flagged = haproxy({ on: 'lb1', backend: 'app', flag: { ports: [8080] } })
  const checked = healthFlag({ url: 'http://127.0.0.1/healthz', ports: [8080], leave: 3, enter: 2 })
  let pool: Pool

  const on = async (host: string, script: string) => {
    const { code, stdout, stderr } = await labExec(lab, host, ['sh', '-c', script])
    if (code !== 0) throw new Error(`exit ${code} on ${host}: ${script}\n${stderr}`)
    return stdout.trim()
  }
  /** The runtime socket, asked as an operator would. */
  const operator = (command: string) => on('lb1', `echo '${command}' | socat -t5 - /run/haproxy/admin.sock`)
  const statusOf = async (server: string) =>
    (await operator('show stat app 4 -1'))
      .split('\n')
      .find((line) => line.startsWith(`app,${server},`))
      ?.split(',')[17]
  const until = async (what: string, so: () => Promise<boolean>) => {
    for (const end = Date.now() + 20_000; Date.now() < end; await delay(50)) if (await so()) return
    throw new Error(`not within 20 s: ${what}`)
  }
  const reach = () => ({ pool, redactor: redactor([]) })
  const views = async (balancer: Balancer) =>
    Object.fromEntries((await viewPool(reach(), balancer, ['app1', 'app2'])).nodes)
  const never = new AbortController().signal
  const leave = (balancer: Balancer, within = 20, mark = RUN) =>
    takeStages(reach(), balancer, 'app1', balancer.drain('app1', mark), { within, signal: never })
  const enter = (balancer: Balancer, within = 20, mark = RUN) =>
    takeStages(reach(), balancer, 'app1', balancer.join('app1', mark), { within, signal: never })
  const bothServe = async () => {
    for (const app of ['app1', 'app2']) await until(`${app} UP`, async () => (await statusOf(app)) === 'UP')
  }

  beforeAll(async () => {
    pool = poolOf(lab)
    for (const node of ['app1', 'app2']) {
      await on(node, 'dpkg --purge haproxy 2>&1; rm -rf /run/haproxy /etc/nginx/sites-enabled/default')
      await labExec(lab, node, ['sh', '-c', 'cat >/etc/nginx/conf.d/app.conf'], { input: nginx(node) })
      await on(node, 'systemctl restart nginx')
    }
    const { app1, app2 } = lab.reach.hosts
    const text = config({ app1: app1?.address ?? '', app2: app2?.address ?? '' })
    await labExec(lab, 'lb1', ['sh', '-c', 'cat >/etc/haproxy/haproxy.cfg'], { input: text })
    await on('lb1', 'systemctl restart haproxy')
    await bothServe()
  })
  afterEach(async () => {
    await on('lb1', 'systemctl reset-failed haproxy; systemctl is-active -q haproxy || systemctl restart haproxy')
    for (const app of ['app1', 'app2']) {
      await operator(`set server app/${app} state ready`)
      await operator(`set server app/${app} weight 1`)
    }
    await on('lb1', `rm -rf ${STATES} /var/lib/deploy/drained`)
    for (const node of ['app1', 'app2']) await on(node, `rm -f ${FLAG} /var/lib/deploy/rejoined; systemctl start nginx`)
    await bothServe()
  })
  afterAll(() => pool?.close())

  describe('a survey of haproxy', () => {
    test('serving, down with its last check, serving again', async () => {
      expect(await views(plain)).toEqual({
        app1: { state: 'serving', connections: 0, detail: 'UP, last check L7OK 200' },
        app2: { state: 'serving', connections: 0, detail: 'UP, last check L7OK 200' },
      })
      await on('app1', 'systemctl stop nginx')
      await until('app1 DOWN', async () => (await statusOf('app1')) === 'DOWN')
      expect((await views(plain)).app1).toEqual({
        ...{ state: 'down', connections: 0, detail: 'DOWN, last check L4CON Connection refused' },
      })
    })

    test('taken out by hand, by drain, maintenance or weight: drained, by nobody we know', async () => {
      await operator('set server app/app1 state drain')
      expect((await views(plain)).app1).toEqual({
        state: 'drained',
        connections: 0,
        detail: 'DRAIN, last check L7OK 200',
      })
      await operator('set server app/app1 state maint')
      expect((await views(plain)).app1).toEqual({ state: 'drained', connections: 0, detail: 'MAINT' })
      await operator('set server app/app2 weight 0')
      expect((await views(plain)).app2).toMatchObject({ state: 'drained', detail: 'UP, last check L7OK 200, weight 0' })
    })

    test('haproxy is stopped: an error that says so; a node is not touched', async () => {
      await on('lb1', 'systemctl stop haproxy')
      await expect(views(plain)).rejects.toThrow(
        /^haproxy app on lb1 cannot be seen: lb1: haproxy does not answer on its socket \/run\/haproxy\/admin\.sock: .*Connection refused/,
      )
      await expect(leave(flagged, 2)).rejects.toThrow(
        /^app1 in haproxy app on lb1: not done within 2 s: lb1: haproxy does not answer/,
      )
      await on('lb1', 'rm /run/haproxy/admin.sock')
      await expect(views(plain)).rejects.toThrow(
        /there is none; haproxy does not run, or its configuration has no such stats socket$/,
      )
      await on('app1', `test ! -e ${FLAG}`)
      expect(await on('lb1', 'ls -A /var/lib/deploy/drained/app')).toBe('')
    })

    test('haproxy does not answer at all: an error within a bound', async () => {
      await on('lb1', 'pkill -STOP haproxy')
      try {
        await expect(views(plain)).rejects.toThrow(/lb1: haproxy does not answer on its socket/)
      } finally {
        await on('lb1', 'pkill -CONT haproxy')
      }
    })

    test('not installed: absent', async () => {
      const pools = await viewPool(reach(), haproxy({ on: 'app1', backend: 'app' }), ['app2'])
      expect(pools).toMatchObject({ absent: true })
      const other = haproxy({ on: ['lb1', 'app2'], backend: 'app' })
      expect((await views(other)).app1).toMatchObject({ state: 'serving' })
      expect(await leave(other)).toMatchObject({ state: 'drained', drainedBy: RUN })
      expect(await enter(other)).toMatchObject({ state: 'serving' })
    })

    test('an unknown backend is an error, an unknown server is unknown, each with the known ones', async () => {
      await expect(views(haproxy({ on: 'lb1', backend: 'ap' }))).rejects.toThrow(
        'haproxy ap on lb1 cannot be seen: lb1: backend "ap" is not known (backends: app)',
      )
      const odd = haproxy({ on: 'lb1', backend: 'app', server: (node) => `${node}x` })
      expect((await views(odd)).app1).toEqual({
        ...{ state: 'unknown', detail: 'haproxy has no server app1x (servers: app1, app2)' },
      })
      await expect(leave(odd)).rejects.toThrow('app1 in haproxy app on lb1: lb1: haproxy has no server app/app1x')
    })

    test('a look changes nothing', async () => {
      const before = await on(
        'lb1',
        'find /var/lib/deploy /var/lib/haproxy /etc/haproxy -printf "%p %T@\\n" 2>/dev/null | sort',
      )
      await views(flagged)
      expect(
        await on('lb1', 'find /var/lib/deploy /var/lib/haproxy /etc/haproxy -printf "%p %T@\\n" 2>/dev/null | sort'),
      ).toBe(before)
    })
  })

  describe('leaving and rejoining haproxy', () => {
    test('drained by us; twice is once; the mark is on the balancer; back when it is UP', async () => {
      expect(await leave(plain)).toMatchObject({ state: 'drained', drainedBy: RUN, connections: 0 })
      expect(await leave(plain, 20, LATER)).toMatchObject({ state: 'drained', drainedBy: LATER })
      expect(await on('lb1', 'cat /var/lib/deploy/drained/app/app1')).toBe(LATER)
      expect(await statusOf('app1')).toBe('DRAIN')
      // A run that slept lets nobody in whom another one has taken out since.
      await expect(enter(plain)).rejects.toThrow(`was taken out by run ${LATER} meanwhile: it stays out`)
      expect(await enter(plain, 20, LATER)).toMatchObject({ state: 'serving' })
      expect(await enter(plain, 20, LATER)).toMatchObject({ state: 'serving' })
      expect(await statusOf('app1')).toBe('UP')
      await on('lb1', `test ! -e /var/lib/deploy/drained/app/app1 && test ! -e ${STATES}`)
    })

    test('F52 what others took out is neither drained nor joined', async () => {
      await operator('set server app/app1 state drain')
      const left =
        /^app1 in haproxy app on lb1: lb1: app\/app1 was taken out by somebody else \(admin state 8\): it is left alone$/
      await expect(leave(plain)).rejects.toThrow(left)
      await expect(enter(plain)).rejects.toThrow(/by somebody else \(admin state 8\): it stays out$/)
      expect(await statusOf('app1')).toBe('DRAIN')
      await operator('set server app/app1 state ready')

      await leave(plain)
      await operator('set server app/app1 state maint')
      expect((await views(plain)).app1).not.toHaveProperty('drainedBy')
      await expect(enter(plain)).rejects.toThrow(/by somebody else \(admin state 1\): it stays out$/)
      expect(await statusOf('app1')).toBe('MAINT')
    })

    test('a reload and a restart keep it drained; after it is back they bring back no old state', async () => {
      await leave(plain)
      await on('lb1', 'systemctl reload haproxy')
      expect((await views(plain)).app1).toMatchObject({ state: 'drained', drainedBy: RUN })
      await on('lb1', 'systemctl restart haproxy')
      expect((await views(plain)).app1).toMatchObject({ state: 'drained', drainedBy: RUN })
      expect((await views(plain)).app2).toMatchObject({ state: 'serving' })
      await enter(plain)
      await on('lb1', 'systemctl restart haproxy')
      expect((await views(plain)).app1).toMatchObject({ state: 'serving' })
    })

    test('a restart that has forgotten it: the flag takes it out again, and it is still ours', async () => {
      await leave(flagged)
      await on('lb1', `rm ${STATES}; systemctl restart haproxy`)
      await until('app1 DOWN', async () => (await statusOf('app1')) === 'DOWN')
      expect((await views(flagged)).app1).toMatchObject({ state: 'drained', drainedBy: RUN })
      expect(await enter(flagged)).toMatchObject({ state: 'serving' })
    })

    test('what an old process of a reloaded haproxy still carries is counted on the node', async () => {
      const to = `TCP:${lab.reach.hosts.lb1?.address}:8080`
      await operator('set server app/app2 state maint')
      await on('app2', `systemd-run -q --collect --unit=hold sh -c 'sleep 60 | socat - ${to}'`)
      try {
        await until('one connection', async () => (await views(flagged)).app1?.connections === 1)
        await on('lb1', 'systemctl reload haproxy')
        await until('a new process', async () => (await views(plain)).app1?.connections === 0)
        expect((await views(flagged)).app1).toMatchObject({ connections: 1 })
      } finally {
        await on('app2', 'systemctl stop hold')
      }
    })

    test('the state file stays while another of our nodes is out, not for what somebody else took out', async () => {
      await on('lb1', `install -d /var/lib/deploy/drained/app; echo ${RUN} >/var/lib/deploy/drained/app/app2`)
      await operator('set server app/app2 state drain')
      await leave(plain)
      await enter(plain)
      expect(await on('lb1', `awk '$4 ~ /^app/ { print $4, $7 }' ${STATES}`)).toBe('app1 0\napp2 8')
      await on('lb1', 'rm /var/lib/deploy/drained/app/app2')
      await leave(plain)
      await enter(plain)
      // A restart, months later, must not take out again what its owner has long brought back.
      expect(await on('lb1', `[ -e ${STATES} ] || echo gone`)).toBe('gone')
    })

    test('an open connection that goes on: waited for; with the flag it ends, and no request fails', async () => {
      const client = keepAsking(`http://${lab.reach.hosts.lb1?.address}:8080/`)
      await until('an answer', async () => client.served.bodies.length > 2)
      const node = client.served.bodies.at(-1) ?? ''
      const go = (balancer: Balancer, within: number) =>
        takeStages(reach(), balancer, node, balancer.drain(node, RUN), { within, signal: never })
      await expect(go(plain, 2)).rejects.toThrow(
        `${node} in haproxy app on lb1: not done within 2 s: waited for its connections to end; it is drained by ${RUN} with 1 connection (DRAIN, last check L7OK 200)`,
      )
      expect(client.served.bodies.at(-1)).toBe(node)
      expect(await go(flagged, 20)).toMatchObject({ state: 'drained', connections: 0 })
      const after = client.served.bodies.length
      await until('more answers', async () => client.served.bodies.length > after + 10)
      const { bodies, failed } = await client.end()
      expect(failed).toEqual([])
      expect(new Set(bodies.slice(after + 1))).toEqual(new Set([node === 'app1' ? 'app2' : 'app1']))
      await takeStages(reach(), flagged, node, flagged.join(node, RUN), { within: 20, signal: never })
    })

    test('joining waits until the checks find it well', async () => {
      await leave(flagged)
      await until('app1 DOWN', async () => (await statusOf('app1')) === 'DOWN')
      await on('app1', 'systemctl stop nginx')
      await expect(enter(flagged, 2)).rejects.toThrow(
        /waited for the checks of haproxy to find it well; it is down with 0 connections \(DOWN, last check L4CON Connection refused\)$/,
      )
      const joining = enter(flagged)
      await on('app1', 'systemctl start nginx')
      expect(await joining).toMatchObject({ state: 'serving' })
      expect(await statusOf('app1')).toBe('UP')
    })

    test('a flag by hand is not ours: drained by nobody we know, never removed', async () => {
      await on('app1', `install -d -m 755 /var/lib/health; touch ${FLAG}`)
      await until('app1 DOWN', async () => (await statusOf('app1')) === 'DOWN')
      const view = (await views(flagged)).app1
      expect(view).toMatchObject({ state: 'drained', detail: expect.stringContaining('health flag put there by hand') })
      expect(view).not.toHaveProperty('drainedBy')
      await expect(enter(flagged)).rejects.toThrow(
        `app1: ${FLAG} is there, and this run did not put it there: it is left alone, and this node stays out`,
      )
      await on('app1', `test -e ${FLAG}`)
    })
  })

  describe('the health flag', () => {
    test('raised, seen by a balancer that knows nothing of us, lowered', async () => {
      await on('app1', 'rm -rf /var/lib/health')
      const began = Date.now()
      const left = await leave(checked)
      expect(Date.now() - began).toBeGreaterThanOrEqual(3000)
      expect(left).toMatchObject({ state: 'drained', drainedBy: RUN, connections: 0 })
      expect(await statusOf('app1')).toBe('DOWN')
      expect(await on('app1', `stat -c '%a %U %n' /var/lib/health ${FLAG}; cat ${FLAG}`)).toBe(
        `755 root /var/lib/health\n644 root ${FLAG}\n${RUN}`,
      )
      expect(await enter(checked)).toMatchObject({ state: 'serving' })
      expect(await statusOf('app1')).toBe('UP')
      expect((await views(checked)).app2).toEqual({ state: 'serving', connections: 0 })
    })

    test('the flag of an earlier run keeps its age and gets the new mark', async () => {
      await leave(checked)
      await on('app1', `touch -d '-1 hour' ${FLAG}`)
      const view = await leave(checked, 20, LATER)
      expect(view).toMatchObject({ state: 'drained', drainedBy: LATER })
      expect(view.outFor).toBeGreaterThan(3590)
    })

    test('by hand: drained by nobody we know, left alone by leaving and rejoining', async () => {
      await on('app1', `install -d -m 755 /var/lib/health; echo 'see ticket 12' >${FLAG}`)
      expect((await views(checked)).app1).toMatchObject({ state: 'drained', detail: 'the flag was put there by hand' })
      await expect(leave(checked)).rejects.toThrow(
        `app1: ${FLAG} is there already, and no run put it there: it is left alone`,
      )
      await expect(enter(checked)).rejects.toThrow(
        /this run did not put it there: it is left alone, and this node stays out$/,
      )
      expect(await on('app1', `cat ${FLAG}`)).toBe('see ticket 12')
    })

    test.each(['TCP4:127.0.0.1', 'TCP6:[::1]'])('a connection over %s is counted', async (to) => {
      await on('app1', `systemd-run -q --collect --unit=hold sh -c 'sleep 60 | socat - ${to}:8080'`)
      try {
        await until('one connection', async () => (await views(checked)).app1?.connections === 1)
        await expect(leave(checked, 4)).rejects.toThrow(/it is drained by 20261126-010203-abcd with 1 connection$/)
      } finally {
        await on('app1', 'systemctl stop hold')
      }
      expect(await leave(checked)).toMatchObject({ state: 'drained', connections: 0 })
    })

    test('a check that does not look at the flag: not taken for drained', async () => {
      const blind = healthFlag({ url: 'http://127.0.0.1/', ports: [], leave: 0 })
      await expect(leave(blind, 2)).rejects.toThrow(
        /it is serving by 20261126-010203-abcd \(the flag is there, and http:\/\/127\.0\.0\.1\/ answers 200 all the same\)$/,
      )
    })

    test('nginx is stopped: down, with the reason', async () => {
      await on('app1', 'systemctl stop nginx')
      expect((await views(checked)).app1).toMatchObject({
        state: 'down',
        detail: expect.stringMatching(
          /^http:\/\/127\.0\.0\.1\/healthz does not answer \(Failed to connect to 127\.0\.0\.1 port 80/,
        ),
      })
    })
  })
})
