import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { describeOnLab, useLab } from '../../hosts/support/lab.ts'
import { type Bed, crashScript, makeBed } from '../bed.ts'
import { built, pidsOf, repaired, whole } from '../repaired.ts'
import type { Workload } from '../workload.ts'

const NODES = ['app1', 'app2', 'app3']
const DATA = '/var/lib/postgresql/15/main'
const PSQL = 'timeout 30 runuser -u postgres -- psql -XAtqw -h /var/run/postgresql'

const GUARD = '/usr/local/lib/evenkeel/postgres-guard'
/** Starts data that is not a standby's although the guard says no. */
const FORCE = `mv ${GUARD} ${GUARD}.kept; ln -s /bin/true ${GUARD}; systemctl reset-failed postgresql@15-main; systemctl start postgresql@15-main; mv -f ${GUARD}.kept ${GUARD}`

/** A fault that puts no data at stake: what is done, what it is called, what mends it. */
interface Fault {
  readonly name: string
  readonly inject: (bed: Bed) => Promise<unknown>
  /** Whose processes may change. */
  readonly on: readonly string[]
  readonly finding: string
  readonly steps: readonly string[]
}

const sql = (bed: Bed, host: string, statement: string, database = 'postgres') =>
  bed.on(host, `${PSQL} -d ${database} -c "${statement}"`)
const everywhere = (bed: Bed, script: string) => Promise.all(NODES.map((host) => bed.on(host, script)))

const FAULTS: readonly Fault[] = [
  {
    name: 'F2 the server of a standby hangs',
    inject: (bed) => bed.on('app2', `kill -STOP $(head -n 1 ${DATA}/postmaster.pid)`),
    on: ['app2'],
    finding: 'standby down',
    steps: ['start server'],
  },
  {
    name: 'F3 the last file of the log of a standby is cut off',
    inject: async (bed) => {
      // Not the one with its last checkpoint: it starts, and gets no further.
      await sql(bed, 'app1', 'select pg_switch_wal()')
      await sql(bed, 'app1', 'create table cut (n int)', 'notes')
      const name = await bed.ask('app1', 'select pg_walfile_name(pg_current_wal_lsn())')
      const at = await bed.ask('app1', 'select pg_current_wal_lsn()')
      await expect.poll(() => bed.ask('app2', `select pg_last_wal_replay_lsn() >= '${at}'`)).toBe('t')
      await bed.on(
        'app2',
        `systemctl stop repmgrd; kill -9 $(head -n 1 ${DATA}/postmaster.pid); truncate -s 4096 ${DATA}/pg_wal/${name}; systemctl reset-failed postgresql@15-main; systemctl start postgresql@15-main`,
      )
      await expect
        .poll(() => bed.on('app2', 'tail -n 20 /var/log/postgresql/postgresql-15-main.log'), { timeout: 30_000 })
        .toContain('could not read')
    },
    on: ['app2'],
    finding: 'damaged data',
    steps: ['clone standby anew'],
  },
  {
    name: 'F3 a file is missing without which the server of a standby runs, and takes nobody in',
    inject: async (bed) => {
      await bed.on(
        'app2',
        `systemctl stop repmgrd postgresql@15-main; rm ${DATA}/global/pg_filenode.map; timeout 20 systemctl start postgresql@15-main || true`,
      )
      await expect
        .poll(() => bed.on('app2', 'tail -n 20 /var/log/postgresql/postgresql-15-main.log'), { timeout: 30_000 })
        .toContain('could not open file "global/pg_filenode.map"')
    },
    on: ['app2'],
    finding: 'damaged data',
    steps: ['clone standby anew'],
  },
  {
    name: 'F2 others may enter the data directory of a standby: its server does not start',
    inject: (bed) => bed.on('app2', `systemctl stop postgresql@15-main; chmod 0777 ${DATA}`),
    on: ['app2'],
    finding: 'standby down',
    steps: ['start server'],
  },
  {
    name: 'F10 the slot of a standby was dropped',
    inject: async (bed) => {
      await bed.on('app2', 'systemctl stop postgresql@15-main')
      await sql(bed, 'app1', 'select pg_drop_replication_slot(slot_name) from pg_replication_slots where not active')
      await bed.on('app2', 'systemctl start postgresql@15-main')
    },
    on: ['app2'],
    finding: 'wrong upstream',
    steps: ['follow primary'],
  },
  {
    name: "F14 an empty database cluster of its own in a standby's place",
    inject: (bed) =>
      bed.on(
        'app2',
        `systemctl stop repmgrd postgresql@15-main; rm -r ${DATA}; runuser -u postgres -- /usr/lib/postgresql/15/bin/initdb -k -D ${DATA} >/dev/null; ${FORCE}`,
      ),
    on: ['app2'],
    finding: 'no data',
    steps: ['clone standby'],
  },
  {
    name: 'F14 the same, which the guard keeps down',
    inject: (bed) =>
      bed.on(
        'app2',
        `systemctl stop repmgrd postgresql@15-main; rm -r ${DATA}; runuser -u postgres -- /usr/lib/postgresql/15/bin/initdb -k -D ${DATA} >/dev/null; ! systemctl start postgresql@15-main`,
      ),
    on: ['app2'],
    finding: 'no data',
    steps: ['clone standby'],
  },
  {
    name: 'the row of a standby is gone from the table of repmgr',
    inject: (bed) => sql(bed, 'app1', "delete from repmgr.nodes where node_name = 'app3'", 'repmgr'),
    on: [],
    finding: 'registration',
    steps: ['repair registration'],
  },
  {
    name: 'somebody changed the password of the role that asks who is primary, an owner, and rights',
    inject: async (bed) => {
      await sql(bed, 'app1', "alter role evenkeel password 'another'")
      await sql(bed, 'app1', 'alter database notes owner to postgres')
      await sql(bed, 'app1', 'alter role notes superuser')
    },
    on: [],
    finding: 'access',
    steps: ['set access'],
  },
  {
    name: 'F12 a pgbouncer hangs',
    inject: (bed) => bed.on('app3', 'systemctl kill -s STOP pgbouncer'),
    on: ['app3'],
    finding: 'pgbouncer',
    steps: ['point pgbouncer'],
  },
  {
    name: 'somebody paused repmgrd',
    inject: (bed) => everywhere(bed, `${PSQL} -d repmgr -c 'select repmgr.repmgrd_pause(true)'`),
    on: [],
    finding: 'repmgrd',
    steps: ['start repmgrd'],
  },
  {
    name: 'the primary is down, and nobody watched it',
    inject: async (bed) => {
      await everywhere(bed, 'systemctl stop repmgrd')
      await bed.on('app1', crashScript())
    },
    on: ['app1'],
    finding: 'no primary',
    steps: ['start primary'],
  },
  {
    name: 'F16 the certificate of a standby has ended',
    inject: (bed) => bed.expire('app2'),
    on: [],
    finding: 'certificate',
    steps: [],
  },
  {
    name: 'F16 the certificate of the primary has ended, and repmgrd has not seen it yet',
    inject: async (bed) => {
      await everywhere(bed, 'systemctl stop repmgrd')
      await bed.expire('app1')
    },
    on: [],
    finding: 'certificate',
    steps: ['start repmgrd'],
  },
]

