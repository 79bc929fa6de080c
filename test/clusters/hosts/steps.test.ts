// Each step alone on real hosts, without the reconciler: the fault is made, the step is run, the cluster is whole again.
import { beforeAll, expect, test } from 'vitest'
import * as steps from '../../../src/clusters/postgres/steps.ts'
import { describeOnLab, useLab } from '../../hosts/support/lab.ts'
import { crashScript } from '../bed.ts'
import { type Bench, makeBench } from '../support/bench.ts'
import { layOutSteps, type StepsLab } from '../support/steps-lab.ts'

const DATA = '/var/lib/postgresql/15/main'
const HOSTS = ['db1', 'db2', 'db3']

describeOnLab('steps of a PostgreSQL cluster', () => {
  const lab = useLab('steps', HOSTS)
  let bed: StepsLab
  let run: Bench['run'], expectWhole: Bench['expectWhole']
  let bench: Bench
  let node: StepsLab['node'], on: StepsLab['on'], ask: StepsLab['ask']
  const nodes = (...hosts: readonly string[]) => hosts.map((host) => node(host))

  async function build(): Promise<void> {
    await run(steps.createPrimary(bed.desired, node('db1')))
    await run(steps.cloneStandbys(nodes('db2', 'db3'), node('db1')))
    await run(steps.startDaemon(nodes(...HOSTS), 'test'))
    await run(steps.pointPgbouncer(nodes(...HOSTS), node('db1'), 'test'))
  }

  const everywhere = (script: string) => Promise.all(HOSTS.map((host) => on(host, script)))
  const recovery = () => Promise.all(HOSTS.map(bench.recovery)).then((all) => all.join(' '))

  beforeAll(async () => {
    bed = layOutSteps(lab)
    ;({ node, on, ask } = bed)
    bench = makeBench(bed, HOSTS)
    ;({ run, expectWhole } = bench)
    await bed.prepare()
  }, 600_000)

  test('bare hosts become a cluster', async () => {
    await build()
    await expectWhole('db1')
    expect(await ask('db1', 'show data_checksums')).toBe('on')
  }, 300_000)

  test('what is so already stays: a second create, access, start of a daemon', async () => {
    const system = 'select system_identifier, pg_postmaster_start_time() from pg_control_system()'
    const before = await ask('db1', system)
    await run(steps.createPrimary(bed.desired, node('db1')))
    await run(steps.startServer(node('db1'), 'test'))
    const pids = await everywhere('systemctl show -p MainPID repmgrd')
    await run(steps.startDaemon(nodes(...HOSTS), 'test'))
    expect(await everywhere('systemctl show -p MainPID repmgrd')).toEqual(pids)
    expect(await ask('db1', system)).toBe(before)
    await expectWhole('db1')
  }, 120_000)

  test('access: a wrong password, a missing database, extension and role; the log holds no verifier', async () => {
    await ask('db1', "alter role notes nologin password 'x'")
    await ask('db1', 'drop extension pgcrypto', 'notes')
    await ask('db1', 'drop database evenkeel with (force)')
    await run(steps.setAccess(bed.desired, node('db1'), 'test'))
    expect(await ask('db1', 'select extname from pg_extension order by 1', 'notes')).toBe('pgcrypto\nplpgsql')
    expect(await ask('db1', 'select count(*) from proof', 'evenkeel')).toBe('0')
    await ask('db1', "alter system set log_statement = 'all'")
    await ask('db1', 'select pg_reload_conf()')
    await run(steps.setAccess(bed.desired, node('db1'), 'test'))
    await run(steps.resetSetting(node('db1'), 'log_statement', 'test'))
    expect(await on('db1', "grep -ac 'SCRAM-SHA-256' /var/log/postgresql/postgresql-15-main.log || true")).toBe('0')
    expect(await ask('db1', 'show log_statement')).toBe('none')
    await run(steps.pointPgbouncer(nodes(...HOSTS), node('db1'), 'test'))
    await expectWhole('db1')
  }, 120_000)

  test('access on a node that is a standby by now: nothing is done, and it is said', async () => {
    await expect(run(steps.setAccess(bed.desired, node('db2'), 'test'))).rejects.toThrow('no primary any more')
  })

  test('a standby that is down, crashed, or hangs is started', async () => {
    await on('db2', 'systemctl stop postgresql@15-main')
    await run(steps.startServer(node('db2'), 'test'))
    await on('db2', crashScript())
    await run(steps.startServer(node('db2'), 'test'))
    await on('db2', `kill -STOP $(head -n 1 ${DATA}/postmaster.pid)`)
    await run(steps.startServer(node('db2'), 'test'))
    await run(steps.startDaemon(nodes('db2'), 'test'))
    await expectWhole('db1')
  }, 300_000)

  test('a standby whose signal was removed since it was seen is not started: it would take writes', async () => {
    await on('db2', `systemctl stop postgresql@15-main; mv ${DATA}/standby.signal ${DATA}/signal`)
    await expect(run(steps.startServer(node('db2'), 'test'))).rejects.toThrow('it is no standby any more')
    await expect(run(steps.startStandbys(nodes('db2'), nodes('db2')))).rejects.toThrow('it is no standby any more')
    expect(await on('db2', 'pgrep -c postgres || true')).toBe('0')
    await on('db2', `mv ${DATA}/signal ${DATA}/standby.signal`)
    await run(steps.startServer(node('db2'), 'test'))
    await run(steps.startDaemon(nodes('db2'), 'test'))
    await expectWhole('db1')
  }, 120_000)

  test('a server that does not start: its log says why', async () => {
    await on('db2', `systemctl stop postgresql@15-main; mv ${DATA}/global ${DATA}/elsewhere`)
    await expect(run(steps.startServer(node('db2'), 'test'))).rejects.toThrow(/could not open file|No such file/)
    await on('db2', `mv ${DATA}/elsewhere ${DATA}/global`)
    await run(steps.startServer(node('db2'), 'test'))
    await run(steps.startDaemon(nodes('db2'), 'test'))
    await expectWhole('db1')
  }, 120_000)

  test('a standby whose data was deleted while it ran is cloned anew', async () => {
    await on('db3', `rm -rf ${DATA}`)
    await run(steps.recloneStandby(node('db3'), node('db1'), 'test'))
    await run(steps.startDaemon(nodes('db3'), 'test'))
    await expectWhole('db1')
  }, 180_000)

  test('a standby that is beyond the WAL is cloned anew, its old data moved aside', async () => {
    await ask('db1', "alter system set max_slot_wal_keep_size = '32MB'")
    await ask('db1', "alter system set wal_keep_size = '32MB'")
    await ask('db1', 'select pg_reload_conf()')
    await on('db2', crashScript())
    for (let turn = 0; turn < 8; turn++) {
      await ask('db1', 'create table if not exists t (); drop table t; select pg_switch_wal()')
      const end = await ask('db1', 'select pg_current_wal_lsn()')
      await expect.poll(() => ask('db3', `select pg_last_wal_replay_lsn() >= '${end}'`), { timeout: 20_000 }).toBe('t')
    }
    await ask('db1', 'checkpoint')
    expect(
      await ask('db1', `select wal_status from pg_replication_slots where slot_name = 'repmgr_slot_${node('db2').id}'`),
    ).toBe('lost')
    await run(steps.startServer(node('db2'), 'test'))
    await expect(run(steps.followPrimary(node('db2'), node('db1'), 'test'))).rejects.toThrow('has already been removed')
    await run(steps.recloneStandby(node('db2'), node('db1'), 'test'))
    expect(await on('db2', `ls ${DATA}.aside-*/PG_VERSION | wc -l`)).toBe('1')
    for (const name of ['max_slot_wal_keep_size', 'wal_keep_size']) {
      await run(steps.resetSetting(node('db1'), name, 'test'))
      await run(steps.resetSetting(node('db2'), name, 'test'))
    }
    expect(await ask('db1', 'show max_slot_wal_keep_size')).toBe('2GB')
    await run(steps.startDaemon(nodes('db2'), 'test'))
    await expectWhole('db1')
    await on('db2', `rm -rf ${DATA}.aside-*`)
  }, 300_000)

  test('without room nothing is stopped, and it is said what is missing', async () => {
    const free = Number(await on('db2', `df -B1 --output=avail ${DATA} | tail -n 1`))
    await on('db2', `fallocate -l ${free - 200_000_000} /var/lib/postgresql/big`)
    await expect(run(steps.recloneStandby(node('db2'), node('db1'), 'test'))).rejects.toThrow('too little room')
    await on('db2', 'rm /var/lib/postgresql/big')
    expect(await recovery()).toBe('f t t')
    await run(steps.startDaemon(nodes('db2'), 'test'))
  })

  test('a standby of a standby, without its slot, follows the primary', async () => {
    const slot = `repmgr_slot_${node('db3').id}`
    await ask(
      'db3',
      `alter system set primary_conninfo = 'host=${node('db2').address} user=repmgr application_name=db3 sslmode=verify-full sslrootcert=/etc/postgresql/15/main/tls/ca.crt passfile=/var/lib/postgresql/.pgpass'`,
    )
    await ask('db3', "alter system set primary_slot_name = ''")
    await ask('db3', 'select pg_reload_conf()')
    await expect
      .poll(() => ask('db3', 'select sender_host from pg_stat_wal_receiver'), { timeout: 20_000 })
      .toBe(node('db2').address)
    await ask('db1', `select pg_drop_replication_slot('${slot}')`)
    const started = await ask('db3', 'select pg_postmaster_start_time()')
    await run(steps.followPrimary(node('db3'), node('db1'), 'test'))
    expect(await ask('db3', 'select pg_postmaster_start_time()')).toBe(started)
    await expectWhole('db1')
  }, 120_000)

  test("repmgr's table with roles swapped is repaired", async () => {
    await ask(
      'db1',
      `update repmgr.nodes set type = 'standby', upstream_node_id = ${node('db2').id} where node_name = 'db1'; update repmgr.nodes set type = 'primary', upstream_node_id = null where node_name = 'db2'; update repmgr.nodes set active = false where node_name = 'db3'`,
      'repmgr',
    )
    await run(steps.repairRegistration(node('db1'), nodes('db2', 'db3'), 'test'))
    await expectWhole('db1')
  }, 180_000)

  test('repmgrd that was stopped, disabled and paused runs again', async () => {
    await on(
      'db2',
      'runuser -u postgres -- repmgr -f /etc/repmgr.conf service pause >/dev/null 2>&1; systemctl disable --now --quiet repmgrd',
    )
    await run(steps.startDaemon(nodes(...HOSTS), 'test'))
    expect(await on('db2', 'systemctl is-enabled repmgrd')).toBe('enabled')
    for (const host of HOSTS) expect(await ask(host, 'select repmgr.repmgrd_is_paused()', 'repmgr')).toBe('f')
  }, 120_000)

  test('pgbouncers that are down, held, or elsewhere send clients to the primary', async () => {
    await on('db1', 'systemctl disable --now --quiet pgbouncer pgbouncer-follow')
    await on(
      'db2',
      'mkdir -p /run/evenkeel; touch /run/evenkeel/hold; runuser -u postgres -- psql -Xqh /run/postgresql -p 6432 -U pgbouncer pgbouncer -c "PAUSE notes"',
    )
    await on(
      'db3',
      `systemctl stop pgbouncer-follow; sed -i s/${node('db1').address}/${node('db2').address}/ /etc/pgbouncer/databases.ini; runuser -u postgres -- psql -Xqh /run/postgresql -p 6432 -U pgbouncer pgbouncer -c RELOAD`,
    )
    await run(steps.pointPgbouncer(nodes(...HOSTS), node('db1'), 'test'))
    await expectWhole('db1')
  }, 120_000)

  test('a standby is restarted for a setting', async () => {
    await ask('db2', 'alter system set max_worker_processes = 12')
    await ask('db2', 'select pg_reload_conf()')
    await run(steps.restartServer(node('db2'), node('db1'), 'test'))
    expect(await ask('db2', 'show max_worker_processes')).toBe('12')
    await run(steps.resetSetting(node('db2'), 'max_worker_processes', 'test'))
    await run(steps.restartServer(node('db2'), node('db1'), 'test'))
    await expectWhole('db1')
  }, 120_000)

  test('a primary that crashed becomes a standby of the one that took over', async () => {
    await everywhere('systemctl stop repmgrd')
    await ask('db1', 'create table u as select generate_series(1, 100000)')
    await on('db1', crashScript())
    await ask('db2', 'select pg_promote()')
    await ask('db2', 'insert into u select generate_series(1, 1000)')
    await run(steps.followPrimary(node('db3'), node('db2'), 'test'))
    expect(await run(steps.rejoinStandby(node('db1'), node('db2'), 'test'))).toContain('Done!')
    await run(steps.repairRegistration(node('db2'), nodes('db1', 'db3'), 'test'))
    await run(steps.pointPgbouncer(nodes(...HOSTS), node('db2'), 'test'))
    await expectWhole('db2')
    expect(await on('db1', `ls -d ${DATA}.aside-* 2>/dev/null || true`)).toBe('')
  }, 240_000)

  test('a rewind that was cut off: the directory is not started, and is cloned anew', async () => {
    await everywhere('systemctl stop repmgrd')
    await on('db2', crashScript())
    await expect.poll(() => bench.recovery('db1')).toBe('t')
    await ask('db1', 'select pg_promote()')
    await on('db2', `touch ${DATA}.rewind`)
    await expect(run(steps.startServer(node('db2'), 'test'))).rejects.toThrow('it is no standby any more')
    const said = 'journalctl -q --no-pager -o cat -n 20 -u postgresql@15-main'
    expect(await on('db2', `systemctl start postgresql@15-main || ${said}`)).toContain('was being rewound')
    expect(await bench.recovery('db2')).toBe('down')
    await run(steps.followPrimary(node('db3'), node('db1'), 'test'))
    expect(await run(steps.rejoinStandby(node('db2'), node('db1'), 'test'))).toContain('was cut off')
    expect(await on('db2', `ls ${DATA}.aside-*/PG_VERSION | wc -l`)).toBe('1')
    await run(steps.repairRegistration(node('db1'), nodes('db2', 'db3'), 'test'))
    await run(steps.pointPgbouncer(nodes(...HOSTS), node('db1'), 'test'))
    await expectWhole('db1')
  }, 240_000)
})
