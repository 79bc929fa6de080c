// Updates of packages and new certificates under a client that writes through Sentinel.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { describeOnLab, useLab } from '../../hosts/support/lab.ts'
import { documentOf } from '../../hosts/support/project.ts'
import { makeCa } from '../bed.ts'
import { OLDER_REDIS } from '../older.ts'
import { makeRedisBed, type RedisBed } from '../redis-bed.ts'

const HOSTS = ['app1', 'app2', 'app3']
/** Milliseconds for which writes may be refused in all. */
const REFUSED_FOR = 3000
const OPTIONS = "persistence: 'cache', password: (site) => site.secrets.redisPassword"
/** All is restarted: the replicas, the master once another one is it, then the Sentinels. */
const rolled = (master: string) => {
  const replicas = HOSTS.filter((host) => host !== master)
  return [
    ...replicas.map((host) => `restart server: ${host}`),
    ...[`fail over: ${master} to ${replicas[0]}`, `restart server: ${master}`],
    ...HOSTS.map((host) => `restart sentinel: ${host}`),
  ]
}

describeOnLab('a set of Redis under clients', () => {
  const lab = useLab('redis-update', HOSTS)
  let bed: RedisBed

  beforeAll(async () => {
    bed = makeRedisBed(lab)
    await apply()
  })

  const apply = async () => {
    const ran = await bed.deploy('apply', 'lab', '--yes', '--json')
    expect(`${ran.code} ${ran.code === 0 ? '' : `${ran.stdout.slice(-3000)}${ran.stderr}`}`).toBe('0 ')
    return documentOf(ran)
  }
  const all = (script: string) => Promise.all(HOSTS.map((host) => bed.on(host, script)))
  const stepsOfPlan = async () => {
    const { phases } = JSON.parse((await bed.deploy('plan', 'lab', '--json')).stdout)
    return phases.at(-1).cluster.steps.map(({ name, about }: { name: string; about: string }) => `${name}: ${about}`)
  }
  /** What clients notice of it: none of their confirmed writes is lost. */
  const underClients = async (body: () => Promise<unknown>) => {
    const writer = await bed.write()
    await expect.poll(writer.count, { timeout: 30_000 }).toBeGreaterThan(50)
    await body()
    const { acknowledged, refused, refusedFor, longestPause } = await writer.end()
    console.log(
      `${acknowledged.length} confirmed, ${refused.length} refused, for ${refusedFor.toFixed(0)} ms in all; at most ${longestPause.toFixed(0)} ms without one`,
    )
    expect(await writer.lost()).toEqual([])
    expect(refusedFor).toBeLessThan(REFUSED_FOR)
  }

  test('an update of the packages goes node by node, the master last, and Sentinels one by one', async () => {
    await all(OLDER_REDIS)
    await expect.poll(() => bed.masters(), { timeout: 60_000 }).toMatch(/^app\d$/)
    await bed.deploy('repair-redis', 'lab', '--yes')
    const from = await bed.masters()
    bed.playbook(`${OPTIONS}, packages: 'latest'`)
    await underClients(apply)
    expect(
      await all('dpkg-query -W -f "\\${Version}\\n" redis-server redis-sentinel redis-tools | grep -c older || true'),
    ).toEqual(['0', '0', '0'])
    const running =
      'for p in $(systemctl show -p MainPID --value redis-server redis-sentinel); do readlink /proc/$p/exe; done'
    expect((await all(running)).join()).not.toContain('deleted')
    expect(await bed.masters()).not.toBe(from)
    expect((await apply()).summary.changes).toBe(0)
  }, 600_000)

  test('libraries that an update replaced are taken by a plan that says so', async () => {
    const before = await bed.pids()
    await all('cd /usr/lib/$(uname -m)-linux-gnu && cp -p libssl.so.3 libssl.new && mv libssl.new libssl.so.3')
    const from = await bed.masters()
    expect(await stepsOfPlan()).toEqual(rolled(from))
    await underClients(apply)
    const after = await bed.pids()
    expect(HOSTS.filter((host) => after[host] === before[host])).toEqual([])
    expect((await apply()).summary.changes).toBe(0)
  }, 600_000)

  test('a new certificate is taken by servers as they run, and by Sentinels one by one', async () => {
    const servers = await all('systemctl show -p MainPID --value redis-server')
    const served = (port: number) =>
      all(`openssl s_client -connect 127.0.0.1:${port} </dev/null 2>/dev/null | openssl x509 -noout -serial`)
    const before = [await served(6379), await served(26379)].flat()
    await all('rm /etc/redis/tls/node.crt')
    await underClients(apply)
    const after = [await served(6379), await served(26379)].flat()
    expect(after.filter((serial) => before.includes(serial))).toEqual([])
    expect(await all('openssl x509 -noout -serial -in /etc/redis/tls/node.crt')).toEqual(after.slice(3))
    expect(await all('systemctl show -p MainPID --value redis-server')).toEqual(servers)
    expect((await apply()).summary.changes).toBe(0)
  }, 600_000)

  /** A CA of its own: certificate and key. */
  const anotherCa = () => {
    const folder = mkdtempSync(join(tmpdir(), 'evenkeel-ca-'))
    const key = makeCa(folder)
    const certificate = readFileSync(join(folder, 'files/lab-ca.crt'), 'utf8')
    rmSync(folder, { recursive: true })
    return { certificate, key }
  }

  test('another CA, with both trusted for a while, is noticed by no client', async () => {
    const [first, second] = [anotherCa(), anotherCa()]
    bed.caIs(first.certificate, first.key)
    await apply()
    bed.caIs(first.certificate + second.certificate, first.key)
    await apply()
    const before = await all('openssl x509 -noout -serial -in /etc/redis/tls/node.crt')
    await underClients(async () => {
      bed.caIs(second.certificate + first.certificate, second.key)
      await apply()
    })
    expect(await all('openssl x509 -noout -serial -in /etc/redis/tls/node.crt')).not.toEqual(before)
    bed.caIs(second.certificate, second.key)
    await apply()
    expect(await all('openssl verify -CAfile /etc/redis/tls/ca.crt /etc/redis/tls/node.crt')).toEqual(
      HOSTS.map(() => '/etc/redis/tls/node.crt: OK'),
    )
  }, 600_000)

  test('another CA is taken at once by all that run, and one that missed it is mended', async () => {
    const servers = await all('systemctl show -p MainPID --value redis-server')
    const other = anotherCa()
    bed.caIs(other.certificate, other.key)
    await apply()
    expect(await all('systemctl show -p MainPID --value redis-server')).toEqual(servers)
    const [first = ''] = HOSTS
    const before = await bed.pids()
    // As an apply that was killed between the files and the handler leaves it.
    await bed.on(
      first,
      `cd /etc/redis/tls && mkdir /root/own && cp -p ca.crt node.crt node.key /root/own
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 -subj /CN=other -keyout node.key -out node.crt 2>/dev/null
chown redis:redis node.* && REDISCLI_AUTH=$(cat /etc/evenkeel-redis/password) redis-cli --tls --cacert ca.crt -e config set tls-cert-file /etc/redis/tls/node.crt
cp -p /root/own/* .`,
    )
    const ran = await bed.deploy('repair-redis', 'lab', '--yes')
    expect(`${ran.code} ${ran.code === 0 ? '' : ran.stdout + ran.stderr}`).toBe('0 ')
    expect(ran.stdout).toContain('tls-cert-file is a certificate of another CA')
    expect((await bed.pids())[first]).toBe(before[first])
    expect((await apply()).summary.changes).toBe(0)
  }, 300_000)

  test('a master that somebody restarts by hand empties nobody', async () => {
    const from = await bed.masters()
    await bed.redis(from, 'set kept 1')
    await bed.on(from, 'systemctl restart redis-server')
    await expect.poll(() => bed.masters(), { timeout: 60_000, interval: 500 }).toMatch(/^app\d$/)
    const to = await bed.masters()
    expect(to).not.toBe(from)
    await expect.poll(() => bed.redis(from, 'get kept'), { timeout: 60_000, interval: 500 }).toBe('1')
  })
})
