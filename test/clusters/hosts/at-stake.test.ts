import { afterAll, beforeAll, expect, test } from 'vitest'
import { labDestroy, labKill, labStart, labUp } from '../../../src/lab/lab.ts'
import { describeOnLab, useLab } from '../../hosts/support/lab.ts'
import { agreeing, commitsOf, cutOff, healed, type Refused, refusal, stayedDown } from '../at-stake.ts'
import { type Bed, makeBed } from '../bed.ts'
import { built, repaired, whole } from '../repaired.ts'
import type { Workload } from '../workload.ts'

const NODES = ['app1', 'app2', 'app3']
const DATA = '/var/lib/postgresql/15/main'

for (const durability of ['async', 'sync'] as const)
  describeOnLab(`data is at stake, ${durability}`, () => {
    const lab = useLab(`stake-${durability}`, NODES)
    let bed: Bed
    const figures: string[] = []

    beforeAll(async () => {
      bed = makeBed(lab)
      bed.playbook(`durability: '${durability}'`)
      await built(bed)
    }, 300_000)

    afterAll(() => console.log(figures.join('\n')))

    const others = (...hosts: readonly string[]) => NODES.filter((one) => !hosts.includes(one))
    const each = (hosts: readonly string[], script: string) => Promise.all(hosts.map((host) => bed.on(host, script)))
    const rows = (host: string) =>
      bed.on(host, "timeout 20 runuser -u postgres -- psql -XAtq -d notes -c 'select count(*) from w'").then(Number)

    async function writing(): Promise<Workload> {
      const load = await bed.write()
      await expect.poll(load.count, { timeout: 30_000 }).toBeGreaterThan(40)
      return load
    }

    /** Does what a refusal says; `code`: 3 while a node is away. */
    async function agreed(to: Refused, code = 0): Promise<number> {
      const began = performance.now()
      const ran = await bed.deploy('repair-db', 'lab', '--yes', ...agreeing(to))
      expect(`${ran.code} ${ran.code === code ? '' : ran.stdout + ran.stderr}`).toBe(`${code} `)
      return (performance.now() - began) / 1000
    }

    /** Repairs; a node that came back may hold commits that nobody else has, and then that is agreed to. How many were told. */
    async function mended(): Promise<number> {
      const looked = await bed.deploy('repair-db', 'lab', '--dry-run', '--json')
      const told = looked.code === 4 ? await refusal(bed) : undefined
      if (told) await agreed(told)
      await repaired(bed)
      return told ? commitsOf(told, others(await bed.primary())) : 0
    }

    /** No more was lost than was told; in sync nothing. */
    async function kept(load: Workload, told: number, what: string): Promise<void> {
      const lost = await load.lost()
      figures.push(`${durability}, ${what}: ${lost.length} of ${load.count()} acknowledged commits lost, ${told} told`)
      expect(lost.length).toBeLessThanOrEqual(durability === 'sync' ? 0 : told)
      expect(await whole(bed)).toEqual([])
      await each(NODES, `rm -rf ${DATA}.aside-* ${DATA}.blank-*`)
    }

    test('F4, F13: a primary that is cut off from its peers goes on with its clients, and then there are two', async () => {
      const former = await bed.primary()
      const load = await writing()
      await cutOff(bed, lab, former)
      await expect.poll(async () => (await bed.primary()).split(','), { timeout: 120_000 }).toHaveLength(2)
      const [primary = ''] = (await bed.primary()).split(',').filter((host) => host !== former)
      // Healed before, its sibling might find the old one again.
      await expect
        .poll(() => bed.ask(primary, 'select count(*) from pg_stat_replication'), { timeout: 60_000 })
        .toBe('1')
      const before = await rows(primary)
      await expect.poll(() => rows(primary), { timeout: 60_000 }).toBeGreaterThan(before + 20)
      await healed(bed, lab)

      // Its clients are still at it.
      const split = await refusal(bed)
      expect(split.why).toContain('take writes at the same time (split brain)')
      expect(split.hint).toContain(`by what was seen ${primary} is the one to keep (`)
      const first = await bed.deploy('repair-db', 'lab', '--yes', ...agreeing(split))
      const grown = first.code === 4
      expect(`${first.code} ${first.code === 0 || grown ? '' : first.stdout + first.stderr}`).toMatch(/^[04] $/)
      if (grown) expect(first.stdout + first.stderr).toMatch(/ bytes .*, and \d+ were accepted/)
      if ((await bed.primary()) !== primary) {
        // Nothing is stopped for a figure that it had passed already; without one it is, and its figure is told.
        const passed = await refusal(bed, ...agreeing(split))
        expect(passed.hint).toContain(`--accept-data-loss ${former}=unknown. ${former} takes writes`)
        expect((await bed.primary()).split(',')).toHaveLength(2)
        const stopped = await bed.deploy('repair-db', 'lab', '--yes', ...agreeing(passed))
        expect(`${stopped.code} ${stopped.stdout}${stopped.stderr}`).toMatch(
          /^4 .* bytes .*, and it was given up unseen/s,
        )
      }
      expect(await bed.primary()).toBe(primary)
      await load.end()
      const left = grown ? await refusal(bed) : split
      const told = commitsOf(left, [former])
      const seconds = grown ? await agreed(left) : 0
      figures.push(
        `${durability}, split brain: ${grown ? `what it had grew, so it was refused, stopped and refused; then mended in ${seconds.toFixed(1)} s` : 'mended at once'}, ${split.hint.split(').')[0]})`,
      )
      expect(await bed.primary()).toBe(primary)
      expect(await bed.on(former, `ls -d ${DATA}.aside-* | wc -l`)).toBe('1')
      await repaired(bed)
      await kept(load, told, 'split brain')
    })

    test('F4: the other one is kept where somebody says so', async () => {
      const former = await bed.primary()
      const load = await writing()
      await cutOff(bed, lab, former)
      await expect.poll(async () => (await bed.primary()).split(','), { timeout: 120_000 }).toHaveLength(2)
      const [primary = ''] = (await bed.primary()).split(',').filter((host) => host !== former)
      // Healed before, its sibling might find the old one again.
      await expect
        .poll(() => bed.ask(primary, 'select count(*) from pg_stat_replication'), { timeout: 60_000 })
        .toBe('1')
      await healed(bed, lab)
      await load.end()
      const split = await refusal(bed)
      // Its standby went with it, and has the same.
      const past = await refusal(bed, '--accept-data-loss', `${primary}=unknown`)
      expect(past.why).toContain(`${others(former, primary)[0]} holds changes that the primary ${former} does not have`)
      const told = commitsOf(split, [primary])
      expect(past.hint).toMatch(new RegExp(`given up already: ${primary} \\d+ bytes \\(\\d+ commits`))
      // It is stopped, and tells how much it has.
      const ran = await bed.deploy('repair-db', 'lab', '--yes', ...agreeing(past))
      expect(`${ran.code} ${ran.code === 4 ? '' : ran.stdout + ran.stderr}`).toBe('4 ')
      expect(ran.stdout + ran.stderr).toMatch(new RegExp(`${primary} \\d+ bytes .*, and it was given up unseen`))
      await agreed(await refusal(bed))
      expect(await bed.primary()).toBe(former)
      await repaired(bed)
      const lost = await load.lost()
      figures.push(`${durability}, the other one kept: ${lost.length} of ${load.count()} lost, ${told} told`)
      expect(lost.length).toBeLessThanOrEqual(told)
      expect(await whole(bed)).toEqual([])
      await each(NODES, `rm -rf ${DATA}.aside-*`)
    })

    test('F5: nobody replaces a lost primary, as repmgrd does not run', async () => {
      const former = await bed.primary()
      const load = await writing()
      await each(NODES, 'systemctl stop repmgrd')
      await labKill(lab, former)
      // Its standbys stream from it until they notice.
      await expect
        .poll(async () => (await refusal(bed)).why, { timeout: 120_000, interval: 3000 })
        .not.toMatch(/streams? from there/)
      const lost = await refusal(bed)
      expect(lost.why).toBe(`no server takes writes, and ${former} cannot be asked, and may hold the newest data`)
      expect(lost.hint).toContain(
        durability === 'sync'
          ? 'so none of it is lost'
          : `What only ${former} had is lost, and nobody can tell how much`,
      )
      const seconds = await agreed(lost, 3)
      figures.push(`${durability}, no failover: promoted and proven in ${seconds.toFixed(1)} s`)
      expect(others(former)).toContain(await bed.primary())
      const before = load.count()
      await expect.poll(() => load.count() - before, { timeout: 60_000 }).toBeGreaterThan(20)
      await load.end()

      await labStart(lab, former)
      await stayedDown(bed, former)
      await kept(load, await mended(), 'no failover')
    })

    test('F6: all lose power, and the primary never comes back', async () => {
      const former = await bed.primary()
      const load = await writing()
      await Promise.all(NODES.map((host) => labKill(lab, host)))
      await load.end()
      for (const host of others(former).toReversed()) await labStart(lab, host)
      await expect.poll(() => refusal(bed).then(({ hint }) => hint), { timeout: 60_000 }).toContain('give it up')
      const alone = await refusal(bed)
      expect(alone.why).toBe(`no server takes writes, and ${former} cannot be asked, and may hold the newest data`)
      const seconds = await agreed(alone, 3)
      figures.push(`${durability}, all without power: promoted and proven in ${seconds.toFixed(1)} s`)
      await labStart(lab, former)
      await stayedDown(bed, former)
      await kept(load, await mended(), 'all without power')
    })

    test('F6: the servers of the standbys are down as well, and start first', async () => {
      const former = await bed.primary()
      const load = await writing()
      await each(NODES, 'systemctl stop repmgrd')
      await load.end()
      await each(others(former), 'systemctl kill -s KILL postgresql@15-main')
      await labKill(lab, former)
      const down = await refusal(bed)
      const planned = await bed.deploy('repair-db', 'lab', '--dry-run', '--json', ...agreeing(down))
      const steps = JSON.parse(planned.stdout)
        .phases.at(-1)
        .cluster.steps.map(({ name }: { name: string }) => name)
      expect(steps.slice(0, 2)).toEqual(['start standbys', 'promote standby'])
      await agreed(down, 3)
      await labStart(lab, former)
      await kept(load, await mended(), 'servers down')
    })

    test('F7: two of three are lost for good, and replaced by empty machines of their names', async () => {
      const former = await bed.primary()
      const [survivor = '', other = ''] = others(former)
      const load = await writing()
      await load.end()
      await expect.poll(() => rows(survivor), { timeout: 30_000 }).toBe(await rows(former))
      await Promise.all([labDestroy(lab, former), labDestroy(lab, other)])
      await expect
        .poll(async () => (await refusal(bed)).why, { timeout: 120_000, interval: 3000 })
        .toContain('cannot be asked, and may hold the newest data')
      const lost = await refusal(bed)
      const ran = await bed.deploy('repair-db', 'lab', '--yes', ...agreeing(lost))
      // With one member left a commit that has to be on two waits.
      expect(`${ran.code} ${[1, 3].includes(ran.code) ? '' : ran.stdout + ran.stderr}`).toBe(
        `${durability === 'sync' ? 1 : 3} `,
      )
      expect(await bed.primary()).toBe(survivor)
      const later = await refusal(bed)
      expect(later.why).toContain('most of the cluster cannot be seen')

      await labUp(lab)
      for (const host of [former, other]) expect((await bed.trust(host)).code).toBe(0)
      const applied = await bed.deploy('apply', 'lab', '--yes')
      expect(`${applied.code} ${applied.code === 0 ? '' : applied.stdout + applied.stderr}`).toBe('0 ')
      expect(await bed.primary()).toBe(survivor)
      await repaired(bed)
      await kept(load, 0, 'two lost for good')
    })

    test('F7: the machines are replaced first', async () => {
      const former = await bed.primary()
      const [survivor = '', other = ''] = others(former)
      const load = await writing()
      await load.end()
      await expect.poll(() => rows(survivor), { timeout: 30_000 }).toBe(await rows(former))
      await bed.on(survivor, 'systemctl stop repmgrd')
      await Promise.all([labDestroy(lab, former), labDestroy(lab, other)])
      await labUp(lab)
      for (const host of [former, other]) expect((await bed.trust(host)).code).toBe(0)
      const empty = await refusal(bed)
      expect(empty.why).toContain(`${former}, which ${survivor} followed, has no data, and what only it had is lost`)
      await agreed(empty)
      expect(await bed.primary()).toBe(survivor)
      await repaired(bed)
      await kept(load, 0, 'two replaced')
    })

    test('F13: we see one standby only, and it follows a primary that runs: nobody is promoted, whatever is agreed to', async () => {
      const primary = await bed.primary()
      const [seen = '', other = ''] = others(primary)
      const load = await writing()
      const away = [primary, other]
      await each(
        away,
        'systemctl stop ssh.socket ssh 2>/dev/null; systemctl mask --runtime ssh ssh.socket; pkill -x sshd || true',
      )
      const given = away.flatMap((host) => ['--accept-data-loss', `${host}=unknown`])
      const said = await refusal(bed, ...given)
      expect(said.why).toBe(
        `no server takes writes, and ${primary} cannot be asked, but ${seen} streams from there: it runs, or did some seconds ago`,
      )
      const before = load.count()
      await expect.poll(() => load.count() - before, { timeout: 60_000 }).toBeGreaterThan(20)
      await load.end()
      await each(away, 'systemctl unmask --runtime ssh ssh.socket; systemctl start ssh')
      await repaired(bed)
      expect(await bed.primary()).toBe(primary)
      await kept(load, 0, 'a primary that only we do not see')
    })
  })
