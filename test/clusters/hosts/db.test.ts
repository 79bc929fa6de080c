import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeOnLab, useLab } from '../../hosts/support/lab.ts'
import { type Bed, makeBed } from '../bed.ts'
import { built, repaired, whole } from '../repaired.ts'
import { tracesOf } from '../traces.ts'
import { watchPrimaries } from '../watch.ts'

const MEMBERS = ['app1', 'app2', 'app3']
const DATA = '/var/lib/postgresql/15/main'

describeOnLab('who is in a cluster, and who is its primary', () => {
  const lab = useLab('db', [...MEMBERS, 'off1'])
  let bed: Bed
  const figures: string[] = []

  beforeAll(async () => {
    bed = makeBed(lab, { replicas: ['off1'] })
    await built(bed)
  }, 300_000)

  afterAll(() => console.log(figures.join('\n')))

  const postmasters = (hosts: readonly string[]) =>
    Promise.all(hosts.map((host) => bed.on(host, `head -n 1 ${DATA}/postmaster.pid`)))
  const nodes = async () => {
    const { clusters } = JSON.parse((await bed.deploy('status', 'lab', '--json')).stdout)
    return clusters[0].nodes.map(({ host, role }: { host: string; role: string }) => `${host} ${role}`)
  }

  test.each([
    ['app1', 'app2', 'async'],
    ['app2', 'app1', 'async'],
    ['app1', 'app3', 'sync'],
    ['app3', 'app1', 'sync'],
  ])('a switchover from %s to %s (%s): no write fails', async (from, to, durability) => {
    bed.playbook(`durability: '${durability}'`)
    expect((await bed.deploy('apply', 'lab', '--yes')).code).toBe(0)
    const spared = MEMBERS.filter((host) => host !== from)
    const before = await postmasters([...spared, 'off1'])
    const load = await bed.write()
    await expect.poll(load.count, { timeout: 30_000 }).toBeGreaterThan(20)
    const watch = await watchPrimaries(bed, lab.hosts)
    const began = performance.now()
    const ran = await bed.deploy('db', 'switchover', 'lab', to, '--yes')
    const seconds = (performance.now() - began) / 1000
    const counted = load.count()
    await expect.poll(() => load.count() - counted, { timeout: 30_000 }).toBeGreaterThan(60)
    const { two, primaries } = await watch.end()
    const { acknowledged, refused, unknown, pauses } = await load.end()
    figures.push(
      `${from} to ${to}, ${durability}: ${seconds.toFixed(1)} s; ${acknowledged.length} acknowledged, ${refused} failed, ${unknown.length} unknown; longest pauses ${Object.entries(
        pauses,
      )
        .map(([host, pause]) => `${host} ${Math.round(pause)} ms`)
        .join(', ')}`,
    )
    expect(`${ran.code} ${ran.code === 0 ? '' : ran.stdout + ran.stderr}`).toBe('0 ')
    expect({ refused, unknown }).toEqual({ refused: 0, unknown: [] })
    expect(two).toEqual([])
    expect(primaries).toEqual([from, to])
    expect(await load.lost()).toEqual([])
    expect(await postmasters([...spared, 'off1'])).toEqual(before)
    expect((await repaired(bed)).steps).toEqual([])
    expect(await whole(bed)).toEqual([])
  })

  test.each([
    ['a host of another name', ['switchover', 'lab', 'app9'], 64, /app9/],
    ['a replica', ['switchover', 'lab', 'off1'], 4, /off1 cannot be the primary: it is a replica/],
    ['the primary leaves', ['remove-node', 'lab', 'app1'], 4, /app1 is the primary/],
    ['a node nobody knows leaves', ['remove-node', 'lab', 'app9'], 64, /node "app9" is not known/],
    ['a node that is not in the inventory joins', ['add-node', 'lab', 'app9'], 64, /app9/],
  ])('refused: %s', async (_, args, code, words) => {
    const before = await tracesOf(bed, lab.hosts)
    const ran = await bed.deploy('db', ...args, '--yes')
    expect(ran.stdout + ran.stderr).toMatch(words)
    expect(ran.code).toBe(code)
    expect(await tracesOf(bed, lab.hosts)).toEqual(before)
  })

  test('refused: a switchover while the cluster is not whole', async () => {
    await bed.on('app3', 'systemctl stop postgresql@15-main')
    const ran = await bed.deploy('db', 'switchover', 'lab', 'app2', '--yes')
    expect(ran.stdout + ran.stderr).toMatch(/the cluster is not whole; first: start server app3/)
    expect(ran.code).toBe(4)
    await repaired(bed)
  })

  test('switched to where it is already: nothing to do', async () => {
    const before = await tracesOf(bed, lab.hosts)
    const ran = await bed.deploy('db', 'switchover', 'lab', 'app1', '--yes')
    expect(`${ran.code} ${ran.stdout}`).toMatch(/^0 [\s\S]*nothing to do/)
    expect(await tracesOf(bed, lab.hosts)).toEqual(before)
  })

  test.each(['app3', 'off1'])('%s leaves and comes back', async (host) => {
    bed.playbook("durability: 'async'")
    expect((await bed.deploy('apply', 'lab', '--yes')).code).toBe(0)
    const load = await bed.write(['app1', 'app2'])
    await expect.poll(load.count, { timeout: 30_000 }).toBeGreaterThan(20)
    const slots = () => bed.ask('app1', 'select count(*) from pg_replication_slots')
    const before = await postmasters(['app1', 'app2'])
    expect(await slots()).toBe('3')

    const left = await bed.deploy('db', 'remove-node', 'lab', host, '--yes')
    expect(`${left.code} ${left.code === 0 ? '' : left.stdout + left.stderr}`).toBe('0 ')
    expect(await slots()).toBe('2')
    expect(await nodes()).toContain(`${host} down`)
    expect(await bed.on(host, `test -e ${DATA}/PG_VERSION && echo there`)).toBe('there')
    expect(await bed.on(host, 'systemctl is-enabled repmgrd || true')).toBe('disabled')
    const again = await bed.deploy('db', 'remove-node', 'lab', host, '--yes')
    expect(`${again.code} ${again.stdout}`).toMatch(/^0 [\s\S]*nothing to do/i)

    const back = await bed.deploy('db', 'add-node', 'lab', host, '--yes')
    expect(`${back.code} ${back.code === 0 ? '' : back.stdout + back.stderr}`).toBe('0 ')
    expect(await nodes()).toEqual(['app1 primary', 'app2 standby', 'app3 standby', 'off1 standby'])
    expect(await slots()).toBe('3')
    const { refused, unknown } = await load.end()
    expect({ refused, unknown }).toEqual({ refused: 0, unknown: [] })
    expect(await load.lost()).toEqual([])
    expect(await postmasters(['app1', 'app2'])).toEqual(before)
    expect((await repaired(bed)).steps).toEqual([])
    expect(await whole(bed)).toEqual([])
  })
})
