import { beforeAll, beforeEach, expect, test } from 'vitest'
import { labKill, labStart } from '../../../src/lab/lab.ts'
import { describeOnLab, useLab } from '../../hosts/support/lab.ts'
import type { RedisBed } from '../redis-bed.ts'
import { builtScene, CALM, DEAD, FIVE, type RedisScene } from '../redis-scene.ts'

const HOSTS = ['app1', 'app2', 'app3']
const CONF = '/etc/redis/redis.conf'
/** What Debian's package has: no TLS, no password, and its dumps. */
const DEBIAN = `printf '%s\\n' 'bind 127.0.0.1 -::1' 'port 6379' 'dir /var/lib/redis' 'supervised auto' 'daemonize yes' 'pidfile /run/redis/redis-server.pid' 'logfile /var/log/redis/redis-server.log' 'dbfilename dump.rdb' >${CONF}`

describeOnLab('what is found of the master and the histories of a set of Redis', () => {
  const lab = useLab('redis-masters', HOSTS)
  let bed: RedisBed
  let scene: RedisScene

  beforeAll(async () => {
    const built = await builtScene(lab)
    bed = built.bed
    scene = built.scene
  })

  beforeEach(() => scene.whole(), 120_000)

  const signal = (host: string, name: string) =>
    bed.on(host, `kill -${name} $(systemctl show -p MainPID --value redis-server)`)
  const promoted = (former: string) =>
    expect.poll(() => bed.masters(), { timeout: 60_000, interval: 300 }).toMatch(RegExp(`^(?!${former}$)app\\d$`))
  /** What was saved, or moved aside, lies beside the data of a host. */
  const asides = async (host: string) => Number(await bed.on(host, 'ls /var/lib/redis/ | grep -c ^aside- || true'))

  test('a replica that was written apart, and then follows a dead address', async () => {
    const { master, first } = await scene.roles()
    await scene.forgotten()
    await bed.redis(first, 'replicaof no one')
    await bed.redis(first, 'config set min-replicas-to-write 0')
    await bed.redis(first, 'set only-here 1')
    await bed.redis(first, `replicaof ${DEAD} 6379`)
    await bed.redis(master, 'set only-there 1')
    const before = await asides(first)
    const hint = await scene.refused(RegExp(`^set: diverged replication ids: ${first} has a history of its own`), [
      master,
      first,
    ])
    expect(hint).toContain(`--accept-data-loss ${first}=6`)
    const mended = await scene.mended(/diverged replication ids/, '--accept-data-loss', `${first}=6`)
    expect([mended, await scene.keys(), await bed.masters()]).toEqual([CALM, ['6', '6', '6'], master])
    expect(await asides(first)).toBe(before + 1)
  })

  test('settings that were changed by hand', async () => {
    const { master } = await scene.roles()
    await bed.redis(master, 'config set maxmemory-policy noeviction')
    const mended = await scene.mended(RegExp(`^${master}: settings differ: .*maxmemory-policy is noeviction`))
    expect([mended, await scene.keys()]).toEqual([CALM, FIVE])
  })

  test('a file that does not say what runs', async () => {
    const { first } = await scene.roles()
    await bed.on(first, `sed -i 's/^maxmemory .*/maxmemory 1mb/' ${CONF}`)
    const mended = await scene.mended(RegExp(`^${first}: unsaved settings: redis.conf does not say .*maxmemory`))
    expect([mended, await bed.on(first, `grep '^maxmemory ' ${CONF}`)]).toEqual([CALM, 'maxmemory 64mb'])
  })

  test("Debian's redis.conf over that of a replica, which goes on", async () => {
    const { first } = await scene.roles()
    await bed.on(first, DEBIAN)
    expect(await scene.mended(RegExp(`^${first}: unsaved settings`))).toEqual(CALM)
    expect(await bed.on(first, `head -n 1 ${CONF}`)).toBe('# Made by evenkeel, kept by the daemon: set cache')
    await bed.on(first, 'systemctl restart redis-server')
    await scene.whole()
    expect(await scene.found()).toBe('')
  })

  test("Debian's redis.conf over that of a replica, which is started with it", async () => {
    const { first } = await scene.roles()
    await bed.on(first, `${DEBIAN}; systemctl restart redis-server`)
    const mended = await scene.mended(RegExp(`^${first}: no configuration`))
    expect([mended, await scene.keys()]).toEqual([{ ...CALM, restarted: [`${first} redis`] }, FIVE])
  })

  test("Debian's redis.conf over that of the master, which is started with it", async () => {
    const { master } = await scene.roles()
    await bed.on(master, `${DEBIAN}; systemctl restart redis-server`)
    await promoted(master)
    const mended = await scene.mended(RegExp(`^${master}: no configuration`))
    expect([mended, await scene.keys()]).toEqual([{ ...CALM, restarted: [`${master} redis`] }, FIVE])
  })

  test('the naive template over the file of a master that took over, which is restarted', async () => {
    const { master } = await scene.roles()
    await bed.sentinel(master, 'sentinel failover cache')
    await promoted(master)
    await scene.whole()
    const after = await bed.masters()
    const template = `sed -i '/^replicaof /d' ${CONF}; echo 'replicaof ${scene.addressOf(master)} 6379' >>${CONF}`
    await bed.on(after, `${template}; systemctl restart redis-server`)
    const mended = await scene.mended(/^set: (no master|circle of replicas)/)
    expect([mended.restarted, await scene.keys()]).toEqual([[], FIVE])
  })

  test('the naive template over the file of a former master, which is restarted', async () => {
    const { master } = await scene.roles()
    await bed.sentinel(master, 'sentinel failover cache')
    await promoted(master)
    await scene.whole()
    await bed.on(master, `sed -i '/^replicaof /d' ${CONF}; systemctl restart redis-server`)
    const { restarted } = await scene.mended(RegExp(`^${master}: (two masters|empty master)`))
    expect([restarted, await scene.keys()]).toEqual([[], FIVE])
  })

  test('a partition that is over: Sentinel heals it, and nothing that was confirmed since is lost', async () => {
    const { master, first, second } = await scene.roles()
    const cut = (from: string, to: string, what: string) =>
      bed.on(from, `ip route ${what} blackhole ${scene.addressOf(to)}/32`)
    const all = [first, second].flatMap((one) => [[one, master] as const, [master, one] as const])
    for (const [from, to] of all) await cut(from, to, 'add')
    const others = () => Promise.all([first, second].map((host) => bed.redis(host, 'role')))
    await expect.poll(others, { timeout: 60_000 }).toContainEqual(expect.stringMatching(/^master/))
    const taken = (await bed.redis(first, 'role')).startsWith('master') ? first : second
    await expect.poll(() => bed.redis(taken, 'set since 1').catch(String), { timeout: 60_000 }).toBe('OK')
    for (const [from, to] of all) await cut(from, to, 'del')
    // Before they see it again Sentinels heal nothing, and a repair would be refused.
    const lost = () => Promise.all([first, second].map((host) => bed.sentinel(host, 'sentinel replicas cache')))
    await expect
      .poll(lost, { timeout: 30_000, interval: 200 })
      .not.toContainEqual(expect.stringMatching(/s_down|disconn/))
    const mended = await scene.mended(/^set: two masters/)
    expect([mended.restarted, await scene.keys(), await bed.masters()]).toEqual([[], ['6', '6', '6'], taken])
  })

  test('a master that is stopped: another one took over, and it begins anew', async () => {
    const { master } = await scene.roles()
    await bed.on(master, 'systemctl stop redis-server')
    await promoted(master)
    const mended = await scene.mended(RegExp(`^${master}: former master: its server is down`))
    expect([mended, await scene.keys()]).toEqual([{ ...CALM, restarted: [`${master} redis`] }, FIVE])
  })

  test('a master that hangs: another one took over, and what it has nobody can see', async () => {
    const { master, first } = await scene.roles()
    await signal(master, 'STOP')
    await expect
      .poll(() => bed.sentinel(first, 'sentinel get-master-addr-by-name cache'), { timeout: 60_000 })
      .not.toContain(scene.addressOf(master))
    await expect.poll(() => bed.masters(), { timeout: 60_000 }).toMatch(/^app\d$/)
    const after = await bed.masters()
    const hint = await scene.refused(RegExp(`^${master}: server hangs`), [after, master])
    expect(hint).toContain(`--accept-data-loss ${master}=unknown`)
    const mended = await scene.mended(/server hangs/, '--accept-data-loss', `${master}=unknown`)
    expect([mended, await scene.keys()]).toEqual([{ ...CALM, restarted: [`${master} redis`] }, FIVE])
  })

  test('a master that nobody can log in to, and that was given up, is ended before another one takes over', async () => {
    const { master } = await scene.roles()
    await bed.redis(master, 'acl setuser default resetpass ">a-foreign-one"')
    const mended = await scene.mended(
      /password drift: its server takes neither/,
      '--accept-data-loss',
      `${master}=unknown`,
    )
    expect([mended, await scene.keys()]).toEqual([{ ...CALM, restarted: [`${master} redis`] }, FIVE])
    expect(await bed.masters()).not.toBe(master)
  })

  test('a master whose password was set by hand is not given up by itself', async () => {
    const { master } = await scene.roles()
    await bed.redis(master, 'acl setuser default resetpass ">a-foreign-one"')
    const hint = await scene.refused(RegExp(`^${master}: password drift: its server takes neither`), [master])
    expect(hint).toContain(`--accept-data-loss ${master}=unknown`)
    const own = '"#$(printf %s "$(cat /etc/evenkeel-redis/password)" | sha256sum | cut -d " " -f 1)"'
    await bed.on(
      master,
      `REDISCLI_AUTH=a-foreign-one redis-cli --tls --cacert /etc/redis/tls/ca.crt acl setuser default resetpass ${own}`,
    )
    await scene.whole()
    expect(await scene.found()).toBe('')
  })

  test('all is empty since the master was restarted by hand: it is told', async () => {
    const { master } = await scene.roles()
    // With a permit, as no start of somebody has one.
    await bed.on(master, 'touch /run/evenkeel-redis-start; systemctl restart redis-server')
    await expect.poll(scene.keys, { timeout: 60_000 }).toEqual(['0', '0', '0'])
    const mended = await scene.mended(RegExp(`^set: emptied set: .*${master}, which is younger`))
    expect(mended).toEqual(CALM)
  })

  test('a node without power: it cannot be asked, and is mended when it is back', async () => {
    const { master, first } = await scene.roles()
    await labKill(lab, first)
    await expect.poll(scene.found, { timeout: 60_000 }).toMatch(RegExp(`^${first}: cannot be asked`, 'm'))
    await labStart(lab, first)
    await scene.whole()
    expect([await scene.found(), await bed.masters()]).toEqual(['', master])
  })
})
