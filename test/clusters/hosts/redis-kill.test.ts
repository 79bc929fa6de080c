import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { describeOnLab, useLab } from '../../hosts/support/lab.ts'
import { boundaries, lastJournal } from '../journal.ts'
import type { RedisBed } from '../redis-bed.ts'
import { builtScene, DEAD, FIVE, type RedisScene } from '../redis-scene.ts'
import { watchMasters } from '../redis-watch.ts'

const HOSTS = ['app1', 'app2', 'app3']
/** Seconds after which the controller is killed. */
const KILLS = [1, 3, 5, 7] as const

describeOnLab('a controller that is killed while it repairs a set of Redis', () => {
  const lab = useLab('redis-kill', HOSTS)
  let bed: RedisBed
  let scene: RedisScene
  let password: 'redisPassword' | 'newPassword' = 'redisPassword'
  const figures: string[] = []

  beforeAll(async () => {
    const built = await builtScene(lab)
    bed = built.bed
    scene = built.scene
  })

  beforeEach(() => scene.whole(), 120_000)

  afterAll(() => console.log(figures.join('\n')))

  const ended = async (...args: string[]) => {
    const ran = await bed.deploy(args[0] ?? '', 'lab', '--yes', ...args.slice(1))
    expect(`${ran.code} ${ran.code === 0 ? '' : ran.stdout + ran.stderr}`).toBe('0 ')
    return ran.stdout
  }
  /** All that runs behind a kill: given again it ends in the proof, and the next repair has nothing to do. */
  const again = async (what: string, verb: 'apply' | 'repair-redis', options: readonly string[]) => {
    const findings = await scene.found()
    await ended(verb, ...options)
    const left = findings.split('\n').map((line) => line.split(': ').slice(0, 2).join(' '))
    figures.push(`${what}: left to do: ${left.filter(Boolean).join(', ') || 'nothing'}`)
    expect(await ended('repair-redis')).toContain('Plan: nothing to do')
    expect(await bed.masters()).toMatch(/^app\d$/)
  }
  /** Gives all moments of two masters. */
  const killed = async (what: string, seconds: number, verb: 'apply' | 'repair-redis', ...options: string[]) => {
    const watch = await watchMasters(bed, HOSTS)
    const was = await bed.killed(seconds, verb, 'lab', '--yes', ...(verb === 'apply' ? ['--no-check'] : []), ...options)
    await again(`${what}, ${was ? 'killed' : 'done'} after ${seconds} s`, verb, options)
    return (await watch.end()).two
  }
  const emptyMaster = async () => {
    const { master, first, second } = await scene.roles()
    await scene.forgotten()
    for (const host of [first, second]) await bed.redis(host, `replicaof ${DEAD} 6379`)
    await bed.on(master, 'systemctl restart redis-server')
    return master
  }

  test('an empty master: killed at the boundaries of all stages, Sentinels that watch nothing are found', async () => {
    await emptyMaster()
    await ended('repair-redis')
    const entries = boundaries(lastJournal(lab.root))
    expect(entries.length).toBeGreaterThan(10)
    for (const entry of entries) {
      await scene.whole()
      const master = await emptyMaster()
      const watch = await watchMasters(bed, HOSTS)
      expect(`${entry}: ${await bed.killedAt(entry, 'repair-redis', 'lab', '--yes')}`).toBe(`${entry}: true`)
      await again(`an empty master, killed after entry ${entry}`, 'repair-redis', [])
      const end = [(await watch.end()).two, await scene.keys(), (await bed.masters()) === master]
      expect([entry, ...end]).toEqual([entry, [], FIVE, false])
    }
  }, 1_500_000)

  describe.each(KILLS)('after %i s', (seconds) => {
    test('an empty master', async () => {
      const master = await emptyMaster()
      expect(await killed('an empty master', seconds, 'repair-redis')).toEqual([])
      expect([await scene.keys(), (await bed.masters()) === master]).toEqual([FIVE, false])
    })

    test('a circle of replicas', async () => {
      const { master, first, second } = await scene.roles()
      await scene.forgotten()
      const circle = [master, first, second, master]
      for (const [index, host] of circle.slice(0, -1).entries())
        await bed.redis(host, `replicaof ${scene.addressOf(circle[index + 1] ?? '')} 6379`)
      expect(await killed('a circle', seconds, 'repair-redis')).toEqual([])
      expect(await scene.keys()).toEqual(FIVE)
    })

    test('two masters, and one is given up', async () => {
      const { master, first } = await scene.roles()
      await scene.forgotten()
      await bed.redis(first, 'replicaof no one')
      await bed.redis(first, 'config set min-replicas-to-write 0')
      await bed.redis(first, 'set only-here 1')
      await killed('two masters', seconds, 'repair-redis', '--accept-data-loss', `${first}=6`)
      expect([await scene.keys(), await bed.masters()]).toEqual([FIVE, master])
      const held = await bed.on(
        first,
        'cd /var/lib/redis; for f in aside-*; do redis-check-rdb $f | grep "keys read"; done; rm aside-*',
      )
      expect(held).toContain('6 keys read')
    })

    test('a new password', async () => {
      const before = await bed.pids()
      const former = password
      password = former === 'redisPassword' ? 'newPassword' : 'redisPassword'
      bed.playbook(
        `persistence: 'cache', password: (site) => site.secrets.${password}, formerPassword: (site) => site.secrets.${former}`,
      )
      expect(await killed('a new password', seconds, 'apply')).toEqual([])
      bed.clientsUse(password)
      bed.playbook(`persistence: 'cache', password: (site) => site.secrets.${password}`)
      expect(await killed('an old password', seconds, 'apply')).toEqual([])
      expect([await scene.keys(), await bed.pids()]).toEqual([FIVE, before])
    })

    test('a node that lost all joins', async () => {
      const { master, first } = await scene.roles()
      await bed.on(
        first,
        'systemctl stop redis-server redis-sentinel; rm -rf /etc/redis/redis.conf /etc/redis/sentinel.conf /var/lib/redis/*',
      )
      expect(await killed('a node that joins', seconds, 'repair-redis')).toEqual([])
      expect([await scene.keys(), await bed.masters()]).toEqual([FIVE, master])
    })
  })
})
