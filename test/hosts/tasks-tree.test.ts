import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { describeOnLab, useLab } from './support/lab.ts'
import { planned, testFields, testWrong, useTrial, wrong } from './support/trial.ts'

describeOnLab('tree on a real host', () => {
  const lab = useLab('tasks-tree', ['app1'])
  const trial = useTrial(lab)
  const { on, plan, apply } = trial
  const write = (name: string, text: string) => {
    mkdirSync(dirname(join(lab.root, name)), { recursive: true })
    writeFileSync(join(lab.root, name), text)
  }

  beforeAll(async () => {
    write('public/index.html', 'html')
    write("public/css/an odd 'name' $(x) -n.css", 'css')
    write('public/.well-known/x', 'x')
    symlinkSync('index.html', join(lab.root, 'public/home'))
    await on(
      'mkdir -p /srv/e; for d in content gone link mode folder owner group purge; do install -d -o games /srv/$d; done',
    )
  })

  const kept = (name: string, more = '') => `tree({ from: 'public', to: '/srv/${name}', owner: 'games'${more} })`
  const broken = (name: string, script: string, says: string, paths: readonly string[], more = '') => ({
    task: kept(name, more),
    broken: `cd /srv/${name}; ${script}`,
    says: `tree /srv/${name}: ${says}`,
    paths: paths.map((path) => `/srv/${name}/${path}`),
  })

  testFields(trial, [
    broken('content', 'echo by hand >index.html', 'changed index.html → as in the project', ['index.html']),
    broken('gone', 'rm -r .well-known', 'added none → .well-known, .well-known/x', ['.well-known', '.well-known/x']),
    broken('link', 'ln -sfn css home', 'changed home → as in the project', ['home']),
    broken(
      'mode',
      'chmod 666 index.html',
      'mode other: index.html → as in the project',
      ['index.html'],
      ", mode: '0640'",
    ),
    broken('folder', 'chmod 755 css', 'mode other: css → as in the project', ['css'], ", directoryMode: '0750'"),
    broken('owner', 'chown root css', 'owner other: css → games', ['css']),
    broken('group', 'chgrp adm index.html', 'group other: index.html → games', ['index.html'], ", group: 'games'"),
    broken(
      'purge',
      'mkdir dir; echo >dir/x; echo >css/old; echo >-n; ln -s /etc etc; touch "$(printf \'css/a\\nb\')"',
      'removed -n, css/a\nb, css/old, dir, etc → none',
      ['-n', 'css/a\nb', 'css/old', 'dir', 'dir/x', 'etc'],
      ', purge: true',
    ),
  ])

  test('modes and owners; times are those of the unpacking, for caches go by them', async () => {
    expect(await on('cd /srv/mode; find . -mindepth 1 -printf "%u %m %P %l\\n" | sort -k3')).toBe(
      [
        'games 755 .well-known ',
        'games 640 .well-known/x ',
        'games 755 css ',
        "games 640 css/an odd 'name' $(x) -n.css ",
        'games 777 home index.html',
        'games 640 index.html ',
        '',
      ].join('\n'),
    )
    expect(await on('find /srv/mode /srv/content -type f ! -newermt "1 hour ago"')).toBe('')
  })

  test('a folder of the project that changed: only what differs is touched, what went goes', async () => {
    const before = await on('stat -c "%i %Z" /srv/purge/index.html')
    rmSync(join(lab.root, 'public/.well-known'), { recursive: true })
    write('public/new.html', 'new')
    write("public/css/an odd 'name' $(x) -n.css", 'CSS')
    trial.project.tasks(`[${kept('purge', ', purge: true')}]`)
    expect(planned(await plan())).toEqual([
      "tree /srv/purge: added none → new.html, changed css/an odd 'name' $(x) -n.css → as in the project, removed .well-known → none",
    ])
    expect(wrong(await apply())).toBe('')
    expect(planned(await plan())).toEqual([])
    expect(await on('stat -c "%i %Z" /srv/purge/index.html; cat /srv/purge/new.html; ls -A /srv/purge')).toBe(
      `${before}newcss\nhome\nindex.html\nnew.html\n`,
    )
  })

  test('what a user planted leads nowhere: links are removed, not what they lead to', async () => {
    await on(
      'install -d -o games /srv/trap; install -d /srv/root; echo x >/srv/root/x; ln -s /srv/root /srv/trap/way; chown -h games /srv/trap/way',
    )
    trial.project.tasks(`[${kept('trap', ', purge: true')}]`)
    expect(wrong(await apply())).toBe('')
    expect(await on('cat /srv/root/x; ls /srv/trap')).toBe('x\ncss\nhome\nindex.html\nnew.html\n')
  })

  testWrong(trial, [
    {
      title: 'a folder that is not there',
      task: `tree({ from: 'public', to: '/srv/e/none', purge: true })`,
      says: /there is no folder \/srv\/e\/none to unpack in/,
    },
    {
      title: 'a folder of another user',
      before: 'install -d /srv/e/root',
      task: kept('e/root'),
      says: /\/srv\/e\/root belongs to root: it is unpacked as games, who must own it/,
      left: ['ls -A /srv/e/root', ''],
    },
    {
      title: 'a folder in the way',
      before: 'install -d -o games /srv/e/way /srv/e/way/index.html',
      task: kept('e/way'),
      says: /\/srv\/e\/way\/index\.html is a directory: no file can take its place/,
      left: ['ls -A /srv/e/way', 'index.html\n'],
    },
  ])

  test('what is no folder of the project is an error before any host is contacted', async () => {
    trial.project.tasks(`[tree({ from: 'publik', to: '/srv/e' })]`)
    const ran = await trial.project.deploy(['plan', 'lab', '--no-check'])
    expect(ran.code).toBe(64)
    expect(ran.stderr).toContain('publik is not a folder of the project')
  })
})
