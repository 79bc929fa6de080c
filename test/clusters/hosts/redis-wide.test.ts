// Five nodes that keep their keys on disk and reach each other by IPv6.
import { execFileSync } from 'node:child_process'
import { beforeAll, expect, test } from 'vitest'
import { labKill, labStart } from '../../../src/lab/lab.ts'
import { describeOnLab, useLab } from '../../hosts/support/lab.ts'
import { documentOf } from '../../hosts/support/project.ts'
import { makeRedisBed, type RedisBed } from '../redis-bed.ts'

const HOSTS = ['app1', 'app2', 'app3', 'app4', 'app5']
const OPTIONS = `persistence: 'durable', password: (site) => site.secrets.redisPassword,
    address: (host) => 'fd00:7::' + host.name.slice(3)`

describeOnLab('five durable nodes of Redis over IPv6', () => {
  const lab = useLab('redis-wide', HOSTS)
  let bed: RedisBed

  beforeAll(() => {
    bed = makeRedisBed(lab)
    bed.playbook(OPTIONS)
  })

  const addressed = (host: string) =>
    bed.on(
      host,
      `ip -6 addr show dev host0 | grep -q fd00:7 || ip -6 addr add fd00:7::${host.slice(3)}/64 dev host0 nodad`,
    )
  /** The operator's machine reaches them so as well. */
  const joinNetwork = () => {
    const route = execFileSync('ip', ['-4', 'route', 'get', lab.reach.hosts.app1?.address ?? ''], {
      encoding: 'utf8',
    })
    const bridge = / dev (\S+)/.exec(route)?.[1] ?? ''
    execFileSync('ip', ['-6', 'addr', 'add', 'fd00:7::100/64', 'dev', bridge, 'nodad'])
  }
  const apply = async () => {
    const ran = await bed.deploy('apply', 'lab', '--yes', '--json')
    expect(`${ran.code} ${ran.code === 0 ? '' : `${ran.stdout.slice(-3000)}${ran.stderr}`}`).toBe('0 ')
    return documentOf(ran)
  }
  const keys = () => Promise.all(HOSTS.map((host) => bed.redis(host, 'dbsize').catch(() => 'down')))

  test('are built and proven by one apply, and changed by no other', async () => {
    await Promise.all(HOSTS.map(addressed))
    await apply()
    expect(await bed.masters()).toBe('app1')
    expect(await bed.sentinel('app3', 'sentinel get-master-addr-by-name cache')).toBe('fd00:7::1\n6379')
    const before = await bed.pids()
    expect((await apply()).summary.changes).toBe(0)
    expect(await bed.pids()).toEqual(before)
  })

  test('keep all keys when two lose their power, the master one of them', async () => {
    for (const number of [1, 2, 3, 4, 5]) await bed.redis('app1', `set k${number} ${number}`)
    await bed.redis('app1', 'wait 4 5000')
    for (const host of ['app1', 'app5']) await labKill(lab, host)
    await expect.poll(() => bed.masters(), { timeout: 60_000, interval: 500 }).toMatch(/^app[234]$/)
    const master = await bed.masters()
    const ran = await bed.deploy('repair-redis', 'lab', '--yes')
    expect(ran.stdout + ran.stderr).toContain('cannot be asked')
    for (const host of ['app1', 'app5']) {
      await labStart(lab, host)
      await addressed(host)
    }
    await expect.poll(keys, { timeout: 90_000, interval: 500 }).toEqual(HOSTS.map(() => '5'))
    const again = await bed.deploy('repair-redis', 'lab', '--yes')
    expect(`${again.code} ${again.code === 0 ? '' : again.stdout + again.stderr}`).toBe('0 ')
    expect(await bed.masters()).toBe(master)
  })

  test('are restarted one by one under a client, and lose nothing it was told', async () => {
    joinNetwork()
    const writer = await bed.write(HOSTS.map((host) => `fd00:7::${host.slice(3)}`))
    bed.playbook(`${OPTIONS}, settings: { databases: '8' }`)
    await apply()
    const { acknowledged, refused, refusedFor } = await writer.end()
    console.log(`${acknowledged.length} confirmed, ${refused.length} refused, for ${refusedFor.toFixed(0)} ms in all`)
    expect(await writer.lost()).toEqual([])
    expect(refusedFor).toBeLessThan(3000)
    expect((await apply()).summary.changes).toBe(0)
  }, 600_000)
})
