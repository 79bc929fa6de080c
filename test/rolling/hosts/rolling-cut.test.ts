// Rolling phases that do not come to their end: told to stop, killed, put to sleep, while a node is out of its balancer.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { get } from 'node:http'
import { join } from 'node:path'
import { afterEach, beforeAll, expect, onTestFinished, test } from 'vitest'
import { labExec } from '../../../src/lab/inside.ts'
import { describeOnLab, useLab } from '../../hosts/support/lab.ts'
import { ALL_UP, makePool, NODES, type PoolProject, seenBy } from '../../hosts/support/pool.ts'
import type { Ran } from '../../hosts/support/project.ts'

const DEPLOY = join(import.meta.dirname, '../../../bin/deploy.js')

describeOnLab('a rolling phase that is cut off', () => {
  const lab = useLab('rolling-cut', ['lb1', ...NODES])
  let project: PoolProject
  let version = 0
  const on = async (host: string, script: string) => (await labExec(lab, host, ['sh', '-c', script])).stdout
  const versions = () => Promise.all(NODES.map((node) => on(node, 'cat /srv/version')))
  const resume = () => project.deploy(['resume', 'lab', '--yes', '--no-check'])

  async function until(what: () => Promise<boolean>): Promise<void> {
    for (const end = Date.now() + 60_000; !(await what()); ) {
      if (Date.now() > end) throw new Error('it did not come about in time')
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  function start(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const child: ChildProcess = spawn(process.execPath, [DEPLOY, ...args, '--no-check'], {
      cwd: lab.root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    const said = { stdout: '', stderr: '' }
    child.stdout?.on('data', (chunk) => {
      said.stdout += chunk
    })
    child.stderr?.on('data', (chunk) => {
      said.stderr += chunk
    })
    const ended = new Promise<Ran>((resolve) => child.on('close', (code) => resolve({ code: code ?? -1, ...said })))
    return { child, ended, said }
  }

  /** An apply of a new version that waits on app1, which is out of its balancer, for `/srv/go`. */
  async function waiting() {
    version++
    for (const node of NODES) await on(node, 'rm -f /srv/go')
    project.playbook({
      version: String(version),
      tasks: `command({ run: sh\`touch /srv/at-${version}; until [ -e /srv/go ]; do sleep 0.1; done; touch /srv/went-${version}\`, creates: '/srv/went-${version}' }),`,
    })
    const running = start(['apply', 'lab', '--yes'])
    await until(async () => (await on('app1', 'ls /srv')).includes(`at-${version}\n`))
    return running
  }

  const go = async () => {
    for (const node of NODES) await on(node, 'touch /srv/go')
  }

  beforeAll(async () => {
    project = makePool(lab)
    project.playbook({ version: '0' })
    expect((await project.deploy(['apply', 'lab', '--yes', '--no-check'])).code).toBe(0)
  })

  afterEach(async () => {
    expect(await seenBy(lab)).toEqual(ALL_UP)
  })

  test('F20: one Ctrl-C while a node is out: it is finished and rejoins, the next ones are untouched', async () => {
    const { child, ended, said } = await waiting()

    child.kill('SIGINT')
    await until(async () => said.stderr.includes('stopping'))
    await go()

    expect([(await ended).code, await versions()]).toEqual([
      130,
      [`${version}\n`, `${version - 1}\n`, `${version - 1}\n`],
    ])
    expect(said.stdout).toContain('not begun: the run was told to stop')
    expect(await seenBy(lab)).toEqual(ALL_UP)
    expect((await project.deploy(['apply', 'lab', '--yes', '--no-check'])).code).toBe(0)
  })

  test('F20: Ctrl-C while a node waits for its connections to end: it is put back, and nothing was changed on it', async () => {
    await on(
      'app1',
      'head -c 30000000 /dev/zero >/srv/big; sed -i "s,location = /version,location = /big { alias /srv/big; }\\n  location = /version," /etc/nginx/sites-enabled/default; systemctl reload nginx',
    )
    // A reload answers before its new workers do.
    await until(async () => (await on('app1', 'curl -sI http://127.0.0.1/big')).includes('200 OK'))
    // Each node gets one of three.
    for (let slow = 0; slow < 3; slow++) {
      const request = get({ host: lab.reach.hosts.lb1?.address, port: 8080, path: '/big' }, (answer) => answer.pause())
      request.on('error', () => undefined)
      onTestFinished(() => void request.destroy())
    }
    const busy = `echo 'show stat' | socat - /run/haproxy/admin.sock | awk -F, '$1=="app" && $2=="app1" { print $5 }'`
    await until(async () => Number(await on('lb1', busy)) > 0)
    const before = await versions()
    project.playbook({ version: String(++version) })
    const { child, ended, said } = start(['apply', 'lab', '--yes'])
    await until(async () => (await seenBy(lab)).includes('app1 DRAIN'))

    child.kill('SIGINT')

    expect([(await ended).code, await versions()]).toEqual([130, before])
    expect(said.stdout).toContain('nothing was changed on it')
    expect(await seenBy(lab)).toEqual(ALL_UP)
  })

  test('F20 T3: Ctrl-C twice: it leaves at once; status names the node that is out, and resume finishes', async () => {
    const { child, ended, said } = await waiting()

    child.kill('SIGINT')
    await until(async () => said.stderr.includes('stopping'))
    // Signals that come close together count as one.
    const again = setInterval(() => child.kill('SIGINT'), 200)
    onTestFinished(() => clearInterval(again))

    expect((await ended).code).toBe(130)
    const { stdout } = await project.deploy(['status', 'lab'])
    expect(stdout).toMatch(/app1 +held[\s\S]*out of haproxy app on lb1, since run \S+: being changed/)
    await go()
    const resumed = await resume()
    expect([resumed.code, await versions()]).toEqual([0, Array(3).fill(`${version}\n`)])
  })

  test('F21: killed right after a node has left, and from another clone: status names it, resume finishes', async () => {
    const { child, ended } = await waiting()
    child.kill('SIGKILL')
    expect((await ended).code).toBe(-1)
    expect(await seenBy(lab)).toEqual(['app1 DRAIN', 'app2 UP', 'app3 UP'])

    const status = await project.deploy(['status', 'lab'])
    await go()
    const resumed = await resume()

    expect(status.stdout).toContain('1 node out of a balancer')
    expect([resumed.code, await versions()]).toEqual([0, Array(3).fill(`${version}\n`)])
  })

  test('F21: killed before it lets a node back in: the next apply does only that, and the rest', async () => {
    project.playbook({ version: String(++version) })
    const folder = join(lab.root, '.deploy/runs')
    const known = existsSync(folder) ? readdirSync(folder) : []
    expect((await start(['apply', 'lab', '--yes']).ended).code).toBe(0)
    const run = readdirSync(folder).find((file) => !known.includes(file)) ?? ''
    const events = readFileSync(join(folder, run), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).event)
    project.playbook({ version: String(++version) })

    const killed = await start(['apply', 'lab', '--yes'], { DEPLOY_FAILPOINT: `before:${events.indexOf('join') + 1}` })
      .ended
    const applied = await start(['apply', 'lab', '--yes']).ended

    expect(killed.code).toBe(-1)
    expect([applied.code, await versions()]).toEqual([0, Array(3).fill(`${version}\n`)])
    expect(applied.stdout).toContain('* rejoin haproxy app on lb1  [app1]')
    expect(applied.stdout).toMatch(/app1 +checking/)
  })

  test('F22: a controller that slept while another one took over lets no node leave or rejoin any more', async () => {
    const { child, ended, said } = await waiting()
    child.kill('SIGSTOP')
    const other = start(['resume', 'lab', '--yes'])
    await until(
      async () =>
        other.said.stderr.includes('waiting for the programs') ||
        other.said.stdout.includes('waiting for the programs'),
    )
    await go()
    expect((await other.ended).code).toBe(0)
    project.playbook({ version: String(++version) })

    child.kill('SIGCONT')
    const woken = await ended

    expect(woken.code).toBe(1)
    expect(said.stdout).toContain('another run has taken over')
    expect(await seenBy(lab)).toEqual(ALL_UP)
    expect(await versions()).toEqual(Array(3).fill(`${version - 1}\n`))
    expect((await start(['apply', 'lab', '--yes']).ended).code).toBe(0)
  })
})
