import { beforeAll, describe, expect, test } from 'vitest'
import { labDestroy, labUp } from '../../../src/lab/lab.ts'
import { describeOnLab, useLab } from '../../hosts/support/lab.ts'
import { documentOf } from '../../hosts/support/project.ts'
import { makeRedisBed, type RedisBed } from '../redis-bed.ts'
import { watchMasters } from '../redis-watch.ts'

const HOSTS = ['app1', 'app2', 'app3']
const KEYS = 20

describeOnLab('a node of Redis that is lost for good', () => {
  const lab = useLab('redis-replace', HOSTS)
  let bed: RedisBed

  beforeAll(() => {
    bed = makeRedisBed(lab)
  })

  const apply = async () => {
    const ran = await bed.deploy('apply', 'lab', '--yes', '--json')
    expect(`${ran.code} ${ran.code === 0 ? '' : ran.stdout.slice(-3000) + ran.stderr}`).toBe('0 ')
    return documentOf(ran)
  }
  const keys = () => Promise.all(HOSTS.map((host) => bed.redis(host, 'dbsize').catch(() => 'down')))
  const oneMaster = async (not = '') => {
    await expect
      .poll(async () => (await bed.masters()).replace(not, ''), { timeout: 60_000, interval: 500 })
      .toMatch(/^app\d$/)
    return await bed.masters()
  }
  /** An empty machine of its name and address, whose key is trusted. */
  const anew = async (host: string) => {
    await labUp(lab)
    const shown = await bed.on(host, 'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub')
    expect((await bed.deploy('trust', 'lab', host, '--fingerprint', shown.split(' ')[1] ?? '')).code).toBe(0)
  }

  describe.each(['cache', 'durable'])('%s', (persistence) => {
    beforeAll(async () => {
      bed.playbook(`persistence: '${persistence}', password: (site) => site.secrets.redisPassword`)
      await apply()
      const master = await bed.masters()
      for (let key = 1; key <= KEYS; key++) await bed.redis(master, `set k${key} ${key}`)
    })

    test.each([
      ['a replica', 'is replaced'],
      ['the master', 'is replaced when another one has taken over'],
      ['the master', 'is replaced at once'],
    ])('%s %s by an empty machine and one apply', async (which, when) => {
      const before = await oneMaster()
      const host = which === 'a replica' ? (HOSTS.find((one) => one !== before) ?? '') : before
      const pids = await bed.pids()
      const watch = await watchMasters(bed, HOSTS)
      await labDestroy(lab, host)
      if (when.endsWith('taken over')) await oneMaster(before)
      await anew(host)
      const began = performance.now()
      await apply()
      const seconds = (performance.now() - began) / 1000
      const { two, primaries, empty } = await watch.end()
      const master = await oneMaster()
      console.log(
        `${persistence}: ${which} ${when}: ${before} to ${master}, ${host} new by one apply in ${seconds.toFixed(1)} s; took writes: ${primaries}`,
      )
      expect([two, empty]).toEqual([[], []])
      expect(master === before).toBe(which === 'a replica')
      expect(await keys()).toEqual(HOSTS.map(() => String(KEYS)))
      expect({ ...(await bed.pids()), [host]: '' }).toEqual({ ...pids, [host]: '' })
      expect((await apply()).summary.changes).toBe(0)
    })
  })

  test("a machine on which Debian's own Redis runs is left alone while it has keys or listens elsewhere, and joins then", async () => {
    const master = await oneMaster()
    const host = HOSTS.find((one) => one !== master) ?? ''
    await labDestroy(lab, host)
    await anew(host)
    await bed.on(host, 'apt-get -qq update; DEBIAN_FRONTEND=noninteractive apt-get -qqy install redis-server')
    const left = async (says: RegExp, port: number) => {
      await bed.on(host, `redis-cli -p ${port} set theirs 1`)
      const ran = await bed.deploy('apply', 'lab', '--yes')
      expect(`${ran.code} ${ran.stdout}`).toMatch(says)
      expect(await bed.on(host, `redis-cli -p ${port} get theirs`)).toBe('1')
    }
    await left(/^1 (.|\n)*a Redis that is none of ours holds keys here: nothing is done/, 6379)
    await bed.on(
      host,
      "redis-cli flushall; sed -i 's/^port 6379/port 7777/' /etc/redis/redis.conf; systemctl restart redis-server",
    )
    await expect.poll(() => bed.on(host, 'redis-cli -p 7777 ping').catch(String), { timeout: 20_000 }).toBe('PONG')
    await left(/^1 (.|\n)*a Redis that is none of ours runs here and listens elsewhere: nothing is done/, 7777)
    await bed.on(
      host,
      "sed -i 's/^port 7777/port 6379/' /etc/redis/redis.conf; redis-cli -p 7777 flushall; systemctl restart redis-server",
    )
    await apply()
    expect([await keys(), await oneMaster()]).toEqual([HOSTS.map(() => String(KEYS)), master])
    expect((await apply()).summary.changes).toBe(0)
  })
})
