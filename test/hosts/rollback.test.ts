import { beforeAll, expect, test } from 'vitest'
import { describeOnLab, useLab } from './support/lab.ts'
import type { Ran } from './support/project.ts'
import { useTrial } from './support/trial.ts'

describeOnLab('rollback', () => {
  const lab = useLab('rollback', ['app1', 'app2'])
  const trial = useTrial(lab)
  const deploy = (...args: string[]) => trial.project.deploy(args)
  const on = (script: string) => trial.on(script)

  /** The run that an apply of these tasks was. */
  async function apply(tasks: string, extra = ''): Promise<string> {
    trial.project.tasks(tasks, extra)
    const ran = await deploy('apply', 'lab', '--limit', 'app1', '--yes', '--json', '--no-check')
    expect(`${ran.code} ${ran.stderr}`).toBe('0 ')
    return JSON.parse(ran.stdout).run
  }

  const said = ({ code, stdout, stderr }: Ran) => `${code}\n${stdout}${stderr}`

  const RESTART = `const restart = handler('restart', sh\`cat /srv/r/conf >>/srv/r/restarts\`, { validate: sh\`test -s /srv/r/conf\` })`
  const revision = (text: string) =>
    `[
      directory({ path: '/srv/r' }),
      file({ path: '/srv/r/conf', content: '${text}\\n', mode: ${text === 'one' ? "'0640'" : "'0644'"}, owner: ${text === 'one' ? "'daemon'" : "'root'"} }, { notify: restart }),
      symlink({ path: '/srv/r/link', target: '${text}' }),
      lines({ path: '/srv/r/lines', lines: ['${text}'], create: true }),
      ${text === 'one' ? '' : "file({ path: '/srv/r/new', content: 'x' }), directory({ path: '/srv/r/folder' }),"}
      file({ path: '/srv/r/secret', content: 'pass-${text}', mode: '0600' }),
    ]`
  const look = () =>
    on('cd /srv/r; stat -c "%n %a %U %F" conf link lines new folder secret 2>&1; cat conf lines secret; readlink link')

  let one = ''
  let two = ''
  let before = ''
  beforeAll(async () => {
    one = await apply(revision('one'), RESTART)
    before = await look()
    two = await apply(revision('two'), RESTART)
    await on('rm /srv/r/restarts')
  })

  test('without consent nothing is done; the plan says what is put back, and shows no secret', async () => {
    const now = await look()
    const ran = await deploy('rollback', 'lab')

    expect(ran.code).toBe(4)
    expect(ran.stdout).toContain(`Plan for lab: rollback of run ${two}`)
    expect(ran.stdout).toMatch(
      /~ put-back \/srv\/r\/conf {2}\[app1\] {2}then restart\n +content: .*\n +owner: root → daemon\n +mode: 0644 → 0640\n/,
    )
    expect(ran.stdout).toMatch(/- put-back \/srv\/r\/new/)
    expect(ran.stdout).toMatch(/- put-back \/srv\/r\/folder/)
    expect(ran.stdout).toMatch(/target: two → one/)
    expect(ran.stdout).toMatch(/put-back \/srv\/r\/lines .*\n.*\n.*@@ -1,2 \+1,1 @@\n +one\n +-two\n/)
    expect(ran.stdout).not.toContain('pass-')
    expect(await look()).toBe(now)
  })

  test('the last run: files, owners, modes, links and what was not there; its handler runs once, with its validation', async () => {
    const ran = await deploy('rollback', 'lab', '--yes')

    expect(said(ran)).toMatch(/^0\n/)
    expect(ran.stdout).toContain(`The project still says what run ${two} did`)
    expect(await look()).toBe(before)
    expect(await on('cat /srv/r/restarts; ls /var/lib/deploy/owed')).toBe('one\n')
    expect((await deploy('plan', 'lab', '--limit', 'app1', '--no-check')).stdout).toContain('file /srv/r/new')
  })

  test('a rollback can be rolled back, but for a folder that it took away', async () => {
    const ran = await deploy('rollback', 'lab', '--yes')
    expect(said(ran)).toMatch(/^0\n/)
    expect(await on('cat /srv/r/conf /srv/r/new; readlink /srv/r/link; cat /srv/r/restarts')).toBe(
      'two\nxtwo\none\ntwo\n',
    )
    expect((await deploy('plan', 'lab', '--limit', 'app1', '--no-check')).stdout).toMatch(
      /\+ directory \/srv\/r\/folder[\s\S]*Plan: 1 to create on 1 host/,
    )
  })

  test('an older run by its name, over what was changed since; what is as it was needs nothing', async () => {
    await on('echo by hand >/srv/r/conf')
    const ran = await deploy('rollback', 'lab', two, '--yes')
    expect(said(ran)).toMatch(/^0\n/)
    expect(await look()).toBe(before)
    const again = await deploy('rollback', 'lab', two, '--yes')
    expect(said(again)).toMatch(/^0\n/)
    expect(again.stdout).toContain('Plan: nothing to do')
  })

  test('the first run: what it made is gone, and its folder; a handler that fails for that stays owed', async () => {
    await on('rm -f /srv/r/restarts')
    const ran = await deploy('rollback', 'lab', one, '--yes')
    expect(said(ran)).toMatch(/^1\n/)
    expect(ran.stdout).toMatch(/handler restart/)
    expect(await on('ls -A /srv; ls -A /var/lib/deploy/owed | wc -l; rm /var/lib/deploy/owed/*')).toBe('1\n')
  })

  test('a path that became a directory is refused by the plan, before anything is done', async () => {
    await apply(`[file({ path: '/srv/d', content: 'old' })]`)
    const run = await apply(`[file({ path: '/srv/d', content: 'new' }), file({ path: '/srv/e', content: 'new' })]`)
    await on('rm /srv/d; mkdir /srv/d')
    const ran = await deploy('rollback', 'lab', run, '--yes')
    expect(ran.code).toBe(1)
    expect(ran.stdout).toContain('/srv/d is a directory now: it is left alone')
    expect(await on('cat /srv/e')).toBe('new')
  })

  test('a run of another project on the same host is theirs', async () => {
    trial.project.write('package.json', '{ "type": "module", "name": "theirs" }')
    const theirs = await apply(`[file({ path: '/srv/theirs', content: 'x' })]`)
    trial.project.write('package.json', '{ "type": "module" }')
    const last = await deploy('rollback', 'lab')
    expect(last.stdout).not.toContain(theirs)
    expect(last.stdout).toMatch(/^Back behind run \S+: \S+ on \S+ \(pid \d+\) since \S+, by (apply|rollback) lab/)
    const named = await deploy('rollback', 'lab', theirs)
    expect(named.code).toBe(64)
    expect(named.stderr).toContain(`nothing is kept of run ${theirs}`)
    expect(await on('cat /srv/theirs')).toBe('x')
  })

  test('a run that nobody keeps; a host that keeps nothing', async () => {
    const unknown = await deploy('rollback', 'lab', '20260101-000000-abcd')
    expect(unknown.code).toBe(64)
    expect(unknown.stderr).toMatch(
      /nothing is kept of run 20260101-000000-abcd\n {2}the last runs of which something is kept:\n(.*\n)* {4}\d{8}-\d{6}-[0-9a-f]{4}: \S+ on /,
    )
    const none = await deploy('rollback', 'lab', '--limit', 'app2')
    expect(said(none)).toMatch(/^64\n.*no host of lab keeps anything of a run/)
  })

  test('what is kept is bounded: the oldest runs go beyond 512 MiB, or 20 runs', async () => {
    const kept = '/var/lib/deploy/kept'
    const make = (count: number, megabytes: number) =>
      on(
        `for i in $(seq ${count}); do d=${kept}/20000101-0000$(printf %02d $i)-abcd; mkdir -p $d; fallocate -l ${megabytes}M $d/0.0; done`,
      )
    await make(3, 250)
    await apply(`[file({ path: '/srv/bounded', content: '1' })]`)
    expect(await on(`ls ${kept} | grep ^2000`)).toBe('20000101-000002-abcd\n20000101-000003-abcd\n')
    await make(24, 1)
    await apply(`[file({ path: '/srv/bounded', content: '2' })]`)
    expect(Number(await on(`ls ${kept} | wc -l`))).toBe(21)
    await on(`rm -r ${kept}/2000*`)
  })

  test('a host is not trusted: a path that is none, and entries that are none, lead nowhere', async () => {
    const run = '20990101-000000-abcd'
    const last = (await on('ls /var/lib/deploy/kept')).trim().split('\n').at(-1)
    await on(
      `d=/var/lib/deploy/kept/${run}; mkdir -p $d; cp /var/lib/deploy/kept/${last}/owner $d; cd $d; echo relative/../path >1.1.path; : >1.1.absent; echo /etc/hostname >x.path; : >x.absent`,
    )
    const ran = await deploy('rollback', 'lab', run, '--yes')
    expect(ran.code).toBe(64)
    expect(ran.stderr).toContain('relative/../path')
    await on(`rm -r /var/lib/deploy/kept/${run}; test -e /etc/hostname`)
  })
})
