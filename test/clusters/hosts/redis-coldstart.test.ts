import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { labKill, labStart } from '../../../src/lab/lab.ts'
import type { PlannedPhase } from '../../../src/model/plan.ts'
import { describeOnLab, useLab } from '../../hosts/support/lab.ts'
import type { Ran } from '../../hosts/support/project.ts'
import { makeRedisBed, type RedisBed } from '../redis-bed.ts'
import { watchMasters } from '../redis-watch.ts'

const HOSTS = ['app1', 'app2', 'app3']
/** M is the master; A and B are its replicas. */
const ORDERS = ['MAB', 'MBA', 'AMB', 'BMA', 'ABM', 'BAM', 'all at once']
/** Seconds for which the Sentinel of a node runs before the next one is booted: it misses those that are off by then. */
const APART = 4
/** Writes that were confirmed for more than a second when the power went: a client writes each 10 ms at most. */
const SURE = 50
const MORE = 120

/** What a repair had to do, by its first plan. */
function stepsOf({ stdout }: Ran): string {
  const { phases } = JSON.parse(stdout) as { phases: PlannedPhase[] }
  const steps = phases.flatMap(({ cluster }) => cluster?.steps.map(({ name, about }) => `${name} ${about}`) ?? [])
  return steps.join(', ') || 'nothing'
}

