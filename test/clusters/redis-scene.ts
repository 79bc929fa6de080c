import { expect } from 'vitest'
import type { UsedLab } from '../hosts/support/lab.ts'
import { makeRedisBed, type RedisBed } from './redis-bed.ts'
import { watchMasters } from './redis-watch.ts'

/** Nobody answers there. */
export const DEAD = '10.255.255.1'
/** A repair that restarted no daemon, and made no second master. */
export const CALM = { restarted: [], two: [] }
/** What each node holds of a whole set. */
export const FIVE = ['5', '5', '5']

/** What a repair that mended a set did beside that. */
export interface Mended {
  /** The daemons that have another process than before, e.g. `app1 redis`. */
  readonly restarted: readonly string[]
  /** The masters that there were at one time. */
  readonly two: readonly string[]
}

export interface Roles {
  readonly master: string
  readonly first: string
  readonly second: string
}

/** A set that one apply has built. */
export async function builtScene(
  lab: UsedLab,
  options?: string,
): Promise<{ readonly bed: RedisBed; readonly scene: RedisScene }> {
  const bed = makeRedisBed(lab)
  if (options !== undefined) bed.playbook(options)
  const ran = await bed.deploy('apply', 'lab', '--yes')
  expect(`${ran.code} ${ran.code === 0 ? '' : ran.stdout + ran.stderr}`).toBe('0 ')
  return { bed, scene: redisScene(bed, lab) }
}

/** What befalls a set, seen from outside. */
export interface RedisScene {
  addressOf(host: string): string
  /** The master, and the others. */
  roles(): Promise<Roles>
  keys(): Promise<readonly string[]>
  /** All Sentinels forget the set. */
  forgotten(): Promise<void>
  /** Waits until the set is whole, and has five keys and no others. */
  whole(): Promise<void>
  /** All that a look finds, a line each, but for data that earlier tests had moved aside. */
  found(): Promise<string>
  /** That is found, and mended; a second repair has nothing to do. */
  mended(finding: RegExp, ...options: readonly string[]): Promise<Mended>
  /** That is found, and refused with these named: nothing changes. Gives what is said of the way out. */
  refused(finding: RegExp, sides: readonly string[]): Promise<string>
}

function redisScene(bed: RedisBed, lab: UsedLab): RedisScene {
  const { hosts } = lab
  const each = <T>(ask: (host: string) => Promise<T>) => Promise.all(hosts.map(ask))
  const addressOf = (host: string) => lab.reach.hosts[host]?.address ?? ''
  const keys = () => each((host) => bed.redis(host, 'dbsize').catch(() => 'down'))
  const processes = async () => {
    const pids = await bed.pids()
    return Object.entries(pids).flatMap(([host, said]) =>
      said.split(/\s+/).map((pid, index) => [`${host} ${index === 0 ? 'redis' : 'sentinel'}`, pid] as const),
    )
  }
  const look = async () => {
    const { stdout, stderr } = await bed.deploy('repair-redis', 'lab', '--dry-run', '--json')
    if (!stdout.startsWith('{')) throw new Error(`no document: ${stdout}${stderr}`)
    return JSON.parse(stdout).phases.at(-1).cluster
  }
  const found = async () => {
    const { findings } = await look()
    return findings
      .filter(({ name }: { name: string }) => name !== 'old data')
      .map(
        ({ host = 'set', name, message, evidence }: Record<string, string> & { evidence: string[] }) =>
          `${host}: ${name}: ${message} (${evidence.join('; ')})`,
      )
      .join('\n')
  }
  const named = (finding: RegExp) =>
    expect.poll(found, { timeout: 90_000, interval: 1000 }).toMatch(new RegExp(finding, 'm'))
  const ready = async () => {
    const master = await bed.masters()
    const replication = await bed.redis(master, 'info replication')
    const watched = await each((host) => bed.sentinel(host, 'sentinel master cache'))
    const well = watched.filter((said) =>
      [`ip\n${addressOf(master)}\n`, 'flags\nmaster\n', 'num-slaves\n2\n', 'num-other-sentinels\n2\n'].every((line) =>
        said.includes(line),
      ),
    )
    return `${[...replication.matchAll(/state=online/g)].length} replicas, ${well.length} Sentinels`
  }
  return {
    ...{ addressOf, keys, found },
    async roles() {
      const master = await bed.masters()
      const [first = '', second = ''] = hosts.filter((host) => host !== master)
      return { master, first, second }
    },
    async forgotten() {
      await each((host) => bed.sentinel(host, 'sentinel remove cache'))
    },
    async whole() {
      await expect.poll(() => ready().catch(String), { timeout: 90_000, interval: 500 }).toBe('2 replicas, 3 Sentinels')
      const master = await bed.masters()
      await bed.redis(master, 'flushall')
      for (const number of [1, 2, 3, 4, 5]) await bed.redis(master, `set k${number} ${number}`)
      await expect.poll(keys, { timeout: 30_000 }).toEqual(FIVE)
    },
    async mended(finding, ...options) {
      await named(finding)
      const before = new Map(await processes())
      const watch = await watchMasters(bed, hosts)
      const ran = await bed.deploy('repair-redis', 'lab', '--yes', ...options)
      const { two } = await watch.end()
      expect(`${ran.code} ${ran.code === 0 ? '' : ran.stdout + ran.stderr}`).toBe('0 ')
      const restarted = (await processes()).filter(([daemon, pid]) => before.get(daemon) !== pid)
      const second = await bed.deploy('repair-redis', 'lab', '--yes')
      expect(second.stdout).toContain('Plan: nothing to do')
      expect(second.code, second.stdout + second.stderr).toBe(0)
      return { restarted: restarted.map(([daemon]) => daemon), two }
    },
    async refused(finding, sides) {
      await named(finding)
      const state = async () => [await keys(), await bed.masters(), await processes()]
      const before = await state()
      const { refusal, steps } = await look()
      expect(refusal?.sides.map(({ host }: { host: string }) => host)).toEqual(expect.arrayContaining([...sides]))
      expect(steps).toEqual([])
      const acted = await bed.deploy('repair-redis', 'lab', '--yes')
      expect(`${acted.code} ${acted.code === 4 ? '' : acted.stdout + acted.stderr}`).toBe('4 ')
      expect(await state()).toEqual(before)
      return refusal.hint
    },
  }
}
