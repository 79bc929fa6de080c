import { beforeEach, describe, expect, test } from 'vitest'
import { describeOnLab, useLab } from './support/lab.ts'
import { outcomes } from './support/project.ts'
import { type FieldCase, planned, testFields, useTrial, wrong } from './support/trial.ts'

/**
 * A package source on the host's own disk, so that every state of a package can be made by hand and nothing waits for a
 * network: `deb NAME VERSION CONTROL-LINES` builds a package of what lies in /srv/build/NAME.
 */
const SOURCE = `set -e
deb() {
  mkdir -p /srv/build/$1/DEBIAN /srv/repo
  printf 'Package: %s\\nVersion: %s\\nArchitecture: all\\nMaintainer: t <t@t.invalid>\\nDescription: t\\n' "$1" "$2" >/srv/build/$1/DEBIAN/control
  [ -z "$3" ] || printf '%b\\n' "$3" >>/srv/build/$1/DEBIAN/control
  dpkg-deb --root-owner-group -b /srv/build/$1 /srv/repo/$1_$2.deb >/dev/null
}
script() { mkdir -p /srv/build/$1/DEBIAN; printf '#!/bin/sh\\n%b\\n' "$3" >/srv/build/$1/DEBIAN/$2; chmod 755 /srv/build/$1/DEBIAN/$2; }
for name in t-a t-m1 t-m2 t-absent t-lib; do deb $name 1.0; done
for name in t-pin t-latest; do deb $name 1.0; deb $name 2.0; done
for version in 1.0 2.0; do
  for name in t-conf t-purge; do
    mkdir -p /srv/build/$name/etc /srv/build/$name/DEBIAN; echo "of $version" >/srv/build/$name/etc/$name.conf
    echo /etc/$name.conf >/srv/build/$name/DEBIAN/conffiles; deb $name $version
  done
done
deb t-dep 1.0 'Depends: t-lib'
deb t-other 1.0 'Conflicts: t-a'
script t-broken postinst 'exit 7'; deb t-broken 1.0
script t-slow postinst 'while [ -e /srv/hold ]; do sleep 0.1; done'; deb t-slow 1.0
mkdir -p /srv/build/t-service/lib/systemd/system
printf '[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n' >/srv/build/t-service/lib/systemd/system/t-service.service
script t-service postinst 'systemctl daemon-reload; systemctl enable -q t-service; deb-systemd-invoke start t-service.service || :'
script t-service prerm 'deb-systemd-invoke stop t-service.service || :'
deb t-service 1.0
cd /srv/repo
for file in *.deb; do
  dpkg-deb -f $file; printf 'Filename: ./%s\\nSize: %s\\nSHA256: %s\\n\\n' $file $(stat -c %s $file) $(sha256sum <$file | cut -c1-64)
done >Packages
mkdir -p /srv/sources; mv /etc/apt/sources.list /etc/apt/sources.list.d/* /srv/sources 2>/dev/null || :
echo 'deb [trusted=yes] file:/srv/repo ./' >/etc/apt/sources.list`

const FIELDS: readonly FieldCase[] = [
  { task: `apt({ packages: ['t-a'] })`, broken: 'dpkg -r t-a', says: 'apt t-a: t-a none → installed' },
  {
    task: `apt({ packages: ['t-m1', 't-m2'] })`,
    broken: 'dpkg -r t-m2',
    says: 'apt t-m1 t-m2: t-m2 none → installed',
  },
  {
    task: `apt({ packages: ['t-pin=1.0'] })`,
    broken: 'dpkg -i /srv/repo/t-pin_2.0.deb',
    says: 'apt t-pin=1.0: t-pin 2.0 → 1.0',
  },
  {
    task: `apt({ packages: ['t-latest'], state: 'latest' })`,
    broken: 'dpkg -i /srv/repo/t-latest_1.0.deb',
    says: 'apt t-latest: t-latest 1.0 → 2.0',
  },
  {
    task: `apt({ packages: ['t-absent'], state: 'absent' })`,
    before: 'dpkg -i /srv/repo/t-absent_1.0.deb',
    broken: 'dpkg -i /srv/repo/t-absent_1.0.deb',
    says: 'apt t-absent: t-absent 1.0 → none',
  },
  {
    task: `apt({ packages: ['t-purge'], state: 'absent', purge: true })`,
    before: 'dpkg -i /srv/repo/t-purge_1.0.deb',
    broken: 'dpkg -i /srv/repo/t-purge_1.0.deb; dpkg -r t-purge',
    says: 'apt t-purge: t-purge configuration only → none',
  },
  { task: `apt({ packages: ['t-dep'] })`, broken: 'dpkg -r t-dep t-lib', says: 'apt t-dep: t-dep none → installed' },
]

