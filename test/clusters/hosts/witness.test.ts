import { beforeAll, expect, test } from 'vitest'
import { labCut, labHeal, labKill, labStart } from '../../../src/lab/lab.ts'
import { describeOnLab, useLab } from '../../hosts/support/lab.ts'
import { documentOf } from '../../hosts/support/project.ts'
import { type Bed, makeBed } from '../bed.ts'
import { built, repaired, whole } from '../repaired.ts'

const NO_MAJORITY = /unable to reach a qualified majority of nodes|no majority|quorum/i

describeOnLab('two members and a witness', () => {
  const lab = useLab('witness', ['app1', 'app2', 'vote'])
  let bed: Bed

  beforeAll(async () => {
    bed = makeBed(lab, { witness: ['vote'] })
    await built(bed)
  }, 300_000)

  /** What repmgrd says on a node from now on. */
  async function listen(host: string): Promise<() => Promise<string>> {
    const since = await bed.on(host, 'date +%s')
    return () => bed.on(host, `journalctl -q --no-pager -o cat -u repmgrd --since=@${since}`)
  }

  test('are built by one apply; a second one changes nothing', async () => {
    const second = await bed.deploy('apply', 'lab', '--yes', '--json')
    expect(documentOf(second).summary.changes).toBe(0)
    const { stdout } = await bed.deploy('status', 'lab', '--json')
    const { nodes } = JSON.parse(stdout).clusters[0]
    expect(nodes.map(({ role }: { role: string }) => role)).toEqual(['primary', 'standby', 'witness'])
  })

  test('a standby that is cut off from both is not promoted', async () => {
    const said = await listen('app2')
    await labCut(lab, 'app2')
    await expect.poll(said, { timeout: 90_000 }).toMatch(NO_MAJORITY)
    expect(await bed.primary()).toBe('app1')
    await labHeal(lab, 'app2')
    await expect
      .poll(() => bed.ask('app2', 'select status from pg_stat_wal_receiver'), { timeout: 90_000 })
      .toBe('streaming')
    await repaired(bed)
    expect(await bed.primary()).toBe('app1')
  })

  test('with the witness away, a lost primary is replaced by nobody; back, it is the primary again', async () => {
    const load = await bed.write()
    await expect.poll(load.count, { timeout: 30_000 }).toBeGreaterThan(20)
    await load.end()
    await labKill(lab, 'vote')
    const said = await listen('app2')
    await labKill(lab, 'app1')
    await expect.poll(said, { timeout: 120_000 }).toMatch(NO_MAJORITY)
    expect(await bed.primary()).toBe('')
    const refused = await bed.deploy('repair-db', 'lab', '--yes')
    expect(refused.code).toBe(4)
    expect(refused.stdout).toContain('no server takes writes, and app1 cannot be asked, and may hold the newest data')

    await Promise.all([labStart(lab, 'app1'), labStart(lab, 'vote')])
    await repaired(bed)
    expect(await bed.primary()).toBe('app1')
    expect(await load.lost()).toEqual([])
    expect(await whole(bed)).toEqual([])
  })

  test('a lost primary is replaced by the standby, which the witness votes for', async () => {
    const load = await bed.write()
    await expect.poll(load.count, { timeout: 30_000 }).toBeGreaterThan(20)
    await labKill(lab, 'app1')
    await expect.poll(() => bed.primary(), { timeout: 90_000 }).toBe('app2')
    const before = load.count()
    await expect.poll(() => load.count() - before, { timeout: 60_000 }).toBeGreaterThan(20)
    await labStart(lab, 'app1')
    await repaired(bed)
    await load.end()
    expect(await load.lost()).toEqual([])
    expect(await bed.primary()).toBe('app2')
    expect(await whole(bed)).toEqual([])
  })
})