/**
 * A daemon ends where its server is down for long, and is stopped where it could do harm; the one of the primary notes a
 * standby that it does not reach as inactive: all that is a matter of moments.
 */
function lasting(steps: readonly string[], wanted: readonly string[]): readonly string[] {
  return steps.filter((name) => wanted.includes(name) || !/ repmgrd$|^repair registration$/.test(name))
}

describeOnLab('rarer faults that put no data at stake', () => {
  const lab = useLab('rare', NODES)
  let bed: Bed
  let load: Workload | undefined
  const figures: string[] = []

  beforeAll(async () => {
    bed = makeBed(lab)
    await built(bed)
  }, 300_000)

  afterEach(async () => {
    await load?.end()
  })

  afterAll(() => console.log(figures.join('\n')))

  test.each(FAULTS)('$name', async ({ name, inject, on, finding, steps }) => {
    const spared = NODES.filter((host) => !on.includes(host))
    const before = await pidsOf(bed, spared)
    const clients = await bed.write()
    load = clients
    await expect.poll(clients.count, { timeout: 30_000 }).toBeGreaterThan(20)
    await inject(bed)
    const seen = await bed.deploy('status', 'lab', '--json')
    const { findings } = JSON.parse(seen.stdout).clusters[0]
    const mended = await repaired(bed)
    const counted = clients.count()
    await expect.poll(() => clients.count() - counted, { timeout: 60_000 }).toBeGreaterThan(20)
    const { longestPause } = await clients.end()
    figures.push(
      `${name}: repaired in ${mended.seconds.toFixed(1)} s, longest pause ${(longestPause / 1000).toFixed(1)} s`,
    )
    expect(findings.map((one: { name: string }) => one.name)).toContain(finding)
    expect(lasting(mended.steps, steps)).toEqual(steps)
    expect(await clients.lost()).toEqual([])
    expect(await whole(bed)).toEqual([])
    expect(await bed.primary()).toBe('app1')
    expect(await pidsOf(bed, spared)).toEqual(before)
  })

  test('F8 a slot that keeps much back is told; its standby comes back without a clone', async () => {
    bed.playbook("durability: 'async', settings: { max_slot_wal_keep_size: '160MB', wal_keep_size: 0 }")
    expect((await bed.deploy('apply', 'lab', '--yes')).code).toBe(0)
    await bed.on('app2', 'systemctl stop postgresql@15-main')
    await sql(
      bed,
      'app1',
      'create table big as select repeat(md5(n::text), 30) as t from generate_series(1, 110000) n; checkpoint',
    )
    const seen = await bed.deploy('status', 'lab', '--json')
    const { findings } = JSON.parse(seen.stdout).clusters[0]
    expect(findings.map(({ name, severity }: { name: string; severity: string }) => `${severity} ${name}`)).toContain(
      'warning slot bloat',
    )
    expect(lasting((await repaired(bed)).steps, ['start server'])).toEqual(['start server'])
    await sql(bed, 'app1', 'drop table big')
    bed.playbook()
    expect((await bed.deploy('apply', 'lab', '--yes')).code).toBe(0)
    expect(await whole(bed)).toEqual([])
  })

  test('files of a standby that somebody broke come back', async () => {
    await bed.on(
      'app2',
      'echo "nonsense = = 1" >>/etc/postgresql/15/main/postgresql.conf; systemctl stop postgresql@15-main',
    )
    expect((await repaired(bed)).steps).toEqual(['start server'])
    expect(await whole(bed)).toEqual([])
  })
})
