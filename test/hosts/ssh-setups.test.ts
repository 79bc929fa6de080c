// What users have set up around ssh: configurations, jump hosts, agents, certificates, keys with a passphrase.
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { labExec } from '../../src/lab/inside.ts'
import { poll } from '../../src/lab/poll.ts'
import { startAgent } from './support/agent.ts'
import { describeOnLab, useLab } from './support/lab.ts'
import { documentOf, makeProject, type Project } from './support/project.ts'

describeOnLab('ssh set-ups', () => {
  const lab = useLab('sshs', ['jump', 'app1'])
  let project: Project
  const on = async (host: string, script: string) => (await labExec(lab, host, ['sh', '-c', script])).stdout
  const address = (host = 'app1') => lab.reach.hosts[host]?.address ?? ''
  const known = () => readFileSync(lab.reach.knownHosts, 'utf8')
  const key = () => lab.reach.identityFile
  const hostKey = async (host: string) => (await on(host, 'cut -d" " -f1,2 /etc/ssh/ssh_host_ed25519_key.pub')).trim()
  const keygen = (...args: string[]) => execFileSync('ssh-keygen', ['-q', ...args], { stdio: 'pipe' })

  beforeAll(() => {
    project = makeProject(lab)
    project.tasks('[]')
  })

  /** An environment of these hosts, each with its address (or none), and the keys that are trusted. */
  function environment(name: string, connection: object, hosts: Readonly<Record<string, string>>, trusted = known()) {
    const lines = Object.entries(hosts).map(([host, at]) => `  ${host}: {${at && ` address: ${at} `}}\n`)
    project.write(
      `inventories/${name}.yaml`,
      `connection: ${JSON.stringify(connection)}\ngroups: { app: { hosts: [${Object.keys(hosts).join(', ')}] } }\nhosts:\n${lines.join('')}`,
    )
    project.write(`inventories/${name}.known_hosts`, trusted)
    return name
  }
  const ask = (env: string, more: Readonly<Record<string, string>> = {}) =>
    project.deploy(['run', env, 'all', '--', 'id -un'], { HOME: join(lab.root, 'home'), SSH_AUTH_SOCK: '', ...more })
  const lost = async (env: string, more: Readonly<Record<string, string>> = {}) => {
    const ran = await project.deploy(['plan', env, '--json', '--no-check'], {
      HOME: join(lab.root, 'home'),
      SSH_AUTH_SOCK: '',
      ...more,
    })
    const [host] = documentOf(ran).unreachable as readonly { message: string; hint?: string }[]
    return { code: ran.code, message: host?.message ?? '', hint: host?.hint ?? '' }
  }
  const config = (name: string, text: string) => {
    project.write(name, text)
    return name
  }

  test('a configuration of the project: name, user, port and key of a host', async () => {
    const sshConfig = config(
      'ssh.config',
      `Host web\n  HostName ${address()}\n  User root\n  Port 22\n  IdentityFile ${key()}\n`,
    )
    const env = environment('config', { sshConfig }, { web: '' }, `web ${await hostKey('app1')}\n${known()}`)
    expect(await ask(env)).toMatchObject({ code: 0, stdout: 'web  root\n' })
  })

  test('a hostile configuration breaks no stream, runs nothing here, and weakens no host key', async () => {
    const ran = join(lab.root, 'ran-here')
    const hostile = `Host *
  RequestTTY force
  RemoteCommand echo hostile
  PermitLocalCommand yes
  LocalCommand touch ${ran}
  ForwardAgent yes
  ForwardX11 yes
  LocalForward 127.0.0.1:1 127.0.0.1:2
  SendEnv *
  ControlMaster auto
  ControlPath ${lab.root}/control-%C
  ControlPersist yes
  StdinNull yes
  ForkAfterAuthentication yes
  SessionType none
  LogLevel QUIET
  BatchMode no
  StrictHostKeyChecking no
  UserKnownHostsFile /dev/null
  UpdateHostKeys yes
  IdentityFile ${key()}
`
    const connection = { user: 'root', sshConfig: config('hostile.config', hostile) }
    expect(await ask(environment('hostile', connection, { app1: address() }))).toMatchObject({
      code: 0,
      stdout: 'app1  root\n',
      stderr: '',
    })
    const untrusted = await lost(environment('untrusted', connection, { app1: address() }, ''))
    expect([untrusted.code, untrusted.message]).toEqual([3, 'app1: its host key is not known yet'])
    expect(existsSync(ran)).toBe(false)
    expect(execFileSync('ls', [lab.root]).toString()).not.toContain('control-')
  })

  const jumping = () => {
    const trusted = join(lab.root, 'jump-known')
    project.write('jump-known', known())
    return config(
      'jump.config',
      `Host jump\n  HostName ${address('jump')}\nHost !jump *\n  ProxyJump jump\nHost *\n  User root\n  IdentityFile ${key()}\n  UserKnownHostsFile ${trusted}\n`,
    )
  }

  test('F12 forty hosts behind one jump host, whose sshd takes eight logins at once: all are reached', async () => {
    await on('jump', `echo 'MaxStartups 8:100:8' >/etc/ssh/sshd_config.d/few.conf; systemctl restart ssh`)
    await on('app1', 'journalctl --rotate -q; journalctl --vacuum-time=1s -q')
    const hosts = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`h${at + 1}`, address()]))
    const ran = await ask(environment('jump', { sshConfig: jumping() }, hosts))
    expect([ran.code, ran.stderr]).toEqual([0, ''])
    expect(ran.stdout.split('\n').filter((line) => line.endsWith('  root'))).toHaveLength(40)
    const from = await on(
      'app1',
      `journalctl -q -t sshd | grep -o 'Accepted publickey for root from [0-9.]*' | sort -u`,
    )
    expect(from).toBe(`Accepted publickey for root from ${address('jump')}\n`)
    await on('jump', 'rm /etc/ssh/sshd_config.d/few.conf; systemctl restart ssh')
  }, 120_000)

  test('node-ssh does not go around a jump host', async () => {
    const connection = { sshConfig: jumping(), transport: 'node-ssh' }
    const { code, message, hint } = await lost(environment('around', connection, { app1: address() }))
    expect([code, hint]).toEqual([3, 'try transport: openssh'])
    expect(message).toContain('the ssh config reaches it through jump')
  })

  test('certificates of users and of hosts', async () => {
    const ca = join(lab.root, 'ca')
    const mine = join(lab.root, 'mine')
    keygen('-t', 'ed25519', '-N', '', '-f', ca)
    keygen('-t', 'ed25519', '-N', '', '-f', mine)
    project.write('app1.pub', `${await hostKey('app1')}\n`)
    keygen('-s', ca, '-I', 'me', '-n', 'root', '-V', '+1h', `${mine}.pub`)
    keygen('-s', ca, '-h', '-I', 'app1', '-n', address(), '-V', '+1h', join(lab.root, 'app1.pub'))
    const authority = readFileSync(`${ca}.pub`, 'utf8').trim()
    await on(
      'app1',
      `echo '${authority}' >/etc/ssh/ca.pub; echo '${readFileSync(join(lab.root, 'app1-cert.pub'), 'utf8').trim()}' >/etc/ssh/app1-cert.pub
      printf 'TrustedUserCAKeys /etc/ssh/ca.pub\\nHostCertificate /etc/ssh/app1-cert.pub\\n' >/etc/ssh/sshd_config.d/ca.conf; systemctl restart ssh`,
    )
    const connection = { user: 'root', identityFile: mine }
    const trusted = `@cert-authority ${address()} ${authority}\n`
    expect(await ask(environment('certified', connection, { app1: address() }, trusted))).toMatchObject({ code: 0 })
    const other = await lost(
      environment('other-ca', connection, { app1: address() }, trusted.replace(address(), '*.x')),
    )
    expect(other.message).toContain('its host key is not known yet')

    const library = { ...connection, transport: 'node-ssh' }
    const user = await lost(environment('user-certificate', library, { app1: address() }))
    expect([user.code, user.hint]).toEqual([3, expect.stringContaining('a certificate needs transport: openssh')])
    const host = await lost(environment('host-certificate', library, { app1: address() }, trusted))
    expect(host.message).toContain('use transport: openssh')
    await on('app1', 'rm /etc/ssh/sshd_config.d/ca.conf; systemctl restart ssh')
  })

  describe.each(['openssh', 'node-ssh'])('%s', (transport) => {
    const both = () => ({ jump: address('jump'), app1: address() })

    test('an agent with several keys', async () => {
      const agent = await startAgent(lab.root)
      onTestFinished(agent.stop)
      for (const name of ['wrong1', 'wrong2']) {
        const wrong = join(lab.root, `${name}-${transport}`)
        keygen('-t', 'ed25519', '-N', '', '-f', wrong)
        agent.add(wrong)
      }
      const env = environment('agent', { user: 'root', transport }, both())
      const denied = await lost(env, { SSH_AUTH_SOCK: agent.socket })
      expect(denied.message).toContain('was denied')
      agent.add(key())
      expect(await ask(env, { SSH_AUTH_SOCK: agent.socket })).toMatchObject({ code: 0, stderr: '' })
    })

    test('F02 an agent with more keys than the server lets anyone try: once, told why; the key of the inventory is not lost among them', async () => {
      const agent = await startAgent(lab.root)
      onTestFinished(agent.stop)
      for (let at = 1; at <= 7; at++) {
        const wrong = join(lab.root, `many${at}-${transport}`)
        keygen('-t', 'ed25519', '-N', '', '-f', wrong)
        agent.add(wrong)
      }
      await on('app1', 'journalctl --rotate -q; journalctl --vacuum-time=1s -q')
      const many = { SSH_AUTH_SOCK: agent.socket }
      const denied = await lost(environment('many', { user: 'root', transport }, { app1: address() }), many)
      expect([denied.code, denied.message]).toEqual([
        3,
        `app1: login as root@${address()} was denied: the server takes no more keys after those that were offered`,
      ])
      expect(denied.hint).toContain('identityFile')
      expect(await on('app1', `journalctl -q -t sshd | grep -c 'maximum authentication attempts exceeded'`)).toBe('1\n')
      const named = environment('named', { user: 'root', identityFile: key(), transport }, { app1: address() })
      expect(await ask(named, many)).toMatchObject({ code: 0, stdout: 'app1  root\n', stderr: '' })
    })

    test('F70 an agent is not forwarded, even where the configuration asks for it', async () => {
      const agent = await startAgent(lab.root)
      onTestFinished(agent.stop)
      agent.add(key())
      const sshConfig = config('forward.config', `Host *\n  ForwardAgent yes\n  IdentityFile ${key()}\n`)
      const look = `echo "\${SSH_AUTH_SOCK-none}"; ls -d /tmp/ssh-*/agent.* 2>/dev/null; true`
      // That this is how it would be seen: the very same by hand, without the tool's own options.
      const options = ['-F', join(lab.root, sshConfig), '-o', `UserKnownHostsFile=${lab.reach.knownHosts}`]
      const byHand = execFileSync('ssh', [...options, `root@${address()}`, look], {
        env: { ...process.env, SSH_AUTH_SOCK: agent.socket },
      })
      expect(byHand.toString()).toMatch(/^\/tmp\/ssh-\w+\/agent\.\d+\n\/tmp\/ssh-\w+\/agent\.\d+\n/)

      const connection = {
        user: 'root',
        sshConfig,
        transport,
        ...(transport === 'node-ssh' && { identityFile: key() }),
      }
      const env = environment('forward', connection, { app1: address() })
      const ran = await project.deploy(['run', env, 'all', '--', look], { SSH_AUTH_SOCK: agent.socket })
      expect([ran.code, ran.stdout, ran.stderr]).toEqual([0, 'app1  none\n', ''])
    })

    test('a key with a passphrase is asked for once, through askpass, and is gone with the run', async () => {
      const locked = join(lab.root, `locked-${transport}`)
      const asked = join(lab.root, `asked-${transport}`)
      keygen('-t', 'ed25519', '-N', 'open sesame', '-f', locked)
      for (const host of ['jump', 'app1']) {
        await on(host, `echo '${readFileSync(`${locked}.pub`, 'utf8').trim()}' >>/root/.ssh/authorized_keys`)
      }
      const askpass = (name: string, answer: string) => {
        project.write(name, `#!/bin/sh\necho asked >>${asked}\necho '${answer}'\n`)
        chmodSync(join(lab.root, name), 0o700)
        return { SSH_ASKPASS: join(lab.root, name) }
      }
      const env = environment('locked', { user: 'root', identityFile: locked, transport }, both())
      expect(await ask(env, askpass('right', 'open sesame'))).toMatchObject({ code: 0, stderr: '' })
      expect(readFileSync(asked, 'utf8')).toBe('asked\n')
      const left = () => execFileSync('sh', ['-c', 'pgrep -f "[s]sh-agent -a .*/deploy-agent-" || :']).toString()
      expect(await poll(() => left() === '' || undefined, { seconds: 5 })).toBe(true)

      const nobody = await lost(env, { SSH_ASKPASS: '' })
      expect([nobody.code, nobody.hint]).toEqual([3, expect.stringContaining('SSH_ASKPASS')])
      expect(nobody.message).toContain('it is encrypted, and nobody can be asked here')

      const agent = await startAgent(lab.root)
      onTestFinished(agent.stop)
      agent.add(locked, askpass('right', 'open sesame'))
      expect((await ask(env, { SSH_AUTH_SOCK: agent.socket })).code).toBe(0)
    }, 60_000)

    test('F11 an sshd that allows one session per connection is enough', async () => {
      await on('app1', `echo 'MaxSessions 1' >/etc/ssh/sshd_config.d/one.conf; systemctl restart ssh`)
      project.tasks(`[copy({ from: 'many', to: '/srv/many-${transport}' }), command({ run: sh\`true\` })]`)
      project.write('many', 'x'.repeat(2_000_000))
      const env = environment('one', { user: 'root', identityFile: key(), transport }, { app1: address() })
      const applied = await project.deploy(['apply', env, '--yes', '--no-check'])
      expect([applied.code, await on('app1', `stat -c %s /srv/many-${transport}`)]).toEqual([0, '2000000\n'])
      project.tasks('[]')
      await on('app1', 'rm /etc/ssh/sshd_config.d/one.conf; systemctl restart ssh')
    })

    test('a login that is dropped before it begins is tried once more, and no more', async () => {
      let [connections, drops] = [0, 1]
      const server = createServer((socket) => {
        socket.on('error', () => undefined)
        if (++connections <= drops) return socket.destroy()
        const onward = connect({ host: address(), port: 22 })
        onward.on('error', () => socket.destroy())
        socket.pipe(onward).pipe(socket)
      })
      onTestFinished(() => void server.close())
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const { port } = server.address() as { port: number }
      const trusted = `[127.0.0.1]:${port} ${await hostKey('app1')}\n`
      const connection = { user: 'root', identityFile: key(), port, transport }
      const env = environment('dropped', connection, { app1: '127.0.0.1' }, trusted)
      expect([(await ask(env)).code, connections]).toEqual([0, 2])
      ;[connections, drops] = [0, 9]
      const { code, message, hint } = await lost(env)
      expect([code, message]).toEqual([3, `app1: root@127.0.0.1:${port} closed the connection before the login began`])
      expect([connections, hint]).toEqual([2, expect.stringContaining('MaxStartups')])
    })
  })

  test('without an ssh client node-ssh is used, unless the inventory insists', async () => {
    const none = { PATH: join(lab.root, 'nothing') }
    const connection = { user: 'root', identityFile: key() }
    expect(await ask(environment('no-client', connection, { app1: address() }), none)).toMatchObject({
      code: 0,
      stdout: 'app1  root\n',
    })
    const env = environment('insists', { ...connection, transport: 'openssh' }, { app1: address() })
    expect(await lost(env, none)).toMatchObject({
      code: 3,
      message: 'app1: ssh is not installed here',
      hint: expect.stringContaining('apt-get install openssh-client'),
    })
  })
})
