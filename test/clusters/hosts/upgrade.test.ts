// Minor upgrades under clients that write: of three members, of two and a witness, of pgbouncer alone, killed on the way.
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { PlannedPhase } from '../../../src/model/plan.ts'
import { describeOnLab, useLab } from '../../hosts/support/lab.ts'
import { type Bed, makeBed } from '../bed.ts'
import { giveOlder, giveOlderPooler, versionsOf } from '../older.ts'
import { built, pidsOf, repaired, whole } from '../repaired.ts'
import { tracesOf } from '../traces.ts'
import { watchPrimaries } from '../watch.ts'
import type { Written } from '../workload.ts'

const figures: string[] = []

/** The steps of the plan of an upgrade. */
async function planned(bed: Bed): Promise<readonly string[]> {
  const { code, stdout, stderr } = await bed.deploy('db', 'upgrade', 'lab', '--dry-run', '--json')
  expect(`${code} ${code === 0 ? '' : stdout + stderr}`).toBe('0 ')
  const { phases } = JSON.parse(stdout) as { phases: PlannedPhase[] }
  return phases.flatMap(({ cluster }) => cluster?.steps.map(({ name, about }) => `${name} ${about}`) ?? [])
}

/** Everything is newest, on disk and in the server, and a second run has nothing to do but to prove it. */
async function expectNewest(bed: Bed, hosts: readonly string[]): Promise<void> {
  for (const host of hosts) {
    const { installed, newest, server, files } = await versionsOf(bed, host)
    expect(`${host} ${installed}`).toBe(`${host} ${newest}`)
    expect(`${host} ${server}`).toBe(`${host} ${files}`)
    const said = await bed.on(
      host,
      `p=$(systemctl show -p MainPID --value pgbouncer repmgrd); for p in $p $(head -n 1 /var/lib/postgresql/15/main/postmaster.pid); do readlink /proc/$p/exe; done; ls /usr/sbin/policy-rc.d 2>/dev/null || true`,
    )
    expect(`${host} ${said.split('\n').join(' ')}`).toBe(
      `${host} /usr/sbin/pgbouncer /usr/lib/postgresql/15/bin/repmgrd /usr/lib/postgresql/15/bin/postgres`,
    )
  }
  const again = await bed.deploy('db', 'upgrade', 'lab', '--yes')
  expect(`${again.code} ${again.stdout}${again.stderr}`).toMatch(/^0 [\s\S]*Plan: nothing to do/)
  expect(again.stdout).toContain('Proven: a client of every node can write')
  expect(await whole(bed)).toEqual([])
  const { stdout } = await bed.deploy('status', 'lab')
  expect(stdout).not.toContain('versions differ')
}

/** Clients write, and all nodes are watched, meanwhile. Nothing that was acknowledged may be lost. */
async function underClients(bed: Bed, hosts: readonly string[], body: () => Promise<unknown>) {
  const load = await bed.write()
  await expect.poll(load.count, { timeout: 30_000 }).toBeGreaterThan(20)
  const watch = await watchPrimaries(bed, hosts)
  const began = performance.now()
  await body()
  const seconds = (performance.now() - began) / 1000
  const counted = load.count()
  await expect.poll(() => load.count() - counted, { timeout: 60_000 }).toBeGreaterThan(60)
  const { two, primaries } = await watch.end()
  const written = await load.end()
  expect(two).toEqual([])
  expect(await load.lost()).toEqual([])
  return { ...written, primaries, seconds }
}

function words({ acknowledged, refused, unknown, pauses }: Written): string {
  const each = Object.entries(pauses).map(([host, pause]) => `${host} ${Math.round(pause)} ms`)
  return `${acknowledged.length} acknowledged, ${refused} failed, ${unknown.length} unknown; longest pauses ${each.join(', ')}`
}

async function upgraded(bed: Bed): Promise<void> {
  const { code, stdout, stderr } = await bed.deploy('db', 'upgrade', 'lab', '--yes')
  expect(`${code} ${code === 0 ? '' : stdout + stderr}`).toBe('0 ')
}

/** The cluster as it would have been built before the newest version was there. Nobody fails over meanwhile. */
async function madeOlder(bed: Bed, hosts: readonly string[]): Promise<void> {
  await Promise.all(hosts.map((host) => bed.on(host, 'systemctl stop repmgrd')))
  for (const host of hosts) await giveOlder(bed, host)
  await repaired(bed)
}

afterAll(() => console.log(figures.join('\n')))

