// Disks that are full or read-only: what is said, what is left, and that later tasks are not run and other hosts go on.
import { readFileSync } from 'node:fs'
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { labExec } from '../../src/lab/inside.ts'
import { describeOnLab, useLab } from './support/lab.ts'
import { documentOf, makeProject, outcomes, type Project } from './support/project.ts'

/** A file that fits into memory, one that is staged on disk, one after them. */
const TASKS = ['small', 'large', 'later'] as const

/** Mounts a small file system in place of a folder that may not be there yet. */
const tmpfs = (folder: string, options: string) => `mkdir -p ${folder} && mount -t tmpfs -o ${options} tmpfs ${folder}`
const state = (options: string) => tmpfs('/var/lib/deploy', `mode=700,${options}`)

/** A line of `df`: nothing is free of one of the two. */
const NO_BYTES = (mount: string) => `${mount} +0 +\\d`
const NO_INODES = (mount: string) => `${mount} +\\S+ +0(\\n|$)`
const LOCK = 'nothing was begun: the host could not write down who holds it: '
const PROGRAM = 'nothing was begun: the host could not take the program: '

describeOnLab('disks of a host', () => {
  const lab = useLab('disks', ['app1', 'app2'])
  let project: Project
  const on = async (script: string, host = 'app1') => {
    const { code, stdout, stderr } = await labExec(lab, host, ['sh', '-c', script])
    if (code !== 0) throw new Error(`exit ${code} on ${host}: ${script}\n${stderr}`)
    return stdout
  }
  const apply = async () => {
    const ran = await project.deploy(['apply', 'lab', '--yes', '--json', '--no-check'])
    return { ...ran, document: documentOf(ran) }
  }

  beforeAll(() => {
    project = makeProject(lab)
    project.tasks(`[
      file({ path: '/srv/small', content: 'new small' }),
      file({ path: '/srv/large', content: 'new large\\n'.repeat(200_000) }),
      file({ path: '/srv/later', content: 'new later' }),
    ]`)
  })

  beforeEach(async () => {
    for (const host of lab.hosts) await on(`for f in ${TASKS.join(' ')}; do echo old >/srv/$f; done`, host)
  })

  test.each<[title: string, script: string, done: number, says: RegExp]>([
    [
      'the state folder is full: nothing is begun',
      `${state('size=4k')}; head -c 4k /dev/zero >/var/lib/deploy/fill`,
      0,
      RegExp(`^${LOCK}[\\s\\S]*${NO_BYTES('/var/lib/deploy')}`),
    ],
    [
      'the state folder has no free inode: nothing is begun',
      state('nr_inodes=1'),
      0,
      RegExp(`^${LOCK}[\\s\\S]*/var/lib/deploy/owner.new: No space left[\\s\\S]*${NO_INODES('/var/lib/deploy')}`),
    ],
    [
      'a large file finds no room to be staged: nothing is begun',
      state('size=1m'),
      0,
      RegExp(`^app1: ${PROGRAM}[\\s\\S]*No space left on device[\\s\\S]*${NO_BYTES('/var/lib/deploy')}`),
    ],
    [
      'the folder in memory is full: nothing is begun',
      tmpfs('/run/deploy', 'mode=700,size=4k'),
      0,
      RegExp(`^app1: ${PROGRAM}[\\s\\S]*No space left on device[\\s\\S]*${NO_BYTES('/run/deploy')}`),
    ],
    [
      'the folder in memory has no free inode: nothing is begun',
      tmpfs('/run/deploy', 'mode=700,nr_inodes=2'),
      0,
      RegExp(`^app1: ${PROGRAM}[\\s\\S]*No space left on device[\\s\\S]*${NO_INODES('/run/deploy')}`),
    ],
    [
      'there is no room to keep what a file was: it stays',
      `${state('size=3m')}; head -c 2m /dev/zero >/srv/large`,
      1,
      /\/srv\/large could not be kept. Free there:\n[\s\S]*\/var\/lib\/deploy +\d/,
    ],
  ])('F35 %s', async (_title, script, done, says) => {
    await on(script)
    const before = await on('sha256sum /srv/*')
    const { code, document } = await apply()
    const status = (await project.deploy(['status', 'lab'])).stdout
    const after = await on('sha256sum /srv/*')
    const left = await on(`find / -xdev -name '.deploy-*'; ls /run/deploy /var/lib/deploy`)
    await on('for m in /var/lib/deploy /run/deploy; do ! mountpoint -q $m || umount $m; done')

    const ends = TASKS.map((_task, at) => (at < done ? 'changed' : at === done && done > 0 ? 'failed' : 'not-run'))
    expect(outcomes(document)).toEqual([
      ...TASKS.map((task, at) => `app1 file /srv/${task}: ${ends[at]}`),
      ...TASKS.map((task) => `app2 file /srv/${task}: changed`),
    ])
    const [failed] = document.results.filter(({ outcome }) => outcome === 'failed')
    expect(failed?.output ?? document.hosts[0]?.message).toMatch(says)
    expect(document.hosts.map(({ state }) => state)).toEqual(['failed', 'done'])
    expect(code).toBe(1)
    // What was not done is as it was; nothing of the run is left, and nobody holds the host.
    const lines = (text: string) => text.split('\n').filter((line) => !line.endsWith('small') || done === 0)
    expect(lines(after)).toEqual(lines(before))
    expect(left).not.toMatch(/\.deploy-|owner|staged|\d{8}-\d{6}/)
    expect(status).toContain('nothing unfinished')
    // The disk is mended: the next apply does the rest.
    expect((await apply()).code).toBe(0)
    expect(await on('cat /srv/small /srv/later')).toBe('new smallnew later')
  })

  test('F36 a state folder on a disk that became read-only: named before anything is done, and no other is taken', async () => {
    await on('mkdir -p /var/lib/deploy; mount --bind /var/lib /var/lib; mount -o remount,ro,bind /var/lib')
    const { code, document } = await apply()
    await on('umount /var/lib')

    expect(document.hosts[0]?.message).toMatch(
      RegExp(`^${LOCK}.*/var/lib/deploy/owner.new: Read-only file system\\n[\\s\\S]*/var/lib +\\d`),
    )
    expect(outcomes(document).slice(2, 4)).toEqual(['app1 file /srv/later: not-run', 'app2 file /srv/small: changed'])
    expect(code).toBe(1)
    expect(await on('cat /srv/small; ls /root/.local 2>&1 || :')).toMatch(/^old\nls: cannot access/)
    expect((await apply()).code).toBe(0)
  })

  test('F35 F37 a /tmp that is full and where nothing can be run, a TMPDIR that is not there, a home that is missing: all works', async () => {
    await on(`mount -t tmpfs -o noexec,nosuid,nodev,size=4k tmpfs /tmp; head -c 4k /dev/zero >/tmp/fill; mount -o remount,noexec /run; findmnt -no OPTIONS /run | grep -q noexec
      echo TMPDIR=/nowhere/tmp >>/etc/environment; useradd -M -d /nowhere homeless; echo 'homeless ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/homeless
      printf 'Match User homeless\\nAuthorizedKeysFile /etc/ssh/homeless\\n' >/etc/ssh/sshd_config.d/homeless.conf; install -m 644 /root/.ssh/authorized_keys /etc/ssh/homeless; systemctl restart ssh`)
    const { identityFile, knownHosts, hosts } = lab.reach
    project.write('inventories/homeless.known_hosts', readFileSync(knownHosts, 'utf8'))
    const environment = (become: string) =>
      project.write(
        'inventories/homeless.yaml',
        `connection: { user: homeless, identityFile: ${identityFile}, become: ${become} }\ngroups: { app: { hosts: [app1] } }\nhosts: { app1: { address: ${hosts.app1?.address} } }\n`,
      )
    const run = async () => documentOf(await project.deploy(['apply', 'homeless', '--yes', '--json', '--no-check']))
    project.tasks(
      `[
        file({ path: '/srv/bare', content: 'bare\\n', validate: sh\`grep -q bare "$1"\` }, { notify: note }),
        file({ path: '/srv/bare-large', content: 'large\\n'.repeat(400_000) }),
        lines({ path: '/srv/bare-lines', lines: ['x'], create: true }),
        command({ run: sh\`mktemp; { printenv TMPDIR || echo none; echo "$HOME"; } >/srv/bare-ran\`, creates: '/srv/bare-ran' }),
        unit({ name: 'bare.service', content: '[Service]\\nExecStart=/bin/sleep infinity\\n', running: true }),
      ]`,
      `const note = handler('note', sh\`echo noted >/srv/bare-noted\`)`,
    )
    environment('sudo')
    const applied = await run()
    expect(outcomes(applied).filter((line) => !line.endsWith(': changed'))).toEqual([])
    expect(applied.results[3]?.output).toMatch(/^\/tmp\/tmp\.\w+\n$/)
    expect(
      await on('cat /srv/bare /srv/bare-lines /srv/bare-ran /srv/bare-noted; stat -c "%s %U" /srv/bare-large'),
    ).toBe('bare\nx\nnone\n/root\nnoted\n2400000 root\n')
    expect(documentOf(await project.deploy(['plan', 'homeless', '--json', '--no-check'])).changes).toEqual([])

    // Without rights and without a home there is no place to write down who holds the host: that is said, nothing is done.
    environment('none')
    project.tasks(`[file({ path: '/tmp/mine', content: 'x' })]`)
    const [host] = (await run()).hosts
    expect(host).toMatchObject({ state: 'failed', message: expect.stringContaining(LOCK) })
    expect(host?.message).toContain("cannot create directory '/nowhere': Permission denied")
    expect(await on('ls -A /tmp | grep -c mine || :')).toBe('0\n')
  })
})
