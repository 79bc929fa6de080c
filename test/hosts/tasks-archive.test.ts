import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { beforeAll, expect, test } from 'vitest'
import { sha256 } from '../../src/model/json.ts'
import { type Packed, tarOf } from '../tasks/support/tar.ts'
import { describeOnLab, useLab } from './support/lab.ts'
import { planned, testFields, testWrong, useTrial, wrong } from './support/trial.ts'

const app = (version: string): readonly Packed[] => [
  { name: 'app/', mode: 0o755, type: '5' },
  { name: 'app/bin/', mode: 0o700, type: '5' },
  { name: 'app/bin/run', mode: 0o4777, data: `run ${version}` },
  { name: 'app/same', mode: 0o644, data: 'the same' },
  { name: "app/an odd 'name' $(x) -n", mode: 0o640, data: 'odd' },
  { name: 'app/empty/', mode: 0o775, type: '5' },
  { name: 'app/now', mode: 0o777, type: '2', target: 'bin/run' },
]
const ONE = gzipSync(tarOf(app('1')))
const TWO = tarOf(app('2'))
/** Too large to be sent with a program: it comes by way of the disk. */
const LARGE = randomBytes(3 * 1024 * 1024).toString('latin1')
const GAMES = `from: 'files/one.tar.gz', strip: 1, owner: 'games'`
const shown = (bytes: Buffer, files = '3 files') => `${files} (${sha256(bytes).slice(0, 8)})`