describeOnLab('power loss of all nodes of a set of Redis at once', () => {
  const lab = useLab('redis-cold', HOSTS)
  let bed: RedisBed
  const figures: string[] = []

  beforeAll(() => {
    bed = makeRedisBed(lab)
  })
  afterAll(() => console.log(figures.join('\n')))

  const build = async (persistence: string) => {
    bed.playbook(`persistence: '${persistence}', password: (site) => site.secrets.redisPassword`)
    const ran = await bed.deploy('apply', 'lab', '--yes')
    expect(`${ran.code} ${ran.code === 0 ? '' : ran.stdout + ran.stderr}`).toBe('0 ')
  }
  const keys = () => Promise.all(HOSTS.map((host) => bed.redis(host, 'dbsize').catch(() => 'down')))

  /** What a copy, or somebody, may leave on the disk of a cache. */
  const dump = async (host: string) => {
    await bed.redis(host, 'bgsave')
    const saved = () => bed.on(host, 'test -s /var/lib/redis/dump.rdb && echo yes').catch(() => 'no')
    await expect.poll(saved, { timeout: 30_000, interval: 250 }).toBe('yes')
  }

  /** All lose power while a client writes. Gives which keys have to be there behind it, and which are not. */
  async function blackout(persistence: string) {
    await expect.poll(() => bed.masters(), { timeout: 60_000, interval: 500 }).toMatch(/^app\d$/)
    const master = await bed.masters()
    await expect.poll(() => bed.redis(master, 'flushall').catch(String), { timeout: 30_000, interval: 500 }).toBe('OK')
    const writer = await bed.write()
    await expect.poll(writer.count, { timeout: 30_000 }).toBeGreaterThan(SURE + MORE)
    if (persistence === 'cache') await Promise.all(HOSTS.map(dump))
    await Promise.all(HOSTS.map((host) => labKill(lab, host)))
    const { acknowledged } = await writer.end()
    const sure = acknowledged.slice(0, acknowledged.length - MORE)
    const lost = async () => {
      const gone = await writer.lost()
      return { all: gone.length, sure: gone.filter((each) => sure.includes(each)).length }
    }
    const [a = '', b = ''] = HOSTS.filter((host) => host !== master)
    return { master, a, b, acknowledged: acknowledged.length, sure: sure.length, lost }
  }

  /** Waits until the Sentinel of a node has run for so many seconds. */
  const runsFor = async (host: string, seconds: number) => {
    const uptime = async () =>
      Number(/uptime_in_seconds:(\d+)/.exec(await bed.sentinel(host, 'info server').catch(() => ''))?.[1] ?? 0)
    await expect.poll(uptime, { timeout: 90_000, interval: 250 }).toBeGreaterThanOrEqual(seconds)
  }
  const bootNext = async (host: string) => {
    await labStart(lab, host)
    await runsFor(host, APART)
  }

  const repair = () => bed.deploy('repair-redis', 'lab', '--yes', '--json')
  /** What it had to do, and in how many seconds. */
  async function repaired() {
    const began = performance.now()
    const ran = await repair()
    const seconds = ((performance.now() - began) / 1000).toFixed(1)
    expect(`${ran.code} ${ran.code === 0 ? '' : ran.stdout + ran.stderr}`).toBe('0 ')
    return `${stepsOf(ran)} in ${seconds} s`
  }

  describe.each(['durable', 'cache'])('%s', (persistence) => {
    beforeAll(() => build(persistence))

    /** One master, and all that had to be kept is on all nodes; of a cache nothing is. */
    async function whole({ lost, sure }: Awaited<ReturnType<typeof blackout>>) {
      const master = await bed.masters()
      expect(master).toMatch(/^app\d$/)
      await expect.poll(async () => new Set(await keys()).size, { timeout: 30_000 }).toBe(1)
      const [held = ''] = await keys()
      if (persistence === 'cache') expect(held).toBe('0')
      else {
        expect(Number(held)).toBeGreaterThanOrEqual(sure)
        expect((await lost()).sure).toBe(0)
      }
      return master
    }

    /** Boots some, one behind the other, and looks at who takes writes meanwhile and until the set is mended. */
    async function booted(before: Awaited<ReturnType<typeof blackout>>, title: string, boot: () => Promise<string>) {
      const watch = await watchMasters(bed, HOSTS)
      const told = await boot()
      const did = await repaired()
      const { two, primaries, said, empty } = await watch.end()
      const master = await whole(before)
      const lost = persistence === 'cache' ? 'all' : (await before.lost()).all
      figures.push(
        `${persistence}, ${title}: ${before.master} to ${master}; ${told}; repair: ${did}; masters ${said}, with replicas ${primaries}; ${lost} of ${before.acknowledged} lost`,
      )
      expect(two).toEqual([])
      if (persistence === 'durable') expect(empty).toEqual([])
    }

    test.each(ORDERS)('booted in the order %s', async (order) => {
      const before = await blackout(persistence)
      const nodes = { M: before.master, A: before.a, B: before.b }
      await booted(before, order, async () => {
        const began = performance.now()
        if (order.length > 3) await Promise.all(HOSTS.map((host) => labStart(lab, host)))
        else for (const letter of order) await bootNext(nodes[letter as keyof typeof nodes])
        return `booted in ${((performance.now() - began) / 1000).toFixed(1)} s`
      })
    })

    test.each([
      ['the master', 60],
      ['a replica', 20],
    ])('%s is late, %i s at least: a repair of the others comes before, and one behind', async (which, seconds) => {
      const before = await blackout(persistence)
      const late = which === 'the master' ? before.master : before.a
      const others = HOSTS.filter((host) => host !== late)
      await booted(before, `${which} is late`, async () => {
        await Promise.all(others.map((host) => bootNext(host)))
        const first = await repair()
        // It says that one cannot be asked.
        expect(`${first.code} ${first.code === 3 ? '' : first.stdout + first.stderr}`).toBe('3 ')
        await runsFor(others[0] ?? '', seconds)
        await labStart(lab, late)
        return `first repair: ${stepsOf(first)}`
      })
    })

    test('one replica alone is left as it is, and the repair says whom it waits for', async () => {
      const before = await blackout(persistence)
      const { master, a, b } = before
      await booted(before, 'a replica alone', async () => {
        await bootNext(a)
        const state = async () =>
          await bed.on(
            a,
            'systemctl show -p MainPID redis-server redis-sentinel; grep ^replicaof /etc/redis/redis.conf',
          )
        const was = await state()
        const { code, stdout, stderr } = await bed.deploy('repair-redis', 'lab', '--yes')
        expect(`${code} ${stdout}${stderr}`).toMatch(
          new RegExp(`^4 (.|\\n)*there is no master, and what .*${master}.* nobody can see`),
        )
        expect(await state()).toBe(was)
        await Promise.all([master, b].map((host) => labStart(lab, host)))
        return 'refused'
      })
    })
  })
})
