import { readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { poll } from '../../src/lab/poll.ts'
import { sha256 } from '../../src/model/json.ts'
import { describeOnLab, useLab } from './support/lab.ts'
import { documentOf, outcomes } from './support/project.ts'
import { planned, useTrial, wrong } from './support/trial.ts'
import { differing, witness } from './support/witness.ts'

describeOnLab('fetch', () => {
  const lab = useLab('fetch', ['app1', 'app2'])
  const trial = useTrial(lab)
  const { on } = trial
  const here = (host: string, path: string) => join(trial.project.root, 'fetched', host, path)
  const large = '/srv/large file'

  test('brings each host its own file, byte for byte; nothing on a host is changed', async () => {
    await on(`head -c 3000000 /dev/urandom >'${large}'; printf '\\n\\n\\000x\\r' >>'${large}'; chmod 600 '${large}'`)
    trial.project.tasks(
      `[fetch({ from: '/etc/ssh/ssh_host_ed25519_key.pub' }), host.name === 'app1' && fetch({ from: '${large}' })]`,
    )
    const before = witness(lab, 'app1')
    expect(planned(await trial.plan())).toHaveLength(3)
    const applied = await trial.apply()
    expect(wrong(applied)).toBe('')
    expect(outcomes(applied)).toEqual([
      'app1 fetch /etc/ssh/ssh_host_ed25519_key.pub: changed',
      `app1 fetch ${large}: changed`,
      'app2 fetch /etc/ssh/ssh_host_ed25519_key.pub: changed',
    ])
    expect(differing(before, witness(lab, 'app1')).filter((path) => !path.startsWith('/var/lib/deploy'))).toEqual([])
    const sum = (await on(`sha256sum <'${large}'`)).slice(0, 64)
    expect(sha256(readFileSync(here('app1', large)))).toBe(sum)
    expect(statSync(here('app1', large)).mode & 0o777).toBe(0o600)
    const keys = ['app1', 'app2'].map((host) => readFileSync(here(host, 'etc/ssh/ssh_host_ed25519_key.pub'), 'utf8'))
    expect(keys[0]).toBe(await on('cat /etc/ssh/ssh_host_ed25519_key.pub'))
    expect(keys[1]).toMatch(/^ssh-ed25519 /)
    expect(keys[0]).not.toBe(keys[1])
    // What was fetched is nobody's output: it may be secret.
    expect(JSON.stringify(applied.results)).not.toContain('"output"')
    expect(planned(await trial.plan())).toEqual([])
    expect(await trial.drift()).toEqual([])
  })

  test('what changes there or here is brought again, and that alone', async () => {
    await on(`echo more >>'${large}'`)
    writeFileSync(here('app2', 'etc/ssh/ssh_host_ed25519_key.pub'), 'mine')
    expect((await trial.plan()).changes.map(({ host, task }) => `${host} ${task}`)).toEqual([
      `app1 fetch ${large}`,
      'app2 fetch /etc/ssh/ssh_host_ed25519_key.pub',
    ])
    expect((await trial.drift()).toSorted()).toEqual([
      `drifted fetch ${large}`,
      'pending fetch /etc/ssh/ssh_host_ed25519_key.pub',
    ])
    expect((await trial.apply()).code).toBe(0)
    expect(readFileSync(here('app1', large), 'latin1').endsWith('more\n')).toBe(true)
    expect(planned(await trial.plan())).toEqual([])
  })

  test('what an earlier task makes is brought in the same run; what is not there fails', async () => {
    trial.project.tasks(`[file({ path: '/srv/made', content: 'made' }), fetch({ from: '/srv/made', to: 'kept/here' })]`)
    expect((await trial.apply()).code).toBe(0)
    expect(readFileSync(join(trial.project.root, 'kept/here/app2/srv/made'), 'utf8')).toBe('made')
    trial.project.tasks(`[fetch({ from: '/srv/missing' })]`)
    const missing = await trial.apply()
    expect([missing.code, wrong(missing)]).toEqual([1, expect.stringContaining('/srv/missing')])
    trial.project.tasks(`[fetch({ from: '/etc', to: 'other' })]`)
    expect(wrong(await trial.apply())).toContain('/etc is no regular file: it is not fetched')
  })

  test('a link in its way is refused before a host is touched; one that comes later fails the task', async () => {
    trial.project.tasks(`[fetch({ from: '/etc/hostname' })]`)
    rmSync(join(trial.project.root, 'fetched', 'app1'), { recursive: true })
    symlinkSync('/etc', join(trial.project.root, 'fetched', 'app1'))
    const ran = await trial.project.deploy(['apply', 'lab', '--yes', '--no-check'])
    expect([ran.code, ran.stderr]).toEqual([
      64,
      expect.stringContaining('fetched/app1 is a link, which is not followed'),
    ])
    expect(readFileSync('/etc/hostname', 'utf8')).not.toBe(await on('cat /etc/hostname'))
    rmSync(join(trial.project.root, 'fetched', 'app1'))
    trial.project.tasks(
      `[command({ run: sh\`touch /srv/waits; sleep 2\` }), fetch({ from: '/etc/hostname' }), file({ path: '/srv/later', content: '' })]`,
    )
    const running = trial.apply()
    await poll(async () => (await on('ls /srv/waits 2>/dev/null || :')) !== '' || undefined, { seconds: 20 })
    symlinkSync('/etc', join(trial.project.root, 'fetched', 'app1'))
    const late = await running
    expect([late.code, wrong(late)]).toEqual([1, expect.stringContaining('fetched/app1 is a link')])
    rmSync(join(trial.project.root, 'fetched', 'app1'))
  })

  test('a task that is gone leaves nothing on the host, so nothing is orphaned', async () => {
    expect((await trial.apply()).code).toBe(0)
    trial.project.tasks('[]')
    const { stdout } = await trial.project.deploy(['drift', 'lab', '--json', '--no-check'])
    const { items } = documentOf({ stdout, stderr: '', code: 0 } as never) as unknown as { items: { task: string }[] }
    expect(items.filter(({ task }) => task.startsWith('fetch '))).toEqual([])
  })
})
