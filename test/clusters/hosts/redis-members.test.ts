// Who is in a set, and who is its master, on purpose; and a host that only left the inventory.
import { beforeAll, expect, test } from 'vitest'
import { labKill, labStart } from '../../../src/lab/lab.ts'
import { describeOnLab, useLab } from '../../hosts/support/lab.ts'
import { boundaries, lastJournal } from '../journal.ts'
import { makeRedisBed, type RedisBed } from '../redis-bed.ts'
import { watchMasters } from '../redis-watch.ts'

const HOSTS = ['app1', 'app2', 'app3', 'app4']
const KEYS = 20
/** Milliseconds for which writes may be refused in all. */
const REFUSED_FOR = 3000

describeOnLab('who is in a set of Redis, and who is its master', () => {
  const lab = useLab('redis-members', HOSTS)
  let bed: RedisBed

  beforeAll(async () => {
    bed = makeRedisBed(lab)
    await done('apply', 'lab')
    for (let key = 1; key <= KEYS; key++) await bed.redis(await bed.masters(), `set k${key} ${key}`)
  })

  const done = async (...args: string[]) => {
    const ran = await bed.deploy(...args, '--yes')
    expect(`${ran.code} ${ran.code === 0 ? '' : ran.stdout.slice(-3000) + ran.stderr}`).toBe('0 ')
    return ran.stdout
  }
  const refused = async (...args: string[]) => {
    const before = await bed.pids()
    const { code, stdout, stderr } = await bed.deploy(...args, '--yes')
    expect([code, await bed.pids()]).toEqual([4, before])
    return (stdout + stderr).replaceAll(/\s+/g, ' ')
  }
  const inventory = (hosts: readonly string[]) =>
    bed.project.write(
      'inventories/lab.yaml',
      `connection: { lab: true }\ngroups: { app: { hosts: [${hosts}] } }\nhosts: { ${hosts.map((host) => `${host}: {}`).join(', ')} }\n`,
    )
  const others = (...left: string[]) => HOSTS.filter((host) => !left.includes(host))
  const address = (host: string) => lab.reach.hosts[host]?.address ?? ''
  /** What a client notices of it: none of its confirmed writes is lost, and there never were two masters. */
  const underClients = async (what: string, hosts: readonly string[], body: () => Promise<unknown>) => {
    const writer = await bed.write(hosts.map(address))
    await expect.poll(writer.count, { timeout: 30_000 }).toBeGreaterThan(50)
    const watch = await watchMasters(bed, HOSTS)
    const began = performance.now()
    await body()
    const seconds = (performance.now() - began) / 1000
    const counted = writer.count()
    await expect.poll(() => writer.count() - counted, { timeout: 30_000 }).toBeGreaterThan(60)
    const { two, empty } = await watch.end()
    const { acknowledged, refused: no, refusedFor, longestPause } = await writer.end()
    console.log(
      `${what}: ${seconds.toFixed(1)} s; ${acknowledged.length} confirmed, ${no.length} refused, for ${refusedFor.toFixed(0)} ms in all; at most ${longestPause.toFixed(0)} ms without one`,
    )
    expect([two, empty]).toEqual([[], []])
    expect(await writer.lost()).toEqual([])
    expect(refusedFor).toBeLessThan(REFUSED_FOR)
  }
  /** All of these follow one master, every Sentinel knows the others and no more, and most of them have to agree. */
  const wholeSetOf = async (hosts: readonly string[]) => {
    const said = await Promise.all(
      hosts.map(async (host) => {
        const watched = await bed.sentinel(host, 'sentinel master cache')
        const field = (name: string) => new RegExp(`^${name}\n(.*)$`, 'm').exec(watched.replaceAll('\r', ''))?.[1]
        return ['num-slaves', 'num-other-sentinels', 'quorum', 'flags'].map(field).join()
      }),
    )
    const [rest, most] = [hosts.length - 1, Math.floor(hosts.length / 2) + 1]
    expect(said).toEqual(hosts.map(() => `${rest},${rest},${most},master`))
    const master = await bed.masters()
    expect(hosts).toContain(master)
    expect(await bed.redis(master, 'info replication')).toContain(`connected_slaves:${rest}`)
  }
  /** Nothing of the set runs there or would start at a boot, and what was on its disk is there. */
  const hasLeft = async (host: string) => {
    expect(await bed.on(host, 'systemctl is-active redis-server redis-sentinel || true')).toMatch(
      /^(inactive|failed)\s(inactive|failed)$/,
    )
    expect(await bed.on(host, 'systemctl is-enabled redis-server redis-sentinel || true')).toBe('disabled\ndisabled')
    expect(await bed.on(host, 'ls /etc/redis/*.conf 2>/dev/null || ls -d /etc/redis/*.left-*')).toMatch(
      /redis\.conf\.left-.*\n.*sentinel\.conf\.left-/,
    )
  }

  test('another master on purpose, under a client that writes', async () => {
    const from = await bed.masters()
    const [to = ''] = others(from)
    const before = await bed.pids()
    await underClients(`switchover from ${from} to ${to}`, HOSTS, () => done('db', 'switchover', 'lab', to))
    expect(await bed.masters()).toBe(to)
    expect(await bed.pids()).toEqual(before)
    expect(await done('db', 'switchover', 'lab', to)).toMatch(/nothing to do/)
    await wholeSetOf(HOSTS)
  })

  test('none is made while the set is not whole', async () => {
    const [one = '', other = ''] = others(await bed.masters())
    await bed.on(one, 'systemctl stop redis-server')
    expect(await refused('db', 'switchover', 'lab', other)).toMatch(
      /not whole: .*first: deploy repair-redis lab --cluster cache/,
    )
    await done('repair-redis', 'lab')
  })

  test('newer packages are brought by the role', async () => {
    expect(await refused('db', 'upgrade', 'lab')).toContain("give the role packages: 'latest'")
  })

  test('a host that only left the inventory is warned of', async () => {
    const [out = ''] = others(await bed.masters())
    inventory(others(out))
    const { stdout } = await bed.deploy('plan', 'lab')
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain(
      `node of no playbook: ${address(out)} is no node of the playbook and belongs to the set`,
    )
    inventory(HOSTS)
    expect((await bed.deploy('plan', 'lab')).stdout).not.toContain('node of no playbook')
  })

  test('one that is the master is left to be it, until it is back in the inventory', async () => {
    const master = await bed.masters()
    inventory(others(master))
    expect(await refused('repair-redis', 'lab')).toContain(
      `${address(master)} is the master, and is no node of the playbook`,
    )
    expect(await refused('apply', 'lab')).toContain(`${address(master)} is the master, and is no node of the playbook`)
    expect(await bed.masters()).toBe(master)
    inventory(HOSTS)
    expect(await done('repair-redis', 'lab')).toMatch(/nothing to do/)
  })

  test.each(['a replica', 'the master'])('%s leaves, under a client that writes, and comes back', async (which) => {
    const master = await bed.masters()
    const out = which === 'the master' ? master : (others(master).at(-1) ?? '')
    const rest = others(out)
    const before = await bed.pids()
    await underClients(`${which}, ${out}, leaves`, rest, () => done('db', 'remove-node', 'lab', out))
    await wholeSetOf(rest)
    await hasLeft(out)
    expect({ ...(await bed.pids()), [out]: '' }).toEqual({ ...before, [out]: '' })
    expect(await done('db', 'remove-node', 'lab', out)).toMatch(/nothing to do/)
    await hasLeft(out)
    inventory(rest)
    expect(await done('apply', 'lab')).toMatch(/nothing to do/)
    expect((await bed.deploy('plan', 'lab')).stdout).not.toContain('node of no playbook')

    inventory(HOSTS)
    await underClients(`${out} comes back`, rest, () => done('db', 'add-node', 'lab', out))
    await wholeSetOf(HOSTS)
    expect(await bed.redis(out, `get k${KEYS}`)).toBe(String(KEYS))
    expect(await done('repair-redis', 'lab')).toMatch(/nothing to do/)
  })

  test('a removal that is cut off at the boundaries of its stages is finished by resume', async () => {
    const out = others(await bed.masters()).at(-1) ?? ''
    await done('db', 'remove-node', 'lab', out)
    // At the first no host knows of the run.
    const entries = boundaries(lastJournal(lab.root)).slice(1)
    expect(entries.length).toBeGreaterThan(3)
    for (const entry of entries) {
      await done('db', 'add-node', 'lab', out)
      expect(`${entry}: ${await bed.killedAt(entry, 'db', 'remove-node', 'lab', out, '--yes')}`).toBe(`${entry}: true`)
      console.log(
        `killed after entry ${entry}: ${(await done('resume', 'lab')).match(/^Plan: .*/m)?.[0] ?? 'it had ended'}`,
      )
      await wholeSetOf(others(out))
      await hasLeft(out)
    }
    await done('db', 'add-node', 'lab', out)
    await wholeSetOf(HOSTS)
  }, 1_200_000)

  test('one that is off for good is forgotten, and comes back as a node while it is in the inventory', async () => {
    const [out = ''] = others(await bed.masters())
    const rest = others(out)
    await labKill(lab, out)
    await expect
      .poll(() => bed.sentinel(rest[0] ?? '', 'sentinel replicas cache'), { timeout: 30_000 })
      .toContain('s_down')
    const ran = await bed.deploy('db', 'remove-node', 'lab', out, '--yes')
    console.log(`${out}, which is off, leaves: ${ran.code}`)
    await wholeSetOf(rest)
    const again = await bed.deploy('db', 'remove-node', 'lab', out, '--yes')
    expect(again.stdout).not.toContain('forget')
    expect([ran.code, again.code]).toEqual([3, 3])
    await labStart(lab, out)
    inventory(HOSTS)
    await done('repair-redis', 'lab')
    await wholeSetOf(HOSTS)
  })
})
