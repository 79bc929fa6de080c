import { createHash } from 'node:crypto'
import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { FILE_ERRORS, PLANTED } from './cases/file-errors.ts'
import { FILE_FIELDS, LARGE } from './cases/file-fields.ts'
import { ODD_FIELDS, ODD_NAMES } from './cases/odd-names.ts'
import { describeOnLab, useLab } from './support/lab.ts'
import { outcomes } from './support/project.ts'
import { planned, testFields, testWrong, useTrial, wrong } from './support/trial.ts'

describeOnLab('file, directory, symlink, copy, template and lines on a real host', () => {
  const lab = useLab('tasks-files', ['app1'])
  const trial = useTrial(lab)
  const { on, plan, apply } = trial

  beforeAll(async () => {
    trial.project.write('files/some', 'some\n')
    writeFileSync(join(lab.root, 'files/large'), LARGE)
    trial.project.write('templates/some.hbs', 'port={{port}}\n')
    await on('mkdir -p /srv/f /srv/o/f /srv/o/d /srv/o/l /srv/e')
  })

  testFields(trial, FILE_FIELDS)
  test('the large copy is whole', async () => {
    expect(await on('sha256sum </srv/f/large')).toContain(createHash('sha256').update(LARGE).digest('hex'))
    expect(await on('cat /srv/f/file-link-aside')).toBe('one\ntwo\n')
  })

  testFields(trial, ODD_FIELDS)
  test('F47 no odd name did anything else', async () => {
    expect(
      (await on('ls /srv/o; ls -A /srv/o/f | wc -l; ls -A / /root | grep -c "^x$" || :')).split('\n').slice(0, 5),
    ).toEqual(['d', 'f', 'l', String(ODD_NAMES.length), '0'])
  })

  testWrong(trial, FILE_ERRORS)

  test.each(PLANTED)('F48 a link on the way that a user planted is not followed: %s', async (_title, task) => {
    await on(`rm -rf /srv/p; install -d -o games -m 700 /srv/p; install -d -m 755 /srv/p/root
      echo root >/srv/p/root/mine; chmod 600 /srv/p/root/mine; ln -s root /srv/p/way; chown -h games /srv/p/way`)
    const look = () => on('cd /srv/p; ls -lA --time-style=full-iso . root; stat -c %a root/mine')
    const before = await look()
    trial.project.tasks(`[${task}]`)
    const applied = await apply()
    expect(wrong(applied)).toContain('/srv/p/way is a link to root made by user games, who does not own what is there')
    expect(await look()).toBe(before)
  })

  test("links on the way that are root's, or lead to a folder of their owner, are followed", async () => {
    await on(
      `install -d -o games /srv/q /srv/q/real; ln -s /srv/q /srv/q-root; ln -s real /srv/q/own; chown -h games /srv/q/own`,
    )
    trial.project.tasks(`[file({ path: '/srv/q-root/a', content: 'a' }), file({ path: '/srv/q/own/b', content: 'b' })]`)
    expect(wrong(await apply())).toBe('')
    expect(await on('cat /srv/q/a /srv/q/real/b')).toBe('ab')
  })

  test('F48 a planted link in place of a managed path is replaced; what it points to is left alone', async () => {
    await on(`install -d -o games /srv/r; echo secret >/srv/r-root; chmod 600 /srv/r-root; cd /srv/r
      for l in file copy mode; do ln -s ../r-root $l; chown -h games $l; done`)
    const look = () => on('stat -c "%i %U %a %Y %s" /srv/r-root; cat /srv/r-root')
    const before = await look()
    trial.project.tasks(`[
      file({ path: '/srv/r/file', content: 'new', owner: 'games', mode: '0666' }),
      copy({ from: 'files/some', to: '/srv/r/copy', owner: 'games' }),
      file({ path: '/srv/r/mode', mode: '0666' }),
    ]`)
    expect(wrong(await apply())).toBe('')
    expect(await look()).toBe(before)
    expect(await on('stat -c "%F %U %a" /srv/r/*')).toBe(
      'regular file games 644\nregular file games 666\nregular empty file root 666\n',
    )
  })

  test('an owner that an earlier task makes', async () => {
    trial.project.tasks(`[
      user({ name: 'early', group: 'games' }),
      file({ path: '/srv/e/early', content: 'x', owner: 'early' }),
      directory({ path: '/srv/e/early-d', owner: 'early', group: 'games' }),
    ]`)
    expect(outcomes(await apply())).toEqual([
      'app1 user early: changed',
      'app1 file /srv/e/early: changed',
      'app1 directory /srv/e/early-d: changed',
    ])
    expect(await on('stat -c %U:%G /srv/e/early /srv/e/early-d')).toBe('early:root\nearly:games\n')
    expect(planned(await plan())).toEqual([])
  })

  test('what a user may not read is a problem of the plan, not absent', async () => {
    const { identityFile, knownHosts, hosts } = lab.reach
    copyFileSync(identityFile, join(lab.root, 'key'))
    copyFileSync(knownHosts, join(lab.root, 'inventories/op.known_hosts'))
    await on(
      `useradd -m op && install -d -o op -m 700 ~op/.ssh && install -o op -m 600 /root/.ssh/authorized_keys ~op/.ssh/ && install -d -m 700 /srv/closed && echo x >/srv/closed/file && echo x >/srv/closed-file && chmod 600 /srv/closed-file`,
    )
    trial.project.write(
      'inventories/op.yaml',
      `connection: { user: op, identityFile: key, become: none }\ngroups: { app: { hosts: [app1] } }\nhosts: { app1: { address: ${hosts.app1?.address} } }\n`,
    )
    trial.project.tasks(`[
      file({ path: '/srv/closed/file', content: 'x' }),
      file({ path: '/srv/closed-file', content: 'x' }),
      directory({ path: '/srv/closed/folder' }),
      lines({ path: '/srv/closed/lines', lines: ['x'] }),
      file({ path: '/home/op/mine', content: 'x' }),
    ]`)
    const told = await plan('op')
    expect(told.code).toBe(1)
    expect(told.problems.map(({ task, message }) => `${task}: ${message}`)).toEqual([
      expect.stringMatching(/^file \/srv\/closed\/file: cannot be read: .*Permission denied$/),
      expect.stringMatching(/^file \/srv\/closed-file: cannot be read: .*Permission denied$/),
      expect.stringMatching(/^directory \/srv\/closed\/folder: cannot be read: .*Permission denied$/),
      expect.stringMatching(/^lines \/srv\/closed\/lines: cannot be read: .*Permission denied$/),
    ])
  })
})
