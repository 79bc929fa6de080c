import { beforeAll, expect, test } from 'vitest'
import { labKill, labStart } from '../../../src/lab/lab.ts'
import { describeOnLab, useLab } from '../../hosts/support/lab.ts'
import { documentOf } from '../../hosts/support/project.ts'
import { type Bed, makeBed } from '../bed.ts'
import { pidsOf, repaired, whole } from '../repaired.ts'

const MEMBERS = ['app1', 'app2', 'app3']
/** Seconds in which three bare hosts must be a proven cluster, their packages in the lab's cache. */
const BUILT_WITHIN = 90
/** Seconds in which a lost primary must be replaced. */
const REPLACED_WITHIN = 60

describeOnLab('a PostgreSQL cluster from bare hosts', () => {
  const lab = useLab('build', [...MEMBERS, 'off1'])
  let bed: Bed

  beforeAll(() => {
    bed = makeBed(lab, { replicas: ['off1'] })
  })

  const apply = async () => {
    const ran = await bed.deploy('apply', 'lab', '--yes', '--json')
    expect(`${ran.code} ${ran.code === 0 ? '' : `${ran.stdout.slice(-3000)}${ran.stderr}`}`).toBe('0 ')
    return documentOf(ran)
  }

  const follower = (host: string) => bed.ask(host, 'select status from pg_stat_wal_receiver').catch(() => 'down')

  test('the plan names every step', async () => {
    const { phases } = JSON.parse((await bed.deploy('plan', 'lab', '--json')).stdout)
    expect(
      phases[1].cluster.steps.map(({ name, about }: { name: string; about: string }) => `${name}: ${about}`),
    ).toEqual([
      'create primary: app1',
      'clone standby: app2, app3, off1',
      'point pgbouncer: app1, app2, app3, off1',
      'start repmgrd: app1, app2, app3, off1',
    ])
  })

  test('one apply builds and proves it', async () => {
    const began = performance.now()
    await apply()
    const seconds = (performance.now() - began) / 1000
    console.log(`four bare hosts to a proven cluster: ${seconds.toFixed(1)} s`)
    expect(seconds).toBeLessThan(BUILT_WITHIN)
    expect(await bed.primary()).toBe('app1')
    expect(await whole(bed)).toEqual([])
  })

  test('a second apply changes nothing and restarts nobody', async () => {
    const before = await pidsOf(bed, lab.hosts)
    expect((await apply()).summary.changes).toBe(0)
    expect(await pidsOf(bed, lab.hosts)).toEqual(before)
  })

  test('a look at it, with the decision, takes less than five seconds', async () => {
    const began = performance.now()
    expect((await bed.deploy('repair-db', 'lab', '--dry-run')).code).toBe(0)
    const seconds = (performance.now() - began) / 1000
    console.log(`survey and decision: ${seconds.toFixed(1)} s`)
    expect(seconds).toBeLessThan(5)
  })

  test('replication and clients use TLS, and passwords are kept as verifiers only', async () => {
    expect(await bed.ask('app1', 'select bool_and(ssl) from pg_stat_replication join pg_stat_ssl using (pid)')).toBe(
      't',
    )
    expect(
      await bed.ask(
        'app1',
        "select count(*) from pg_authid where rolpassword is not null and rolpassword not like 'SCRAM-SHA-256$%'".replaceAll(
          '$',
          '\\$',
        ),
      ),
    ).toBe('0')
    const refused = await bed.on(
      'app2',
      'psql "host=$(sed -n "s/^app1 //p" /etc/pgbouncer/nodes) user=notes dbname=notes sslmode=disable" -c "select 1" 2>&1 || true',
    )
    expect(refused).toContain('no encryption')
  })

  test('a lost primary is replaced; an apply afterwards moves nobody; the replica never becomes the primary', async () => {
    const load = await bed.write(['app2', 'app3'])
    await expect.poll(load.count, { timeout: 30_000 }).toBeGreaterThan(20)
    await labKill(lab, 'app1')
    await expect.poll(() => bed.primary(), { timeout: REPLACED_WITHIN * 1000 }).toMatch(/^app[23]$/)
    const before = load.count()
    await expect.poll(() => load.count() - before, { timeout: 60_000 }).toBeGreaterThan(20)
    const { longestPause } = await load.end()
    console.log(`a lost primary: clients waited ${(longestPause / 1000).toFixed(1)} s`)
    const primary = await bed.primary()
    const moved = await bed.deploy('apply', 'lab', '--yes')
    expect(moved.code).toBe(3)
    expect(await bed.primary()).toBe(primary)

    await labStart(lab, 'app1')
    await expect
      .poll(() => bed.on('app1', 'systemctl is-failed postgresql@15-main || true').catch(() => ''), { timeout: 60_000 })
      .toBe('failed')
    // Its pgbouncer finds the primary by itself.
    await expect
      .poll(() => bed.on('app1', 'cat /etc/pgbouncer/databases.ini'), { timeout: 60_000 })
      .toContain(lab.reach.hosts[primary]?.address)
    expect(await bed.primary()).toBe(primary)
    const { steps } = await repaired(bed)
    expect(steps).toEqual(['rejoin standby', 'start repmgrd'])
    expect(await load.lost()).toEqual([])
    expect((await apply()).summary.changes).toBe(0)
    expect([await bed.primary(), await follower('app1'), await follower('off1')]).toEqual([
      primary,
      'streaming',
      'streaming',
    ])
  })

  test('durability is switched without a restart', async () => {
    const before = await pidsOf(bed, lab.hosts)
    bed.playbook("durability: 'sync'")
    await apply()
    const primary = await bed.primary()
    const sync =
      "select string_agg(application_name, ',' order by application_name) from pg_stat_replication where sync_state = 'quorum'"
    await expect
      .poll(() => bed.ask(primary, sync), { timeout: 20_000 })
      .toBe(MEMBERS.filter((host) => host !== primary).join(','))
    expect(await pidsOf(bed, lab.hosts)).toEqual(before)
    expect(await whole(bed)).toEqual([])
  })
})
