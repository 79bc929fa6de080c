// sudo that wants a password: who is asked, what is sent where and when, and what is left of it.
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { labExec } from '../../src/lab/inside.ts'
import { describeOnLab, useLab } from './support/lab.ts'
import { documentOf, outcomes, type Ran } from './support/project.ts'
import { filesOf, formsIn, sampleHere, sampleHost } from './support/secrets.ts'
import { onTerminal } from './support/terminal.ts'
import { useTrial } from './support/trial.ts'

/** What is searched for: the middle of the password, which no quoting changes. */
const NEEDLE = randomBytes(12).toString('hex')
const PASSWORD = `p '"$HOME\\n ${NEEDLE} !`

const SHELLS = ['fish', 'tcsh', 'bash']
const RULES: Readonly<Record<string, string>> = {
  ask: 'Defaults:u-ask lecture=always\nu-ask ALL=(ALL) ALL',
  free: 'Defaults:u-free log_input\nu-free ALL=(ALL) NOPASSWD: ALL',
  pty: 'Defaults:u-pty use_pty, log_input, log_output\nu-pty ALL=(ALL) ALL',
  tty: 'Defaults:u-tty requiretty\nu-tty ALL=(ALL) ALL',
  none: '',
  fish: 'u-fish ALL=(ALL) ALL',
  tcsh: 'u-tcsh ALL=(ALL) ALL',
  bash: 'u-bash ALL=(ALL) ALL',
}

