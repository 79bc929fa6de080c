// Faults that hosts, values and files of others can have, and what the tool makes of them. The number is the fault's; more
// tests of the same numbers: `grep -rE 'F[0-9]{2}' test`.
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { outcome } from '../../../src/lab/child.ts'
import { ODD_NAMES } from '../../hosts/cases/odd-names.ts'
import { describeOnLab, useLab } from '../../hosts/support/lab.ts'
import { documentOf, outcomes } from '../../hosts/support/project.ts'
import { type MemoryGauge, memoryGauge } from '../../hosts/support/rss.ts'
import { planned, useTrial, wrong } from '../../hosts/support/trial.ts'

const GOOD = ['f1', 'f2', 'f3', 'f4', 'f5', 'f6', 'f7', 'f8']
const GIB = 1024 ** 3

/** Moves the cursor, sets the clipboard (OSC 52), hides a link (OSC 8), goes back to the start of the line. */
const EVIL = '\u001b[2J\u001b]52;c;ZXZpbA==\u0007\u001b]8;;http://evil\u001b\\x\rroot# \u009b31m\u202e'
const EVIL_PRINTF = EVIL.replace(/[^ -~]/gu, (one) =>
  [...Buffer.from(one)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join(''),
).replaceAll('\\\\', '\\134')
/** What a terminal would take for more than text. */
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/

describeOnLab('faults', () => {
  const lab = useLab('faults', GOOD)
  const trial = useTrial(lab)
  let gauge: MemoryGauge
  const sockets: Socket[] = []
  /** A port that takes connections and says nothing. */
  const silent = createServer((socket) => sockets.push(socket.on('error', () => undefined)))

  beforeAll(async () => {
    gauge = memoryGauge(lab.root)
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  })
  afterAll(() => {
    for (const socket of sockets) socket.destroy()
    silent.close()
  })

  /** An inventory of the lab's hosts and of others. */
  function inventory(others: Readonly<Record<string, string>>): void {
    const hosts = [
      ...GOOD.map((name) => `  ${name}: {}`),
      ...Object.entries(others).map(([name, at]) => `  ${name}: ${at}`),
    ]
    trial.project.write(
      'inventories/lab.yaml',
      `connection: { lab: true }\ngroups: { app: { hosts: [${[...GOOD, ...Object.keys(others)].join(', ')}] } }\nhosts:\n${hosts.join('\n')}\n`,
    )
  }
  const deploy = (...args: readonly string[]) => trial.project.deploy(args, gauge.env)

  test('F13 a dead address and a silent port among ten hosts: the rest is done, both are named, exit 3', async () => {
    const { port } = silent.address() as AddressInfo
    const dead = lab.reach.hosts.f1?.address.replace(/\d+$/, '250')
    inventory({
      dead: `{ address: ${dead}, connection: { lab: false } }`,
      silent: `{ address: 127.0.0.1, connection: { lab: false, port: ${port} } }`,
    })
    trial.project.tasks(`[file({ path: '/etc/peers', content: site.hosts.map(({ name }) => name).join(' ') })]`)
    const began = performance.now()
    const ran = await deploy('apply', 'lab', '--yes', '--json', '--no-check')
    const seconds = (performance.now() - began) / 1000

    const { hosts, summary } = documentOf(ran)
    expect(hosts.map(({ host, state }) => [host, state])).toEqual([
      ...GOOD.map((host) => [host, 'done']),
      ['dead', 'unreachable'],
      ['silent', 'unreachable'],
    ])
    expect(hosts.slice(-2).map(({ message }) => message)).toEqual([
      expect.stringMatching(/^dead: (no route to|.* did not answer in time)/),
      expect.stringMatching(/^silent: 127.0.0.1:\d+ took the connection, and no SSH banner came within 10 s/),
    ])
    expect(summary.unreachable).toBe(2)
    expect(ran.code).toBe(3)
    expect(seconds).toBeLessThan(25)
    expect(await trial.on('cat /etc/peers')).toBe([...GOOD, 'dead', 'silent'].join(' '))
  })

  test('F05 a resolver that swallows every question: the host is named as one whose name does not resolve, the others are done', async () => {
    const resolver = createSocket('udp4').on('message', () => undefined)
    await new Promise<void>((resolve) => resolver.bind(53, '127.0.0.99', resolve))
    onTestFinished(() => void resolver.close())
    inventory({ asked: '{ address: silent.example, connection: { lab: false } }' })
    trial.project.tasks(`[file({ path: '/etc/resolved', content: 'x' })]`)
    trial.project.write('resolv.conf', 'nameserver 127.0.0.99\n')
    // Only this command has that resolver.
    const command = `mount --bind resolv.conf /etc/resolv.conf && exec "$@"`
    const deployed = [process.execPath, join(import.meta.dirname, '../../../bin/deploy.js'), 'apply', 'lab']
    const more = ['--limit', 'f1,asked', '--yes', '--json', '--no-check']
    const began = performance.now()
    const ran = await outcome(['unshare', '-m', 'sh', '-c', command, 'sh', ...deployed, ...more], {
      cwd: lab.root,
      timeout: 60,
    })
    const { hosts } = documentOf(ran)
    expect(hosts.map(({ host, state }) => [host, state])).toEqual([
      ['f1', 'done'],
      ['asked', 'unreachable'],
    ])
    expect(hosts[1]?.message).toContain('the name silent.example does not resolve')
    expect(performance.now() - began).toBeLessThan(30_000)
    expect(ran.code).toBe(3)
    inventory({})
  })

  test('F14 three of 10,000 hosts are planned in seconds and in less than 300 MB', async () => {
    const others = Array.from({ length: 10_000 - GOOD.length }, (_, index) => [
      `h${index}`,
      `{ address: 10.9.${index >> 8}.${index & 255}, connection: { lab: false } }`,
    ])
    inventory(Object.fromEntries(others) as Record<string, string>)
    trial.project.tasks(`[file({ path: '/etc/peers', content: site.group('app').map(({ name }) => name).join(' ') })]`)
    const began = performance.now()
    const ran = await deploy('plan', 'lab', '--limit', 'f1,f2,f3', '--json', '--no-check')
    const seconds = (performance.now() - began) / 1000

    expect(planned(documentOf(ran))).toHaveLength(3)
    expect(documentOf(ran).summary).toMatchObject({ hosts: 3, unreachable: 0 })
    expect(ran.code).toBe(0)
    expect(gauge.read()).toBeLessThan(300)
    // The promise is 2 s on an idle machine; beside other work it may take longer, but never the time of an O(n²).
    expect(seconds).toBeLessThan(10)
    inventory({})
  })

  const FLOOD = 'head -c 1G /dev/zero | tr "\\0" x; echo; echo the end'

  test('F45 a task that prints 1 GB: both ends are kept, in less than 200 MB', async () => {
    trial.project.tasks(
      `[command({ run: sh\`${FLOOD.replaceAll('\\', '\\\\\\\\')}; touch /srv/flood\`, creates: '/srv/flood' })]`,
    )
    const ran = await deploy('apply', 'lab', '--limit', 'f1', '--yes', '--json', '--no-check')

    const [result] = documentOf(ran).results
    expect(result?.outcome).toBe('changed')
    expect(result?.output).toMatch(/^x{65000}[\s\S]*x\nthe end\n$/)
    expect(result?.output?.length).toBeLessThanOrEqual(2 * 65536)
    expect(gauge.read()).toBeLessThan(200)
  })

  test('F45 deploy run with 1 GB of output and --json: both ends, all bytes counted, in less than 200 MB', async () => {
    const { stdout, code } = await deploy('run', 'lab', 'f1', '--json', '--', FLOOD)

    const { hosts } = JSON.parse(stdout) as { hosts: { output: string; bytes: number }[] }
    expect(hosts[0]?.bytes).toBe(GIB + '\nthe end\n'.length)
    expect(hosts[0]?.output).toMatch(/^x{65536}\n… 1073610761 bytes left out …\nx{60000}[\s\S]*x\nthe end\n$/)
    expect(hosts[0]?.output.length).toBeLessThan(2 * 65536 + 100)
    expect(code).toBe(0)
    expect(gauge.read()).toBeLessThan(200)
  })

  test('F45 deploy run streams a line of 1 GB in less than 200 MB', async () => {
    const out = openSync(join(lab.root, 'flood.txt'), 'w')
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, '../../../bin/deploy.js'), 'run', 'lab', 'f1', '--', FLOOD],
      {
        cwd: lab.root,
        env: { ...process.env, ...gauge.env },
        stdio: ['ignore', 'pipe', out],
      },
    )
    let bytes = 0
    let last = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      last = chunk.toString().slice(-30)
    })
    const code = await new Promise((resolve) => child.on('close', resolve))
    closeSync(out)

    expect(code).toBe(0)
    expect(bytes).toBeGreaterThan(GIB)
    expect(last).toMatch(/f1 {2}the end\n$/)
    expect(gauge.read()).toBeLessThan(200)
  })

  test('F46 bytes of deploy run: a cut character is whole, others are shown, blanks at the end are kept', async () => {
    const command = `printf 'caf\\303'; sleep .3; printf '\\251\\0\\377  \\n\\n tail '`
    const text = await deploy('run', 'lab', 'f1', '--', command)
    const json = await deploy('run', 'lab', 'f1', '--json', '--', command)

    expect(text.stdout).toBe('f1  café\\x00\ufffd  \nf1  \nf1   tail \n')
    expect((JSON.parse(json.stdout) as { hosts: { output: string }[] }).hosts[0]?.output).toBe(
      'café\0\ufffd  \n\n tail ',
    )
  })

  test('F47 odd values reach files, lines, commands, environments and comments as they are', async () => {
    const values = ODD_NAMES
    const words = values.filter(
      (value) => !/[:\u0000-\u001f]/.test(value) && value.length < 100 && value === value.trim(),
    )
    trial.project.write('templates/odd.hbs', '{{#each values}}{{this}}\n{{/each}}')
    trial.project.tasks(
      `[
        template({ from: 'odd.hbs', to: '/srv/odd.template', data: { values } }),
        lines({ path: '/srv/odd.lines', lines: values, create: true }),
        command({ run: sh\`printf '%s\\\\n' \${values} >/srv/odd.command\`, creates: '/srv/odd.command' }),
        values.map((value, i) => command({ run: sh\`printf %s "$ODD" >/srv/odd.env.\${i}\`, env: { ODD: value }, creates: \`/srv/odd.env.\${i}\` })),
        words.map((value, i) => user({ name: \`odd\${i}\`, comment: value, createHome: false })),
      ]`,
      `const values = ${JSON.stringify(values)}\nconst words = ${JSON.stringify(words)}`,
    )
    const limited = ['lab', '--limit', 'f1', '--json', '--no-check']
    const applied = documentOf(await deploy('apply', ...limited, '--yes'))

    expect(wrong(applied)).toBe('')
    const text = values.map((value) => `${value}\n`).join('')
    expect(await trial.on('cat /srv/odd.template')).toBe(text)
    expect(await trial.on('cat /srv/odd.lines')).toBe(text)
    expect(await trial.on('cat /srv/odd.command')).toBe(text)
    expect(await trial.on(`for i in $(seq 0 ${values.length - 1}); do cat /srv/odd.env.$i; echo; done`)).toBe(text)
    const comments = `getent passwd | sed -n 's/^odd[0-9]*:[^:]*:[^:]*:[^:]*:\\([^:]*\\):.*/\\1/p'`
    expect(await trial.on(comments)).toBe(words.map((value) => `${value}\n`).join(''))
    expect(await trial.on('ls -A / /root | grep -c "^x$" || :')).toBe('0\n')
    expect(planned(documentOf(await deploy('plan', ...limited)))).toEqual([])
  })

  test.each([
    ['a command', '$(touch /srv/pwned)'],
    ['a path', '../../etc'],
    ['template text', '{{constructor}}'],
    ['a terminal escape', EVIL],
  ])('F61 an os-release with %s is no fact, and does nothing', async (_title, value) => {
    trial.project.write('evil', value)
    await trial.on(`cp -n /etc/os-release /srv/os-release; rm /etc/os-release
      printf 'ID=debian\\nVERSION_ID="%s"\\n' ${JSON.stringify(value.replaceAll('\u001b', '\\033')).replaceAll('$', '\\$')} >/etc/os-release`)
    const { code, stdout, stderr } = await deploy('facts', 'lab', '--limit', 'f1')
    await trial.on('cp /srv/os-release /etc/os-release')

    expect(stderr).toContain('/etc/os-release names no sane VERSION_ID')
    expect(`${stdout}${stderr}`).not.toMatch(CONTROL)
    expect(code).toBe(1)
    expect(await trial.on('ls /srv/pwned 2>&1 || :')).toContain('No such file')
  })

  test('F61 hostile values of a fact of the project stay values', async () => {
    const hostile = ['$(touch /srv/pwned)', '; touch /srv/pwned', '`touch /srv/pwned`', '{{constructor}}', '__proto__']
    trial.project.write('templates/fact.hbs', '{{#each said}}{{this}}\n{{/each}}')
    await trial.on(`cat >/srv/said <<'END'\n${hostile.join('\n')}\nEND`)
    const extra = `const said = fact({ text: script(sh\`cat /srv/said\`) }, ({ text }) => (text?.output ?? '').trim().split('\\n'))`
    const body = (tasks: string) =>
      trial.project.write(
        'playbooks/site.ts',
        `import { command, fact, file, playbook, script, sh, template } from 'evenkeel'
import { parallel } from '../inventories/schema.ts'
${extra}
export default playbook('x', [parallel('x', { on: 'app', facts: { said }, tasks: ({ facts }) => ${tasks} })])\n`,
      )
    body(`[
      template({ from: 'fact.hbs', to: '/srv/fact.template', data: { said: facts.said } }),
      command({ run: sh\`printf '%s\\\\n' \${facts.said} >/srv/fact.command\`, creates: '/srv/fact.command' }),
      facts.said.map((name) => file({ path: \`/srv/fact.d/\${name.replaceAll('/', '_')}\` })),
    ]`)
    await trial.on('mkdir -p /srv/fact.d')
    const limited = ['lab', '--limit', 'f1', '--json', '--no-check', '--yes']
    expect(wrong(documentOf(await deploy('apply', ...limited)))).toBe('')
    const text = hostile.map((value) => `${value}\n`).join('')
    expect(await trial.on('cat /srv/fact.template')).toBe(text)
    expect(await trial.on('cat /srv/fact.command')).toBe(text)
    expect(await trial.on('ls /srv/fact.d | wc -l')).toBe(`${hostile.length}\n`)
    expect(await trial.on('ls /srv/pwned 2>&1 || :')).toContain('No such file')

    await trial.on(`printf '../../etc/shadow' >/srv/said`)
    body('file({ path: `/srv/${facts.said[0]}` })')
    const { code, stderr, stdout } = await deploy('apply', ...limited)
    expect(`${stdout}${stderr}`).toContain('path must be written without')
    expect(code).not.toBe(0)
    inventory({})
  })

  test('F62 nothing a host says reaches the terminal as more than text', async () => {
    await trial.on(`printf '${EVIL_PRINTF.replaceAll("'", "'\\''")}\\n' >/srv/evil`)
    trial.project.tasks(`[
      file({ path: '/srv/evil', content: 'good\\n' }),
      command({ run: sh\`printf ${JSON.stringify(EVIL_PRINTF.replaceAll('\\', '\\\\\\\\'))}; exit 3\`, creates: '/srv/never' }),
    ]`)
    const ran = [
      await deploy('plan', 'lab', '--limit', 'f1', '--no-check'),
      await deploy('apply', 'lab', '--limit', 'f1', '--no-check', '--yes', '--verbose'),
      await deploy('run', 'lab', 'f1', '--', `printf '${EVIL_PRINTF}'; exit 3`),
    ]

    for (const { stdout, stderr } of ran) {
      expect(stdout).toContain('\\x1b[2J\\x1b]52;c;ZXZpbA==\\x07\\x1b]8;;http://evil\\x1b\\x\\x0droot# \\x9b31m\\u202e')
      expect(`${stdout}${stderr}`).not.toMatch(CONTROL)
    }
    expect(ran.map(({ code }) => code)).toEqual([0, 1, 1])
    const json = await deploy('run', 'lab', 'f1', '--json', '--', 'cat /srv/nothing; printf "\\033[2J"')
    expect(json.stdout).not.toMatch(CONTROL)
  })

  test('F38 a clock that is three years behind is named by every command, with both times', async () => {
    await trial.on(
      `printf '#!/bin/sh\nexec /bin/date -d -3years "$@"\n' >/usr/local/sbin/date; chmod 755 /usr/local/sbin/date`,
    )
    trial.project.tasks('[]')
    const told = [
      await deploy('plan', 'lab', '--limit', 'f1,f2', '--no-check'),
      await deploy('drift', 'lab', '--limit', 'f1,f2', '--no-check'),
      await deploy('status', 'lab', '--limit', 'f1,f2'),
      await deploy('facts', 'lab', '--limit', 'f1,f2'),
      await deploy('run', 'lab', 'f1,f2', '--', 'true'),
    ]
    await trial.on('rm /usr/local/sbin/date')
    for (const { stderr } of told)
      expect(stderr).toMatch(/^f1: its clock is 3 years behind: \d{4}-\d\d-\d\dT\S+Z there, \d{4}-\S+Z here\n$/)
    expect((await deploy('status', 'lab', '--limit', 'f1,f2')).stderr).toBe('')
  })

  test('F68 a host whose words look like success is believed in nothing: wrappers in a PATH, marks in an output', async () => {
    const tools = [
      'env',
      'sh',
      'sudo',
      'sha256sum',
      'stat',
      'find',
      'cmp',
      'install',
      'mv',
      'head',
      'systemd-run',
      'true',
    ]
    await trial.on(`id forger 2>/dev/null || useradd -m -s /bin/bash forger; cd /home/forger; mkdir -p .ssh bin
      cp /root/.ssh/authorized_keys .ssh; echo 'forger ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/forger
      for tool in ${tools.join(' ')}; do printf '#!/bin/sh\\necho forged >>/srv/forged; exit 0\\n' >bin/$tool; chmod 755 bin/$tool; done
      echo 'export PATH=/home/forger/bin:$PATH BASH_ENV=/home/forger/.bashrc ENV=/home/forger/.bashrc' >.bashrc; cp .bashrc .profile; chown -R forger: .
      rm -f /srv/forged; touch /srv/forged; chmod 666 /srv/forged`)
    const { identityFile, knownHosts, hosts } = lab.reach
    trial.project.write('inventories/forger.known_hosts', readFileSync(knownHosts, 'utf8'))
    trial.project.write(
      'inventories/forger.yaml',
      `connection: { user: forger, identityFile: ${identityFile} }\ngroups: { app: { hosts: [f1] } }\nhosts: { f1: { address: ${hosts.f1?.address} } }\n`,
    )
    // Marks as the tool's own look, of every nonce that a command can think of.
    const marks = ['end 0', 'done 0', 'done 1', 'verify', 'end ok', 'start 2', 'done 2', 'end 0']
      .flatMap((words) => ['0'.repeat(32), 'f'.repeat(32), '$N', ''].map((nonce) => `\\\\n${nonce} ${words}\\\\n`))
      .join('')
    trial.project.tasks(`[
      file({ path: '/srv/true', content: 'true' }),
      command({ run: sh\`printf "${marks.replaceAll('$', '\\$')}"; exit 3\`, creates: '/srv/never' }),
      file({ path: '/srv/after', content: 'x' }),
    ]`)
    const applied = documentOf(await deploy('apply', 'forger', '--json', '--no-check', '--yes'))

    expect(outcomes(applied).map((line) => line.replace(/ printf .*:/, ':'))).toEqual([
      'f1 file /srv/true: changed',
      'f1 command: failed',
      'f1 file /srv/after: not-run',
    ])
    expect(applied.results[1]?.output).toContain('\nffffffffffffffffffffffffffffffff end ok\n')
    expect(await trial.on('cat /srv/true; stat -c %U /srv/true; ls /srv/after /srv/never 2>/dev/null || :')).toBe(
      'trueroot\n',
    )
    expect(await trial.on('cat /srv/forged')).toBe('')
  })

  test.each([
    ['is absent', '{{port}}', '{ prot: 1 }', '`port` is not there; did you mean `prot`?'],
    ['is an absent condition', '{{#if tls}}x{{/if}}', '{}', '`tls` is not there'],
    ['is undefined', '{{port}}', '{ port: undefined }', '`port` is undefined'],
    ['is null', '{{port}}', '{ port: null }', '`port` is null'],
    ['is an object', '{{port}}', '{ port: {} }', '`port` is an object'],
  ])(
    'F66 a template whose variable %s: the plan names template, line, host and playbook',
    async (_title, text, data, says) => {
      trial.project.write('templates/f66.hbs', `# one\n${text}\n`)
      trial.project.tasks(`template({ from: 'f66.hbs', to: '/srv/f66', data: ${data} })`)
      const { code, stdout, stderr } = await deploy('plan', 'lab', '--limit', 'f1', '--no-check')

      expect(`${stdout}${stderr}`).toContain(`templates/f66.hbs:2:1: ${says}`)
      expect(`${stdout}${stderr}`).toMatch(/playbooks\/site\.ts:\d+/)
      expect(`${stdout}${stderr}`).toContain('f1')
      expect(code).not.toBe(0)
    },
  )

  test.each([
    ['a template', `template({ from: 'f67.hbs', to: '/srv/f67', data: { value } })`],
    ['a unit', `unit({ name: 'f67', from: 'f67.hbs', data: { value } })`],
    ['lines', `lines({ path: '/srv/f67', lines: [value], create: true })`],
    ['a comment of a user', `user({ name: 'f67', comment: value })`],
    ['a link', `symlink({ path: '/srv/f67', target: value })`],
  ])('F67 a value with a line break is refused in %s', async (_title, task) => {
    trial.project.write('templates/f67.hbs', '[Service]\nExecStart=/bin/true {{value}}\n')
    trial.project.tasks(task, `const value = 'a\\nauth=off'`)
    const { code, stdout, stderr } = await deploy('apply', 'lab', '--limit', 'f1', '--no-check', '--yes')

    expect(`${stdout}${stderr}`).toMatch(/line break|one line/)
    expect(code).not.toBe(0)
    expect(await trial.on('ls /srv/f67 /etc/systemd/system/f67.service 2>/dev/null; getent passwd f67 || :')).toBe('')
  })

  test('F67 a value that is declared to be lines keeps them', async () => {
    trial.project.write('templates/f67.hbs', '{{lines value}}\n')
    trial.project.tasks(`template({ from: 'f67.hbs', to: '/srv/f67', data: { value: 'a\\nauth=off' } })`)

    expect(wrong(documentOf(await deploy('apply', 'lab', '--limit', 'f1', '--no-check', '--yes', '--json')))).toBe('')
    expect(await trial.on('cat /srv/f67')).toBe('a\nauth=off\n')
  })
})
