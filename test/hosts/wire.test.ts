import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { labExec } from '../../src/lab/inside.ts'
import { labCut, labHeal, labKill, labStart } from '../../src/lab/lab.ts'
import { describeOnLab, ssh, useLab } from './support/lab.ts'
import { documentOf, makeProject, outcomes, type Project } from './support/project.ts'

describeOnLab('the wire', () => {
  const lab = useLab('wire', ['app1', 'app2'])
  let project: Project
  const on = async (host: string, script: string) => (await labExec(lab, host, ['sh', '-c', script])).stdout
  const apply = async (...args: string[]) => {
    const ran = await project.deploy(['apply', 'lab', '--yes', '--json', '--no-check', ...args])
    return { ...ran, document: documentOf(ran) }
  }
  /** Waits until a script succeeds on a host; gives up after 20 s. */
  const until = async (host: string, script: string) => {
    const end = Date.now() + 20_000
    while ((await labExec(lab, host, ['sh', '-c', script]).catch(() => undefined))?.code !== 0) {
      if (Date.now() > end) throw new Error(`not so within 20 s on ${host}: ${script}`)
      await delay(50)
    }
  }

  const bootId = async (host: string) => (await on(host, 'cat /proc/sys/kernel/random/boot_id')).trim()

  beforeAll(() => {
    project = makeProject(lab)
  })

  test('F09 a lost link: the program goes on, the controller reconnects and reads on', async () => {
    project.tasks(`[
      command({ run: sh\`echo before; pkill -9 -f '^sshd: root'; sleep 1; echo after; mkdir /srv/link\`, creates: '/srv/link' }),
      file({ path: '/srv/link/file', content: 'x' }),
    ]`)
    const { code, document } = await apply('--limit', 'app1')

    expect(code).toBe(0)
    expect(document.results.map(({ outcome }) => outcome)).toEqual(['changed', 'changed'])
    expect(document.results[0]?.output).toBe('before\nafter\n')
  })

  test('F08 a cable cut for a while: the true result comes in after it heals', async () => {
    project.tasks(
      `[command({ run: sh\`touch /srv/cutting; sleep 4; echo true result; rm /srv/cutting; touch /srv/cut\`, creates: '/srv/cut' })]`,
    )
    const running = apply('--limit', 'app1')
    await until('app1', 'test -e /srv/cutting')
    await labCut(lab, 'app1')
    await until('app1', 'test -e /srv/cut')
    await delay(13_000)
    await labHeal(lab, 'app1')
    const { code, document } = await running

    expect(code).toBe(0)
    expect(document.results).toMatchObject([{ outcome: 'changed', output: 'true result\n' }])
  })

  test('F24 a program that is killed is unknown, neither ok nor failed; the restart it owed is paid by the next apply', async () => {
    const tasks = (script: string) =>
      project.tasks(
        `[
          directory({ path: '/srv/gone' }),
          file({ path: '/srv/gone/conf', content: 'new\\n' }, { notify: restart }),
          command({ run: sh\`${script}\`, creates: '/srv/gone/last' }),
        ]`,
        `const restart = handler('restart', sh\`echo restarted >>/srv/gone/restarts\`)`,
      )
    tasks('kill -9 $(cat /run/deploy/*/*/pid)')
    const killed = await apply('--limit', 'app1')
    tasks('touch /srv/gone/last')
    const planned = documentOf(await project.deploy(['plan', 'lab', '--json', '--no-check', '--limit', 'app1']))
    const next = await apply('--limit', 'app1')

    expect(killed.code).toBe(3)
    expect(killed.document.results.map(({ outcome }) => outcome)).toEqual(['changed', 'changed', 'unknown'])
    expect(planned.changes.map(({ action }) => action)).toEqual(
      ['handler', 'run'].map((action) => (action === 'run' ? 'create' : action)),
    )
    expect(next.code).toBe(0)
    expect(await on('app1', 'cat /srv/gone/restarts')).toBe('restarted\n')
  })

  test('a host that loses power in the middle is unknown, and named', async () => {
    project.tasks(`[command({ run: sh\`touch /srv/power; sleep 30\`, creates: '/srv/never' })]`)
    const running = apply('--limit', 'app2')
    await until('app2', 'test -e /srv/power')
    await labKill(lab, 'app2')
    await labStart(lab, 'app2')
    const { code, document } = await running

    expect(code).toBe(3)
    expect(document.hosts).toMatchObject([{ host: 'app2', state: 'unknown', message: 'the host rebooted meanwhile' }])
  })

  test('F10 a host that is rebooted in the middle is never ok; the next apply finishes, and pays the restart', async () => {
    for (const host of lab.hosts)
      await on(
        host,
        `rm -rf /srv/r; mkdir /srv/r; printf '#!/bin/sh\ntouch /srv/r/at; [ -e /srv/r/quick ] || sleep 60; echo "$1" >>/srv/r/done\n' >/srv/r/slow; chmod 755 /srv/r/slow
        printf '[Service]\nType=oneshot\nExecStart=/srv/r/slow restarted\n' >/etc/systemd/system/slow.service; systemctl daemon-reload`,
      )
    // On app1 the reboot comes while the handler restarts the unit, on app2 while a command runs that is before it.
    project.tasks(
      `[
        file({ path: '/srv/r/conf', content: 'new\\n' }, { notify: restart }),
        host.name === 'app2' && command({ run: sh\`/srv/r/slow ran\`, creates: '/srv/r/done' }),
      ]`,
      `const restart = handler('restart slow', sh\`systemctl restart slow\`)`,
    )
    const running = apply()
    for (const host of lab.hosts) await until(host, 'test -e /srv/r/at')
    const boot = await Promise.all(lab.hosts.map(bootId))
    for (const host of lab.hosts) await ssh(lab.reach, host, 'reboot')
    const { code, document } = await running
    for (const [at, host] of lab.hosts.entries())
      await until(host, `grep -vq ${boot[at]} /proc/sys/kernel/random/boot_id && systemctl -q is-active ssh`)

    expect([1, 3]).toContain(code)
    for (const { host, state } of document.hosts) expect(`${host} ${state}`).toMatch(/ (failed|unknown)$/)
    const cut = outcomes(document).filter((line) => !line.includes(' file '))
    expect(cut.join('\n')).toMatch(
      /^app2 command \/srv\/r\/slow ran: unknown .*\napp1 handler restart slow: (failed|unknown .*)$/,
    )
    for (const host of lab.hosts) await on(host, 'touch /srv/r/quick')
    expect((await apply()).code).toBe(0)
    expect(await on('app1', 'cat /srv/r/done; ls /var/lib/deploy/owed')).toBe('restarted\n')
    expect(await on('app2', 'cat /srv/r/done; ls /var/lib/deploy/owed')).toBe('ran\nrestarted\n')
    expect(documentOf(await project.deploy(['plan', 'lab', '--json', '--no-check'])).changes).toEqual([])
  })

  test('a file changed between plan and program: stale, nothing was touched, decided again', async () => {
    project.tasks(`[file({ path: '/srv/stale', content: 'wanted\\n' })]`)
    await labExec(lab, 'app1', [
      'sh',
      '-c',
      'echo one >/srv/stale; mkdir -p /run/deploy; (flock 9; sleep 3) 9>/run/deploy/lock >/dev/null 2>&1 &',
    ])
    const running = apply('--limit', 'app1')
    await until('app1', "pgrep -f '^flock -w'")
    await labExec(lab, 'app1', ['sh', '-c', 'echo two >/srv/stale'])
    const { code, document } = await running

    expect(code).toBe(0)
    expect(outcomes(document)).toEqual(['app1 file /srv/stale: changed'])
    expect(
      await on('app1', 'cat /srv/stale; grep -e end.stale -e done.path:/srv/stale /var/lib/deploy/journal'),
    ).toMatch(/^wanted\n.* end stale\n.* done path:\/srv\/stale\n$/)
  })

  describe('the lock', () => {
    const foreign = {
      who: 'alice',
      machine: 'elsewhere',
      place: 'another/pid',
      pid: 7,
      started: 'x',
      since: '2026-01-01T00:00:00.000Z',
      command: 'apply lab',
      project: 'other',
      environment: 'lab',
      playbook: 'site',
      prune: false,
      hosts: ['app2'],
    }

    test('F25 of somebody else refuses, says who, where and since when, and releases what was taken', async () => {
      project.tasks(`[file({ path: '/srv/locked', content: 'x' })]`)
      await labExec(lab, 'app2', ['sh', '-c', 'mkdir -p /var/lib/deploy; cat >/var/lib/deploy/owner'], {
        input: `other-run 4\n${JSON.stringify(foreign)}\n`,
      })
      const planned = await project.deploy(['plan', 'lab', '--no-check'])
      const { code, stderr } = await project.deploy(['apply', 'lab', '--yes', '--no-check'])
      const left = await on('app1', 'ls /var/lib/deploy/owner /srv/locked 2>&1')
      await labExec(lab, 'app2', ['rm', '/var/lib/deploy/owner'])

      expect(planned.code).toBe(0)
      expect(planned.stderr).toContain('app2 is held by run other-run: alice on elsewhere (pid 7)')
      expect(code).toBe(4)
      expect(stderr).toContain(
        'app2 is locked by run other-run: alice on elsewhere (pid 7) since 2026-01-01T00:00:00.000Z, by apply lab',
      )
      expect(left).toContain("cannot access '/srv/locked'")
      expect(left).toContain("cannot access '/var/lib/deploy/owner'")
      expect((await project.deploy(['apply', 'lab', '--yes', '--no-check'])).code).toBe(0)
    })

    test('F25 two operators at once: one of them waits for nobody and is refused, and nothing they do is mixed', async () => {
      for (const who of ['alice', 'bob'])
        project.write(
          `playbooks/${who}.ts`,
          `import { command, file, playbook, sh } from 'evenkeel'
import { parallel } from '../inventories/schema.ts'
export default playbook('${who}', [
  parallel('all', { on: 'app', tasks: () => [
    file({ path: '/srv/one', content: '${who}' }),
    command({ run: sh\`echo ${who} start >>/srv/audit; sleep 0.2; echo ${who} end >>/srv/audit\` }),
    file({ path: '/srv/two', content: '${who}' }),
  ] }),
])
`,
        )
      const codes: number[] = []
      for (const later of [0, 0, 150, 500]) {
        const both = ['alice', 'bob'].map(async (who, at) => {
          await delay(at * later)
          return project.deploy(['apply', 'lab', who, '--yes', '--no-check'])
        })
        for (const { code, stderr } of await Promise.all(both)) {
          codes.push(code)
          if (code !== 0)
            expect(`${code} ${stderr}`).toMatch(
              /^4 [\s\S]*is locked by run .*: \S+ on \S+ \(pid \d+\) since \S+, by apply lab (alice|bob)\n {2}see what it does: deploy status lab\n$/,
            )
        }
        expect(codes.slice(-2)).toContain(0)
        const left = await Promise.all(lab.hosts.map((host) => on(host, 'cat /srv/one; echo; cat /srv/two')))
        expect(['alice\nalice', 'bob\nbob']).toContain(left[0])
        expect(left[1]).toBe(left[0])
      }
      expect(codes).toContain(4)
      for (const host of lab.hosts) {
        // Who began is who ends, in what the commands wrote and in the host's own journal.
        const audit = (await on(host, 'cat /srv/audit')).trim().split('\n')
        expect(audit.length).toBe(2 * codes.filter((code) => code === 0).length)
        for (const [at, line] of audit.entries())
          if (at % 2 === 0) expect(`${line} ${audit[at + 1]}`).toMatch(/^(\w+) start \1 end$/)
        const runs = (await on(host, 'cut -d" " -f1 /var/lib/deploy/journal | uniq')).trim().split('\n')
        expect(runs.length).toBe(new Set(runs).size)
      }
    })

    test('F26 that is taken over in the middle stops the program before its next task', async () => {
      project.tasks(`[
        command({ run: sh\`echo 'thief 99' >/var/lib/deploy/owner; touch /srv/taken\`, creates: '/srv/taken' }),
        file({ path: '/srv/never', content: 'x' }),
      ]`)
      const { code, document } = await apply('--limit', 'app1')
      await labExec(lab, 'app1', ['rm', '/var/lib/deploy/owner'])

      expect(code).toBe(1)
      expect(document.results.map(({ outcome }) => outcome)).toEqual(['changed', 'not-run'])
      expect(document.hosts[0]?.message).toContain('another run has taken over the lock')
    })
  })

  test('a restart is dropped when a task started the unit after the last change that asked for it', async () => {
    project.tasks(
      `[
        file({ path: '/etc/drop.conf', content: 'x' }, { notify: restart }),
        unit({ name: 'drop.service', content: '[Service]\\nExecStart=/bin/sleep infinity\\n', running: true }),
      ]`,
      `const restart = handler('restart drop', sh\`systemctl restart drop\`, { restarts: 'drop' })`,
    )
    const { code, document } = await apply('--limit', 'app1')

    expect(code).toBe(0)
    expect(outcomes(document)).toEqual([
      'app1 file /etc/drop.conf: changed',
      'app1 unit drop.service: changed',
      'app1 handler restart drop: skipped a task had started the unit since',
    ])
  })

  describe('logins', () => {
    const address = (host: string) => lab.reach.hosts[host]?.address
    const inventory = (fields: string) =>
      project.write(
        'inventories/other.yaml',
        `groups: { app: { hosts: [app1] } }\nhosts: { app1: { address: ${address('app1')}, connection: { identityFile: ${lab.reach.identityFile}, ${fields} } } }\n`,
      )
    const plan = () => project.deploy(['plan', 'other', '--no-check'])

    test('an unknown host key is refused until it is trusted by its fingerprint; a changed one again', async () => {
      project.tasks(`[file({ path: '/srv/trust', content: 'x' })]`)
      inventory('user: root')
      const unknown = await plan()
      const key = await on('app1', 'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub')
      const fingerprint = key.split(' ')[1] ?? ''
      const asked = await project.deploy(['trust', 'other'])
      const wrong = await project.deploy(['trust', 'other', 'app1', '--fingerprint', `${fingerprint}x`])
      const trusted = await project.deploy(['trust', 'other', 'app1', '--fingerprint', fingerprint])
      const known = await plan()
      const file = join(project.root, 'inventories/other.known_hosts')
      const altered = readFileSync(file, 'utf8').replace(
        /AAAA\S+/,
        readFileSync(`${lab.reach.identityFile}.pub`, 'utf8').split(' ')[1] ?? '',
      )
      project.write('inventories/other.known_hosts', altered)
      const changed = await plan()

      expect(unknown).toMatchObject({ code: 3, stdout: expect.stringContaining('its host key is not known yet') })
      expect(unknown.stdout).toContain('deploy trust other app1')
      expect(asked).toMatchObject({ code: 4, stderr: expect.stringContaining(`--fingerprint ${fingerprint}`) })
      expect(wrong.code).toBe(4)
      expect(trusted).toMatchObject({ code: 0, stdout: expect.stringContaining('app1: trusted') })
      expect(known.code).toBe(0)
      expect(changed).toMatchObject({
        code: 3,
        stdout: expect.stringMatching(
          /its host key \(SHA256:\S+\) is not the one that is trusted \(SHA256:\S+, \S+:1\)/,
        ),
      })
      project.write('inventories/other.known_hosts', `${readFileSync(file, 'utf8').replace(/AAAA\S+/, '')}`)
      expect((await project.deploy(['trust', 'other', 'app1', '--fingerprint', fingerprint])).code).toBe(0)
    })

    test('sudo without a password works; without the right, it is said', async () => {
      await labExec(lab, 'app1', [
        'sh',
        '-c',
        'useradd -m -s /bin/bash op; useradd -m -s /bin/bash plain; for u in op plain; do mkdir -p /home/$u/.ssh; cp /root/.ssh/authorized_keys /home/$u/.ssh/; chown -R $u /home/$u/.ssh; done; echo "op ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/op',
      ])
      inventory('user: op')
      const applied = await project.deploy(['apply', 'other', '--yes', '--no-check'])
      inventory('user: plain')
      const refused = await plan()
      inventory('user: nobodyatall')
      const denied = await plan()

      expect(applied.code).toBe(0)
      expect(await on('app1', 'stat -c %U /srv/trust')).toBe('root\n')
      expect(refused).toMatchObject({ code: 3, stdout: expect.stringContaining('sudo needs a password for plain@') })
      expect(denied).toMatchObject({ code: 3, stdout: expect.stringContaining('login as nobodyatall@') })
    })
  })
})
