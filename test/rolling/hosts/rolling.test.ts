// Rolling phases on real hosts: nodes leave HAProxy, are changed, prove their health and rejoin; and every way in which
// that goes wrong.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { labExec } from '../../../src/lab/inside.ts'
import { labDestroy, labUp } from '../../../src/lab/lab.ts'
import { schemaErrors } from '../../docs/schema.ts'
import { describeOnLab, useLab } from '../../hosts/support/lab.ts'
import { ALL_UP, makePool, NODES, type PoolProject, seenBy } from '../../hosts/support/pool.ts'
import { onTerminal } from '../../hosts/support/terminal.ts'

describeOnLab('a rolling phase', () => {
  const lab = useLab('rolling', ['lb1', ...NODES])
  let project: PoolProject
  let version = 0
  const on = async (host: string, script: string) => (await labExec(lab, host, ['sh', '-c', script])).stdout
  const deploy = (...args: string[]) => project.deploy([...args, '--no-check'])
  const apply = (...more: string[]) => deploy('apply', 'lab', '--yes', ...more)
  const versions = () => Promise.all(NODES.map((node) => on(node, 'cat /srv/version')))
  const next = () => String(++version)

  /** The events of an apply, as `host state` of what nodes and their balancer did. */
  async function moves(...more: string[]) {
    const file = join(lab.root, 'events.jsonl')
    rmSync(file, { force: true })
    const ran = await apply('--events', file, ...more)
    const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
    const events = lines.map((line) => JSON.parse(line))
    const told = events.flatMap(({ type, host, state }) => (type === 'host' ? [`${host} ${state}`] : []))
    return { ...ran, told, events }
  }

  async function until(what: () => Promise<boolean>): Promise<void> {
    for (const end = Date.now() + 60_000; !(await what()); ) {
      if (Date.now() > end) throw new Error('it did not come about in time')
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  beforeAll(() => {
    project = makePool(lab)
  })

  afterEach(async () => {
    if ((await seenBy(lab).catch(() => [])).join() === ALL_UP.join()) return
    // A test that has failed leaves no trouble to the next one.
    await on('lb1', 'systemctl start haproxy').catch(() => '')
    for (const node of NODES) await on(node, 'rm -f /srv/sick; touch /srv/go')
    project.playbook({ version: String(version) })
    await apply('--prune')
    for (const node of NODES)
      await on('lb1', `echo 'set server app/${node} state ready' | socat - /run/haproxy/admin.sock`)
    await until(async () => (await seenBy(lab)).join() === ALL_UP.join())
  })

  test('on bare hosts: the plan is whole, the balancer is made, then all nodes at once, for none of them serves', async () => {
    project.playbook({ version: next() })

    const planned = await deploy('plan', 'lab')
    const applied = await moves()

    expect(planned.stdout).toContain('wave 1: app1, app2, app3  0 of 3 serving')
    expect([planned.code, applied.code]).toEqual([0, 0])
    expect(await seenBy(lab)).toEqual(ALL_UP)
    expect((await deploy('plan', 'lab')).stdout).toContain('nothing to do')
  })

  test('an update: one node after the other, each out while it is changed', async () => {
    project.playbook({ version: next() })

    const planned = await deploy('plan', 'lab', '--json')
    const applied = await moves()

    expect(schemaErrors('plan', JSON.parse(planned.stdout))).toEqual([])
    expect(JSON.parse(planned.stdout).phases[1].pool).toMatchObject({ nodes: 3, serving: 3, floor: 2, out: [] })
    const turn = (node: string) => ['leaving', 'checking', 'rejoining', 'serving'].map((state) => `${node} ${state}`)
    expect(applied.told).toEqual(NODES.flatMap(turn))
    expect(applied.events.flatMap((event) => schemaErrors('event', event))).toEqual([])
    expect(await versions()).toEqual(Array(3).fill(`${version}\n`))
  })

  test('only a node with changes leaves; without any, nobody does, and it costs the trips of a parallel phase', async () => {
    await on('app2', 'echo drifted >/srv/version')

    const mended = await moves()
    const calm = await moves('--json')
    const site = join(lab.root, 'playbooks/site.ts')
    const text = readFileSync(site, 'utf8')
    project.write(
      'playbooks/flat.ts',
      text.replace("rolling('app', {", "parallel('app', {").replace(/ {4}(through|settle|healthy):.*\n/g, ''),
    )
    const flat = await deploy('apply', 'lab', 'flat', '--yes', '--json')

    expect(mended.told).toEqual(['app2 leaving', 'app2 checking', 'app2 rejoining', 'app2 serving'])
    expect([calm.code, calm.told]).toEqual([0, []])
    const trips = (stdout: string) =>
      JSON.parse(stdout).hosts.map((host: { host: string; trips: number }) => [host.host, host.trips])
    expect(trips(calm.stdout)).toEqual(trips(flat.stdout))
  })

  test('F44: a node that answers with the old version stays out, named; the next ones are untouched; resume finishes', async () => {
    project.playbook({
      version: next(),
      healthy: `[{ url: 'http://127.0.0.1/version', version: 'another', within: 2 }]`,
    })

    const applied = await moves()
    const status = await project.deploy(['status', 'lab'])
    const document = JSON.parse((await project.deploy(['status', 'lab', '--json'])).stdout)

    expect(applied.code).toBe(5)
    expect(applied.told).toEqual(['app1 leaving', 'app1 checking', 'app1 out'])
    expect(applied.stdout).toContain('app1 is out of haproxy app on lb1.\nMend the cause, then: deploy resume lab')
    expect(applied.stdout).toContain(
      `version another at http://127.0.0.1/version: not so within 2 s: it answered ${version}`,
    )
    expect(await seenBy(lab)).toEqual(['app1 DRAIN', 'app2 UP', 'app3 UP'])
    expect((await versions()).slice(1)).toEqual(Array(2).fill(`${version - 1}\n`))
    expect(status.stdout).toMatch(/app1 +out +of haproxy app on lb1, since run \S+: not healthy: version another/)
    expect(schemaErrors('status', document)).toEqual([])

    project.playbook({ version: String(version) })
    const resumed = await deploy('resume', 'lab', '--yes')
    expect([resumed.code, await seenBy(lab)]).toEqual([0, ALL_UP])
    expect(resumed.stdout).toContain('* rejoin haproxy app on lb1')
    expect(await versions()).toEqual(Array(3).fill(`${version}\n`))
    expect((await project.deploy(['status', 'lab'])).stdout).toContain('nothing unfinished')
  })

  test('F43: a unit that starts and never answers', async () => {
    const dumb = `unit({ name: 'dumb', content: '[Service]\\nExecStart=/bin/sleep 1000\\n# ${next()}\\n', running: true }),`
    project.playbook({
      version: String(version),
      tasks: dumb,
      healthy: `[{ url: 'http://127.0.0.1:4000/', within: 2 }]`,
    })

    const applied = await moves()

    expect([applied.code, applied.told.at(-1)]).toEqual([5, 'app1 out'])
    expect(applied.stdout).toMatch(/http:\/\/127.0.0.1:4000\/: not so within 2 s: curl: \(7\)/)
    expect(await seenBy(lab)).toEqual(['app1 DRAIN', 'app2 UP', 'app3 UP'])
  })

  test('F42: a unit that dies some moments after its start, again and again, with the last lines of its journal', async () => {
    const flapping = `unit({ name: 'flapping', content: '[Service]\\nExecStart=/bin/sh -c "echo here I am; sleep 0.7; exit 3"\\nRestart=always\\nRestartSec=100ms\\n# ${next()}\\n', running: true }),`
    project.playbook({ version: String(version), tasks: flapping, rolling: 'settle: 3,' })

    const applied = await moves()

    expect([applied.code, applied.told.at(-1)]).toEqual([5, 'app1 out'])
    expect(applied.stdout).toMatch(/not healthy: flapping\.service: did not stay up: .*NRestarts=\d+/)
    expect(applied.stdout).toContain('here I am')
    expect(await seenBy(lab)).toEqual(['app1 DRAIN', 'app2 UP', 'app3 UP'])

    project.playbook({ version: String(version) })
    expect((await apply('--prune')).code).toBe(0)
    expect(await seenBy(lab)).toEqual(ALL_UP)
  })

  test('F51: another node is sick: a wave that would leave too few is refused, and nothing is touched', async () => {
    await on('app3', 'touch /srv/sick')
    await until(async () => (await seenBy(lab)).includes('app3 DOWN'))
    project.playbook({ version: next() })

    const planned = await deploy('plan', 'lab', '--limit', 'app1')
    const refused = await moves('--limit', 'app1')

    expect([planned.code, refused.code, refused.told]).toEqual([4, 4, []])
    const why = 'without app1 only 1 of 3 would serve, and the floor is 2: app3 is down'
    expect(planned.stdout).toContain(why)
    expect(refused.stderr).toContain(why)
    expect((await versions())[0]).toBe(`${version - 1}\n`)

    // With the sick one among them it comes first, for it serves nobody; it is not healed by that, and nobody follows.
    const all = await moves()
    expect([all.code, all.told]).toEqual([5, ['app3 leaving', 'app3 checking', 'app3 out']])
    await on('app3', 'rm /srv/sick')
    const healed = await moves()
    expect([healed.code, await seenBy(lab)]).toEqual([0, ALL_UP])
    expect(healed.told.slice(0, 3)).toEqual(['app3 checking', 'app3 rejoining', 'app3 serving'])
  })

  test('F51: a node that falls sick in the middle of a run: the next wave is refused, the one before has rejoined', async () => {
    const name = next()
    const waits = `command({ run: sh\`rm -f /srv/go; touch /srv/at-${name}; until [ -e /srv/go ]; do sleep 0.1; done; touch /srv/went-${name}\`, creates: '/srv/went-${name}' }),`
    project.playbook({ version: name, tasks: waits })
    const running = moves('--limit', 'app1,app2')
    await until(async () => (await on('app1', 'ls /srv')).includes(`at-${name}\n`))
    await on('app3', 'touch /srv/sick')
    await until(async () => (await seenBy(lab)).includes('app3 DOWN'))
    await on('app1', 'touch /srv/go')

    const ran = await running

    expect([ran.code, ran.told.at(-1)]).toEqual([4, 'app1 serving'])
    expect(ran.stdout).toContain('without app2 only 1 of 3 would serve, and the floor is 2: app3 is down')
    expect((await versions()).slice(1)).toEqual(Array(2).fill(`${version - 1}\n`))
    await on('app3', 'rm /srv/sick')
    await until(async () => (await seenBy(lab)).join() === ALL_UP.join())
    project.playbook({ version: name })
    expect((await apply()).code).toBe(0)
  })

  test('F52: what somebody else drained is changed and stays drained', async () => {
    await on('lb1', `echo 'set server app/app2 state drain' | socat - /run/haproxy/admin.sock`)
    project.playbook({ version: next(), rolling: 'floor: 1,' })

    const planned = await deploy('plan', 'lab')
    const applied = await moves()

    expect(planned.stdout).toContain('app2: drained')
    expect(applied.code).toBe(0)
    expect(applied.stdout + applied.stderr).toContain(
      'app2: somebody else took it out of haproxy app on lb1: it stays out',
    )
    expect(await seenBy(lab)).toEqual(['app1 UP', 'app2 DRAIN', 'app3 UP'])
    expect(await versions()).toEqual(Array(3).fill(`${version}\n`))
    await on('lb1', `echo 'set server app/app2 state ready' | socat - /run/haproxy/admin.sock`)
    await until(async () => (await seenBy(lab)).includes('app2 UP'))
  })

  test('F50: a balancer that does not answer: at the drain nothing is touched, at the join the node is out and rejoins later', async () => {
    await on('lb1', 'systemctl stop haproxy')
    project.playbook({ version: next(), rolling: 'rejoin: 3,' })
    const limited = await moves('--limit', 'app')
    expect(limited.told).toEqual([])
    expect(limited.code).toBe(1)
    expect(limited.stdout + limited.stderr).toMatch(/haproxy app on lb1 cannot be seen: .*admin\.sock/)
    expect(await versions()).toEqual(Array(3).fill(`${version - 1}\n`))

    await on('lb1', 'systemctl start haproxy')
    await until(async () => (await seenBy(lab)).join() === ALL_UP.join())
    const waits = `command({ run: sh\`rm -f /srv/go; touch /srv/at; until [ -e /srv/go ]; do sleep 0.1; done; touch /srv/went-${version}\`, creates: '/srv/went-${version}' }),`
    project.playbook({ version: String(version), rolling: 'rejoin: 3,', tasks: waits })
    const running = moves('--limit', 'app')
    await until(async () => (await on('app1', 'ls /srv')).includes('at\n'))
    await on('lb1', 'systemctl stop haproxy')
    await on('app1', 'touch /srv/go')
    const left = await running
    expect([left.code, left.told.at(-1)]).toEqual([5, 'app1 out'])
    expect(left.stdout).toContain('it could not rejoin')

    await on('lb1', 'systemctl start haproxy')
    project.playbook({ version: String(version) })
    const resumed = await deploy('resume', 'lab', '--yes')
    expect([resumed.code, await seenBy(lab)]).toEqual([0, ALL_UP])
  })

  test('T5: two runs limited to different nodes of one pool: the second is refused', async () => {
    const name = next()
    const waits = `command({ run: sh\`rm -f /srv/go; touch /srv/at-${name}; until [ -e /srv/go ]; do sleep 0.1; done; touch /srv/went-${name}\`, creates: '/srv/went-${name}' }),`
    project.playbook({ version: name, tasks: waits, rolling: 'floor: 1,' })
    const running = apply('--limit', 'app1')
    await until(async () => (await on('app1', 'ls /srv')).includes(`at-${name}\n`))

    const second = await apply('--limit', 'app2')

    expect([second.code, second.stderr]).toEqual([4, expect.stringContaining('is locked by run')])
    await on('app1', 'touch /srv/go')
    expect((await running).code).toBe(0)
    expect(await seenBy(lab)).toEqual(ALL_UP)
  })

  test('F21: killed while a node is out: status names it, and resume finishes', async () => {
    project.playbook({ version: next() })
    expect((await apply()).code).toBe(0)
    const folder = join(lab.root, '.deploy/runs')
    const journal = readFileSync(join(folder, readdirSync(folder).sort().at(-1) ?? ''), 'utf8')
    const events = journal
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).event)
    project.playbook({ version: next() })

    const killed = await project.deploy(['apply', 'lab', '--yes', '--no-check'], {
      DEPLOY_FAILPOINT: `after:${events.indexOf('drained') + 1}`,
    })
    const status = await project.deploy(['status', 'lab'])

    expect([killed.code, await seenBy(lab)]).toEqual([-1, ['app1 DRAIN', 'app2 UP', 'app3 UP']])
    expect(status.stdout).toMatch(/app1 +held[\s\S]*out of haproxy app on lb1, since run \S+: being changed/)
    expect((await deploy('resume', 'lab', '--yes')).code).toBe(0)
    expect([await versions(), await seenBy(lab)]).toEqual([Array(3).fill(`${version}\n`), ALL_UP])
  })

  test('F10: a node that reboots while it is out stays out, named, and rejoins with the next run', async () => {
    const name = next()
    const waits = `command({ run: sh\`touch /srv/at-${name}; sleep 600\`, creates: '/srv/went-${name}' }),`
    project.playbook({ version: name, tasks: waits })
    const running = moves()
    await until(async () => (await on('app1', 'ls /srv')).includes(`at-${name}\n`))
    await on('app1', 'systemctl reboot').catch(() => '')

    const cut = await running

    expect([cut.code, cut.told.at(-1)]).toEqual([5, 'app1 out'])
    await until(async () => (await on('app1', 'systemctl is-active ssh').catch(() => '')) === 'active\n')
    await until(async () => (await seenBy(lab)).join() === ['app1 DRAIN', 'app2 UP', 'app3 UP'].join())
    project.playbook({ version: name })
    const resumed = await deploy('resume', 'lab', '--yes')
    expect([resumed.code, await seenBy(lab)]).toEqual([0, ALL_UP])
  })

  test('a lost node: an empty machine of its name serves again after one apply', async () => {
    await labDestroy(lab, 'app2')
    await until(async () => (await seenBy(lab)).includes('app2 DOWN'))
    await labUp(lab)
    expect(await on('app2', 'ls /srv')).toBe('')

    const applied = await moves()

    expect(applied.told).toEqual(['app2 leaving', 'app2 checking', 'app2 rejoining', 'app2 serving'])
    expect([applied.code, await seenBy(lab)]).toEqual([0, ALL_UP])
  })

  test('prepare: on all nodes before the first one leaves', async () => {
    const name = next()
    project.playbook({
      version: name,
      rolling: `prepare: () => [file({ path: '/srv/prepared', content: '${name}\\n' })],`,
    })

    const applied = await moves()

    expect(applied.code).toBe(0)
    const at = (want: (event: { type: string; state: string; task?: string }) => boolean) =>
      applied.events.flatMap((event, index) => (want(event) ? [index] : []))
    const prepared = at(
      ({ type, state, task }) => type === 'task' && state === 'changed' && task === 'file /srv/prepared',
    )
    const leaving = at(({ state }) => state === 'leaving')
    expect([prepared.length, leaving.length]).toEqual([3, 3])
    expect(Math.max(...prepared)).toBeLessThan(Math.min(...leaving))
  })

  test('a pause asks on a terminal before it goes on; a no leaves the others as they were', async () => {
    project.playbook({ version: next(), rolling: `pause: 'after each wave',` })

    const { code, screen } = await onTerminal(
      lab.root,
      ['apply', 'lab', '--no-check'],
      [
        ['Apply 3 changes to lab?', 'yes'],
        ['app1 is done. Go on with app2, app3?', 'yes'],
        ['app2 is done. Go on with app3?', 'no'],
      ],
    )

    expect([code, screen]).toEqual([4, expect.stringContaining('not begun: not confirmed')])
    expect(await versions()).toEqual([`${version}\n`, `${version}\n`, `${version - 1}\n`])
    expect(await seenBy(lab)).toEqual(ALL_UP)
  })

  test('a node that was left out stays out when its next turn is broken off before it is changed', async () => {
    project.playbook({
      version: next(),
      healthy: `[{ url: 'http://127.0.0.1/version', version: 'another', within: 1 }]`,
    })
    expect((await apply()).code).toBe(5)
    const left = version
    // Somebody raised a flag by hand, too: the balancer refuses to take it out once more.
    await on('lb1', `echo 'set server app/app1 state maint' | socat - /run/haproxy/admin.sock`)
    project.playbook({ version: next(), rolling: 'floor: 1, leave: 3,' })

    const broken = await moves('--limit', 'app1')

    expect([broken.code, broken.told.at(-1)]).toEqual([5, 'app1 out'])
    expect(broken.stdout).toContain('taken out by somebody else')
    expect((await versions())[0]).toBe(`${left}\n`)
    expect((await seenBy(lab))[0]).toMatch(/app1 MAINT/)
    await on('lb1', `echo 'set server app/app1 state drain' | socat - /run/haproxy/admin.sock`)
    project.playbook({ version: String(version) })
    expect((await deploy('resume', 'lab', '--yes')).code).toBe(0)
    expect((await apply()).code).toBe(0)
    expect(await seenBy(lab)).toEqual(ALL_UP)
  })

  test('a reboot as the last task of a node: it rejoins when it is back', async () => {
    await on('app1', 'touch /run/reboot-required')
    const before = await on('app1', 'cat /proc/sys/kernel/random/boot_id')
    project.playbook({ version: String(version), last: 'reboot({}),' })

    const applied = await moves()

    expect([applied.code, applied.told.filter((told) => !/lost|reconnected/.test(told))]).toEqual([
      0,
      ['app1 leaving', 'app1 checking', 'app1 rejoining', 'app1 serving'],
    ])
    expect(await on('app1', 'cat /proc/sys/kernel/random/boot_id')).not.toBe(before)
    expect(await seenBy(lab)).toEqual(ALL_UP)
  })

  test('rollback: what a run replaced on a sick node is put back, and it serves again', async () => {
    project.playbook({ version: String(version) })
    expect((await apply()).code).toBe(0)
    project.playbook({
      version: next(),
      rolling: 'rollback: true,',
      healthy: `[{ url: 'http://127.0.0.1/version', contains: '${version - 1}', within: 2 }]`,
    })

    const applied = await moves()

    expect(applied.code).toBe(1)
    expect(applied.stdout).toContain('what this run replaced on it was put back')
    expect(applied.told).toEqual(['app1 leaving', 'app1 checking', 'app1 checking', 'app1 rejoining', 'app1 serving'])
    expect(await versions()).toEqual(Array(3).fill(`${version - 1}\n`))
    expect(await seenBy(lab)).toEqual(ALL_UP)
  })

  test('a node whose server the balancer does not know: a clear error, and nothing is changed on it', async () => {
    const before = await versions()
    project.playbook({ version: next() })
    const site = join(lab.root, 'playbooks/site.ts')
    project.write(
      'playbooks/site.ts',
      readFileSync(site, 'utf8')
        .replace("backend: 'app'", "backend: 'app', server: (node) => node.replace('app1', 'web1')")
        .replace("rolling('app', {", "rolling('app', { leave: 3, rejoin: 3,"),
    )

    const applied = await moves('--limit', 'app1')

    expect(applied.stdout + applied.stderr).toContain('haproxy has no server web1 (servers: app1')
    expect(await versions()).toEqual(before)
    project.playbook({ version: String(version) })
    expect((await apply()).code).toBe(0)
    expect(await seenBy(lab)).toEqual(ALL_UP)
  })
})
