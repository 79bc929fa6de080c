import type { FieldCase } from '../support/trial.ts'

/**
 * A package source on the host's own disk, so that every state of a package can be made by hand and nothing waits for a
 * network: `deb NAME VERSION CONTROL-LINES` builds a package of what lies in /srv/build/NAME.
 */
export const SOURCE = `set -e
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
script t-killed postinst 'kill -9 $PPID'; deb t-killed 1.0
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

/** One case for each wish of apt. */
export const APT_FIELDS: readonly FieldCase[] = [
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
export const HOLD = `touch /srv/hold; rm -f /srv/held
echo "use Fcntl; open(F, '>>', '/var/lib/dpkg/lock-frontend'); \\$l = pack('s s x4 q q l', F_WRLCK, 0, 0, 0, 0); fcntl(F, F_SETLK, \\$l) or die;
open(R, '>', '/srv/held'); select(undef, undef, undef, 0.1) while -e '/srv/hold'" >/srv/hold.pl
setsid -f perl /srv/hold.pl </dev/null >/dev/null 2>&1
i=0; until [ -e /srv/held ]; do i=$((i+1)); [ $i -lt 100 ] || exit 1; sleep 0.1; done`

/** Lets the holder go once the host program says that it waits, or after 20 seconds. */
export const RELEASE = `i=0; until grep -qs 'waiting for' /run/deploy/*/*/journal; do i=$((i+1)); [ $i -lt 200 ] || break; sleep 0.1; done
rm /srv/hold`

/** Takes all of it away again. */
export const CLEAN = `rm -f /srv/hold; while pgrep -f '[h]old.pl|[d]pkg -i' >/dev/null; do sleep 0.1; done; rm -f /var/lib/dpkg/updates/0001
dpkg --purge --force-all t-a t-other t-service t-broken t-killed t-slow t-dep t-lib t-conf t-pin >/dev/null 2>&1 || :`
