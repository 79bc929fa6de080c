import { beforeAll, beforeEach, expect, test } from 'vitest'
import { labKill, labStart } from '../../../src/lab/lab.ts'
import { describeOnLab, useLab } from '../../hosts/support/lab.ts'
import { makeRedisBed, type RedisBed } from '../redis-bed.ts'

const HOSTS = ['app1', 'app2', 'app3']
/** Nobody answers there. */
const DEAD = '10.255.255.1'

describeOnLab('what befalls a set of Redis', () => {
  const lab = useLab('redis-faults', HOSTS)
  let bed: RedisBed

  beforeAll(async () => {
    bed = makeRedisBed(lab)
    const ran = await bed.deploy('apply', 'lab', '--yes')
    expect(`${ran.code} ${ran.code === 0 ? '' : ran.stdout + ran.stderr}`).toBe('0 ')
  })

  // Each begins with a set that is whole and holds five keys.
  beforeEach(async () => {
    await expect.poll(() => bed.masters(), { timeout: 60_000, interval: 500 }).toMatch(/^app\d$/)
    const master = await bed.masters()
    await bed.redis(master, 'flushall')
    for (const number of [1, 2, 3, 4, 5]) await bed.redis(master, `set k${number} ${number}`)
  })

  const addressOf = (host: string | undefined) => lab.reach.hosts[host ?? '']?.address ?? ''
  const keys = () => Promise.all(HOSTS.map((host) => bed.redis(host, 'dbsize').catch(() => 'down')))
  const repair = (...more: string[]) => bed.deploy('repair-redis', 'lab', '--yes', ...more)
  const forgotten = () => Promise.all(HOSTS.map((host) => bed.sentinel(host, 'sentinel remove cache')))
  /** The master, and the others. */
  const roles = async () => {
    const master = await bed.masters()
    const [first = '', second = ''] = HOSTS.filter((host) => host !== master)
    return { master, first, second }
  }
  const repaired = async (...more: string[]) => {
    const ran = await repair(...more)
    expect(`${ran.code} ${ran.code === 0 ? '' : ran.stdout + ran.stderr}`).toBe('0 ')
    expect((await repair()).stdout).toContain('Plan: nothing to do')
    expect(await bed.masters()).toMatch(/^app\d$/)
  }

  test('power loss of a master that boots at once empties nobody', async () => {
    const { master } = await roles()
    await labKill(lab, master)
    await labStart(lab, master)
    await expect.poll(() => bed.masters(), { timeout: 60_000, interval: 500 }).toMatch(/^app\d$/)
    await expect.poll(keys, { timeout: 60_000, interval: 500 }).toEqual(['5', '5', '5'])
    expect(await bed.masters()).not.toBe(master)
  })

  test('a node that lost its configuration and data follows the master that was found', async () => {
    const { master, first } = await roles()
    await bed.on(
      first,
      'systemctl stop redis-server redis-sentinel; rm -rf /etc/redis/redis.conf /etc/redis/sentinel.conf /var/lib/redis/*',
    )
    await repaired()
    expect([await bed.masters(), await keys()]).toEqual([master, ['5', '5', '5']])
  })

  test('a circle of replicas, whose links are all up, gets a master', async () => {
    const { master, first, second } = await roles()
    const before = await bed.pids()
    await forgotten()
    for (const [host, other] of [
      [master, first],
      [first, second],
      [second, master],
    ] as const)
      await bed.redis(host, `replicaof ${addressOf(other)} 6379`)
    await repaired()
    expect([await keys(), await bed.pids()]).toEqual([['5', '5', '5'], before])
  })

  test('an empty master, which its replicas would copy, is none any more', async () => {
    const { master, first, second } = await roles()
    await forgotten()
    for (const host of [first, second]) await bed.redis(host, `replicaof ${DEAD} 6379`)
    await bed.on(master, 'systemctl restart redis-server')
    expect(await bed.redis(master, 'dbsize')).toBe('0')
    await repaired()
    expect([await keys(), (await bed.masters()) === master]).toEqual([['5', '5', '5'], false])
  })

  test('two masters are refused with both named, and the one that is given up is saved first', async () => {
    const { master, first } = await roles()
    await forgotten()
    await bed.redis(first, 'replicaof no one')
    await bed.redis(first, 'config set min-replicas-to-write 0')
    await bed.redis(first, 'set only-here 1')
    await bed.redis(master, 'set only-there 1')
    const { code, stdout, stderr } = await repair()
    expect([code === 0, stdout.includes(`--accept-data-loss ${first}=6`)], stdout + stderr).toEqual([false, true])
    expect(await bed.masters()).toBe([master, first].toSorted().join(','))
    const aside = () => bed.on(first, 'ls /var/lib/redis/ | grep -c ^aside- || true')
    const before = Number(await aside())
    expect((await repair('--accept-data-loss', `${first}=5`)).code).not.toBe(0)
    await repaired('--accept-data-loss', `${first}=6`)
    expect([await bed.masters(), await keys(), Number(await aside())]).toEqual([master, ['6', '6', '6'], before + 1])
  })
})
