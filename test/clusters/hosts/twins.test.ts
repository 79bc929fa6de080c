import { beforeAll, expect, test } from 'vitest'
import { describeOnLab, useLab } from '../../hosts/support/lab.ts'
import { type Bed, crashScript, makeBed } from '../bed.ts'
import { built, repaired, whole } from '../repaired.ts'

const DATA = '/var/lib/postgresql/15/main'
const PROMOTE = `runuser -u postgres -- /usr/lib/postgresql/15/bin/pg_ctl -D ${DATA} -w promote`

describeOnLab('two nodes promoted apart from each other to one timeline, at one place', () => {
  const lab = useLab('twins', ['app1', 'app2', 'app3'])
  let bed: Bed

  beforeAll(async () => {
    bed = makeBed(lab)
    await built(bed)
  }, 300_000)

  const insert = (host: string, from: number, to: number) =>
    bed.on(
      host,
      `timeout 20 runuser -u postgres -- psql -qX -d notes -c 'insert into w select generate_series(${from}, ${to})'`,
    )

  test('no history tells them apart: the one that was left is not rewound, and its commit stays', async () => {
    await bed.on('app1', 'runuser -u postgres -- psql -qX -d notes -c "create table w (n bigint)"')
    const at = await bed.ask('app1', 'select pg_current_wal_lsn()')
    for (const host of ['app2', 'app3'])
      await expect.poll(() => bed.ask(host, `select pg_last_wal_replay_lsn() >= '${at}'`)).toBe('t')
    for (const host of lab.hosts) await bed.on(host, 'systemctl stop repmgrd pgbouncer-follow')
    await bed.on('app1', crashScript())
    await bed.on('app3', 'systemctl stop postgresql@15-main')
    // One is promoted, takes a commit, and stops; the other one takes more of them.
    await bed.on('app2', PROMOTE)
    await insert('app2', -1, -1)
    await bed.on('app2', 'systemctl stop postgresql@15-main')
    await bed.on('app3', `systemctl start postgresql@15-main; ${PROMOTE}`)
    await insert('app3', 1, 20_000)
    // A later timeline, which began behind all that the first one wrote.
    await bed.on(
      'app3',
      `systemctl stop postgresql@15-main; runuser -u postgres -- touch ${DATA}/standby.signal; systemctl start postgresql@15-main; ${PROMOTE}`,
    )
    await insert('app3', 20_001, 20_001)

    const files = () => bed.on('app2', `cd ${DATA}; find . -type f -exec md5sum {} + | sort`)
    const before = await files()
    const ran = await bed.deploy('repair-db', 'lab', '--yes')
    expect(ran.code).toBe(1)
    expect(ran.stdout + ran.stderr).toContain('two nodes were promoted apart from each other')
    expect(await files()).toBe(before)
    expect(await bed.on('app2', 'ls -d /var/lib/postgresql/15/*')).toBe(DATA)

    // As it says.
    await bed.on('app2', `mv ${DATA} ${DATA}.mine`)
    await repaired(bed)
    expect(await bed.primary()).toBe('app3')
    expect(await whole(bed)).toEqual([])
  })

  test('a standby of the one that was left does not follow the other one', async () => {
    const [primary = ''] = (await bed.primary()).split(',')
    const [left = '', standby = ''] = lab.hosts.filter((host) => host !== primary)
    const at = await bed.ask(primary, 'select pg_current_wal_lsn()')
    for (const host of [left, standby])
      await expect.poll(() => bed.ask(host, `select pg_last_wal_replay_lsn() >= '${at}'`)).toBe('t')
    for (const host of lab.hosts) await bed.on(host, 'systemctl stop repmgrd pgbouncer-follow')
    const address = lab.reach.hosts[left]?.address ?? ''
    await bed.on(primary, crashScript())
    await bed.on(primary, `cp -a ${DATA} ${DATA}.kept`)
    await bed.on(left, PROMOTE)
    await bed.ask(
      standby,
      `alter system set primary_conninfo = 'host=${address} user=repmgr sslmode=verify-full sslrootcert=/etc/postgresql/15/main/tls/ca.crt passfile=/var/lib/postgresql/.pgpass application_name=${standby}'`,
    )
    await bed.ask(standby, "alter system set primary_slot_name = ''")
    await bed.ask(standby, 'select pg_reload_conf()')
    await expect
      .poll(() => bed.ask(standby, 'select received_tli from pg_stat_wal_receiver'), { timeout: 30_000 })
      .toBe(await bed.ask(left, "select ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int"))
    await insert(left, -2, -2)
    await expect
      .poll(() =>
        bed.on(standby, 'runuser -u postgres -- psql -XAtq -d notes -c "select count(*) from w where n = -2"'),
      )
      .toBe('1')
    // The one it followed is gone; the former primary recovers as a standby would, and is promoted to the same timeline.
    await bed.on(left, `systemctl stop postgresql@15-main; mv ${DATA} ${DATA}.mine`)
    await bed.on(
      primary,
      `runuser -u postgres -- touch ${DATA}/standby.signal; systemctl start postgresql@15-main; ${PROMOTE}`,
    )
    await insert(primary, 30_001, 50_000)
    const ran = await bed.deploy('repair-db', 'lab', '--yes')
    expect(ran.code).toBe(1)
    expect(ran.stdout + ran.stderr).toContain('promoted apart from each other')
    expect(
      await bed.on(standby, 'runuser -u postgres -- psql -XAtq -d notes -c "select count(*) from w where n = -2"'),
    ).toBe('1')
  })
})
