import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { tarOf } from '../tasks/support/tar.ts'
import { fatalCalls } from './support/fatal.ts'
import { describeOnLab, useLab } from './support/lab.ts'
import { planned, testFields, testWrong, useTrial, wrong } from './support/trial.ts'

/** Too large to be sent with a program: it comes by way of the disk. */
const LARGE = randomBytes(3 * 512 * 1024).toString('hex')

/** Hashes of contents are not a matter of these tests. */
const told = (line: string) => line.replaceAll(/\([0-9a-f]{8}\)/g, '(…)')

describeOnLab('release and currentRelease on a real host', () => {
  const lab = useLab('tasks-release', ['app1'])
  const trial = useTrial(lab)
  const { on, plan, apply } = trial

  beforeAll(async () => {
    const files = { 'bin/run': 'run 1', "an odd 'name' $(x) -n": 'odd', '.env': 'hidden' }
    for (const [name, text] of Object.entries(files)) {
      const path = join(lab.root, 'dist', name)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, text)
    }
    writeFileSync(join(lab.root, 'large.tar'), tarOf([{ name: 'large', mode: 0o640, data: LARGE }]))
    await on('mkdir -p /srv/e; for d in content files gone mode owner group top link app; do install -d /srv/$d; done')
  })

  const kept = (name: string, more = '') => `release({ from: 'dist', to: '/srv/${name}', version: '1'${more} })`
  const broken = (name: string, script: string, says: string, more = '') => ({
    task: kept(name, more),
    broken: `cd /srv/${name}/releases/1; ${script}`,
    says: `release /srv/${name}/releases/1: ${says}`,
  })

  testFields(
    trial,
    [
      broken('content', "sed -i '1s/^......../00000000/' ../.1.release", 'content other (…) → 3 files (…)'),
      broken('files', 'echo by hand >.env; chmod 600 bin/run', 'files other: .env, bin/run → as unpacked'),
      broken('gone', 'rm -r bin', 'files other: bin, bin/run → as unpacked'),
      broken('mode', 'chmod 777 bin', 'files other: bin → as unpacked'),
      broken('owner', 'chown root .env', 'files other: .env → as unpacked', ", owner: 'games'"),
      broken('group', 'chgrp adm bin/run', 'files other: bin/run → as unpacked', ", group: 'games'"),
      broken('top', 'chmod 700 .', 'files other: . → as unpacked'),
      broken('link', 'mv .env ../e; ln -s ../e .env', 'files other: .env → as unpacked'),
    ],
    '',
    told,
  )

  test('what is unpacked has the names, owners and modes of the project; times are those of the unpacking', async () => {
    expect(await on('cd /srv/owner/releases; find . -printf "%y %u:%g %m %P\\n" | sort -k4')).toBe(
      [
        'd root:root 755 ',
        'f root:root 644 .1.release',
        'd games:games 755 1',
        'f games:games 644 1/.env',
        "f games:games 644 1/an odd 'name' $(x) -n",
        'd games:games 755 1/bin',
        'f games:games 644 1/bin/run',
        '',
      ].join('\n'),
    )
    expect(await on('cd /srv/owner/releases/1; cat "an odd \'name\' \\$(x) -n" bin/run .env')).toBe('oddrun 1hidden')
    expect(await on('find /srv/owner -newermt "1 hour ago" -name run | wc -l')).toBe('1\n')
  })

  test('what is put in a release later is left alone; its node_modules stay when it is replaced', async () => {
    await on('cd /srv/mode/releases/1; mkdir -p node_modules/x; echo x >node_modules/x/y; echo >log')
    trial.project.tasks(`[${kept('mode')}]`)
    expect(planned(await plan())).toEqual([])
    await on('echo >/srv/mode/releases/1/.env')
    expect((await plan()).changes[0]?.notes).toEqual([
      'the folder is replaced as a whole; its node_modules stay, what else was put in it does not',
    ])
    expect(wrong(await apply())).toBe('')
    expect(await on('cd /srv/mode/releases; ls -A . | cat; echo; ls -A 1 | cat; cat 1/node_modules/x/y')).toBe(
      ".1.release\n1\n\n.env\nan odd 'name' $(x) -n\nbin\nnode_modules\nx\n",
    )
  })

  test('a replaced release gives the tasks behind it their turn', async () => {
    trial.project.tasks(
      `[${kept('mode')}, file({ path: '/srv/mode/releases/1/log', content: 'log' }), file({ path: '/srv/mode/releases/1/conf', content: 'c' })]`,
    )
    expect(wrong(await apply())).toBe('')
    await on('echo >/srv/mode/releases/1/.env')
    expect(planned(await plan()).map(told)).toEqual(['release /srv/mode/releases/1: files other: .env → as unpacked'])
    expect(wrong(await apply())).toBe('')
    expect(await on('cat /srv/mode/releases/1/log')).toBe('log')
    expect(planned(await plan())).toEqual([])
  })

  const deployed = (version: string, more = '') =>
    `[release({ from: 'dist', to: '/srv/app', version: '${version}' }), currentRelease({ of: '/srv/app', version: '${version}'${more} })]`
  const there = () => on('cd /srv/app; readlink current; ls releases | tr "\\n" " "; readlink releases/.previous || :')

  test('releases, one after another: the newest stay, and a large one', async () => {
    trial.project.tasks(deployed('1'))
    expect(planned(await plan()).map(told)).toEqual([
      'release /srv/app/releases/1: content none → 3 files (…)',
      'currentRelease /srv/app/current: target none → releases/1',
    ])
    for (const version of ['1', '2', '3', '4']) {
      trial.project.tasks(deployed(version))
      expect(wrong(await apply())).toBe('')
      expect(planned(await plan())).toEqual([])
      expect(await trial.drift()).toEqual([])
    }
    expect(await there()).toBe('releases/4\n2 3 4 3\n')
    trial.project.tasks(deployed('5', ', keep: 1').replace('dist', 'large.tar'))
    expect(planned(await plan()).map(told)).toEqual([
      'release /srv/app/releases/5: content none → 1 file (…)',
      'currentRelease /srv/app/current: target releases/4 → releases/5, releases 3, 2 → none',
    ])
    expect(wrong(await apply())).toBe('')
    expect(await there()).toBe('releases/5\n4 5 4\n')
    expect(await on('stat -c "%a %s" /srv/app/current/large; ls -A /srv/app/releases | tr "\\n" " "')).toBe(
      `640 ${LARGE.length}\n.4.release .5.release .previous 4 5 `,
    )
  })

  test('the current release: another content of the project is refused, what was changed by hand is put right', async () => {
    trial.project.tasks(deployed('5', ', keep: 1'))
    const refused =
      /releases\/5 is the current release, and the project's content is another one: give it another version/
    expect((await plan()).problems.map(({ message }) => message)).toEqual([expect.stringMatching(refused)])
    expect(wrong(await apply())).toMatch(refused)
    expect(await on('ls -A /srv/app/current')).toBe('large\n')
    trial.project.tasks(deployed('5', ', keep: 1').replace('dist', 'large.tar'))
    await on('echo >/srv/app/current/large')
    expect(wrong(await apply())).toBe('')
    expect(planned(await plan())).toEqual([])
    expect(await trial.drift()).toEqual([])
  })

  test('a rollback puts the link back; its release is still there, and the next one remembers it', async () => {
    const ran = await trial.project.deploy(['rollback', 'lab', '--yes'])
    expect(ran.stdout + ran.stderr).toContain('put-back /srv/app/current')
    expect(ran.code).toBe(0)
    expect(await there()).toBe('releases/4\n4 5 4\n')
    trial.project.tasks(deployed('6', ', keep: 1'))
    expect(wrong(await apply())).toBe('')
    expect(await there()).toBe('releases/6\n4 6 4\n')
  })

  test('broken by hand: another link, and a release too many; what the tool did not unpack is left alone', async () => {
    await on('cd /srv/app; ln -sfn releases/4 current; mkdir releases/mine')
    expect(planned(await plan())).toEqual(['currentRelease /srv/app/current: target releases/4 → releases/6'])
    expect(wrong(await apply())).toBe('')
    await on('cd /srv/app/releases; cp -a 4 0; cp -p .4.release .0.release')
    expect(planned(await plan())).toEqual(['currentRelease /srv/app/current: releases 0 → none'])
    expect(await trial.drift()).toEqual(['drifted currentRelease /srv/app/current'])
    expect(wrong(await apply())).toBe('')
    expect(await there()).toBe('releases/6\n4 6 mine 4\n')
    expect(planned(await plan())).toEqual([])
  })

  test('killed at a moment: a release is whole or not there, the link leads to one, and the next run does the rest', async () => {
    await on('rm -r /srv/app/releases/mine; install -d /srv/killed')
    const fatal = await fatalCalls(trial, ['mv', 'rm'])
    const want = (version: number) =>
      trial.project.tasks(
        `[release({ from: 'dist', to: '/srv/killed', version: '${version}' }), currentRelease({ of: '/srv/killed', version: '${version}', keep: 1 })]`,
      )
    // The third is the first to remove one.
    for (const version of [1, 2]) {
      want(version)
      expect(wrong(await apply())).toBe('')
    }
    want(3)
    const points = await fatal.pointsOf(apply)
    for (const [index, call] of points.entries()) {
      const version = index + 4
      want(version)
      await fatal.at(call)
      expect((await apply()).code).not.toBe(0)
      const whole = 'cd /srv/killed/releases; for r in *; do [ ! -d "$r" ] || ls -A "$r" | wc -l; done | sort -u'
      expect(`${call}: ${await on(whole)}`).toBe(`${call}: 3\n`)
      expect(await on('cat /srv/killed/current/bin/run')).toBe('run 1')
      await fatal.at(0)
      expect(`${call}: ${wrong(await apply())}`).toBe(`${call}: `)
      expect(planned(await plan())).toEqual([])
      const left = await on(
        'cd /srv/killed; readlink current; ls releases | wc -l; ls -A releases | grep -c release; find /srv -name ".deploy-*"',
      )
      expect(`${call}: ${left}`).toBe(`${call}: releases/${version}\n2\n2\n`)
    }
    await fatal.end()
    expect(points.at(-1)).toBeGreaterThan(5)
  }, 300_000)

  testWrong(trial, [
    {
      title: 'a folder that is not there',
      task: `release({ from: 'dist', to: '/srv/e/none', version: '1' })`,
      says: /there is no folder \/srv\/e\/none for the releases/,
    },
    {
      title: 'a folder of releases that others may write in',
      before: 'install -d -o games /srv/e/theirs /srv/e/theirs/releases',
      task: `release({ from: 'dist', to: '/srv/e/theirs', version: '1' })`,
      says: /\/srv\/e\/theirs\/releases belongs to games, mode 755: others than/,
      left: ['ls -A /srv/e/theirs/releases', ''],
    },
    {
      title: 'a link that a user planted',
      before:
        'install -d -o games /srv/e/trap; install -d /srv/e/root; ln -s ../root /srv/e/trap/releases; chown -h games /srv/e/trap/releases',
      task: `release({ from: 'dist', to: '/srv/e/trap', version: '1' })`,
      says: /\/srv\/e\/trap\/releases is a link to \.\.\/root made by user games/,
      left: ['ls -A /srv/e/root', ''],
    },
    {
      title: 'an owner that is not there',
      before: 'install -d /srv/e/owner',
      task: `release({ from: 'dist', to: '/srv/e/owner', version: '1', owner: 'nobody-such' })`,
      says: /nobody-such/,
      left: ['ls -A /srv/e/owner/releases', ''],
    },
    {
      title: 'a full disk',
      before: 'mkdir -p /srv/e/full; mount -t tmpfs -o size=1m tmpfs /srv/e/full',
      task: `release({ from: 'large.tar', to: '/srv/e/full', version: '1' })`,
      says: /could not be unpacked. Free there:[\s\S]*\/srv\/e\/full +\d/,
      left: ['ls -A /srv/e/full/releases', ''],
    },
    {
      title: 'a file in the way',
      before: 'mkdir -p /srv/e/file/releases; echo >/srv/e/file/releases/1',
      task: `release({ from: 'dist', to: '/srv/e/file', version: '1' })`,
      says: /\/srv\/e\/file\/releases\/1 is a file: no release can take its place/,
    },
    {
      title: 'a release that is not there',
      before: 'mkdir -p /srv/e/none1',
      task: `currentRelease({ of: '/srv/e/none1', version: '1' })`,
      says: /there is no release \/srv\/e\/none1\/releases\/1/,
      left: ['ls -A /srv/e/none1', 'releases\n'],
    },
    {
      title: 'a folder in place of the link',
      before: 'mkdir -p /srv/e/dir/current /srv/e/dir/releases/1',
      task: `currentRelease({ of: '/srv/e/dir', version: '1' })`,
      says: /\/srv\/e\/dir\/current is a directory: no link can take its place/,
    },
  ])
})
