import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { labExec } from '../../../src/lab/inside.ts'
import { labCut, labHeal } from '../../../src/lab/lab.ts'
import { delayProxy } from '../../bench/delay-proxy.ts'
import { describeOnLab, useLab } from '../../hosts/support/lab.ts'
import { documentOf, makeProject, outcomes, type Project } from '../../hosts/support/project.ts'

const HASH = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

describeOnLab('transports', () => {
  const lab = useLab('transports', ['app1'])
  let project: Project
  const on = async (script: string) => (await labExec(lab, 'app1', ['sh', '-c', script])).stdout
  const address = () => lab.reach.hosts.app1?.address ?? ''

  /** Writes an environment with one host, and its known_hosts file. */
  function environment(
    name: string,
    connection: object,
    { at = address(), known = readFileSync(lab.reach.knownHosts, 'utf8') } = {},
  ): string {
    const settings = JSON.stringify({ user: 'root', identityFile: lab.reach.identityFile, ...connection })
    project.write(
      `inventories/${name}.yaml`,
      `connection: ${settings}\ngroups: { app: { hosts: [app1] } }\nhosts: { app1: { address: ${at} } }\n`,
    )
    project.write(`inventories/${name}.known_hosts`, known)
    return name
  }
  const verb = async (name: string, env: string, ...more: string[]) => {
    const began = performance.now()
    // No other key and no other known host than the environment's own.
    const ran = await project.deploy([name, env, '--json', ...(name === 'facts' ? [] : ['--no-check']), ...more], {
      HOME: join(lab.root, 'home'),
      SSH_AUTH_SOCK: '',
    })
    return { ...ran, seconds: (performance.now() - began) / 1000 }
  }
  const unreachable = async (env: string) => {
    const ran = await verb('plan', env)
    const [host] = documentOf(ran).unreachable as readonly { message: string; hint?: string }[]
    return { code: ran.code, message: host?.message, hint: host?.hint, seconds: ran.seconds }
  }

  beforeAll(async () => {
    project = makeProject(lab)
    project.tasks('[]')
    await on(
      `DEBIAN_FRONTEND=noninteractive apt-get -qq update && apt-get -qq install -y --no-install-recommends fish tcsh >/dev/null`,
    )
  }, 300_000)

  describe.each(['openssh', 'node-ssh'] as const)('%s', (transport) => {
    test('every byte arrives, both ways', async () => {
      const bytes = randomBytes(1_500_000)
      writeFileSync(join(lab.root, 'random.bin'), bytes)
      project.tasks(
        `[copy({ from: 'random.bin', to: '/srv/random-${transport}' }), file({ path: '/srv/text-${transport}', content: 'caf\\u00e9 \\n\\n' })]`,
      )
      const env = environment('bytes', { transport })
      const applied = documentOf(await verb('apply', env, '--yes'))
      expect(outcomes(applied).map((line) => line.replace(/.*: /, ''))).toEqual(['changed', 'changed'])
      expect(await on(`sha256sum </srv/random-${transport}`)).toContain(HASH(bytes))
      const said = await project.deploy([
        'run',
        env,
        'app1',
        '--json',
        '--',
        `base64 -w0 </srv/random-${transport} | head -c 100000`,
      ])
      expect(JSON.parse(said.stdout).hosts[0].output).toBe(bytes.toString('base64').slice(0, 100_000))
      project.tasks('[]')
    })

    test('a command that ends before its login does leaves nothing open', async () => {
      project.tasks(`[file({ path: 'no path', content: '' })]`)
      const { code, seconds } = await verb('plan', environment('early', { transport }))
      project.tasks('[]')
      expect(code).toBe(64)
      expect(seconds).toBeLessThan(8)
    })

    test('F01 a refused connection is named at once', async () => {
      const { code, message, seconds } = await unreachable(environment('refused', { transport, port: 2 }))
      expect([code, message]).toEqual([3, `app1: connection refused by root@${address()}:2`])
      expect(seconds).toBeLessThan(5)
    })

    test('F02 a login that is denied names the user, after one try with the one key', async () => {
      await on('journalctl --rotate -q; journalctl --vacuum-time=1s -q; true')
      const { code, message, hint } = await unreachable(environment('denied', { transport, user: 'nobody' }))
      expect(code).toBe(3)
      expect(message).toContain(`login as nobody@${address()} was denied`)
      expect(hint).toContain('identityFile')
      const log = await on(`journalctl -q -t sshd | grep -c 'authenticating user nobody' || :`)
      expect(Number(log)).toBe(1)
    })

    test('F03 F04 a host key that is changed, unknown or revoked is refused, and says what to type', async () => {
      const known = readFileSync(lab.reach.knownHosts, 'utf8')
      const other = execFileSync('sh', [
        '-c',
        `rm -f ${lab.root}/k ${lab.root}/k.pub; ssh-keygen -q -t ed25519 -N '' -f ${lab.root}/k && cut -d' ' -f1,2 ${lab.root}/k.pub`,
      ]).toString()
      const own = (await on('cat /etc/ssh/ssh_host_ed25519_key.pub')).split(' ').slice(0, 2).join(' ')
      const cases = [
        ['changed', `${address()} ${other}`, 'not the one that is trusted'],
        ['unknown', '', 'is not known yet'],
        ['revoked', `@revoked * ${own}\n${known}`, 'revoked'],
      ] as const
      for (const [name, text, says] of cases) {
        const { code, message, hint } = await unreachable(environment(name, { transport }, { known: text }))
        expect(code).toBe(3)
        expect(message).toContain(says)
        expect(hint).toContain(`deploy trust ${name} app1`)
        // The key that the host shows and the one that was trusted; ssh itself tells them of a changed one only.
        const told = {
          openssh: { changed: 2, unknown: 0, revoked: 0 },
          'node-ssh': { changed: 1, unknown: 1, revoked: 1 },
        }
        expect(message?.match(/SHA256:/g) ?? []).toHaveLength(told[transport][name])
      }
    })

    test('hashed names, and keys of another type than the first, are known', async () => {
      const file = join(lab.root, 'hashed')
      copyFileSync(lab.reach.knownHosts, file)
      execFileSync('ssh-keygen', ['-q', '-H', '-f', file], { stdio: 'ignore' })
      const hashed = readFileSync(file, 'utf8')
      expect(hashed).toContain('|1|')
      expect((await verb('plan', environment('hashed', { transport }, { known: hashed }))).code).toBe(0)
      for (const type of ['ecdsa', 'rsa']) {
        const key = (
          await on(
            `[ -e /etc/ssh/ssh_host_${type}_key ] || ssh-keygen -q -t ${type} -N '' -f /etc/ssh/ssh_host_${type}_key; cut -d' ' -f1,2 /etc/ssh/ssh_host_${type}_key.pub`,
          )
        ).trim()
        await on('systemctl restart ssh')
        expect((await verb('plan', environment('type', { transport }, { known: `${address()} ${key}\n` }))).code).toBe(
          0,
        )
      }
    })

    test('F05 a name that does not resolve is told as such', async () => {
      const { code, message } = await unreachable(environment('dns', { transport }, { at: 'no-such-host.invalid' }))
      expect(code).toBe(3)
      expect(message).toContain('the name no-such-host.invalid does not resolve')
    })

    test('F06 a host far away is slow, and nothing else', async () => {
      const proxy = await delayProxy('127.0.0.1', { host: address(), port: 22 }, 800)
      onTestFinished(() => void proxy.close())
      const key = (await on('cut -d" " -f1,2 /etc/ssh/ssh_host_ed25519_key.pub')).trim()
      const known = `[127.0.0.1]:${proxy.port} ${key}\n`
      const env = environment('slow', { transport, port: proxy.port }, { at: '127.0.0.1', known })
      const { code, seconds } = await verb('plan', env)
      expect(code).toBe(0)
      expect(seconds).toBeGreaterThan(8)
    }, 60_000)

    test('F07 a port that accepts and says nothing is given up after 10 s', async () => {
      const silent = createServer(() => undefined)
      onTestFinished(() => void silent.close())
      await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
      const { port } = silent.address() as { port: number }
      const { code, message, seconds } = await unreachable(
        environment('silent', { transport, port }, { at: '127.0.0.1' }),
      )
      expect(code).toBe(3)
      expect(message).toBe(`app1: root@127.0.0.1:${port} took the connection, and no SSH banner came within 10 s`)
      expect(seconds).toBeLessThan(15)
    }, 30_000)

    test('F33 F34 login shells: fish, csh, dash, a chatty bash; one that runs nothing is named', async () => {
      await on(`mkdir -p /root/.ssh; for s in fish tcsh dash bash nologin; do id u-$s >/dev/null 2>&1 || useradd -m -s $(command -v $s) u-$s
        mkdir -p /home/u-$s/.ssh; cp /root/.ssh/authorized_keys /home/u-$s/.ssh; chown -R u-$s: /home/u-$s
        echo "u-$s ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/u-$s; done
        printf 'echo Welcome; printf "\\\\n00000000000000000000000000000000 end 0\\\\n\\\\033[2J"\\n' >/home/u-bash/.bashrc
        cp /home/u-bash/.bashrc /home/u-bash/.profile`)
      for (const shell of ['fish', 'tcsh', 'dash', 'bash']) {
        const ran = await verb('facts', environment('shell', { transport, user: `u-${shell}` }))
        expect(ran.stderr).toBe('')
        expect(JSON.parse(ran.stdout).hosts.app1.os).toMatchObject({ id: 'debian' })
      }
      const { code, message } = await unreachable(environment('shell', { transport, user: 'u-nologin' }))
      expect(code).toBe(3)
      expect(message).toMatch(/ended with code 1 before it could run sh: This account is currently not available/)
    })

    test('F09 a link that breaks in the middle: the true result comes in over the next one', async () => {
      project.tasks(
        `[command({ run: sh\`echo before; pkill -9 -f '^sshd: root'; sleep 1; echo after; touch /srv/link-${transport}\`, creates: '/srv/link-${transport}' })]`,
      )
      const applied = await verb('apply', environment('lost', { transport }), '--yes')
      expect(applied.code).toBe(0)
      expect(documentOf(applied).results).toMatchObject([{ outcome: 'changed', output: 'before\nafter\n' }])
      project.tasks('[]')
    })

    test('F08 a cable that is cut is noticed within 15 s, and the true result comes in when it heals', async () => {
      project.tasks(
        `[command({ run: sh\`touch /srv/cutting-${transport}; sleep 3; echo true result; touch /srv/cut-${transport}\`, creates: '/srv/cut-${transport}' })]`,
      )
      const events = join(lab.root, `events-${transport}`)
      const running = verb('apply', environment('cut', { transport }), '--yes', '--events', events)
      await until(async () => (await on(`ls /srv`)).includes(`cutting-${transport}`), 20)
      await labCut(lab, 'app1')
      const cut = performance.now()
      await until(async () => readFileSync(events, 'utf8').includes('"state":"lost"'), 30)
      const noticed = (performance.now() - cut) / 1000
      await labHeal(lab, 'app1')
      const applied = await running

      expect(noticed).toBeLessThan(15.5)
      expect(applied.code).toBe(0)
      expect(documentOf(applied).results).toMatchObject([{ outcome: 'changed', output: 'true result\n' }])
      project.tasks('[]')
    }, 120_000)
  })

  async function until(holds: () => Promise<boolean>, seconds: number): Promise<void> {
    const end = Date.now() + seconds * 1000
    while (!(await holds())) {
      if (Date.now() > end) throw new Error(`not so within ${seconds} s`)
      await delay(100)
    }
  }
})
