import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeOnLab, useLab } from '../../hosts/support/lab.ts'
import { type Bed, makeBed } from '../bed.ts'
import { built, pidsOf, repaired, whole } from '../repaired.ts'
import type { Workload, Written } from '../workload.ts'

const NODES = ['app1', 'app2', 'app3']
const DATA = '/var/lib/postgresql/15/main'
const CONSOLE = 'runuser -u postgres -- psql -qh /var/run/postgresql -p 6432 -U pgbouncer pgbouncer -c'

/** A fault that puts no data at stake: what is done to a host, what it is called, what mends it. */
interface Fault {
  readonly name: string
  /** Done to the standby app2, unless `on` says otherwise. */
  readonly inject: string
  readonly on?: string
  /** The finding that names it. */
  readonly finding: string
  /** The steps that mend it, by name. */
  readonly steps: readonly string[]
}

const as = (sql: string, database = 'postgres') =>
  `timeout 30 runuser -u postgres -- psql -XAtqw -h /var/run/postgresql -d ${database} -c "${sql}"`

const until = (condition: string, seconds = 60) =>
  `i=0; until ${condition}; do i=$((i + 1)); [ $i -lt ${seconds * 5} ] || exit 1; sleep 0.2; done`

/** A daemon ends where its server is down for long, and is stopped where it could do harm: that is a matter of moments. */
function besidesDaemons(steps: readonly string[]): readonly string[] {
  return steps.length > 1 ? steps.filter((name) => !name.endsWith(' repmgrd')) : steps
}

const FAULTS: readonly Fault[] = [
  {
    name: 'F2 a standby was stopped',
    inject: 'systemctl stop postgresql@15-main',
    finding: 'standby down',
    steps: ['start server'],
  },
  {
    name: 'F2 a standby was killed',
    inject: `kill -9 $(head -n 1 ${DATA}/postmaster.pid); ${until(`! kill -0 $(head -n 1 ${DATA}/postmaster.pid) 2>/dev/null`)}`,
    finding: 'standby down',
    steps: ['start server'],
  },
  {
    name: 'F3 the data of a standby was deleted under it',
    inject: `rm -rf ${DATA}; ${until('! pgrep -u postgres -x postgres >/dev/null')}`,
    finding: 'no data',
    steps: ['clone standby', 'start repmgrd'],
  },
  {
    name: 'F3 a clone that was cut off',
    inject: `systemctl stop postgresql@15-main; mv ${DATA} ${DATA}.new; rm ${DATA}.new/PG_VERSION`,
    finding: 'no data',
    steps: ['clone standby', 'start repmgrd'],
  },
  {
    name: 'F10 a standby follows another standby',
    inject: `other=$(sed -n 's/^app3 //p' /etc/pgbouncer/nodes)
${as("alter system set primary_slot_name = ''")}
${as("alter system set primary_conninfo = 'host=$other user=repmgr sslmode=verify-full sslrootcert=/etc/postgresql/15/main/tls/ca.crt passfile=/var/lib/postgresql/.pgpass application_name=app2'")}
${as('select pg_reload_conf()')}
${until(`[ "$(${as('select sender_host from pg_stat_wal_receiver')})" = "$other" ]`)}`,
    finding: 'wrong upstream',
    steps: ['stop repmgrd', 'follow primary', 'start repmgrd'],
  },
  {
    name: 'F10 a standby follows nobody',
    inject: `${as("alter system set primary_conninfo = 'host=192.0.2.1'")}; ${as('select pg_reload_conf()')}; ${until(`[ -z "$(${as('select 1 from pg_stat_wal_receiver')})" ]`)}`,
    finding: 'wrong upstream',
    steps: ['stop repmgrd', 'follow primary', 'start repmgrd'],
  },
  {
    name: 'F11 repmgr has the roles swapped',
    on: 'app1',
    inject: `systemctl stop repmgrd; ${as("update repmgr.nodes set type = 'standby' where node_name = 'app1'", 'repmgr')}; ${as("update repmgr.nodes set type = 'primary', upstream_node_id = null where node_name = 'app2'", 'repmgr')}`,
    finding: 'registration',
    steps: ['repair registration'],
  },
  {
    name: 'F12 pgbouncer sends clients elsewhere, and its follower is off',
    inject: `systemctl disable -q --now pgbouncer-follow; sed -i 's/host=[0-9.]*/host=192.0.2.1/' /etc/pgbouncer/databases.ini; ${CONSOLE} RELOAD`,
    finding: 'pgbouncer',
    steps: ['point pgbouncer'],
  },
  {
    name: 'F12 pgbouncer holds clients, and its follower is off',
    inject: `systemctl stop pgbouncer-follow; ${CONSOLE} 'PAUSE notes'`,
    finding: 'pgbouncer',
    steps: ['point pgbouncer'],
  },
  {
    name: 'F12 pgbouncer is stopped',
    inject: 'systemctl stop pgbouncer-follow pgbouncer',
    finding: 'pgbouncer',
    steps: ['point pgbouncer'],
  },
  {
    name: 'repmgrd is stopped, and does not start at boot',
    inject: 'systemctl disable -q --now repmgrd',
    finding: 'repmgrd',
    steps: ['start repmgrd'],
  },
  {
    name: 'a failover left a standby waiting for a day',
    inject: `${as('alter system set wal_retrieve_retry_interval = 86401000')}; ${as('select pg_reload_conf()')}`,
    finding: 'stale setting',
    steps: ['reset wal_retrieve_retry_interval'],
  },
  {
    name: 'somebody changed a password, and dropped an extension',
    on: 'app1',
    inject: `${as("alter role notes password 'another'")}; ${as('drop extension pgcrypto', 'notes')}`,
    finding: 'access',
    steps: ['set access'],
  },
]