/** Holds dpkg's own lock as another tool would, until the file /srv/hold is gone. */
const HOLD = `touch /srv/hold; rm -f /srv/held
echo "use Fcntl; open(F, '>>', '/var/lib/dpkg/lock-frontend'); \\$l = pack('s s x4 q q l', F_WRLCK, 0, 0, 0, 0); fcntl(F, F_SETLK, \\$l) or die;
open(R, '>', '/srv/held'); select(undef, undef, undef, 0.1) while -e '/srv/hold'" >/srv/hold.pl
setsid -f perl /srv/hold.pl </dev/null >/dev/null 2>&1
i=0; until [ -e /srv/held ]; do i=$((i+1)); [ $i -lt 100 ] || exit 1; sleep 0.1; done`

/** Lets the holder go once the host program says that it waits, or after 20 seconds. */
const RELEASE = `i=0; until grep -qs 'waiting for' /run/deploy/*/*/journal; do i=$((i+1)); [ $i -lt 200 ] || break; sleep 0.1; done
rm /srv/hold`

const CLEAN = `rm -f /srv/hold; while pgrep -f '[h]old.pl|[d]pkg -i' >/dev/null; do sleep 0.1; done; rm -f /var/lib/dpkg/updates/0001
dpkg --purge --force-all t-a t-other t-service t-broken t-slow t-dep t-lib t-conf t-pin >/dev/null 2>&1 || :`

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

  testFields(trial, FIELDS)

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

    test('a lock that is held for some time is waited for, and its holder is named', async () => {
      await on(HOLD)
      trial.project.tasks(`[apt({ packages: ['t-a'] })]`)
      const [applied] = await Promise.all([apply(), on(RELEASE)])
      expect(outcomes(applied)).toEqual(['app1 apt t-a: changed'])
      expect(applied.results[0]?.output).toMatch(
        /^waiting for the package lock, held by process \d+ \(perl \/srv\/hold.pl\)$/m,
      )
    })

    test('a lock that is held for longer than the time of the task: its holder is named, nothing is done', async () => {
      await on(HOLD)
      trial.project.tasks(`[apt({ packages: ['t-a'] }, { timeout: 3 })]`)
      const applied = await apply()
      expect(wrong(applied)).toMatch(/held by process \d+ \(perl \/srv\/hold.pl\)\nno end within 3 s: stopped/)
      expect(applied.code).toBe(1)
      expect(await status('t-a')).toBe('none\n')
    })

    test('an installation that someone else is at is waited for, not taken for one that was broken off', async () => {
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

    test('an installation that was broken off is named by the plan and not mended silently', async () => {
      await on('! dpkg -i /srv/repo/t-broken_1.0.deb 2>/dev/null')
      trial.project.tasks(`[apt({ packages: ['t-a'] })]`)
      expect(wrong(await apply())).toBe(
        'apt t-a: an earlier installation was broken off (t-broken): look at it, then run dpkg --configure -a',
      )
      expect([await status('t-broken'), await status('t-a')]).toEqual(['iF ', 'none\n'])
    })

    test('an update of the package database that was broken off is named by the plan', async () => {
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

    test('a source that is down: what is there needs no network, what other sources have is installed, it is named', async () => {
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

    test('a source that is silent is given up and named within a minute', async () => {
      await on(`iptables -A INPUT -i lo -p tcp --dport 9 -j DROP; touch -d '3 days ago' /var/lib/apt/lists`)
      trial.project.tasks(`[apt({ packages: ['t-pin'] })]`)
      const began = Date.now()
      const applied = await apply()
      expect(outcomes(applied)).toEqual(['app1 apt t-pin: changed'])
      expect(applied.results[0]?.output).toContain('http://127.0.0.1:9/dead')
      expect(Date.now() - began).toBeLessThan(60_000)
    })
  })
})
