import { beforeAll, expect, test } from 'vitest'
import { describeOnLab, useLab } from '../../hosts/support/lab.ts'
import { documentOf } from '../../hosts/support/project.ts'
import { makeRedisBed, type RedisBed } from '../redis-bed.ts'

const HOSTS = ['app1', 'app2', 'app3']
/** Seconds in which three bare hosts must be a proven set, their packages in the lab's cache. */
const BUILT_WITHIN = 120
/** Milliseconds in which no write may be confirmed while all nodes are restarted one by one. */
const REFUSED_FOR = 3000

const OLD = 'password: (site) => site.secrets.redisPassword'
const NEW = 'password: (site) => site.secrets.newPassword'
const FORMER = 'formerPassword: (site) => site.secrets.redisPassword'

describeOnLab('a set of Redis from bare hosts', () => {
  const lab = useLab('redis-build', HOSTS)
  let bed: RedisBed

  beforeAll(() => {
    bed = makeRedisBed(lab)
  })

  const apply = async () => {
    const ran = await bed.deploy('apply', 'lab', '--yes', '--json')
    expect(`${ran.code} ${ran.code === 0 ? '' : `${ran.stdout.slice(-3000)}${ran.stderr}`}`).toBe('0 ')
    return documentOf(ran)
  }
  const stepsOfPlan = async () => {
    const { phases } = JSON.parse((await bed.deploy('plan', 'lab', '--json')).stdout)
    return phases[1].cluster.steps.map(({ name, about }: { name: string; about: string }) => `${name}: ${about}`)
  }
  const settings = (name: string) => Promise.all(HOSTS.map((host) => bed.redis(host, `config get ${name}`)))

  test('one apply builds and proves it', async () => {
    expect(await stepsOfPlan()).toEqual(['create set: cache'])
    const began = performance.now()
    await apply()
    const seconds = (performance.now() - began) / 1000
    console.log(`three bare hosts to a proven set: ${seconds.toFixed(1)} s`)
    expect(seconds).toBeLessThan(BUILT_WITHIN)
    expect(await bed.masters()).toBe('app1')
  })

  test('a second apply changes nothing and restarts nobody', async () => {
    const before = await bed.pids()
    expect((await apply()).summary.changes).toBe(0)
    expect(await bed.pids()).toEqual(before)
  })

  test('an apply after a failover changes nothing and moves nobody', async () => {
    await bed.redis('app1', 'set kept 1')
    await bed.sentinel('app2', 'sentinel failover cache')
    await expect.poll(() => bed.masters(), { timeout: 60_000, interval: 500 }).toMatch(/^app[23]$/)
    const master = await bed.masters()
    await expect
      .poll(() => bed.redis('app1', 'info replication'), { timeout: 60_000 })
      .toContain('master_link_status:up')
    await bed.redis(master, 'set kept 2')
    const before = await bed.pids()
    expect((await apply()).summary.changes).toBe(0)
    expect([await bed.masters(), await bed.redis('app1', 'get kept'), await bed.pids()]).toEqual([master, '2', before])
  })

  test('another memory cap is in force at once, without a restart', async () => {
    const before = await bed.pids()
    bed.playbook(`persistence: 'cache', memory: 80, ${OLD}`)
    await apply()
    expect(await settings('maxmemory')).toEqual(HOSTS.map(() => 'maxmemory\n83886080'))
    expect(await bed.pids()).toEqual(before)
    expect((await apply()).summary.changes).toBe(0)
  })

  test('settings that Redis says back, and saves, in other words are set once', async () => {
    const before = await bed.pids()
    const more = `'notify-keyspace-events': 'Ex', 'client-output-buffer-limit': 'replica 64mb 16mb 30', save: '3600 1 300 100'`
    bed.playbook(`persistence: 'cache', memory: 80, ${OLD}, settings: { ${more} }`)
    await apply()
    expect(await settings('notify-keyspace-events')).toEqual(HOSTS.map(() => 'notify-keyspace-events\nxE'))
    expect(await bed.on('app1', 'grep -cE "^(save|client-output-buffer-limit) " /etc/redis/redis.conf')).toBe('3')
    expect((await apply()).summary.changes).toBe(0)
    expect(await bed.pids()).toEqual(before)
  })

  test('a new password refuses no client: both open while clients change', async () => {
    const before = await bed.pids()
    const writer = await bed.write()
    bed.playbook(`persistence: 'cache', memory: 80, ${NEW}, ${FORMER}`)
    await apply()
    const withOld = writer.count()
    bed.clientsUse('newPassword')
    // It logs in anew with each connection.
    const second = await bed.write()
    bed.playbook(`persistence: 'cache', memory: 80, ${NEW}`)
    await apply()
    const [first, last] = [await writer.end(), await second.end()]
    expect([...first.refused, ...last.refused]).toEqual([])
    expect(first.acknowledged.length).toBeGreaterThan(withOld)
    console.log(
      `confirmed while passwords changed: ${first.acknowledged.length} and ${last.acknowledged.length}, none refused`,
    )
    bed.clientsUse('redisPassword')
    const shut = await bed.write()
    await expect.poll(() => shut.refusals(), { timeout: 60_000 }).toBeGreaterThan(0)
    expect((await shut.end()).acknowledged).toEqual([])
    bed.clientsUse('newPassword')
    expect(await bed.pids()).toEqual(before)
    expect((await apply()).summary.changes).toBe(0)
  })

  test('what only a restart changes goes node by node, and loses no confirmed write', async () => {
    const master = await bed.masters()
    const writer = await bed.write()
    bed.playbook(`persistence: 'cache', memory: 80, ${NEW}, settings: { databases: '8' }`)
    const steps = await stepsOfPlan()
    await apply()
    const { acknowledged, refused, longestPause } = await writer.end()
    console.log(
      `${steps.join(', ')}: ${acknowledged.length} confirmed, ${refused.length} refused, at most ${longestPause.toFixed(0)} ms without one: ${refused.slice(0, 5)}`,
    )
    expect(await writer.lost()).toEqual([])
    expect(longestPause).toBeLessThan(REFUSED_FOR)
    expect(await settings('databases')).toEqual(HOSTS.map(() => 'databases\n8'))
    expect(await bed.masters()).not.toBe(master)
    expect((await apply()).summary.changes).toBe(0)
  }, 600_000)
})
