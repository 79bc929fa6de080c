// The primary is moved on purpose, under clients that write; steps are cut off in their midst.
import { setTimeout as delay } from 'node:timers/promises'
import { beforeAll, expect, test } from 'vitest'
import * as steps from '../../../src/clusters/postgres/steps.ts'
import { describeOnLab, useLab } from '../../hosts/support/lab.ts'
import { type Bench, makeBench } from '../support/bench.ts'
import { layOutSteps, type StepsLab } from '../support/steps-lab.ts'
import type { Workload, Written } from '../workload.ts'

const DATA = '/var/lib/postgresql/15/main'
const HOSTS = ['db1', 'db2', 'db3']
/** The stage in which the old primary hands over. */
const HANDING = 3

describeOnLab('switchover', () => {
  const lab = useLab('switchover', [...HOSTS, 'vote'])
  let bed: StepsLab
  let bench: Bench
  const others = (...hosts: readonly string[]) =>
    HOSTS.filter((one) => !hosts.includes(one)).map((one) => bed.node(one))
  const over = (from: string, to: string) =>
    steps.switchover(bed.desired, bed.node(from), bed.node(to), others(from, to), 'test')

  /** Clients write through all pgbouncers meanwhile: none may be refused, none may lose what was acknowledged. */
  async function underClients(body: () => Promise<unknown>): Promise<Written> {
    const clients: Workload = await bed.write()
    await delay(1000)
    let written: Written
    try {
      await body()
      await delay(1500)
    } finally {
      written = await clients.end()
    }
    expect(await clients.lost()).toEqual([])
    console.log(
      `${written.acknowledged.length} acknowledged, ${written.unknown.length} unknown, ${written.refused} refused, longest pause ${(written.longestPause / 1000).toFixed(2)} s`,
    )
    return written
  }

  /** Brings the cluster back as a repair would, whatever was cut off, and gives who is the primary. */
  async function repair(): Promise<string> {
    let primary = await bench.primaries()
    expect(primary).not.toContain(',')
    if (primary === '') {
      const [last = ''] = (
        await Promise.all(HOSTS.map((host) => bed.on(host, `[ -e ${DATA}/standby.signal ] || echo ${host}`)))
      ).filter((host) => host !== '')
      await bench.run(steps.startServer(bed.node(last), 'test'))
      primary = last
    }
    for (const { host } of others(primary)) {
      if ((await bench.recovery(host)) === 't')
        await bench.run(steps.followPrimary(bed.node(host), bed.node(primary), 'test'))
      else if (await bed.on(host, `[ ! -e ${DATA}/standby.signal ] || echo standby`))
        await bench.run(steps.startServer(bed.node(host), 'test'))
      else await bench.run(steps.rejoinStandby(bed.node(host), bed.node(primary), 'test'))
    }
    await bench.run(steps.repairRegistration(bed.node(primary), others(primary), 'test'))
    await bench.run(steps.pointPgbouncer(HOSTS.map(bed.node), bed.node(primary), 'test'))
    await bench.expectWhole(primary)
    return primary
  }

  beforeAll(async () => {
    bed = layOutSteps(lab, 'vote')
    bench = makeBench(bed, HOSTS)
    await bed.prepare()
  }, 600_000)

  test('building is killed at any moment, and ends well when it is done again', async () => {
    for (const after of [300, 1500, 2500, 3500])
      await bench.cut(steps.createPrimary(bed.desired, bed.node('db1')), after)
    await bench.run(steps.createPrimary(bed.desired, bed.node('db1')))
    for (const after of [500, 1200, 2000, 3000])
      await bench.cut(steps.cloneStandbys(others('db1'), bed.node('db1')), after)
    await bench.run(steps.cloneStandbys(others('db1'), bed.node('db1')))
    await bench.run(steps.startDaemon(HOSTS.map(bed.node), 'test'))
    await bench.run(steps.pointPgbouncer(HOSTS.map(bed.node), bed.node('db1'), 'test'))
    await bench.expectWhole('db1')
  }, 300_000)

  test('there and back: no write fails, none is lost', async () => {
    for (const [from, to] of [
      ['db1', 'db2'],
      ['db2', 'db1'],
    ] as const) {
      const written = await underClients(() => bench.run(over(from, to)))
      expect(written.refused + written.unknown.length).toBe(0)
      expect(written.longestPause).toBeLessThan(25_000)
      await bench.expectWhole(to)
    }
  }, 300_000)

  test('a transaction that does not end is cut off; all others wait and go on', async () => {
    const idle = bed.on(
      'db3',
      `PGPASSWORD='db=pass;word' timeout 60 psql -XAtq -d 'host=127.0.0.1 port=6432 user=notes dbname=notes sslmode=require' -c 'begin; select 1' -c 'select pg_sleep(30)' 2>&1 || echo ended`,
    )
    const written = await underClients(() => bench.run(over('db1', 'db2')))
    expect(written.refused + written.unknown.length).toBe(0)
    expect(await idle).toContain('ended')
    await bench.expectWhole('db2')
    await bench.run(over('db2', 'db1'))
  }, 300_000)

  test('a new primary that does not get everything: the old one goes on, and clients wait but do not fail', async () => {
    await bed.ask('db2', 'select pg_wal_replay_pause()')
    const written = await underClients(() =>
      expect(bench.run(over('db1', 'db2'))).rejects.toThrow('is the primary again'),
    )
    expect(written.refused + written.unknown.length).toBe(0)
    expect(written.longestPause).toBeLessThan(30_000)
    expect(await bench.primaries()).toBe('db1')
    // It runs again where all is as before: the one that pauses streams from nobody now.
    const daemons = await Promise.all(HOSTS.map((host) => bed.on(host, 'systemctl is-active repmgrd || true')))
    expect(daemons).toEqual(['active', 'inactive', 'active'])
    await bed.ask('db2', 'select pg_wal_replay_resume()')
    expect(await repair()).toBe('db1')
  }, 300_000)

  test('the primary restarts in place: no write fails, none is lost', async () => {
    const started = await bed.ask('db1', 'select pg_postmaster_start_time()')
    const written = await underClients(() =>
      bench.run(steps.restartPrimary(bed.desired, bed.node('db1'), others('db1'), 'test')),
    )
    expect(written.refused + written.unknown.length).toBe(0)
    expect(await bed.ask('db1', 'select pg_postmaster_start_time()')).not.toBe(started)
    await bench.expectWhole('db1')
  }, 300_000)

  test('a new primary that does not stream: nothing is touched', async () => {
    await bed.on('db2', 'systemctl stop postgresql@15-main')
    await expect(bench.run(over('db1', 'db2'))).rejects.toThrow('does not stream from here')
    for (const host of ['db1', 'db3']) expect(await bed.on(host, 'systemctl is-active repmgrd')).toBe('active')
    await bench.run(steps.startServer(bed.node('db2'), 'test'))
  }, 120_000)

  test.each([300, 1200, 2500])(
    'the old primary is cut off %i ms after it began to hand over: no commit is lost, there never are two primaries',
    async (after) => {
      const from = await bench.primaries()
      const to = from === 'db1' ? 'db2' : 'db1'
      let primary = ''
      await underClients(async () => {
        await bench.cut(over(from, to), after, HANDING)
        primary = await repair()
      })
      expect([from, to]).toContain(primary)
    },
    300_000,
  )

  test('cut off while clients are held: they go on by themselves', async () => {
    const from = await bench.primaries()
    const [to] = others(from)
    const step = over(from, to?.host ?? '')
    const written = await underClients(async () => {
      await bench.run({ ...step, stages: step.stages.slice(0, HANDING) })
      await delay(27_000)
    })
    expect(written.refused + written.unknown.length).toBe(0)
    expect(written.longestPause).toBeLessThan(30_000)
    expect(await repair()).toBe(from)
  }, 300_000)

  test.each([500, 2000, 4000])(
    'rejoin and clone that are cut off after %i ms end well',
    async (after) => {
      const from = await bench.primaries()
      const [to = bed.node(from), third = to] = others(from)
      await Promise.all(HOSTS.map((host) => bed.on(host, 'systemctl stop repmgrd')))
      await bed.ask(from, `create table if not exists u (i int); insert into u select generate_series(1, 200000)`)
      const end = await bed.ask(from, 'select pg_current_wal_lsn()')
      const has = (host: string) => bed.ask(host, `select pg_last_wal_replay_lsn() >= '${end}'`)
      await expect.poll(async () => `${await has(to.host)} ${await has(third.host)}`, { timeout: 20_000 }).toBe('t t')
      await bed.on(
        from,
        `kill -9 $(head -n 1 ${DATA}/postmaster.pid); systemctl kill -s KILL postgresql@15-main || true`,
      )
      await bed.ask(to.host, 'select pg_promote()')
      await bench.run(steps.followPrimary(third, to, 'test'))
      await bench.cut(steps.rejoinStandby(bed.node(from), to, 'test'), after)
      await bench.cut(steps.recloneStandby(third, to, 'test'), after)
      await bench.run(steps.recloneStandby(third, to, 'test'))
      expect(await repair()).toBe(to.host)
      await Promise.all(HOSTS.map((host) => bed.on(host, `rm -rf ${DATA}.aside-*`)))
    },
    300_000,
  )

  test('a witness votes, and stays one when the primary moves', async () => {
    const from = await bench.primaries()
    const [to = bed.node(from)] = others(from)
    const vote = bed.node('vote')
    await bench.run(steps.registerWitness(bed.desired, vote, bed.node(from), 'test'))
    await bench.run(steps.registerWitness(bed.desired, vote, bed.node(from), 'test'))
    await bench.run(steps.startDaemon([vote], 'test'))
    await bench.run(steps.switchover(bed.desired, bed.node(from), to, [...others(from, to.host), vote], 'test'))
    const table = "select type, upstream_node_id, active from repmgr.nodes where node_name = 'vote'"
    for (const host of [to.host, 'vote']) expect(await bed.ask(host, table, 'repmgr')).toBe(`witness|${to.id}|t`)
    expect(await bed.on('vote', 'systemctl is-active repmgrd')).toBe('active')
    expect(await bed.ask('vote', 'select repmgr.repmgrd_is_running()', 'repmgr')).toBe('t')
    await bench.run(steps.removeNode(to, vote, true))
    await bench.expectWhole(to.host)
  }, 300_000)

  test('a node that leaves is forgotten and stays down; cloned, it is back', async () => {
    const primary = await bench.primaries()
    const [leaving = bed.node(primary), other = leaving] = others(primary)
    await bench.run(steps.removeNode(bed.node(primary), leaving, true))
    expect(await bed.ask(primary, 'select slot_name from pg_replication_slots')).toBe(`repmgr_slot_${other.id}`)
    expect(await bed.ask(primary, 'select count(*) from repmgr.nodes', 'repmgr')).toBe('2')
    expect(
      await bed.on(
        leaving.host,
        `systemctl is-active postgresql@15-main repmgrd pgbouncer pgbouncer-follow || true
systemctl is-enabled repmgrd pgbouncer pgbouncer-follow || true
cat /etc/postgresql/15/main/start.conf; ls /run/systemd/generator/postgresql.service.wants 2>/dev/null || true`,
      ),
    ).toBe('inactive\ninactive\ninactive\ninactive\ndisabled\ndisabled\ndisabled\nmanual')
    await bed.prepare()
    await bench.run(steps.recloneStandby(leaving, bed.node(primary), 'test'))
    await bench.run(steps.startDaemon(HOSTS.map(bed.node), 'test'))
    await bench.expectWhole(primary)
  }, 300_000)

  test('with synchronous commits: no write fails, none is lost, and a lone primary is built', async () => {
    await Promise.all(
      HOSTS.map((host) => bed.on(host, `systemctl stop repmgrd pgbouncer-follow postgresql@15-main; rm -rf ${DATA}*`)),
    )
    await bed.prepare('sync')
    await bench.run(steps.createPrimary(bed.desired, bed.node('db1')))
    await bench.run(steps.setAccess(bed.desired, bed.node('db1'), 'test'))
    await bench.run(steps.cloneStandbys(others('db1'), bed.node('db1')))
    await bench.run(steps.startDaemon(HOSTS.map(bed.node), 'test'))
    await bench.run(steps.pointPgbouncer(HOSTS.map(bed.node), bed.node('db1'), 'test'))
    for (const [from, to] of [
      ['db1', 'db3'],
      ['db3', 'db1'],
    ] as const) {
      const written = await underClients(() => bench.run(over(from, to)))
      expect(written.refused + written.unknown.length).toBe(0)
    }
    await bench.expectWhole('db1')
  }, 400_000)
})