describeOnLab('the minor upgrade of three members', () => {
  const NODES = ['app1', 'app2', 'app3']
  const lab = useLab('upgrade', NODES)
  let bed: Bed

  beforeAll(async () => {
    bed = makeBed(lab)
    bed.playbook("durability: 'sync'")
    await Promise.all(NODES.map((host) => giveOlder(bed, host)))
    await built(bed)
  }, 400_000)

  test('is shown step by step, with versions and old lists; a dry run changes nothing', async () => {
    await bed.on('app3', "touch -d '2 days ago' /var/lib/apt/lists")
    const before = await tracesOf(bed, NODES)
    expect(await planned(bed)).toEqual([
      ...['refresh package lists app3', 'upgrade server app2', 'upgrade server app3'],
      ...['switch over app1 to app2', 'upgrade server app1'],
    ])
    const { installed = '', newest = '' } = await versionsOf(bed, 'app2')
    const { stdout } = await bed.deploy('db', 'upgrade', 'lab', '--dry-run')
    expect(stdout).toContain(`postgresql-15 ${installed.split(' ')[0]} → ${newest.split(' ')[0]}`)
    expect(stdout).toContain('package lists are old: app3 2 days')
    expect(await tracesOf(bed, NODES)).toEqual(before)
  })

  test('is refused while the cluster is not whole, and while a package is held back', async () => {
    await bed.on('app3', 'systemctl stop postgresql@15-main')
    const before = await tracesOf(bed, NODES)
    const ran = await bed.deploy('db', 'upgrade', 'lab', '--yes')
    expect(ran.stdout + ran.stderr).toMatch(/the cluster is not whole; first: start server app3/)
    expect(ran.code).toBe(4)
    expect(await tracesOf(bed, NODES)).toEqual(before)
    await repaired(bed)
    await bed.on('app2', 'apt-mark hold postgresql-15')
    const held = await bed.deploy('db', 'upgrade', 'lab', '--yes')
    expect(held.stdout + held.stderr).toMatch(/postgresql-15 is held back on app2/)
    expect(held.code).toBe(4)
    await bed.on('app2', 'apt-mark unhold postgresql-15')
  })

  test('under clients: no write fails, none is lost, there is one primary', async () => {
    const { primaries, seconds, ...written } = await underClients(bed, NODES, () => upgraded(bed))
    figures.push(`three members, sync: ${seconds.toFixed(1)} s; ${words(written)}`)
    expect({ refused: written.refused, unknown: written.unknown }).toEqual({ refused: 0, unknown: [] })
    expect(primaries).toEqual(['app1', 'app2'])
    await expectNewest(bed, NODES)
  })

  test('of pgbouncer alone: no server restarts, and clients are cut off once at most', async () => {
    await bed.on('app1', 'systemctl stop repmgrd')
    for (const host of NODES) await giveOlderPooler(bed, host)
    await repaired(bed)
    const servers = async () => (await pidsOf(bed, NODES)).map((pids) => pids.split('\n')[0])
    const before = await servers()
    expect(await planned(bed)).toEqual(['upgrade packages app1', 'upgrade packages app3', 'upgrade packages app2'])
    const { seconds, ...written } = await underClients(bed, NODES, () => upgraded(bed))
    figures.push(`pgbouncer alone: ${seconds.toFixed(1)} s; ${words(written)}`)
    expect(written.unknown.length).toBeLessThanOrEqual(NODES.length)
    expect(await servers()).toEqual(before)
    await expectNewest(bed, NODES)
  })

  test('of servers that were not restarted since their packages came, or whose installation was broken off', async () => {
    await madeOlder(bed, NODES)
    const from = await bed.primary()
    const [to = '', last = ''] = NODES.filter((host) => host !== from)
    const without = (install: string) => `printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d; cd /tmp; export DEBIAN_FRONTEND=noninteractive; ${install}; rm /usr/sbin/policy-rc.d`
    for (const host of [from, to])
      await bed.on(host, without('apt-get install -q -y --only-upgrade postgresql-15 postgresql-client-15'))
    await bed.on(last, without('apt-get download -q postgresql-15; dpkg --unpack postgresql-15_*.deb'))
    const { server, files } = await versionsOf(bed, from)
    if (server !== files) expect((await bed.deploy('status', 'lab')).stdout).toContain('versions differ')
    expect(await planned(bed)).toEqual([
      `upgrade server ${to}`,
      `upgrade server ${last}`,
      `switch over ${from} to ${to}`,
    ])
    await upgraded(bed)
    await expectNewest(bed, NODES)
  }, 600_000)

  test('killed again and again: the next run goes on', async () => {
    await madeOlder(bed, NODES)
    const from = await bed.primary()
    const ends: string[] = []
    const { primaries, seconds, ...written } = await underClients(bed, NODES, async () => {
      // Each run gets a little further, also into and behind the switchover.
      for (let entry = 4; entry < 60; entry += 2) {
        const env = { XDG_CONFIG_HOME: join(lab.root, 'config'), DEPLOY_FAILPOINT: `after:${entry}` }
        const { code, stdout, stderr } = await bed.project.deploy(['db', 'upgrade', 'lab', '--yes'], env)
        ends.push(`${entry}: ${code}`)
        if (code === 0) break
        expect(`${ends.join(', ')} ${code === -1 ? '' : stdout + stderr}`).toBe(`${ends.join(', ')} `)
      }
      await upgraded(bed)
    })
    figures.push(`killed (after entry: code) ${ends.join(', ')}; ${seconds.toFixed(1)} s; ${words(written)}`)
    expect(ends.length).toBeGreaterThan(4)
    expect(primaries[0]).toBe(from)
    await expectNewest(bed, NODES)
  }, 900_000)
})

describeOnLab('the minor upgrade of two members and a witness', () => {
  const NODES = ['app1', 'app2', 'vote']
  const lab = useLab('upgrade-two', NODES)
  let bed: Bed

  beforeAll(async () => {
    bed = makeBed(lab, { witness: ['vote'] })
    bed.playbook("durability: 'sync'")
    await Promise.all(NODES.map((host) => giveOlder(bed, host)))
    await built(bed)
  }, 400_000)

  test('under clients, which wait while the one standby restarts: no write fails, none is lost', async () => {
    expect(await planned(bed)).toEqual([
      ...['upgrade server app2', 'upgrade server vote', 'switch over app1 to app2', 'upgrade server app1'],
    ])
    const { primaries, seconds, ...written } = await underClients(bed, ['app1', 'app2'], () => upgraded(bed))
    figures.push(`two members and a witness, sync: ${seconds.toFixed(1)} s; ${words(written)}`)
    expect({ refused: written.refused, unknown: written.unknown }).toEqual({ refused: 0, unknown: [] })
    expect(primaries).toEqual(['app1', 'app2'])
    await expectNewest(bed, NODES)
  })
})
