// What no task keeps any more: taken away where it is as the tool left it, told of where not.
import { expect, test } from 'vitest'
import { schemaErrors } from '../docs/schema.ts'
import { describeOnLab, useLab } from './support/lab.ts'
import { documentOf, outcomes, type Ran } from './support/project.ts'
import { useTrial, wrong } from './support/trial.ts'
import { differing, witness } from './support/witness.ts'

interface PruneDocument {
  readonly left: readonly { task: string; why: string }[]
}

describeOnLab('prune', () => {
  const lab = useLab('prune', ['app1'])
  const trial = useTrial(lab)
  const { on } = trial
  const deploy = (...args: string[]) => trial.project.deploy([...args, '--no-check'])
  const pruned = async (verb: 'plan' | 'apply', ...more: string[]) => {
    const ran = await deploy(verb, 'lab', '--json', '--prune', ...more)
    const document = documentOf(ran)
    expect(schemaErrors(verb, document)).toEqual([])
    const left = (document as unknown as PruneDocument).left.map(({ task, why }) => `${task}: ${why}`)
    return { ...ran, document, left, changes: document.changes.map(({ task, action }) => `${action} ${task}`) }
  }
  const orphans = async () => {
    const { items } = JSON.parse((await deploy('drift', 'lab', '--json')).stdout) as {
      items: { task: string; classes: string[] }[]
    }
    return items.filter(({ classes }) => classes.includes('orphaned')).map(({ task }) => task)
  }
  const file = (path: string) => `file({ path: ${JSON.stringify(path)}, content: 'ours', mode: '0644' })`
  const KEPT = file('/srv/kept')
  const NEVER = 'things of this kind are never removed; from now on it is not counted as orphaned'
  const CHANGED = 'it was changed since the tool wrote it, so it is not removed'

  test('everything that may be removed is planned, last made first; all else is told', async () => {
    trial.project.write('files/logo', 'logo')
    trial.project.tasks(`[
      directory({ path: '/srv/data' }),
      user({ name: 'worker' }),
      ${file('/etc/issue')},
      ${file('/srv/changed')},
      ${file('/srv/gone')},
      ${file("/srv/o'dd [x]*")},
      copy({ from: 'files/logo', to: '/srv/logo' }),
      symlink({ path: '/srv/link', target: '/srv/kept' }),
      lines({ path: '/etc/hosts', lines: [{ line: '192.0.2.7 seven' }] }),
      sysctl({ name: '60-prune', settings: { 'net.ipv4.ip_forward': 0 } }),
      sudoers({ name: 'worker', rules: ['worker ALL=(root) NOPASSWD: /bin/true'] }),
      cron({ name: 'tick', schedule: '@daily', run: sh\`true\` }),
      unit({ name: 'app', content: '[Service]\\nExecStart=/bin/sleep inf\\n[Install]\\nWantedBy=multi-user.target\\n', running: true, enabled: true }),
      timer({ name: 'tock', calendar: 'daily', run: sh\`true\` }),
      ${file('/srv/absent-later')},
      command({ run: sh\`true\` }),
      ${KEPT},
    ]`)
    await on('apt-get -qq update; DEBIAN_FRONTEND=noninteractive apt-get -qq install -y cron sudo >/dev/null')
    const applied = await trial.apply()
    expect(wrong(applied)).toBe('')
    await on('echo mine >>/srv/changed; rm /srv/gone')
    trial.project.tasks(`[${KEPT}, file({ path: '/srv/absent-later', absent: true })]`)
    const before = witness(lab, 'app1')
    const { code, left, changes } = await pruned('plan')
    expect(differing(before, witness(lab, 'app1'))).toEqual([])
    expect(code).toBe(0)
    expect(changes).toEqual([
      'remove file /srv/absent-later',
      'remove unit tock.timer',
      'remove unit tock.service',
      'remove unit app.service',
      'remove cron tick',
      'remove file /etc/sudoers.d/worker',
      'remove file /etc/sysctl.d/60-prune.conf',
      'remove symlink /srv/link',
      'remove file /srv/logo',
      "remove file /srv/o'dd [x]*",
    ])
    expect(left).toEqual([
      `directory /srv/data: ${NEVER}`,
      `user worker: ${NEVER}`,
      'file /etc/issue: a package brought a file of this name, so it is not removed',
      `file /srv/changed: ${CHANGED}`,
      expect.stringContaining(NEVER),
    ])
  })

  test('people are told the same; without --prune nothing is removed', async () => {
    const { stdout } = await deploy('plan', 'lab', '--prune')
    expect(stdout).toContain('\n--prune (parallel: app1)\n  - unit tock.timer (no longer declared)  [app1]\n')
    expect(stdout).toContain(`\nNo longer declared, and left there:\n  . directory /srv/data: ${NEVER}  [app1]\n`)
    expect((await trial.plan()).changes.map(({ task }) => task)).toEqual(['file /srv/absent-later'])
    expect((await deploy('drift', 'lab')).stdout).toContain('goes with: deploy apply lab --prune')
  })

  test('apply removes just that; what was left and may never be removed is no orphan any more', async () => {
    const before = witness(lab, 'app1')
    const ran = await pruned('apply', '--yes')
    expect(ran.code).toBe(0)
    expect(outcomes(ran.document)).toHaveLength(10)
    expect(new Set(ran.document.results.map(({ outcome }) => outcome))).toEqual(new Set(['changed']))
    const touched = differing(before, witness(lab, 'app1')).filter(
      (path) => !/^\/var\/lib\/(deploy|systemd)/.test(path),
    )
    expect(touched).toEqual([
      '/etc/sudoers.d/worker',
      '/etc/sysctl.d/60-prune.conf',
      '/etc/systemd/system/app.service',
      '/etc/systemd/system/multi-user.target.wants/app.service',
      '/etc/systemd/system/timers.target.wants/tock.timer',
      '/etc/systemd/system/tock.service',
      '/etc/systemd/system/tock.timer',
      '/srv/absent-later',
      '/srv/link',
      '/srv/logo',
      "/srv/o'dd [x]*",
      '/var/spool/cron/crontabs/root',
    ])
    expect(await on('systemctl show -p LoadState --value app.service tock.timer tock.service; cat /srv/kept')).toBe(
      'not-found\n\nnot-found\n\nnot-found\nours',
    )
    expect(await orphans()).toEqual(['file /etc/issue', 'file /srv/changed'])
  })

  test('a second apply has nothing to do; what somebody removes by hand is no orphan then', async () => {
    const again = await pruned('apply', '--yes')
    expect([again.code, again.changes, again.left.length]).toEqual([0, [], 2])
    await on('rm /srv/changed')
    expect((await pruned('apply', '--yes')).code).toBe(0)
    expect(await orphans()).toEqual(['file /etc/issue'])
  })

  test('what changes during the run is not removed', async () => {
    trial.project.tasks(`[${file('/srv/late')}, ${KEPT}]`)
    expect((await trial.apply()).code).toBe(0)
    trial.project.tasks(`[${KEPT}, command({ run: sh\`echo mine >/srv/late\`, unless: sh\`grep -q mine /srv/late\` })]`)
    const ran = await pruned('apply', '--yes')
    expect(ran.code).toBe(1)
    expect(wrong(ran.document)).toContain(CHANGED)
    expect(await on('cat /srv/late')).toBe('mine\n')
    expect(await orphans()).toContain('file /srv/late')
    await on('rm /srv/late')
  })

  test('a saved plan removes what it showed; a host that was changed since is refused', async () => {
    trial.project.tasks(`[${file('/srv/one')}, ${KEPT}]`)
    expect((await trial.apply()).code).toBe(0)
    trial.project.tasks(`[${KEPT}]`)
    const save = () => deploy('plan', 'lab', '--prune', '--out', 'saved.plan')
    expect((await save()).code).toBe(0)
    await on('echo mine >>/srv/one')
    const refused = await deploy('apply', '--plan', 'saved.plan')
    expect([refused.code, await on('cat /srv/one')]).toEqual([4, 'oursmine\n'])
    await on('printf ours >/srv/one')
    expect((await save()).code).toBe(0)
    const added = await deploy('apply', '--plan', 'saved.plan', '--prune')
    expect([added.code, added.stderr]).toEqual([64, expect.stringContaining('leave --prune out')])
    expect((await deploy('apply', '--plan', 'saved.plan')).code).toBe(0)
    expect(await on('ls /srv/one 2>/dev/null || echo gone')).toBe('gone\n')
  })

  test('a host that lies about what it keeps cannot have anything else removed', async () => {
    trial.project.tasks(`[${file('/srv/lie')}, ${KEPT}]`)
    expect((await trial.apply()).code).toBe(0)
    trial.project.tasks(`[${KEPT}]`)
    const forge = (script: string) => on(`sed -i '/srv.lie/{${script}}' /var/lib/deploy/manifest/*`)
    await forge('s|"want":{"path":"/srv/lie"|"want":{"path":"/srv/kept"|')
    const moved = await pruned('plan')
    expect([moved.changes, moved.left]).toEqual([[], expect.arrayContaining([`file /srv/lie: ${NEVER}`])])
    await forge('s|"removal":{"type":"file"|"removal":{"type":"command"|')
    expect((await pruned('plan')).changes).toEqual([])
    await forge('s|"removal":{.*|"removal":null}|')
    const damaged: Ran = await deploy('plan', 'lab', '--prune')
    expect([damaged.code, damaged.stderr]).toEqual([4, expect.stringContaining('damaged')])
  })
})
