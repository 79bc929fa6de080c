import { beforeAll, beforeEach, expect, test } from 'vitest'
import { describeOnLab, useLab } from '../../hosts/support/lab.ts'
import type { RedisBed } from '../redis-bed.ts'
import { builtScene, CALM, DEAD, FIVE, type RedisScene } from '../redis-scene.ts'

const HOSTS = ['app1', 'app2', 'app3']

describeOnLab('what is found of the Sentinels of a set of Redis', () => {
  const lab = useLab('redis-watch', HOSTS)
  let bed: RedisBed
  let scene: RedisScene

  beforeAll(async () => {
    const built = await builtScene(lab)
    bed = built.bed
    scene = built.scene
  })

  beforeEach(() => scene.whole(), 120_000)

  const pass = 'auth-pass $(cat /etc/evenkeel-redis/password)'
  /** Its Sentinel forgets the set, and watches an address. */
  const monitor = async (host: string, address: string, name = 'cache') => {
    await bed.sentinel(host, 'sentinel remove cache')
    await bed.sentinel(host, `sentinel monitor ${name} ${address} 6379 2`)
    await bed.sentinel(host, `sentinel set ${name} ${pass} down-after-milliseconds 3000 failover-timeout 20000`)
  }
  /** The names by which its Sentinel watches masters. */
  const names = async (host: string) =>
    [...(await bed.sentinel(host, 'sentinel masters')).matchAll(/^name\n(.*)$/gm)].map(([, name]) => name)
  const signal = (host: string, name: string) =>
    bed.on(host, `kill -${name} $(systemctl show -p MainPID --value redis-sentinel)`)

  test('a Sentinel that says a wrong password to servers', async () => {
    await bed.sentinel('app2', 'sentinel set cache auth-pass wrong')
    expect(await scene.mended(/^app2: password drift: .*of its Sentinel: auth-pass/)).toEqual(CALM)
    expect(await scene.keys()).toEqual(FIVE)
  })

  test('a Sentinel that says a wrong password to the others', async () => {
    await bed.sentinel('app2', 'sentinel config set sentinel-pass wrong')
    expect(await scene.mended(/^app2: password drift: .*of its Sentinel: sentinel-pass/)).toEqual(CALM)
  })

  test('a Sentinel that another password opens too', async () => {
    await bed.sentinel('app3', 'acl setuser default ">a-foreign-one"')
    expect(await scene.mended(/^app3: password drift: .*of its Sentinel: password/)).toEqual(CALM)
  })

  test('a Sentinel whose password was set by hand', async () => {
    await bed.sentinel('app3', 'acl setuser default resetpass ">a-foreign-one"')
    const cli = 'redis-cli --tls --cacert /etc/redis/tls/ca.crt -p 26379'
    await bed.on('app3', `REDISCLI_AUTH=a-foreign-one ${cli} sentinel flushconfig`)
    const mended = await scene.mended(/^app3: password drift: its Sentinel takes neither/)
    expect(mended).toEqual({ ...CALM, restarted: ['app3 sentinel'] })
  })

  test('a Sentinel that is down', async () => {
    await bed.on('app2', 'systemctl stop redis-sentinel')
    expect(await scene.mended(/^app2: Sentinel down/)).toEqual({ ...CALM, restarted: ['app2 sentinel'] })
  })

  test('a Sentinel that hangs goes on', async () => {
    await signal('app2', 'STOP')
    expect(await scene.mended(/^app2: Sentinel down: .*hung/)).toEqual(CALM)
  })

  test('most Sentinels are down', async () => {
    for (const host of ['app1', 'app2']) await bed.on(host, 'systemctl stop redis-sentinel')
    const mended = await scene.mended(/^set: lost majority of Sentinels: 1 of 3 Sentinels watch the set/)
    expect(mended).toEqual({ ...CALM, restarted: ['app1 sentinel', 'app2 sentinel'] })
  })

  test('Sentinels that watch a dead address, and say OK', async () => {
    for (const host of HOSTS) await monitor(host, DEAD)
    const mended = await scene.mended(RegExp(`^app3: Sentinel watches a wrong address: .*${DEAD}`))
    expect([mended, await scene.keys()]).toEqual([CALM, FIVE])
  })

  test('one Sentinel that watches a dead address', async () => {
    await monitor('app2', DEAD)
    expect(await scene.mended(RegExp(`^app2: Sentinel watches a wrong address: .*${DEAD}`))).toEqual(CALM)
  })

  test('Sentinels that take a replica for the master', async () => {
    const { master, first } = await scene.roles()
    for (const host of HOSTS) await monitor(host, scene.addressOf(first))
    const mended = await scene.mended(RegExp(`^app1: Sentinel watches a wrong address: its Sentinel takes ${first}`))
    expect([mended, await scene.keys(), await bed.masters()]).toEqual([CALM, FIVE, master])
  })

  test('a Sentinel that watches the master by a wrong name only', async () => {
    const { master } = await scene.roles()
    await monitor('app2', scene.addressOf(master), 'other')
    expect(await scene.mended(/^app2: Sentinel watches a wrong name: its Sentinel does not watch cache/)).toEqual(CALM)
    expect(await names('app2')).toEqual(['cache'])
  })

  test('a second name for our master', async () => {
    const { master } = await scene.roles()
    for (const host of HOSTS) await bed.sentinel(host, `sentinel monitor second ${scene.addressOf(master)} 6379 2`)
    expect(await scene.mended(/^app1: Sentinel watches a wrong name: .*as second as well/)).toEqual(CALM)
    expect(await Promise.all(HOSTS.map(names))).toEqual(HOSTS.map(() => ['cache']))
  })

  test('settings of a Sentinel that were changed by hand', async () => {
    await bed.sentinel('app1', 'sentinel set cache down-after-milliseconds 9000')
    expect(await scene.mended(/^app1: settings differ: .*down-after-milliseconds is 9000, wanted: 3000/)).toEqual(CALM)
  })

  test('an address that is no node is counted on no more', async () => {
    const { master, first } = await scene.roles()
    await bed.redis(first, `config set replica-announce-ip ${DEAD}`)
    await bed.redis(first, 'client kill type master')
    await expect.poll(() => bed.sentinel(master, 'sentinel replicas cache'), { timeout: 60_000 }).toContain(DEAD)
    await bed.redis(first, `config set replica-announce-ip ${scene.addressOf(first)}`)
    await bed.redis(first, 'client kill type master')
    const mended = await scene.mended(RegExp(`^${master}: dead address known: its Sentinel counts on ${DEAD}`))
    expect([mended, await scene.keys()]).toEqual([CALM, FIVE])
  })

  test('a Sentinel that says a wrong address of itself is found again', async () => {
    await bed.sentinel('app3', `sentinel config set announce-ip ${DEAD}`)
    await expect.poll(() => bed.sentinel('app1', 'sentinel sentinels cache'), { timeout: 60_000 }).toContain(DEAD)
    expect(await scene.mended(/^app1: (forgotten Sentinel: .*app3|dead address known)/)).toEqual(CALM)
  })

  test('a replica that all Sentinels forgot while it was down, and that came back as a master', async () => {
    const { master, first } = await scene.roles()
    await bed.on(first, 'systemctl stop redis-server')
    for (const host of HOSTS) await monitor(host, scene.addressOf(master))
    await bed.on(first, "sed -i '/^replicaof /d' /etc/redis/redis.conf; systemctl start redis-server")
    expect(await bed.masters()).toBe([master, first].toSorted().join(','))
    const { restarted } = await scene.mended(RegExp(`^${first}: two masters`))
    expect([restarted, await scene.keys(), await bed.masters()]).toEqual([[], FIVE, master])
  })

  test('a replica that Sentinels do not list', async () => {
    const { first } = await scene.roles()
    await bed.redis(first, 'config set replica-announced no')
    expect(await scene.mended(RegExp(`^app1: forgotten replica: its Sentinel does not know ${first}`))).toEqual(CALM)
  })
})
