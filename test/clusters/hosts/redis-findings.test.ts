import { beforeAll, beforeEach, expect, test } from 'vitest'
import { describeOnLab, useLab } from '../../hosts/support/lab.ts'
import type { RedisBed } from '../redis-bed.ts'
import { builtScene, CALM, DEAD, FIVE, type RedisScene } from '../redis-scene.ts'

const HOSTS = ['app1', 'app2', 'app3']

describeOnLab('what is found of the servers of a set of Redis', () => {
  const lab = useLab('redis-find', HOSTS)
  let bed: RedisBed
  let scene: RedisScene

  beforeAll(async () => {
    const built = await builtScene(lab)
    bed = built.bed
    scene = built.scene
  })

  beforeEach(() => scene.whole(), 120_000)

  const stop = (host: string, unit = 'redis-server') => bed.on(host, `systemctl stop ${unit}`)
  const signal = (host: string, name: string) =>
    bed.on(host, `kill -${name} $(systemctl show -p MainPID --value redis-server)`)
  /** Whether a password opens the server of a host. */
  const opens = async (host: string, password: string) =>
    (
      await bed.on(
        host,
        `REDISCLI_AUTH=${password} redis-cli --no-auth-warning --tls --cacert /etc/redis/tls/ca.crt ping 2>&1 || true`,
      )
    ).includes('PONG')

  test('another password that opens a server beside ours', async () => {
    const { first } = await scene.roles()
    await bed.redis(first, 'acl setuser default ">a-foreign-one"')
    expect(await opens(first, 'a-foreign-one')).toBe(true)
    expect(await scene.mended(RegExp(`^${first}: password drift: .*other passwords open it: 1`))).toEqual(CALM)
    expect([await opens(first, 'a-foreign-one'), await scene.keys()]).toEqual([false, FIVE])
  })

  test('a server that any password opens', async () => {
    const { master } = await scene.roles()
    await bed.redis(master, 'acl setuser default nopass')
    expect(await opens(master, 'whatever')).toBe(true)
    expect(await scene.mended(RegExp(`^${master}: password drift: .*does not take the wanted`))).toEqual(CALM)
    expect([await opens(master, 'whatever'), await scene.keys()]).toEqual([false, FIVE])
  })

  test('a replica whose password was set by hand', async () => {
    const { first } = await scene.roles()
    await bed.redis(first, 'acl setuser default resetpass ">a-foreign-one"')
    const mended = await scene.mended(RegExp(`^${first}: password drift: its server takes neither`))
    expect([mended, await scene.keys()]).toEqual([{ ...CALM, restarted: [`${first} redis`] }, FIVE])
  })

  test('a replica that does not say the right password to its master', async () => {
    const { first } = await scene.roles()
    await bed.redis(first, 'config set masterauth wrong')
    await bed.redis(first, 'client kill type master')
    const mended = await scene.mended(RegExp(`^${first}: password drift: .*would not say the wanted password`))
    expect([mended, await scene.keys()]).toEqual([CALM, FIVE])
  })

  test('a stale dump file does not come back as data', async () => {
    const { master, first } = await scene.roles()
    await bed.redis(first, 'bgsave')
    await expect
      .poll(() => bed.redis(first, 'info persistence'), { timeout: 20_000 })
      .toContain('rdb_bgsave_in_progress:0')
    await stop(first)
    await bed.redis(master, 'del k1')
    expect(await bed.on(first, 'ls /var/lib/redis')).toContain('dump.rdb')
    const mended = await scene.mended(RegExp(`^${first}: stale dump file: .*old data lies on its disk`))
    expect([mended, await scene.keys()]).toEqual([{ ...CALM, restarted: [`${first} redis`] }, ['4', '4', '4']])
    const { stdout } = await bed.deploy('repair-redis', 'lab', '--dry-run')
    expect(stdout).toMatch(
      RegExp(`warning: old data, ${first}: .*\\n +/var/lib/redis/aside-\\S+\\.rdb: [1-9]\\d* bytes`),
    )
  })

  test('a replica that is down', async () => {
    const { first } = await scene.roles()
    await stop(first)
    const mended = await scene.mended(RegExp(`^${first}: server down`))
    expect([mended, await scene.keys()]).toEqual([{ ...CALM, restarted: [`${first} redis`] }, FIVE])
  })

  test('a master of which no replica hears refuses writes', async () => {
    const { master, first, second } = await scene.roles()
    await stop(first)
    await stop(second)
    const mended = await scene.mended(RegExp(`^${master}: min-replicas not met: it refuses writes: 0 replicas`))
    const restarted = [`${first} redis`, `${second} redis`]
    expect([mended, await scene.keys()]).toEqual([{ ...CALM, restarted }, FIVE])
  })

  test('a replica that hangs', async () => {
    const { first } = await scene.roles()
    await signal(first, 'STOP')
    const mended = await scene.mended(RegExp(`^${first}: server hangs`))
    expect([mended, await scene.keys()]).toEqual([{ ...CALM, restarted: [`${first} redis`] }, FIVE])
  })

  test('a replica of a dead address, which Sentinel tells whom to follow', async () => {
    const { first } = await scene.roles()
    await bed.redis(first, `replicaof ${DEAD} 6379`)
    const mended = await scene.mended(RegExp(`^${first}: replica of a dead address: it follows ${DEAD}`))
    expect([mended, await scene.keys()]).toEqual([CALM, FIVE])
  })

  test('a replica of a dead address, and no Sentinel that helps', async () => {
    const { master, first } = await scene.roles()
    await scene.forgotten()
    await bed.redis(first, `replicaof ${DEAD} 6379`)
    const mended = await scene.mended(RegExp(`^${first}: replica of a dead address: it follows ${DEAD}`))
    expect([mended, await scene.keys(), await bed.masters()]).toEqual([CALM, FIVE, master])
  })

  test('no master: all follow a dead address', async () => {
    await scene.forgotten()
    for (const host of HOSTS) await bed.redis(host, `replicaof ${DEAD} 6379`)
    expect([await scene.mended(/^set: no master: all that answer are replicas/), await scene.keys()]).toEqual([
      CALM,
      FIVE,
    ])
  })
})
