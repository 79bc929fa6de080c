import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeOnLab, useLab } from '../../hosts/support/lab.ts'
import { type Bed, makeBed } from '../bed.ts'
import { boundaries, lastJournal } from '../journal.ts'
import { built, repaired, whole } from '../repaired.ts'
import { watchPrimaries } from '../watch.ts'

const NODES = ['app1', 'app2', 'app3']
const DATA = '/var/lib/postgresql/15/main'
/** More entries than the journal of a repair has. */
const MOST = 30

describeOnLab('a controller that is killed', () => {
  const lab = useLab('kill', NODES)
  let bed: Bed
  const figures: string[] = []

  beforeAll(async () => {
    bed = makeBed(lab)
    await built(bed)
  }, 300_000)

  afterAll(() => console.log(figures.join('\n')))

  const killed = async (entry: number, ...args: string[]) => {
    const { code } = await bed.project.deploy(args, {
      XDG_CONFIG_HOME: join(lab.root, 'config'),
      DEPLOY_FAILPOINT: `after:${entry}`,
    })
    return code === -1
  }

  test('a clone: killed at any entry of its journal, the next repair ends in the proof', async () => {
    const load = await bed.write()
    const [standby = ''] = NODES.filter((host) => host !== 'app1')
    let kills = 0
    for (let entry = 1; entry <= MOST; entry++) {
      await bed.on(standby, `systemctl stop postgresql@15-main; rm -rf ${DATA}`)
      if (!(await killed(entry, 'repair-db', 'lab', '--yes'))) break
      kills++
      const { steps, seconds } = await repaired(bed)
      figures.push(`a clone killed after entry ${entry}: ${seconds.toFixed(1)} s by ${steps.join(', ') || 'nothing'}`)
      expect(`${entry}: ${await whole(bed)}`).toBe(`${entry}: `)
    }
    await load.end()
    expect(kills).toBeGreaterThan(5)
    expect(kills).toBeLessThan(MOST)
    expect(await load.lost()).toEqual([])
    expect(await bed.primary()).toBe('app1')
  }, 900_000)

  test('a switchover: killed at the boundaries of its stages, there is one primary, and no commit is lost', async () => {
    expect((await bed.deploy('db', 'switchover', 'lab', 'app2', '--yes')).code).toBe(0)
    const entries = boundaries(lastJournal(lab.root))
    expect(entries.length).toBeGreaterThan(10)
    for (const entry of entries) {
      const from = await bed.primary()
      const to = from === 'app2' ? 'app1' : 'app2'
      const load = await bed.write()
      await expect.poll(load.count, { timeout: 30_000 }).toBeGreaterThan(20)
      const watch = await watchPrimaries(bed, NODES)
      expect(`${entry}: ${await killed(entry, 'db', 'switchover', 'lab', to, '--yes')}`).toBe(`${entry}: true`)
      const { steps, seconds } = await repaired(bed)
      const before = load.count()
      await expect.poll(() => load.count() - before, { timeout: 60_000 }).toBeGreaterThan(20)
      const { two } = await watch.end()
      const { refused, unknown, longestPause } = await load.end()
      figures.push(
        `a switchover killed after entry ${entry}: repaired in ${seconds.toFixed(1)} s by ${steps.join(', ') || 'nothing'}; ${(await bed.primary()) === to ? 'switched' : 'not switched'}; ${refused} writes failed, ${unknown.length} unknown, longest pause ${(longestPause / 1000).toFixed(1)} s`,
      )
      expect(two).toEqual([])
      expect(await load.lost()).toEqual([])
      expect([from, to]).toContain(await bed.primary())
      expect(`${entry}: ${await whole(bed)}`).toBe(`${entry}: `)
    }
  }, 1_500_000)
})
