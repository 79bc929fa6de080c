import type { Bed } from './bed.ts'

/**
 * What a repair that changes nothing leaves as it was, node by node: the state of its data, what lies beside it, its
 * processes, its units, and where its clients are sent.
 */
export async function tracesOf(bed: Bed, hosts: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const seen = hosts.map(async (host) => [host, await bed.on(host, LOOK)] as const)
  return Object.fromEntries(await Promise.all(seen))
}

const LOOK = `cd /var/lib/postgresql/15
ls -1
for data in main*; do
  [ -d "$data" ] || continue
  stat -c 'signal %n %i %Y' "$data"/standby.signal "$data"/PG_VERSION 2>/dev/null
  timeout 10 /usr/lib/postgresql/15/bin/pg_controldata "$data" | grep -E 'system identifier|cluster state|TimeLineID'
  cat "$data"/postgresql.auto.conf 2>/dev/null
  head -n 1 "$data"/postmaster.pid 2>/dev/null
done
for unit in postgresql@15-main repmgrd pgbouncer pgbouncer-follow; do
  systemctl show -p Id -p ActiveState -p UnitFileState "$unit" | sed s/=activating/=active/
done
systemctl show -p MainPID pgbouncer pgbouncer-follow
sha256sum /etc/pgbouncer/databases.ini /etc/repmgr.conf /etc/postgresql/15/main/*.conf
exit 0`
