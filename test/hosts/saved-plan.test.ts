import { cpSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { labExec } from '../../src/lab/inside.ts'
import { labKill, labStart } from '../../src/lab/lab.ts'
import { schemaErrors } from '../docs/schema.ts'
import { describeOnLab, useLab } from './support/lab.ts'
import { makeProject, type Project, projectIn } from './support/project.ts'
import { differing, witness } from './support/witness.ts'

/** A user's project in two checkouts, as on two machines: only files that belong to the project are in both. */
describeOnLab('a saved plan', () => {
  const lab = useLab('saved', ['app1', 'app2'])
  const elsewhere = mkdtempSync(join(realpathSync(tmpdir()), 'evenkeel-saved-clone-'))
  afterAll(() => rmSync(elsewhere, { recursive: true }))
  let here: Project
  const there = projectIn(elsewhere)
  const on = async (host: string, script: string) => (await labExec(lab, host, ['sh', '-c', script])).stdout
  const file = join(elsewhere, 'plan.json')
  const plan = (...more: string[]) => here.deploy(['plan', 'prod', '--out', file, '--no-check', ...more])
  const apply = (...more: string[]) => there.deploy(['apply', '--plan', 'plan.json', '--no-check', ...more])

  beforeAll(() => {
    here = makeProject(lab)
    const { hosts, identityFile, knownHosts } = lab.reach
    here.write(
      'inventories/prod.yaml',
      `connection: { user: root, identityFile: ${identityFile} }
groups: { app: { hosts: [app1, app2] } }
hosts: { ${lab.hosts.map((host) => `${host}: { address: ${hosts[host]?.address} }`).join(', ')} }
`,
    )
    here.write('inventories/prod.known_hosts', readFileSync(knownHosts, 'utf8'))
    here.write('templates/saved.hbs', 'port {{port}}\n')
    content('one')
    cpSync(here.root, elsewhere, { recursive: true, filter: (path) => !path.endsWith('/.deploy') })
  })

  /** Both checkouts have this playbook. */
  function content(text: string): void {
    for (const project of [here, there]) {
      project.tasks(
        `[
          file({ path: '/srv/saved', content: '${text}\\n' + host.name }),
          template({ from: 'saved.hbs', to: '/srv/port', data: { port: 1 } }),
        ]`,
      )
    }
  }

  test('made in one checkout is applied from another, once', async () => {
    const made = await plan()
    expect(made).toMatchObject({ code: 0, stdout: expect.stringContaining('deploy apply --plan') })
    expect(schemaErrors('saved-plan', JSON.parse(readFileSync(file, 'utf8')))).toEqual([])
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readFileSync(file, 'utf8')).not.toContain('port 1')

    const applied = await apply('--events', 'events.jsonl')
    expect(applied.code).toBe(0)
    expect(await on('app2', 'cat /srv/saved /srv/port')).toBe('one\napp2port 1\n')
    const lines = readFileSync(join(elsewhere, 'events.jsonl'), 'utf8').trimEnd().split('\n')
    const events = lines.map((line) => JSON.parse(line))
    expect(events.flatMap((event) => schemaErrors('event', event))).toEqual([])
    expect(events.map(({ type }) => type)).toEqual(expect.arrayContaining(['begin', 'phase', 'task', 'part', 'end']))

    const again = await apply()
    expect(again.code).toBe(4)
    expect(again.stderr).toContain('the host changed since the plan was made; nothing was touched')
  })

  test.each<[string, () => unknown, string]>([
    ['a host that changed', () => on('app2', 'echo by hand >/srv/saved'), 'app2: file /srv/saved: the host changed'],
    [
      'a changed template',
      () => there.write('templates/saved.hbs', 'port {{port}} \n'),
      'template /srv/port is no longer what was planned',
    ],
    [
      'a changed playbook',
      () => there.tasks(`[file({ path: '/srv/saved', content: 'other' })]`),
      'is no longer what was planned',
    ],
    [
      'another machine',
      () =>
        on('app2', 'cp /etc/machine-id /etc/machine-id.was; echo 0123456789abcdef0123456789abcdef >/etc/machine-id'),
      'app2 is another machine',
    ],
    [
      'another trusted key',
      () =>
        there.write(
          'inventories/prod.known_hosts',
          `${readFileSync(lab.reach.knownHosts, 'utf8')}${readFileSync(lab.reach.knownHosts, 'utf8').replaceAll('ssh-ed25519 AAAA', 'ssh-ed25519 AAAB')}`,
        ),
      'the host key that is trusted for app1',
    ],
    [
      'an altered file',
      () => writeFileSync(file, readFileSync(file, 'utf8').replace('"app1"', '"app3"')),
      'altered or cut',
    ],
  ])('F65 with %s nothing is touched on any host', async (_name, alter, says) => {
    content('two')
    const port = readFileSync(join(here.root, 'templates/saved.hbs'), 'utf8')
    expect((await plan()).code).toBe(0)
    await alter()
    const before = lab.hosts.map((host) => witness(lab, host))
    const refused = await apply()

    expect(refused.code).toBe(4)
    expect(refused.stderr).toContain(says)
    expect(lab.hosts.flatMap((host, index) => differing(before[index]!, witness(lab, host)))).toEqual([])
    await on('app2', '[ ! -e /etc/machine-id.was ] || mv /etc/machine-id.was /etc/machine-id')
    there.write('templates/saved.hbs', port)
    there.write('inventories/prod.known_hosts', readFileSync(lab.reach.knownHosts, 'utf8'))
  })

  test('F64 an altered plan is refused before any login', async () => {
    content('altered')
    expect((await plan()).code).toBe(0)
    const logins = () => Promise.all(lab.hosts.map((host) => on(host, 'journalctl -q -t sshd | grep -c Accepted')))
    const before = await logins()
    expect(Number(before[0])).toBeGreaterThan(0)
    for (const [from, to] of [
      ['"app1"', '"app3"'],
      ['/srv/saved', '/etc/saved'],
    ] as const) {
      const text = readFileSync(file, 'utf8')
      writeFileSync(file, text.replaceAll(from, to))
      const refused = await apply()
      writeFileSync(file, text)
      expect([refused.code, refused.stderr]).toEqual([4, expect.stringContaining('altered or cut')])
    }
    expect(await logins()).toEqual(before)
  })

  test('a host that changes after the comparison is refused by its own program, the others get theirs', async () => {
    content('late')
    expect((await plan()).code).toBe(0)
    await on('app2', 'mkdir -p /run/deploy; (flock 9; sleep 3) 9>/run/deploy/lock >/dev/null 2>&1 &')
    const applying = apply()
    const waits = () => labExec(lab, 'app2', ['pgrep', '-f', '^flock -w'])
    await vi.waitFor(async () => expect((await waits()).code).toBe(0), { timeout: 20_000, interval: 50 })
    await on('app2', 'echo too late >/srv/saved')
    const refused = await applying

    expect(refused.code).toBe(4)
    expect(refused.stdout).toContain('the host changed since it was compared with the saved plan')
    expect(await on('app1', 'cat /srv/saved')).toBe('late\napp1')
    expect(await on('app2', 'cat /srv/saved')).toBe('too late\n')
  })

  test('a plan of some hosts is for these alone, though the facts of all are read', async () => {
    for (const project of [here, there]) {
      project.write(
        'playbooks/site.ts',
        `import { file, memory, playbook } from 'evenkeel'
import { parallel } from '../inventories/schema.ts'
export default playbook('Facts', [
  parallel('facts', { on: 'app', facts: { memory }, tasks: (host) => file({ path: '/srv/facts', content: host.name }) }),
])
`,
      )
    }
    const made = await plan('--limit', 'app1')
    const applied = await apply()

    expect([made.code, applied.code]).toEqual([0, 0])
    expect(await on('app1', 'cat /srv/facts')).toBe('app1')
    expect(await on('app2', 'ls /srv')).not.toContain('facts')
  })

  test('a host that is off when it is applied: the others get theirs, exit 3', async () => {
    content('three')
    expect((await plan()).code).toBe(0)
    await labKill(lab, 'app2')
    const applied = await apply()
    await labStart(lab, 'app2')

    expect(applied.code).toBe(3)
    expect(await on('app1', 'cat /srv/saved')).toBe('three\napp1')
    expect(await on('app2', 'cat /srv/saved')).not.toContain('three')
  })

  test('a host that was off when it was made is in no such plan', async () => {
    content('four')
    await labKill(lab, 'app2')
    const made = await plan()
    await labStart(lab, 'app2')
    const applied = await apply()

    expect(made).toMatchObject({ code: 3, stdout: expect.stringContaining('Saved without app2') })
    expect(applied.code).toBe(0)
    expect(await on('app1', 'cat /srv/saved')).toBe('four\napp1')
    expect(await on('app2', 'cat /srv/saved')).not.toContain('four')
  })
})