describeOnLab('archive on a real host', () => {
  const lab = useLab('tasks-archive', ['app1'])
  const trial = useTrial(lab)
  const { on, plan, apply } = trial

  beforeAll(async () => {
    trial.project.write('files/some', '')
    const files = {
      'one.tar.gz': ONE,
      'two.tar': TWO,
      'large.tar': tarOf([{ name: 'large', mode: 0o644, data: LARGE }]),
    }
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(lab.root, 'files', name), bytes)
    await on('mkdir -p /srv/e; for d in content mode owner group gone link; do install -d -o games /srv/$d; done')
  })

  testFields(trial, [
    {
      task: `archive({ to: '/srv/content', ${GAMES} })`,
      broken: 'echo by hand >/srv/content/same',
      says: `archive /srv/content: content other: same → ${shown(ONE)}`,
      paths: ['/srv/content/same'],
    },
    {
      task: `archive({ to: '/srv/mode', ${GAMES} })`,
      broken: 'chmod 755 /srv/mode/bin; chmod 4755 /srv/mode/bin/run',
      says: 'archive /srv/mode: mode other: bin, bin/run → as in the archive',
      paths: ['/srv/mode/bin', '/srv/mode/bin/run'],
    },
    {
      task: `archive({ to: '/srv/owner', ${GAMES} })`,
      broken: 'chown root /srv/owner/bin /srv/owner/same',
      says: 'archive /srv/owner: owner other: bin, same → games',
      paths: ['/srv/owner/bin', '/srv/owner/same'],
    },
    {
      task: `archive({ to: '/srv/group', ${GAMES}, group: 'games' })`,
      broken: 'chgrp root /srv/group/empty',
      says: 'archive /srv/group: group other: empty → games',
      paths: ['/srv/group/empty'],
    },
    {
      task: `archive({ to: '/srv/gone', ${GAMES} })`,
      broken: 'rm -r /srv/gone/bin',
      says: `archive /srv/gone: content other: bin, bin/run → ${shown(ONE)}`,
      paths: ['/srv/gone/bin', '/srv/gone/bin/run'],
    },
    {
      task: `archive({ to: '/srv/link', ${GAMES} })`,
      broken: 'ln -sfn same /srv/link/now',
      says: `archive /srv/link: content other: now → ${shown(ONE)}`,
      paths: ['/srv/link/now'],
    },
  ])

  test('what is unpacked has the names, owners, modes and targets that the archive says', async () => {
    expect(await on('cd /srv/content; find . -mindepth 1 -printf "%y %U:%G %m %P %l\\n" | sort -k4')).toBe(
      [
        "f 5:60 640 an odd 'name' $(x) -n ",
        'd 5:60 700 bin ',
        'f 5:60 755 bin/run ',
        'd 5:60 755 empty ',
        'l 5:60 777 now bin/run',
        'f 5:60 644 same ',
        '',
      ].join('\n'),
    )
    expect(await on('cd /srv/content; cat "an odd \'name\' \\$(x) -n" now same')).toBe('oddrun 1the same')
  })

  test('a newer archive replaces what differs; the rest, and what is not in it, is left alone', async () => {
    await on('install -d -o games /srv/new')
    trial.project.tasks(`[archive({ to: '/srv/new', ${GAMES} })]`)
    expect(wrong(await apply())).toBe('')
    await on('echo data >/srv/new/data')
    const before = await on('stat -c "%i %Z" /srv/new/same /srv/new/data')
    trial.project.tasks(`[archive({ to: '/srv/new', from: 'files/two.tar', strip: 1, owner: 'games' })]`)
    expect(planned(await plan())).toEqual([`archive /srv/new: content other: bin/run → ${shown(TWO)}`])
    expect(wrong(await apply())).toBe('')
    expect(await on('cat /srv/new/bin/run /srv/new/data')).toBe('run 2data\n')
    expect(await on('stat -c "%i %Z" /srv/new/same /srv/new/data')).toBe(before)
    expect(planned(await plan())).toEqual([])
  })

  test('a folder that a task before it makes; a large file; a handler', async () => {
    trial.project.tasks(
      `[
        directory({ path: '/srv/made' }),
        archive({ from: 'files/large.tar', to: '/srv/made' }, { notify: said }),
      ]`,
      `const said = handler('say', sh\`echo said >/srv/said\`)`,
    )
    expect(wrong(await apply())).toBe('')
    expect(await on('sha256sum </srv/made/large; cat /srv/said')).toBe(`${sha256(LARGE)}  -\nsaid\n`)
    expect(planned(await plan())).toEqual([])
  })

  test('what a crash left behind is removed by the next program', async () => {
    await on(`mkdir -p /srv/made/.deploy-unpack/new; echo /srv/made/.deploy-unpack >/var/lib/deploy/temps`)
    trial.project.tasks(`[file({ path: '/srv/after', content: '' })]`)
    expect(wrong(await apply())).toBe('')
    expect(await on('ls -A /srv/made')).toBe('large\n')
  })

  test('links that a user planted are not followed: in place of a folder of the archive, and on the way to it', async () => {
    await on(`install -d -o games /srv/trap /srv/trap/to; install -d /srv/trap/root
      ln -s ../../root /srv/trap/to/bin; ln -s root /srv/trap/way; chown -h games /srv/trap/to/bin /srv/trap/way`)
    trial.project.tasks(`[archive({ to: '/srv/trap/to', ${GAMES} })]`)
    expect(wrong(await apply())).toContain('/srv/trap/to/bin is a symlink: no folder can take its place')
    trial.project.tasks(`[archive({ to: '/srv/trap/way', from: 'files/two.tar' })]`)
    expect(wrong(await apply())).toContain('/srv/trap/way is a link to root made by user games')
    expect(await on('ls -A /srv/trap/root /srv/trap/to')).toBe('/srv/trap/root:\n\n/srv/trap/to:\nbin\n')
  })

  testWrong(trial, [
    {
      title: 'a folder that is not there',
      task: `archive({ from: 'files/two.tar', to: '/srv/e/none' })`,
      says: /there is no folder \/srv\/e\/none to unpack in/,
    },
    {
      title: 'a folder of another user',
      before: 'install -d -o games /srv/e/games',
      task: `archive({ from: 'files/two.tar', to: '/srv/e/games' })`,
      says: /\/srv\/e\/games belongs to games: it is unpacked as the user of the connection, who must own it/,
      left: ['ls -A /srv/e/games', ''],
    },
    {
      title: 'an owner that is not there',
      before: 'mkdir -p /srv/e/nobody',
      task: `archive({ from: 'files/two.tar', to: '/srv/e/nobody', owner: 'nobody-such' })`,
      says: /nobody-such/,
      left: ['ls -A /srv/e/nobody', ''],
    },
    {
      title: 'a group that the owner is not in',
      before: 'install -d -o games /srv/e/group',
      task: `archive({ to: '/srv/e/group', ${GAMES}, group: 'adm' })`,
      says: /chgrp: changing group of .*Operation not permitted/,
      left: ['ls -A /srv/e/group', ''],
    },
    {
      title: 'a full disk: nothing is replaced',
      before: 'mkdir -p /srv/e/full; mount -t tmpfs -o size=1m tmpfs /srv/e/full; echo old >/srv/e/full/large',
      task: `archive({ from: 'files/large.tar', to: '/srv/e/full' })`,
      says: /could not be unpacked. Free there:[\s\S]*\/srv\/e\/full +\d/,
      left: ['cd /srv/e/full; cat large; ls -A', 'old\nlarge\n'],
    },
    {
      title: 'a read-only file system, seen by the plan',
      before: 'mkdir -p /srv/e/ro; mount -t tmpfs -o ro tmpfs /srv/e/ro',
      task: `archive({ from: 'files/two.tar', to: '/srv/e/ro' })`,
      says: /nothing can be written in .*read-only/,
    },
  ])

  test.each([
    [
      'an archive that leads out',
      tarOf([{ name: '../out', mode: 0o644, data: 'x' }]),
      '"../out" leads out of the folder',
    ],
    ['no archive', Buffer.from('text'), 'this is no tar archive'],
  ])('%s is refused before anything is contacted', async (_title, bytes, says) => {
    writeFileSync(join(lab.root, 'files/bad.tar'), bytes)
    trial.project.tasks(`[archive({ from: 'files/bad.tar', to: '/srv/e' })]`)
    const ran = await trial.project.deploy(['plan', 'lab', '--no-check'])
    expect(ran.code).toBe(64)
    expect(ran.stderr).toContain(`files/bad.tar: ${says}`)
    expect(ran.stderr).toMatch(/site\.ts:\d+/)
  })
})