describeOnLab('faults that put no data at stake', () => {
  const lab = useLab('faults', NODES)
  let bed: Bed
  let load: Workload | undefined
  const pauses: string[] = []

  beforeAll(async () => {
    bed = makeBed(lab)
    await built(bed)
  }, 300_000)

  afterAll(() => console.log(pauses.join('\n')))

  /** Clients write while it is done; afterwards none of their commits may be missing. */
  async function underLoad(work: () => Promise<void>): Promise<Written> {
    load = await bed.write()
    const before = load.count()
    await work()
    await expect.poll(() => (load?.count() ?? 0) - before, { timeout: 60_000 }).toBeGreaterThan(20)
    const written = await load.end()
    expect(await load.lost()).toEqual([])
    return written
  }

  test.each(FAULTS)('$name', async ({ name, inject, on = 'app2', finding, steps }) => {
    const spared = await pidsOf(
      bed,
      NODES.filter((host) => host !== on),
    )
    await underLoad(async () => {
      await bed.on(on, inject)
      const seen = await bed.deploy('status', 'lab', '--json')
      const { findings } = JSON.parse(seen.stdout).clusters[0]
      expect(findings.map((one: { name: string }) => one.name)).toContain(finding)
      const mended = await repaired(bed)
      expect(besidesDaemons(mended.steps)).toEqual(besidesDaemons(steps))
      pauses.push(`${name}: repaired in ${mended.seconds.toFixed(1)} s`)
    })
    expect(await whole(bed)).toEqual([])
    expect(
      await pidsOf(
        bed,
        NODES.filter((host) => host !== on),
      ),
    ).toEqual(spared)
  })

  test('F9 a standby that was away while the primary wrote more than it keeps', async () => {
    bed.playbook("durability: 'async', settings: { max_slot_wal_keep_size: '32MB', wal_keep_size: 0 }")
    expect((await bed.deploy('apply', 'lab', '--yes')).code).toBe(0)
    await underLoad(async () => {
      await bed.on('app2', 'systemctl stop postgresql@15-main')
      await bed.ask(
        'app1',
        'create table big as select repeat(md5(n::text), 30) as t from generate_series(1, 120000) n; checkpoint',
      )
      await expect
        .poll(() => bed.ask('app1', 'select wal_status from pg_replication_slots where not active'), {
          timeout: 60_000,
        })
        .toBe('lost')
      expect(besidesDaemons((await repaired(bed)).steps)).toEqual(['clone standby anew'])
    })
    expect(await whole(bed)).toEqual([])
    await bed.ask('app1', 'drop table big')
    bed.playbook()
    expect((await bed.deploy('apply', 'lab', '--yes')).code).toBe(0)
  })

  test('two standbys at once: one stopped, one without data', async () => {
    await underLoad(async () => {
      await Promise.all([
        bed.on('app2', 'systemctl stop postgresql@15-main'),
        bed.on('app3', `systemctl stop postgresql@15-main; rm -rf ${DATA}`),
      ])
      expect(besidesDaemons((await repaired(bed)).steps)).toEqual(['start server', 'clone standby'])
    })
    expect(await whole(bed)).toEqual([])
  })

  describe('settings that need a restart', () => {
    const postmasters = () => Promise.all(NODES.map((host) => bed.on(host, `head -n 1 ${DATA}/postmaster.pid`)))

    test('standbys first, then another node becomes the primary: no write fails, and none is lost', async () => {
      bed.playbook("durability: 'async', settings: { max_connections: 80 }")
      const before = await postmasters()
      const written = await underLoad(async () => {
        const planned = await bed.deploy('plan', 'lab', '--json')
        const { steps } = JSON.parse(planned.stdout).phases[1].cluster
        expect(steps.map(({ name, about }: { name: string; about: string }) => `${name} ${about}`)).toEqual([
          'restart server app2',
          'restart server app3',
          'switch over app1 to app2',
        ])
        const applied = await bed.deploy('apply', 'lab', '--yes')
        expect(`${applied.code} ${applied.stderr}`).toBe('0 ')
      })
      pauses.push(
        `max_connections up: ${written.refused} writes failed, the longest pause was ${written.longestPause.toFixed(0)} ms`,
      )
      expect(written.refused + written.unknown.length).toBe(0)
      expect(await bed.primary()).toBe('app2')
      expect((await postmasters()).filter((pid, index) => pid === before[index])).toEqual([])
      expect(await whole(bed)).toEqual([])
    })

    test('a limit that gets lower changes on the primary first', async () => {
      bed.playbook()
      await underLoad(async () => {
        expect((await bed.deploy('apply', 'lab', '--yes')).code).toBe(0)
      })
      expect(await bed.ask('app2', 'show max_connections')).toBe(await bed.ask('app1', 'show max_connections'))
      expect(await whole(bed)).toEqual([])
    })
  })
})
