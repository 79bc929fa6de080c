import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { APT_FIELDS, CLEAN, HOLD, RELEASE, SOURCE } from './cases/packages.ts'
import { describeOnLab, useLab } from './support/lab.ts'
import { documentOf, outcomes } from './support/project.ts'
import { planned, testFields, useTrial, wrong } from './support/trial.ts'

describeOnLab('apt on a real host', () => {
  const lab = useLab('tasks-apt', ['app1'])
  const trial = useTrial(lab)
  const { on, plan, apply } = trial
  const notes = async () => (await plan()).changes.flatMap((change) => change.notes)
  const status = (name: string) => on(`dpkg-query -W -f '\${db:Status-Abbrev}' ${name} 2>/dev/null || echo none`)

  test('a package of the real archive', async () => {
    trial.project.tasks(`[apt({ packages: ['tree'] }), apt({ packages: ['dpkg', 'apt'] })]`)
    expect(outcomes(await apply())).toEqual(['app1 apt tree: changed'])
    expect(await on('tree --version | cut -c1-4; ls -A /var/lib/deploy/owed')).toBe('tree\n')
    expect(planned(await plan())).toEqual([])
    await on(SOURCE)
  })

  testFields(trial, APT_FIELDS)

  describe('one by one', () => {
    beforeEach(async () => {
      await on(CLEAN)
    })

    test('the plan tells versions and what comes along', async () => {
      trial.project.tasks(`[apt({ packages: ['t-dep', 't-pin'] })]`)
      expect(await notes()).toEqual(['t-dep 1.0', 't-pin 2.0', '1 more package comes along'])
    })

    test('start: false starts nothing and leaves nothing behind; without it the service is started', async () => {
      const state = () => on('systemctl is-active t-service; ls /usr/sbin/policy-rc.d* 2>/dev/null; :')
      trial.project.tasks(`[apt({ packages: ['t-service'], start: false })]`)
      expect(wrong(await apply())).toBe('')
      expect(await state()).toBe('inactive\n')
      await on('dpkg --purge t-service')
      trial.project.tasks(`[apt({ packages: ['t-service'] })]`)
      expect(wrong(await apply())).toBe('')
      expect(await state()).toBe('active\n')
    })

    test("start: false where someone else's policy-rc.d is: refused, and that file is kept", async () => {
      await on('echo theirs >/usr/sbin/policy-rc.d')
      trial.project.tasks(`[apt({ packages: ['t-service'], start: false })]`)
      expect(wrong(await apply())).toContain('/usr/sbin/policy-rc.d is there already and not ours')
      expect(await on('cat /usr/sbin/policy-rc.d; rm /usr/sbin/policy-rc.d*')).toBe('theirs\n')
      expect(await status('t-service')).toBe('none\n')
    })

    test.each([
      ['t-other', 't-a', `packages: ['t-other']`],
      ['t-lib', 't-dep', `packages: ['t-lib'], state: 'absent'`],
    ])('apt %s also removes %s: refused by the plan, then allowed', async (label, more, task) => {
      await on('dpkg -i /srv/repo/t-a_1.0.deb /srv/repo/t-lib_1.0.deb /srv/repo/t-dep_1.0.deb')
      trial.project.tasks(`[apt({ ${task} })]`)
      const refused = await apply()
      expect(wrong(refused)).toBe(`apt ${label}: this also removes ${more} (allowRemovals: true lets it)`)
      expect(refused.code).toBe(1)
      expect(await status(more)).toBe('ii ')
      trial.project.tasks(`[apt({ ${task}, allowRemovals: true })]`)
      expect(await notes()).toContain(`this also removes ${more}`)
      expect(wrong(await apply())).toBe('')
      expect(planned(await plan())).toEqual([])
    })

    test('F39 a lock that is held for some time is waited for, and its holder is named', async () => {
      await on(HOLD)
      trial.project.tasks(`[apt({ packages: ['t-a'] })]`)
      const events = join(lab.root, 'events.jsonl')
      const shown = trial.project.deploy(['apply', 'lab', '--json', '--no-check', '--yes', '--events', events])
      const [ran] = await Promise.all([shown, on(RELEASE)])
      const applied = documentOf(ran)
      expect(outcomes(applied)).toEqual(['app1 apt t-a: changed'])
      // It is told while it is waited for.
      const told = readFileSync(events, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
      const waiting = told.findIndex(({ state }) => state === 'waiting')
      expect(told[waiting]?.message).toMatch(
        /^waiting for the package lock, held by process \d+ \(perl \/srv\/hold.pl\)$/,
      )
      expect(waiting).toBeLessThan(told.findIndex(({ type, state }) => type === 'task' && state === 'changed'))
      expect(applied.results[0]?.output).toMatch(
        /^waiting for the package lock, held by process \d+ \(perl \/srv\/hold.pl\)$/m,
      )
    })

    test('F39 a lock that is held for longer than the time of the task: its holder is named, nothing is done', async () => {
      await on(HOLD)
      trial.project.tasks(`[apt({ packages: ['t-a'] }, { timeout: 3 })]`)
      const applied = await apply()
      expect(wrong(applied)).toMatch(/held by process \d+ \(perl \/srv\/hold.pl\)\nno end within 3 s: stopped/)
      expect(applied.code).toBe(1)
      expect(await status('t-a')).toBe('none\n')
    })

    test('F39 an installation that someone else is at is waited for, not taken for one that was broken off', async () => {
      await on(`touch /srv/hold; setsid -f dpkg -i /srv/repo/t-slow_1.0.deb </dev/null >/dev/null 2>&1
        i=0; until dpkg-query -W -f '\${db:Status-Status}' t-slow 2>/dev/null | grep -q half; do i=$((i+1)); [ $i -lt 100 ] || exit 1; sleep 0.1; done`)
      trial.project.tasks(`[apt({ packages: ['t-a'] })]`)
      const told = await plan()
      expect(told.problems).toEqual([])
      expect(told.changes[0]?.notes.join()).toMatch(/someone else is at work with packages now/)
      const [applied] = await Promise.all([apply(), on(RELEASE)])
      expect(wrong(applied)).toBe('')
      expect(applied.results[0]?.output).toMatch(/held by process \d+ \(dpkg -i \S+\)/)
    })

    test.each([
      ['t-broken', 't-broken'],
      ['t-killed', 't-killed, the status file'],
    ])(
      'F40 an installation that was broken off is named by the plan and not mended silently: %s',
      async (name, what) => {
        await on(`! dpkg -i /srv/repo/${name}_1.0.deb 2>/dev/null`)
        const left = await status(name)
        trial.project.tasks(`[apt({ packages: ['t-a'] })]`)
        expect(wrong(await apply())).toBe(
          `apt t-a: an earlier installation was broken off (${what}): look at it, then run dpkg --configure -a`,
        )
        expect([await status(name), await status('t-a')]).toEqual([left, 'none\n'])
        expect(left).toMatch(/^i[FU] $/)
      },
    )

    test('F40 an update of the package database that was broken off is named by the plan', async () => {
      await on('dpkg -i /srv/repo/t-lib_1.0.deb; dpkg -s t-lib >/var/lib/dpkg/updates/0001')
      trial.project.tasks(`[apt({ packages: ['t-a'] })]`)
      expect(wrong(await apply())).toBe(
        'apt t-a: an earlier installation was broken off (the status file): look at it, then run dpkg --configure -a',
      )
      expect(await on('ls /var/lib/dpkg/updates')).toBe('0001\n')
    })

    test('a failing maintainer script is told, and the next plan names what it left', async () => {
      trial.project.tasks(`[apt({ packages: ['t-broken'] })]`)
      expect(wrong(await apply())).toContain('error exit status 7')
      expect((await plan()).problems.map(({ message }) => message)).toEqual([
        expect.stringContaining('broken off (t-broken)'),
      ])
    })

    test('a package that nobody knows', async () => {
      trial.project.tasks(`[apt({ packages: ['t-nosuch'] })]`)
      expect((await notes()).join()).toContain('Unable to locate package t-nosuch')
      expect(wrong(await apply())).toContain('Unable to locate package t-nosuch')
    })

    test('a configuration file that was changed on the host stays', async () => {
      await on('dpkg -i /srv/repo/t-conf_1.0.deb; echo mine >/etc/t-conf.conf')
      trial.project.tasks(`[apt({ packages: ['t-conf'], state: 'latest' })]`)
      expect(outcomes(await apply())).toEqual(['app1 apt t-conf: changed'])
      expect(await on(`cat /etc/t-conf.conf; ls /etc/t-conf.conf*; dpkg-query -W -f '\${Version}' t-conf`)).toBe(
        'mine\n/etc/t-conf.conf\n/etc/t-conf.conf.dpkg-dist\n2.0',
      )
    })

    test('F41 a source that is down: what is there needs no network, what other sources have is installed, it is named', async () => {
      await on(`dpkg -i /srv/repo/t-a_1.0.deb; touch -d '3 days ago' /var/lib/apt/lists
        echo 'deb [trusted=yes] http://127.0.0.1:9/dead ./' >/etc/apt/sources.list.d/dead.list
        echo 'Acquire::http::Proxy::127.0.0.1 "DIRECT";' >/etc/apt/apt.conf.d/99direct`)
      trial.project.tasks(`[apt({ packages: ['t-a'] })]`)
      expect(planned(await plan())).toEqual([])
      expect((await apply()).code).toBe(0)

      trial.project.tasks(`[apt({ packages: ['t-lib'] })]`)
      const installed = await apply()
      expect(outcomes(installed)).toEqual(['app1 apt t-lib: changed'])
      expect(installed.results[0]?.output).toContain('http://127.0.0.1:9/dead')

      trial.project.tasks(`[apt({ packages: ['t-nosuch'] })]`)
      const failed = wrong(await apply())
      expect(failed).toContain('http://127.0.0.1:9/dead')
      expect(failed).toContain('Unable to locate package t-nosuch')
    })

    test('F38 lists that are "not valid yet" are told as what they are: the clock is behind, by how much, what to do', async () => {
      await on(`cd /srv/repo; touch -d '3 days ago' /var/lib/apt/lists
        printf 'Date: %s\\nSHA256:\\n %s %s Packages\\n' "$(date -ud '3 years' '+%a, %d %b %Y %T UTC')" $(sha256sum <Packages | cut -c1-64) $(stat -c %s Packages) >Release`)
      trial.project.tasks(`[apt({ packages: ['t-new'] })]`)
      const failed = wrong(await apply())
      await on('rm /srv/repo/Release')
      expect(failed).toMatch(/file:\/srv\/repo\S* is not valid yet/)
      expect(failed).toMatch(
        /^the clock of this host is behind, by 109\dd \d.* or more: it says .* UTC \d{4}\. Set it \(timedatectl set-ntp true\), then try again$/m,
      )
    })
  })
})
