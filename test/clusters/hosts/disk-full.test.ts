import { beforeAll, expect, test } from 'vitest'
import { describeOnLab, useLab } from '../../hosts/support/lab.ts'
import { agreeing, commitsOf, refusal } from '../at-stake.ts'
import { type Bed, makeBed } from '../bed.ts'
import { built, repaired, whole } from '../repaired.ts'

const NODES = ['app1', 'app2', 'app3']
const HOME = '/var/lib/postgresql/15'

describeOnLab('F15: a disk without room', () => {
  const lab = useLab('disk-full', NODES)
  let bed: Bed

  beforeAll(async () => {
    bed = makeBed(lab)
    await built(bed)
    // Every node has its data on a disk of its own, which can be made full, and larger.
    for (const host of NODES)
      await bed.on(
        host,
        `systemctl stop repmgrd postgresql@15-main; cp -a ${HOME} /srv/home; mount -t tmpfs -o size=2g,mode=0755,uid=postgres,gid=postgres tmpfs ${HOME}; cp -a /srv/home/. ${HOME}/; rm -r /srv/home; systemctl start postgresql@15-main`,
      )
    await repaired(bed)
  }, 400_000)

  const others = (host: string) => NODES.filter((one) => one !== host)
  const size = (host: string, room: string) => bed.on(host, `mount -o remount,size=${room} ${HOME}`)
  const used = (host: string) => bed.on(host, `df -B1M --output=used ${HOME} | tail -n 1`).then(Number)

  /** Its disk has no room for another file of WAL, and those that are there are used up. */
  async function filled(host: string): Promise<void> {
    await size(host, `${(await used(host)) + 8}m`)
    await bed.on(
      host,
      `for i in $(seq 120); do timeout 60 runuser -u postgres -- psql -qX -d notes -c 'insert into w (n) values (-floor(random() * 1e12))' -c 'select pg_switch_wal()' >/dev/null 2>&1 || break; done`,
    )
  }

  const written = async () => {
    const load = await bed.write()
    await expect.poll(load.count, { timeout: 30_000 }).toBeGreaterThan(20)
    return load
  }

  /** A status names the disk, and what may go. */
  const findings = async () => {
    const { stdout } = await bed.deploy('status', 'lab', '--json')
    const { findings } = JSON.parse(stdout).clusters[0]
    return findings.map(({ name, host }: { name: string; host?: string }) => `${name} ${host}`)
  }

  test('of a standby: the others go on; with room again it follows', async () => {
    const primary = await bed.primary()
    const [standby = ''] = others(primary)
    const load = await written()
    await size(standby, `${(await used(standby)) + 4}m`)
    await bed.on(
      primary,
      `timeout 120 runuser -u postgres -- psql -qX -d notes -c 'create table if not exists bulk (t text)' -c "insert into bulk select repeat(md5(random()::text), 60) from generate_series(1, 60000)"`,
    )
    await expect.poll(() => bed.ask(primary, 'select count(*) from pg_stat_replication'), { timeout: 90_000 }).toBe('1')
    expect(await findings()).toContain(`disk full ${standby}`)
    const ran = await bed.deploy('repair-db', 'lab', '--yes')
    expect(ran.code).toBe(1)
    expect(ran.stdout + ran.stderr).toMatch(/No space left on device|too little room|disk full/)
    expect(await bed.primary()).toBe(primary)

    await size(standby, '2g')
    await repaired(bed)
    await load.end()
    expect(await load.lost()).toEqual([])
    expect(await whole(bed)).toEqual([])
    await bed.on(standby, `rm -rf ${HOME}/main.aside-*`)
  }, 600_000)

  test('of the primary: another one takes over by itself; with room again it follows', async () => {
    const former = await bed.primary()
    const load = await written()
    await filled(former)
    await expect.poll(() => bed.primary(), { timeout: 120_000 }).toMatch(new RegExp(`^(${others(former).join('|')})$`))
    const before = load.count()
    await expect.poll(() => load.count() - before, { timeout: 60_000 }).toBeGreaterThan(20)
    expect(await findings()).toContain(`disk full ${former}`)

    await size(former, '2g')
    await load.end()
    const looked = await bed.deploy('repair-db', 'lab', '--dry-run')
    const told = looked.code === 4 ? await refusal(bed) : undefined
    if (told) expect((await bed.deploy('repair-db', 'lab', '--yes', ...agreeing(told))).code).toBe(0)
    await repaired(bed)
    expect((await load.lost()).length).toBeLessThanOrEqual(told ? commitsOf(told, [former]) : 0)
    expect(await whole(bed)).toEqual([])
    await bed.on(former, `rm -rf ${HOME}/main.aside-*`)
  }, 600_000)

  test('of the primary, and nobody replaces it: what keeps it down is told; it is given up, or gets room', async () => {
    const former = await bed.primary()
    const load = await written()
    await Promise.all(NODES.map((host) => bed.on(host, 'systemctl stop repmgrd')))
    await filled(former)
    await expect.poll(() => bed.primary(), { timeout: 60_000 }).toBe('')
    await load.end()
    const ran = await bed.deploy('repair-db', 'lab', '--yes')
    const said = ran.stdout + ran.stderr
    expect(`${ran.code} ${said}`).toMatch(/^1 /)
    expect(said).toContain('No space left on device')
    expect(said).toContain(`disk full, ${former}`)
    const [, given = ''] = /--accept-data-loss (\S+=(?:\d+|unknown))/.exec(said) ?? []
    expect(given).toMatch(new RegExp(`^${former}=`))
    const lost = await bed.deploy('repair-db', 'lab', '--dry-run', '--json', '--accept-data-loss', given)
    expect(JSON.parse(lost.stdout).phases.at(-1).cluster.primary.host).not.toBe(former)

    await size(former, '2g')
    await repaired(bed)
    expect(await bed.primary()).toBe(former)
    // A pool whose logins failed for a while tries again a second later.
    await expect.poll(() => load.lost().catch((error) => [String(error)]), { timeout: 15_000 }).toEqual([])
    expect(await whole(bed)).toEqual([])
  }, 600_000)
})
