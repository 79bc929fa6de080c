import { expect, test } from 'vitest'
import { describeOnLab, useLab } from './support/lab.ts'
import { outcomes } from './support/project.ts'
import { planned, useTrial, wrong } from './support/trial.ts'

describeOnLab('reboot', () => {
  const lab = useLab('reboot', ['app1', 'app2'])
  const trial = useTrial(lab)
  const { on } = trial
  const bootId = async () => (await on('cat /proc/sys/kernel/random/boot_id')).trim()
  const NOTE = `const note = handler('note', sh\`cat /proc/sys/kernel/random/boot_id >>/srv/noted\`)`

  test('is not done where it is not needed', async () => {
    trial.project.tasks('[reboot({})]')
    expect(planned(await trial.plan())).toEqual([])
    const before = await bootId()
    expect((await trial.apply()).code).toBe(0)
    expect(await bootId()).toBe(before)
  })

  test('what stands before is done before, what stands behind after it; owed handlers run in the end, once', async () => {
    await on('touch /run/reboot-required')
    trial.project.tasks(
      `[
        file({ path: '/srv/before', content: 'x' }, { notify: note }),
        reboot({}),
        command({ run: sh\`cp /proc/sys/kernel/random/boot_id /srv/behind\`, creates: '/srv/behind' }),
      ]`,
      NOTE,
    )
    const old = await bootId()
    const plan = await trial.plan()
    expect(planned(plan)).toContain('reboot when required: needed true → false')
    expect(await bootId()).toBe(old)
    const applied = await trial.apply()
    expect(wrong(applied)).toBe('')
    expect(outcomes(applied).filter((line) => line.startsWith('app1'))).toEqual([
      'app1 file /srv/before: changed',
      'app1 reboot when required: changed',
      'app1 command cp /proc/sys/kernel/random/boot_id /srv/behind: changed',
      'app1 handler note: changed',
    ])
    const now = await bootId()
    expect(now).not.toBe(old)
    expect(await on('cat /srv/behind /srv/noted')).toBe(`${now}\n${now}\n`)
    expect(applied.code).toBe(0)
    expect(planned(await trial.plan())).toEqual([])
    expect(await trial.drift()).toEqual([])
    await on('touch /run/reboot-required')
    expect(await trial.drift()).toEqual(['drifted reboot when required'])
    await on('rm /run/reboot-required')
    expect(await on('ls -A /run/deploy /var/lib/deploy/owed')).toBe('/run/deploy:\nlock\n\n/var/lib/deploy/owed:\n')
  })

  test('a host that still says that it must be rebooted is not rebooted twice', async () => {
    trial.project.tasks(`[reboot({ when: sh\`[ -e /srv/always ]\` })]`)
    await on('touch /srv/always')
    const before = await bootId()
    const applied = await trial.apply()
    expect(applied.code).toBe(1)
    expect(wrong(applied)).toContain('its guard says that it is still to be run')
    const between = await bootId()
    expect(between).not.toBe(before)
    await on('rm /srv/always')
    expect((await trial.apply()).code).toBe(0)
    expect(await bootId()).toBe(between)
  })

  test('a reboot that is refused fails', async () => {
    await on(`touch /run/reboot-required; systemctl --quiet mask --runtime reboot.target`)
    trial.project.tasks('[reboot({})]')
    const before = await bootId()
    const applied = await trial.apply()
    expect(applied.code).toBe(1)
    expect(wrong(applied)).toBe('reboot when required: Call to Reboot failed: Access denied\n')
    expect(await bootId()).toBe(before)
    await on('systemctl --quiet unmask --runtime reboot.target; rm /run/reboot-required')
  })

  test('the machine the command runs on is never rebooted', async () => {
    trial.project.write(
      'inventories/here.yaml',
      'groups: { app: { hosts: [here] } }\nhosts: { here: { connection: { transport: local } } }\n',
    )
    trial.project.tasks('[reboot({ when: sh`true` })]')
    const { problems, code } = await trial.plan('here')
    expect(code).toBe(1)
    expect(problems).toMatchObject([
      { task: 'reboot when true', message: 'this is the machine the command runs on: reboot it by hand' },
    ])
  })

  test('a host that does not come back in time is unknown, and the run says where it is', async () => {
    await on(
      'touch /run/reboot-required; systemctl --quiet disable ssh ssh.socket 2>/dev/null; systemctl is-enabled ssh || :',
    )
    trial.project.tasks('[reboot({}, { timeout: 6 })]')
    const applied = await trial.apply()
    expect(applied.code).toBe(3)
    expect(applied.hosts).toMatchObject([
      { host: 'app1', message: expect.stringContaining('app1 did not come back within 6 s of its reboot: ') },
      { host: 'app2' },
    ])
    await on('systemctl --quiet enable ssh; systemctl start ssh')
    expect((await trial.apply()).code).toBe(0)
  })
})
