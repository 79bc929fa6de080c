import { afterAll, beforeAll, expect, test } from 'vitest'
import { labKill, labStart } from '../../../src/lab/lab.ts'
import { describeOnLab, useLab } from '../../hosts/support/lab.ts'
import { type Bed, crashScript, makeBed } from '../bed.ts'
import { built, type Repaired, repaired, whole } from '../repaired.ts'
import { watchPrimaries } from '../watch.ts'

const NODES = ['app1', 'app2', 'app3']
const DATA = '/var/lib/postgresql/15/main'
/** Seconds in which a lost primary must be replaced. */
const REPLACED_WITHIN = 60

/** How a primary is lost, and how its host comes back. */
interface Loss {
  readonly name: string
  readonly lose: (bed: Bed, host: string) => Promise<unknown>
  readonly back: (bed: Bed, host: string) => Promise<unknown>
}

describeOnLab('a lost primary', () => {
  const lab = useLab('failover', NODES)
  let bed: Bed
  const figures: string[] = []

  const LOSSES: readonly Loss[] = [
    {
      name: 'its host loses power',
      lose: (_, host) => labKill(lab, host),
      back: (_, host) => labStart(lab, host),
    },
    {
      name: 'its server crashes, and is started again by hand',
      lose: (bed, host) => bed.on(host, crashScript()),
      back: (bed, host) =>
        bed.on(host, 'systemctl reset-failed postgresql@15-main; systemctl start postgresql@15-main || true'),
    },
    {
      name: 'somebody stops its server, and starts it again',
      lose: (bed, host) => bed.on(host, 'systemctl stop postgresql@15-main'),
      back: (bed, host) => bed.on(host, 'systemctl start postgresql@15-main || true'),
    },
    {
      name: 'its host loses power again',
      lose: (_, host) => labKill(lab, host),
      back: (_, host) => labStart(lab, host),
    },
  ]

  beforeAll(async () => {
    bed = makeBed(lab)
    bed.playbook("durability: 'sync'")
    await built(bed)
  }, 300_000)

  afterAll(() => console.log(figures.join('\n')))

  /** A former primary may hold commits that nobody was told of: then somebody says that they are not needed. */
  async function mended(former: string): Promise<Repaired & { readonly moved: boolean }> {
    const looked = await bed.deploy('repair-db', 'lab', '--dry-run', '--json')
    if (looked.code !== 4) return { ...(await repaired(bed)), moved: false }
    const refused = await bed.deploy('repair-db', 'lab', '--yes')
    expect(refused.code).toBe(4)
    expect(refused.stdout + refused.stderr).toMatch(new RegExp(`${former} holds changes .* ${former} \\d+ bytes`))
    await bed.on(former, `mv ${DATA} ${DATA}.before`)
    const end = await repaired(bed)
    await bed.on(former, `rm -r ${DATA}.before`)
    return { ...end, moved: true }
  }

  test.each(LOSSES)(
    '$name: another one takes over by itself, and it comes back as a standby',
    async ({ name, lose, back }) => {
      const former = await bed.primary()
      const others = NODES.filter((host) => host !== former)
      expect(others).toHaveLength(2)
      const load = await bed.write()
      await expect.poll(load.count, { timeout: 30_000 }).toBeGreaterThan(20)
      const watch = await watchPrimaries(bed, NODES)

      await lose(bed, former)
      const began = performance.now()
      await expect
        .poll(() => bed.primary(), { timeout: REPLACED_WITHIN * 1000, interval: 200 })
        .toMatch(new RegExp(`^(${others.join('|')})$`))
      const promoted = (performance.now() - began) / 1000
      const before = load.count()
      await expect.poll(() => load.count() - before, { timeout: 60_000, interval: 100 }).toBeGreaterThan(20)
      const writing = (performance.now() - began) / 1000

      await back(bed, former)
      await expect
        .poll(() => bed.on(former, 'systemctl is-failed postgresql@15-main || true').catch(() => ''), {
          timeout: 60_000,
        })
        .toBe('failed')
      const { steps, seconds, moved } = await mended(former)
      const { two, primaries } = await watch.end()
      const written = await load.end()
      figures.push(
        `${name}: promoted after ${promoted.toFixed(1)} s, writing after ${writing.toFixed(1)} s, longest pause ${(written.longestPause / 1000).toFixed(1)} s, ${written.acknowledged.length} acknowledged, ${written.unknown.length} unknown; repaired in ${seconds.toFixed(1)} s by ${steps.join(', ')}${moved ? ' (moved aside by hand)' : ''}`,
      )
      expect(two).toEqual([])
      expect(primaries).toHaveLength(2)
      expect(await load.lost()).toEqual([])
      expect(await bed.primary()).not.toBe(former)
      expect(await whole(bed)).toEqual([])
    },
  )
})
