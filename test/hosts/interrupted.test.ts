// Runs that do not come to their end: told to stop, killed, paused; and how status, resume and abandon find and close them.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { labExec } from '../../src/lab/inside.ts'
import { labKill, labStart } from '../../src/lab/lab.ts'
import { schemaErrors } from '../docs/schema.ts'
import { describeOnLab, useLab } from './support/lab.ts'
import { makeProject, type Project, type Ran } from './support/project.ts'
import { differing, witness } from './support/witness.ts'

const DEPLOY = join(import.meta.dirname, '../../bin/deploy.js')

describeOnLab('a run that does not come to its end', () => {
  const lab = useLab('interrupted', ['app1', 'app2'])
  let project: Project
  let revision = 0
  const deploy = (...args: string[]) => project.deploy(args)

  async function on(host: string, script: string): Promise<string> {
    return (await labExec(lab, host, ['sh', '-c', script])).stdout
  }

  async function until(what: () => Promise<boolean>): Promise<void> {
    for (const end = Date.now() + 20_000; !(await what()); ) {
      if (Date.now() > end) throw new Error('it did not come about in time')
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  /** A file, an opaque command, a command that waits for `/srv/go`, a file; a handler that both files notify. */
  function nextRevision(): void {
    revision++
    project.tasks(
      `[
        file({ path: '/srv/first', content: '${revision}\\n' }, { notify: restart }),
        command({ run: sh\`echo ${revision} >>/srv/ran\` }),
        command({ run: sh\`echo at >/srv/at; until [ -e /srv/go ]; do sleep 0.1; done; touch /srv/went\`, creates: '/srv/went' }),
        file({ path: '/srv/second', content: '${revision}\\n' }, { notify: restart }),
      ]`,
      `const restart = handler('restart', sh\`echo ${revision} >>/srv/restarts\`)`,
    )
  }

  /** An apply whose programs wait for `/srv/go` on both hosts. */
  async function applying(...more: string[]): Promise<{ child: ChildProcess; ended: Promise<Ran> }> {
    const args = [DEPLOY, 'apply', 'lab', '--yes', '--no-check', ...more]
    const child = spawn(process.execPath, args, {
      cwd: lab.root,
      stdio: ['ignore', 'pipe', 'pipe'],
      // A process group of its own, as a shell gives it.
      detached: true,
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    const said = { stdout: '', stderr: '' }
    child.stdout.on('data', (chunk) => {
      said.stdout += chunk
    })
    child.stderr.on('data', (chunk) => {
      said.stderr += chunk
    })
    const ended = new Promise<Ran>((resolve) => child.on('close', (code) => resolve({ code: code ?? -1, ...said })))
    for (const host of lab.hosts) await until(async () => (await on(host, 'cat /srv/at')) === 'at\n')
    return { child, ended }
  }

  /** What a terminal does at Ctrl-C or at its end: the signal reaches the command and all that it started in its group. */
  function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
    if (pid !== undefined) process.kill(-pid, signal)
  }

  async function go(): Promise<void> {
    for (const host of lab.hosts) await on(host, 'touch /srv/go')
  }

  /** As if the run had been started on another machine: nobody here can tell whether its process lives. */
  async function fromElsewhere(): Promise<void> {
    for (const host of lab.hosts)
      await on(host, `sed -i 's|"place":"[^"]*"|"place":"elsewhere/1"|' /var/lib/deploy/owner`)
  }

  /** What is on the hosts is the last revision, its command ran once and its handler once; nothing is open. */
  async function expectFinished(): Promise<void> {
    for (const host of lab.hosts) {
      expect(
        await on(host, 'cat /srv/first /srv/second /srv/ran /srv/restarts; ls /var/lib/deploy/owed /run/deploy'),
      ).toBe(`${`${revision}\n`.repeat(4)}/run/deploy:\nlock\n\n/var/lib/deploy/owed:\n`)
    }
    expect((await deploy('status', 'lab')).stdout).toContain('Status: nothing unfinished on 2 hosts.')
  }

  beforeAll(() => {
    project = makeProject(lab)
  })

  beforeEach(async () => {
    nextRevision()
    // A test that failed must not fail the next one.
    for (const host of lab.hosts)
      await on(
        host,
        `touch /srv/go; [ ! -e /run/deploy/lock ] || flock -w 20 /run/deploy/lock true
        rm -rf /var/lib/deploy/owner /var/lib/deploy/owed/* /srv/at /srv/go /srv/went /srv/ran /srv/restarts`,
      )
  })

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)(
    'F20 %s once: the task at work ends, nothing more is begun, what is open is said, exit %i',
    async (signal, code) => {
      const { child, ended } = await applying()
      signalGroup(child, signal)
      for (const host of lab.hosts) await until(async () => (await on(host, 'ls /run/deploy/*/stop')) !== '')
      await go()
      const ran = await ended

      expect(ran.code).toBe(code)
      expect(ran.stderr).toContain('stopping: each host ends the task it is at')
      expect(ran.stdout).toMatch(
        /app1 +unfinished +3 changed, \d not-run · stopped before file \/srv\/second; owes restart/,
      )
      expect(ran.stdout).toContain('Go on with: deploy apply lab')
      expect(await on('app1', 'cat /srv/went /srv/second; ls /run/deploy /var/lib/deploy/owner 2>&1')).not.toContain(
        String(revision),
      )
      expect((await deploy('status', 'lab')).stdout).toMatch(/app2 +owes +handler restart, since run /)
      expect((await deploy('apply', 'lab', '--yes', '--no-check')).code).toBe(0)
      expect(await on('app1', 'cat /srv/first /srv/second /srv/restarts')).toBe(`${revision}\n`.repeat(3))
    },
  )

  test('F20 SIGINT twice: the command ends at once, and says which commands see and finish what it leaves', async () => {
    const { child, ended } = await applying()
    signalGroup(child, 'SIGINT')
    for (const host of lab.hosts) await until(async () => (await on(host, 'ls /run/deploy/*/stop')) !== '')
    await until(async () => {
      child.kill('SIGINT')
      return child.exitCode !== null
    })
    const ran = await ended

    expect(ran.code).toBe(130)
    expect(ran.stderr).toContain(
      'left: hosts end the task they are at and keep their lock\n  deploy status lab\n  deploy resume lab\n',
    )
    await go()
    expect((await deploy('resume', 'lab', '--yes', '--no-check')).code).toBe(0)
    await expectFinished()
  })

  test('--json tells of a run that was stopped', async () => {
    const { child, ended } = await applying('--json')
    child.kill('SIGINT')
    for (const host of lab.hosts) await until(async () => (await on(host, 'ls /run/deploy/*/stop')) !== '')
    await go()
    const document = JSON.parse((await ended).stdout)

    expect(schemaErrors('apply', document)).toEqual([])
    expect(document.hosts.map(({ state }: { state: string }) => state)).toEqual(['unfinished', 'unfinished'])
    await deploy('apply', 'lab', '--yes', '--no-check')
  })

  /** The fences of app1 that the last two runs had. */
  function fences(): readonly number[] {
    const folder = join(lab.root, '.deploy', 'runs')
    const lines = (file: string) => readFileSync(join(folder, file), 'utf8').trim().split('\n')
    const last = readdirSync(folder).sort().slice(-2)
    return last.map(
      (file) =>
        lines(file)
          .map((line) => JSON.parse(line))
          .find(({ event }) => event === 'locked').fences.app1,
    )
  }

  test('F25 a run at work on this machine is told as that', async () => {
    const { ended } = await applying()
    const { stdout } = await deploy('status', 'lab')
    expect(stdout).toContain('its process is at work on this machine')
    expect(stdout).toContain('wait for its end, or press Ctrl-C where it runs\n  take it over: deploy resume lab')
    await go()
    expect((await ended).code).toBe(0)
  })

  test('F10 a resume repeats no command on a host that had come to its end', async () => {
    const { ended } = await applying()
    await labKill(lab, 'app1')
    await labStart(lab, 'app1')
    await on('app2', 'touch /srv/go')
    expect((await ended).code).toBe(3)
    expect(await on('app2', 'cat /srv/ran; ls /var/lib/deploy/owner 2>&1')).toMatch(new RegExp(`^${revision}\\nls: `))
    await go()
    expect((await deploy('resume', 'lab', '--yes', '--no-check')).code).toBe(0)
    expect(await on('app2', 'cat /srv/ran')).toBe(`${revision}\n`)
  }, 180_000)

  test('the end of the terminal, which nobody can write to any more, ends no run in the middle', async () => {
    const status = join(lab.root, 'status')
    const tool = `${process.execPath} ${DEPLOY} apply lab --yes --no-check; echo $? >${status}`
    // Its end closes the terminal: those who run there get HUP, and errors when they write.
    const terminal = spawn('script', ['-qc', `trap '' HUP; ${tool}`, '/dev/null'], { cwd: lab.root, stdio: 'ignore' })
    for (const host of lab.hosts) await until(async () => (await on(host, 'cat /srv/at')) === 'at\n')
    terminal.kill('SIGKILL')
    await go()
    await until(async () => existsSync(status))
    expect(readFileSync(status, 'utf8')).toMatch(/^(0|129)\n$/)
    for (const host of lab.hosts) expect(await on(host, 'cat /srv/went; ls /var/lib/deploy')).not.toContain('owner')
  })

  describe('killed, from another machine', () => {
    async function killed(): Promise<void> {
      const { child, ended } = await applying()
      child.kill('SIGKILL')
      expect((await ended).code).toBe(-1)
      await fromElsewhere()
    }

    test('F25 every command announces it; a second operator is refused with who, where, since when and the next command', async () => {
      await killed()
      const held =
        /^app1, app2 are held by run \d{8}-\d{6}-[0-9a-f]{4}: \S+ on \S+ \(pid \d+\) since \S+, by apply lab; at work on app1, app2\n {2}deploy status lab\n/m
      for (const args of [
        ['plan', 'lab', '--no-check'],
        ['drift', 'lab', '--no-check'],
        ['facts', 'lab'],
        ['run', 'lab', 'app', '--', 'true'],
        ['apply', 'lab', '--no-check', '--yes'],
      ])
        expect(`${args[0]}\n${(await deploy(...args)).stderr}`).toMatch(held)
      const refused = await deploy('apply', 'lab', '--no-check', '--yes')
      expect(refused.code).toBe(4)
      expect(refused.stderr).toMatch(
        /app1 is locked by run .*: .* on .* since .*, by apply lab\n {2}see what it does: deploy status lab/,
      )
      expect((await deploy('facts', 'lab')).stderr).toMatch(/app1 owes handler restart, since run /)

      const status = await deploy('status', 'lab')
      expect(status.code).toBe(0)
      expect(status.stdout).toMatch(
        /app1 +held +by run \S+\n +at work command:[0-9a-f]{16}\n +done: path:\/srv\/first, command:[0-9a-f]{16}\n +owes handler restart/,
      )
      expect(status.stdout).toContain('whether its process still lives cannot be told from here; at work on app1, app2')
      expect(status.stdout).toContain('finish it: deploy resume lab\n  close it as it is: deploy abandon lab\n')
      const document = JSON.parse((await deploy('status', 'lab', '--json')).stdout)
      expect(schemaErrors('status', document)).toEqual([])
      expect(document.runs[0]).toMatchObject({ hosts: ['app1', 'app2'], working: ['app1', 'app2'] })
      expect(document.runs[0]).not.toHaveProperty('lives')

      await go()
      expect((await deploy('abandon', 'lab', '--yes')).code).toBe(0)
      await deploy('apply', 'lab', '--yes', '--no-check')
    })

    test('F21 F26 resume waits for its programs, and runs nothing twice that is not safe to run twice', async () => {
      await killed()
      const resuming = deploy('resume', 'lab', '--yes', '--no-check')
      await until(async () => (await on('app1', 'pgrep -f "^flock -sw 600"')) !== '')
      await go()
      const { code, stdout } = await resuming

      expect(code).toBe(0)
      expect(stdout).toContain('waiting for the programs at work on app1, app2')
      const [dead = 0, taken = 0] = fences()
      expect(taken).toBeGreaterThan(dead)
      await expectFinished()
    })

    test('F21 resume finishes what was cut off by a loss of power, which the lock outlives', async () => {
      await killed()
      for (const host of lab.hosts) {
        await labKill(lab, host)
        await labStart(lab, host)
      }
      expect((await deploy('apply', 'lab', '--no-check', '--yes')).code).toBe(4)
      expect((await deploy('status', 'lab')).stdout).toMatch(
        /cut off at command:[0-9a-f]{16}: nobody knows how it ended/,
      )
      await go()
      const { code } = await deploy('resume', 'lab', '--yes', '--no-check')

      expect(code).toBe(0)
      await expectFinished()
    })

    test('F26 abandon ends its programs before their next task and frees its hosts; what is owed stays owed', async () => {
      await killed()
      const abandoning = deploy('abandon', 'lab', '--yes')
      for (const host of lab.hosts) await until(async () => (await on(host, 'ls /run/deploy/*/stop')) !== '')
      await go()
      const { code, stdout } = await abandoning

      expect(code).toBe(0)
      expect(stdout).toMatch(/app1 +owes +handler restart/)
      expect(stdout).toContain('Status: nothing unfinished, 2 handlers owed on 2 hosts.')
      expect(await on('app1', 'cat /srv/second')).not.toBe(`${revision}\n`)
      expect(await on('app1', 'tail -n 1 /var/lib/deploy/journal')).toMatch(/^\S+ abandoned by run \S+, /)
      expect((await deploy('apply', 'lab', '--yes', '--no-check')).code).toBe(0)
      expect(await on('app1', 'cat /srv/first /srv/second /srv/restarts')).toBe(`${revision}\n`.repeat(3))
    })

    test('without --yes, where nobody can answer, neither does anything', async () => {
      await killed()
      await go()
      await until(async () => (await on('app1', 'ls /srv/went')) !== '')
      for (const verb of ['resume', 'abandon']) {
        const { code, stderr } = await deploy(verb, 'lab', ...(verb === 'resume' ? ['--no-check'] : []))
        expect(`${verb} ${code} ${stderr}`).toContain(
          `${verb} 4 nobody can be asked here, and --yes was not given; nothing was changed`,
        )
      }
      expect((await deploy('status', 'lab')).stdout).toContain('1 unfinished run')
      expect((await deploy('abandon', 'lab', '--yes')).code).toBe(0)
      await deploy('apply', 'lab', '--yes', '--no-check')
    })
  })

  test.each([
    [
      'its links are still there',
      '',
      1,
      /app1 +failed .*another run has taken over the lock of this host; nothing more was done/,
    ],
    [
      'its links are lost',
      `pkill -9 -f '^sshd: root'`,
      3,
      /app1 +unknown .*another run has taken over the lock of this host; run another-run: somebody, holds it now; nothing/,
    ],
  ])(
    'F22 a holder that was paused and taken over writes nothing when it wakes up: %s',
    async (_title, meanwhile, exit, says) => {
      const { child, ended } = await applying()
      signalGroup(child, 'SIGSTOP')
      for (const host of lab.hosts) await on(host, meanwhile)
      const abandoning = deploy('abandon', 'lab', '--yes')
      for (const host of lab.hosts) await until(async () => (await on(host, 'ls /run/deploy/*/stop')) !== '')
      await go()
      expect((await abandoning).code).toBe(0)
      nextRevision()
      expect((await deploy('apply', 'lab', '--yes', '--no-check')).code).toBe(0)
      // The other one holds the hosts when this one wakes up.
      const owner = 'another-run 99\n{}\n'
      for (const host of lab.hosts) await on(host, `printf '${owner.replaceAll('\n', '\\n')}' >/var/lib/deploy/owner`)
      const before = lab.hosts.map((host) => witness(lab, host))
      const journal = () => Promise.all(lab.hosts.map((host) => on(host, 'cat /var/lib/deploy/journal')))
      const written = await journal()
      signalGroup(child, 'SIGCONT')
      const { code, stdout } = await ended

      expect(code).toBe(exit)
      expect(stdout).toMatch(says)
      expect(lab.hosts.flatMap((host, at) => differing(before[at]!, witness(lab, host)))).toEqual([])
      expect(await journal()).toEqual(written)
      expect(await on('app1', 'cat /srv/first /srv/second /var/lib/deploy/owner')).toBe(
        `${`${revision}\n`.repeat(2)}${owner}`,
      )
    },
  )

  describe('F27 a disk of the controller that is full', () => {
    const folder = () => join(lab.root, '.deploy', 'runs')
    const fill = (options: string) => {
      mkdirSync(folder(), { recursive: true })
      execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder()])
    }
    const empty = () => execFileSync('umount', [folder()])

    test('no journal can be begun: nothing is locked and nothing done', async () => {
      fill('nr_inodes=1')
      const { code, stderr } = await deploy('apply', 'lab', '--yes', '--no-check')
      empty()
      expect(code).toBe(1)
      expect(stderr).toMatch(
        /\.deploy\/runs cannot be written, and a run without its journal must not go on: ENOSPC.*\n {2}free space there/,
      )
      expect(await on('app1', 'ls /var/lib/deploy/owner /srv/at 2>/dev/null; cat /srv/first')).not.toBe(`${revision}\n`)
    })

    test('the journal is full before the first program: nothing is done, the locks are given back', async () => {
      fill('size=4k')
      project.tasks(
        `Array.from({ length: 60 }, (_, index) => file({ path: '/srv/full-' + index + '-' + 'x'.repeat(60), content: 'x' }))`,
      )
      const { code, stdout } = await deploy('apply', 'lab', '--yes', '--no-check')
      empty()
      expect(code).toBe(1)
      expect(stdout).toMatch(/app1 +failed .*jsonl cannot be written/)
      expect(await on('app1', 'ls /srv | grep -c full; ls /var/lib/deploy/owner 2>&1')).toMatch(/^0\n.*No such file/)
    })
  })

  describe('which run', () => {
    const owner = {
      who: 'alice',
      machine: 'laptop',
      place: 'elsewhere/1',
      pid: 7,
      started: 'x',
      since: '2026-01-01T00:00:00.000Z',
    }
    const about = { command: 'apply lab', environment: 'lab', playbook: 'site', prune: false, hosts: ['app1'] }
    const hold = (host: string, run: string, line: string) =>
      labExec(lab, host, ['sh', '-c', 'mkdir -p /var/lib/deploy; cat >/var/lib/deploy/owner'], {
        input: `${run} 4\n${line}\n`,
      })

    test('none: that is said, exit 0', async () => {
      for (const verb of ['resume', 'abandon']) {
        const { code, stderr } = await deploy(verb, 'lab', '--yes')
        expect(`${code} ${stderr}`).toBe('0 no run is unfinished in lab\n')
      }
    })

    test('of several one must be named; an unknown one is refused', async () => {
      await hold('app1', 'run-a', JSON.stringify({ ...owner, ...about, project: 'other' }))
      await hold('app2', 'run-b', 'no owner')
      const several = await deploy('abandon', 'lab', '--yes')
      expect(several.code).toBe(64)
      expect(several.stderr).toContain('several runs are unfinished: run-a, run-b')
      expect((await deploy('resume', 'lab', 'run-c')).stderr).toContain('no unfinished run run-c: run-a, run-b')
      expect((await deploy('status', 'lab')).stdout).toContain('finish it: deploy resume lab run-b')

      const foreign = await deploy('resume', 'lab', 'run-a', '--yes')
      expect(foreign.code).toBe(4)
      expect(foreign.stderr).toContain('run run-a is of another project, other: finish it there')
      const silent = await deploy('resume', 'lab', 'run-b', '--yes')
      expect(silent.code).toBe(4)
      expect(silent.stderr).toContain('run run-b does not say what it was about')

      for (const run of ['run-a', 'run-b']) expect((await deploy('abandon', 'lab', run, '--yes')).code).toBe(0)
      expect((await deploy('status', 'lab')).stdout).toContain('nothing unfinished')
    })

    test('words of a host reach the terminal as text only', async () => {
      await hold(
        'app1',
        'run-\u001b[2J',
        JSON.stringify({ ...owner, ...about, who: 'al\u001b]52;c;x\u0007ice', project: 'x' }),
      )
      for (const args of [
        ['status', 'lab'],
        ['plan', 'lab', '--no-check'],
      ]) {
        const { stdout, stderr } = await deploy(...args)
        expect(`${stdout}${stderr}`).toContain('al\\x1b]52;c;x\\x07ice')
        expect(`${stdout}${stderr}`).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/)
      }
      await on('app1', 'rm /var/lib/deploy/owner')
    })
  })
})
