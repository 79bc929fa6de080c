// Disks, memory and addresses of a set of Redis that keeps its keys.
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { describeOnLab, useLab } from '../../hosts/support/lab.ts'
import { documentOf } from '../../hosts/support/project.ts'
import type { RedisBed } from '../redis-bed.ts'
import { builtScene, FIVE, type RedisScene } from '../redis-scene.ts'
import { watchMasters } from '../redis-watch.ts'

const HOSTS = ['app1', 'app2', 'app3']
const OPTIONS = "persistence: 'durable', password: (site) => site.secrets.redisPassword"
const DATA = '/var/lib/redis'

describeOnLab('a durable set of Redis', () => {
  const lab = useLab('redis-durable', HOSTS)
  let bed: RedisBed
  let scene: RedisScene

  beforeAll(async () => {
    const built = await builtScene(lab, OPTIONS)
    bed = built.bed
    scene = built.scene
  })

  beforeEach(() => scene.whole(), 120_000)

  const apply = async () => {
    const ran = await bed.deploy('apply', 'lab', '--yes', '--json')
    expect(`${ran.code} ${ran.code === 0 ? '' : `${ran.stdout.slice(-3000)}${ran.stderr}`}`).toBe('0 ')
    return documentOf(ran)
  }

  test('a master whose disk is lost, and that is started at once, empties nobody', async () => {
    const { master } = await scene.roles()
    const watch = await watchMasters(bed, HOSTS)
    await bed.on(master, `systemctl stop redis-server; rm -rf ${DATA}/*; systemctl start redis-server`)
    await expect.poll(() => bed.masters(), { timeout: 60_000 }).toMatch(/^app\d$/)
    expect((await bed.deploy('repair-redis', 'lab', '--yes')).code).toBe(0)
    expect([await scene.keys(), await bed.masters()]).toEqual([FIVE, expect.not.stringContaining(master)])
    expect((await watch.end()).two).toEqual([])
  })

  test('a master whose disk is full: what it has is counted, and nothing is begun anew on that disk', async () => {
    const { master } = await scene.roles()
    const moved = `systemctl stop redis-server; cp -a ${DATA} /root/kept; mount -t tmpfs -o size=24m,mode=750 tmpfs ${DATA}; chown redis:redis ${DATA}; cp -a /root/kept/. ${DATA}; systemctl start redis-server`
    await bed.on(master, moved)
    await scene.whole()
    await isMaster(master)
    const other = HOSTS.find((one) => one !== master) ?? ''
    await bed.on(master, `dd if=/dev/zero of=${DATA}/filler bs=1M 2>/dev/null || :`)
    const wrote = () => bed.redis(master, 'set more 1').catch(String)
    await expect.poll(wrote, { timeout: 30_000 }).toMatch(/MISCONF|READONLY|NOREPLICAS/)
    await expect
      .poll(() => bed.sentinel(other, 'sentinel get-master-addr-by-name cache'), { timeout: 60_000 })
      .not.toContain(scene.addressOf(master))
    const { stdout } = await bed.deploy('repair-redis', 'lab', '--dry-run')
    expect(stdout).toContain(`fault: disk full, ${master}`)
    expect(stdout).not.toContain('=unknown')
    await bed.on(master, `rm ${DATA}/filler`)
    await expect
      .poll(async () => (await bed.deploy('repair-redis', 'lab', '--yes')).code, { timeout: 120_000, interval: 1000 })
      .toBe(0)
    expect(new Set(await scene.keys()).size).toBe(1)
    const back = `systemctl stop redis-server; cp -a ${DATA}/. /root/kept; umount ${DATA}; cp -a /root/kept/. ${DATA}; systemctl start redis-server`
    await bed.on(master, back)
  })

  const isMaster = async (host: string) => {
    const ran = await bed.deploy('db', 'switchover', 'lab', host, '--yes')
    expect(`${ran.code} ${ran.code === 0 ? '' : ran.stdout + ran.stderr}`).toBe('0 ')
    expect(await bed.masters()).toBe(host)
  }

  test('less memory than is in use is not set, and another step that fails by it hides nothing', async () => {
    const { master } = await scene.roles()
    await bed.redis(master, 'setrange big 9000000 x')
    bed.playbook(`${OPTIONS}, memory: 8`)
    const ran = await bed.deploy('apply', 'lab', '--yes')
    expect(`${ran.code} ${ran.stdout}`).toMatch(/^1 (.|\n)*maxmemory is to be 8388608, and \d+ bytes are in use/)
    expect(await bed.redis(master, 'config get maxmemory')).toContain('67108864')
    expect(await bed.redis(master, 'strlen big')).toBe('9000001')
    bed.playbook(OPTIONS)
    expect((await apply()).summary.changes).toBe(0)
  })

  test.each(['a replica', 'the master'])(
    'another address of %s is that of the node, and all find it again',
    async (which) => {
      const { master, first } = await scene.roles()
      const host = which === 'a replica' ? first : master
      const address = scene.addressOf(host).replace(/\.(\d+)$/, (_, last) => `.${Number(last) + 100}`)
      await bed.on(host, `ip addr add ${address}/24 dev host0`)
      const addresses = Object.fromEntries(HOSTS.map((one) => [one, one === host ? address : scene.addressOf(one)]))
      bed.playbook(`${OPTIONS}, address: (host) => (${JSON.stringify(addresses)})[host.name]`)
      await apply()
      expect([await scene.keys(), await bed.masters()]).toEqual([FIVE, master])
      expect((await apply()).summary.changes).toBe(0)
      bed.playbook(OPTIONS)
      await apply()
      expect([await scene.keys(), await bed.masters()]).toEqual([FIVE, master])
      await bed.on(host, `ip addr del ${address}/24 dev host0`)
      // Sentinels know the former address for some time, and forget it by a repair.
      const known = async () => {
        await bed.deploy('repair-redis', 'lab', '--yes')
        return Promise.all(HOSTS.map((one) => bed.sentinel(one, 'sentinel replicas cache')))
      }
      await expect
        .poll(known, { timeout: 240_000, interval: 5000 })
        .not.toContainEqual(expect.stringContaining(address))
    },
  )
})