describeOnLab('sudo', () => {
  const lab = useLab('sudo', ['app1'])
  const trial = useTrial(lab)
  const { on } = trial
  const address = () => lab.reach.hosts.app1?.address ?? ''

  beforeAll(async () => {
    trial.project.tasks('[]')
    // The password reaches the host by stdin only, so that what is found later came from the tool.
    await labExec(lab, 'app1', ['sh', '-c', 'umask 077; cat >/root/needle'], { input: NEEDLE })
    await on(`DEBIAN_FRONTEND=noninteractive apt-get -qq update
      DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends fish tcsh locales >/dev/null
      localedef -i de_DE -f UTF-8 de_DE.UTF-8`)
    for (const [name, rules] of Object.entries(RULES)) {
      await on(`useradd -m -s /bin/${SHELLS.includes(name) ? name : 'bash'} u-${name}
        mkdir -p /home/u-${name}/.ssh; cp /root/.ssh/authorized_keys /home/u-${name}/.ssh; chown -R u-${name}: /home/u-${name}
        cat >/etc/sudoers.d/u-${name} <<'END'\n${rules}\nEND`)
      await labExec(lab, 'app1', ['chpasswd'], { input: `u-${name}:${PASSWORD}\n` })
    }
    await on(`printf 'echo Welcome; echo Hello >&2; export LC_ALL=de_DE.UTF-8\\n' >/home/u-bash/.bashrc
      echo "auth required pam_faillock.so preauth deny=3
auth [success=1 default=bad] pam_unix.so
auth [default=die] pam_faillock.so authfail deny=3
auth sufficient pam_faillock.so authsucc deny=3
account include common-account" >/etc/pam.d/sudo`)
  }, 300_000)

  function environment(transport: string, user: string): string {
    const name = `${transport}-${user}`
    const settings = JSON.stringify({ transport, user: `u-${user}`, identityFile: lab.reach.identityFile })
    trial.project.write(
      `inventories/${name}.yaml`,
      `connection: ${settings}\ngroups: { app: { hosts: [app1] } }\nhosts: { app1: { address: ${address()} } }\n`,
    )
    trial.project.write(`inventories/${name}.known_hosts`, readFileSync(lab.reach.knownHosts, 'utf8'))
    return name
  }
  const deploy = ([verb = '', ...args]: readonly string[], input?: string) =>
    trial.project.deploy([verb, ...(input === undefined ? [] : ['--ask-sudo-password']), ...args], {}, input)
  /** What a plan says of the one host that cannot be reached. */
  const unreachable = async (env: string, input?: string) => {
    const began = performance.now()
    const ran = await deploy(['plan', env, '--json', '--no-check'], input)
    const seconds = (performance.now() - began) / 1000
    const [host] = documentOf(ran).unreachable as readonly { message: string; hint?: string }[]
    return { code: ran.code, message: host?.message, hint: host?.hint, seconds }
  }
  const logins = async (user: string) =>
    Number(await on(`journalctl -q -t sshd | grep -c 'Accepted publickey for u-${user} ' || :`))
  const whoami = (env: string, input?: string) => deploy(['run', env, 'app1', '--', 'id -u; echo $PATH'], input)
  const ROOT = {
    code: 0,
    stdout: 'app1  0\napp1  /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n',
    stderr: '',
  }

  describe.each(['openssh', 'node-ssh'])('%s', (transport) => {
    test('F30 without the option: at once, and told what to add', async () => {
      const { code, message, hint, seconds } = await unreachable(environment(transport, 'ask'))
      expect([code, message]).toEqual([3, `app1: sudo needs a password for u-ask@${address()}`])
      expect(hint).toContain('--ask-sudo-password')
      expect(seconds).toBeLessThan(5)
    })

    test('F32 the right password, and a lecture that is no output', async () => {
      const env = environment(transport, 'ask')
      trial.project.tasks(`[file({ path: '/etc/by-${transport}', content: 'x' })]`)
      const applied = await deploy(['apply', env, '--json', '--no-check', '--yes'], `${PASSWORD}\n`)
      expect([applied.code, applied.stderr]).toEqual([0, ''])
      expect(outcomes(documentOf(applied))).toEqual([`app1 file /etc/by-${transport}: changed`])
      expect(await on(`stat -c %U /etc/by-${transport}`)).toBe('root\n')
      trial.project.tasks('[]')
      expect(await whoami(env, `${PASSWORD}\n`)).toEqual(ROOT)
    })

    test('F31 a wrong password is tried once; twice would have locked the user', async () => {
      await on('faillock --user u-ask --reset; journalctl --rotate -q; journalctl --vacuum-time=1s -q')
      const { code, message, hint } = await unreachable(environment(transport, 'ask'), 'wrong\n')
      expect([code, message]).toEqual([3, `app1: sudo refused the password of u-ask@${address()}`])
      expect(hint).toContain('once')
      expect(await on(`journalctl -q -t sudo | grep -o '[0-9]* incorrect password attempts*'`)).toBe(
        '1 incorrect password attempt\n',
      )
      expect(await whoami(environment(transport, 'ask'), `${PASSWORD}\n`)).toEqual(ROOT)
    })

    test('where none is needed: one login as ever, and the password is not sent', async () => {
      const before = [await logins('free'), await logins('pty')]
      expect(await whoami(environment(transport, 'free'), `${PASSWORD}\n`)).toEqual(ROOT)
      expect(await whoami(environment(transport, 'pty'), `${PASSWORD}\n`)).toEqual(ROOT)
      const after = [await logins('free'), await logins('pty')]
      expect(after.map((count, at) => count - (before[at] ?? 0))).toEqual([1, 2])
      // Its rule keeps all input of sudo: the question is in it, the password is not.
      expect(await inputLog('-c "id -u; echo"')).not.toBe('0\n')
      expect(await inputLog('-Ff /root/needle')).toBe('0\n')
    })

    test('use_pty and log_output', async () => {
      expect(await whoami(environment(transport, 'pty'), `${PASSWORD}\n`)).toEqual(ROOT)
    })

    test('F32 requiretty is refused with a name', async () => {
      const { code, message, hint } = await unreachable(environment(transport, 'tty'), `${PASSWORD}\n`)
      expect([code, message]).toEqual([3, `app1: sudo wants a terminal for u-tty@${address()}, and there is none`])
      expect(hint).toContain('!requiretty')
    })

    test('a user who may not use sudo', async () => {
      const { code, message } = await unreachable(environment(transport, 'none'), `${PASSWORD}\n`)
      expect([code, message]).toEqual([3, `app1: u-none@${address()} may not use sudo`])
    })

    test.each(SHELLS)('F33 F34 login shell %s, chatty and German where it can be', async (shell) => {
      expect(await whoami(environment(transport, shell), `${PASSWORD}\n`)).toEqual(ROOT)
    })

    test('F60 the password is nowhere, on neither side', async () => {
      const env = environment(transport, 'pty')
      const events = join(lab.root, `events-${transport}`)
      trial.project.tasks(`[command({ run: sh\`sleep 1; false\`, creates: '/srv/never' })]`)
      const host = sampleHost(on)
      const here = sampleHere(NEEDLE)
      const failing = ['apply', env, '--no-check', '--yes', '--verbose', '--events', events]
      const ran: Ran[] = [
        await deploy([...failing, '--json'], `${PASSWORD}\n`),
        await deploy(failing, `${PASSWORD}\n`),
        await deploy(['facts', env, '--verbose'], `x${PASSWORD}\n`),
      ]
      expect(ran.map(({ code }) => code)).toEqual([1, 1, 3])
      const looked = [await host.end(), await here.end()]
      for (const { samples, hits } of looked) {
        expect(hits).toBe(0)
        expect(samples).toBeGreaterThan(20)
      }
      for (const { stdout, stderr } of ran) expect(formsIn(`${stdout}${stderr}`, NEEDLE)).toEqual([])
      expect(readFileSync(events, 'utf8')).toContain(env)
      expect(filesOf(lab.root).filter((file) => formsIn(readFileSync(file, 'latin1'), NEEDLE).length > 0)).toEqual([])
      expect(await on('journalctl -q --no-pager -o export | grep -acFf /root/needle || :')).toBe('0\n')
      expect(
        await on(
          'grep -rlaFf /root/needle /var/log /run /tmp /var/tmp /home /var/lib/deploy /etc 2>/dev/null || :; ls -A /var/log/sudo-io | wc -l',
        ),
      ).not.toMatch(/^(\/|0)/m)
      expect(await on('find /var/log/sudo-io -type f -exec zcat -f {} + | grep -acFf /root/needle || :')).toBe('0\n')
      trial.project.tasks('[]')
    })
  })

  test('on a terminal it is asked for once, without echo, before the consent', async () => {
    const env = environment('openssh', 'ask')
    trial.project.tasks(`[file({ path: '/etc/by-terminal', content: 'x' })]`)
    const { code, screen } = await onTerminal(
      lab.root,
      ['apply', env, '--no-check', '--ask-sudo-password'],
      [
        ['sudo password: ', PASSWORD],
        ['[y/N] ', 'y'],
      ],
    )
    expect(screen).not.toContain(NEEDLE)
    expect(screen.match(/sudo password: /g)).toHaveLength(1)
    expect(code).toBe(0)
    expect(await on('cat /etc/by-terminal')).toBe('x')
    trial.project.tasks('[]')
  })

  test('nothing given: no host is contacted', async () => {
    const env = environment('openssh', 'ask')
    const before = await logins('ask')
    const { code, stderr } = await deploy(['facts', env], '\n')
    expect([code, stderr]).toEqual([64, expect.stringContaining('no sudo password was given')])
    expect((await trial.project.deploy(['facts', env, '--ask-sudo-password'])).code).toBe(64)
    expect(await logins('ask')).toBe(before)
  })

  test('the searches find what is there', async () => {
    const host = sampleHost(on)
    const here = sampleHere(NEEDLE)
    const [file, marked] = ['/usr/bin/env', `X=${PASSWORD}`]
    await labExec(lab, 'app1', [file, marked, 'sleep', '1'])
    expect((await host.end()).hits).toBeGreaterThan(0)
    expect((await here.end()).hits).toBeGreaterThan(0)
    expect(formsIn(`a${Buffer.from(`12${NEEDLE}`).toString('base64')}`, NEEDLE)).not.toEqual([])
  })

  function inputLog(pattern: string): Promise<string> {
    const files = 'find /var/log/sudo-io -type f -name stdin -exec zcat -f {} +'
    return on(`${files} | grep -ac ${pattern.replace(/^-c /, '-e ')} || :`)
  }
})
