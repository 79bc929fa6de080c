import type { Bed } from './bed.ts'

/** What both scripts of PostgreSQL begin with. `repacked`: a package as it is, under a version that is a little older. */
const BEGIN = `set -e
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
apt-get update -q >/dev/null
repacked() {
  rm -rf /tmp/older; mkdir -p /tmp/older; cd /tmp/older
  apt-get download -q "$1" >/dev/null 2>&1
  dpkg-deb -R "$1"_*.deb tree
  sed -i 's/^Version: .*/&~older/' tree/DEBIAN/control
  dpkg-deb -b tree older.deb >/dev/null
  dpkg --force-downgrade --force-confold -i older.deb
}`

/**
 * Gives a host the version of PostgreSQL before the newest that is offered there; where only one is offered, that one by
 * another name. A server that runs is restarted.
 */
export async function giveOlder(bed: Bed, host: string): Promise<void> {
  await bed.on(
    host,
    `${BEGIN}
mkdir -p /etc/postgresql-common/createcluster.d
echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/50-evenkeel.conf
v=$(apt-cache madison postgresql-15 | awk '{ print $3 }' | uniq | sed -n 2p)
if [ "$v" ]; then
  apt-get install -q -y --allow-downgrades --no-install-recommends "postgresql-15=$v" "postgresql-client-15=$v" "libpq5=$v"
else
  apt-get install -q -y --no-install-recommends postgresql-15
  repacked postgresql-client-15
  repacked postgresql-15
fi`,
  )
}

/** Gives a host an older pgbouncer, which is restarted. */
export async function giveOlderPooler(bed: Bed, host: string): Promise<void> {
  await bed.on(host, `${BEGIN}\nrepacked pgbouncer\nsystemctl restart pgbouncer`)
}

/** The packages of Redis as they are, under a version that is a little older. They restart what runs of them. */
export const OLDER_REDIS = `set -e
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
apt-get update -q >/dev/null
rm -rf /tmp/older; mkdir -p /tmp/older; cd /tmp/older
for p in redis-tools redis-server redis-sentinel; do
  apt-get download -q $p >/dev/null 2>&1
  dpkg-deb -R "$p"_*.deb $p
  sed -i 's/^Version: .*/&~older/; s/(= [^)]*/&~older/' $p/DEBIAN/control
  dpkg-deb -b $p $p.older >/dev/null
done
dpkg --force-downgrade --force-confold -i *.older >/dev/null 2>&1`

/** What is installed and what is offered, package by package; and what the server that runs says of itself and of its files. */
export async function versionsOf(bed: Bed, host: string): Promise<Versions> {
  const [installed, newest, server, files] = (
    await bed.on(
      host,
      `p='postgresql-15 postgresql-client-15 postgresql-15-repmgr repmgr pgbouncer'
echo $(for one in $p; do apt-cache policy $one | sed -n 's/^ *Installed: //p'; done)
echo $(for one in $p; do apt-cache policy $one | sed -n 's/^ *Candidate: //p'; done)
runuser -u postgres -- psql -XAtqw -d postgres -c 'show server_version'
/usr/lib/postgresql/15/bin/postgres -V | sed 's/^postgres (PostgreSQL) //'`,
    )
  ).split('\n')
  return { installed, newest, server, files }
}

export type Versions = Readonly<Record<'installed' | 'newest' | 'server' | 'files', string | undefined>>
