import { afterAll, beforeAll, expect, test } from 'vitest'
import { labKill, labStart } from '../../../src/lab/lab.ts'
import { describeOnLab, useLab } from '../../hosts/support/lab.ts'
import { type Bed, crashScript, makeBed } from '../bed.ts'
import { built, repaired, whole } from '../repaired.ts'
import { watchPrimaries } from '../watch.ts'

const NODES = ['app1', 'app2', 'app3']
/** P is the primary; A and B are its standbys. */
const ORDERS = ['PAB', 'PBA', 'APB', 'BPA', 'ABP', 'BAP', 'all at once']

describeOnLab('power loss of all nodes at once', () => {
  const lab = useLab('coldstart', NODES)
  let bed: Bed
  const figures: string[] = []

  beforeAll(async () => {
    bed = makeBed(lab)
    await built(bed)
  }, 300_000)

  afterAll(() => console.log(figures.join('\n')))

  /** All lose power while clients write. Gives how it is proven that none of their commits was lost. */
  async function blackout(through: readonly string[] = NODES) {
    const load = await bed.write(through)
    await expect.poll(load.count, { timeout: 30_000 }).toBeGreaterThan(50)
    await Promise.all(NODES.map((host) => labKill(lab, host)))
    const { acknowledged } = await load.end()
    return { acknowledged, lost: load.lost }
  }

  const named = (primary: string) => {
    const [a = '', b = ''] = NODES.filter((host) => host !== primary)
    return new Map([
      ['P', primary],
      ['A', a],
      ['B', b],
    ])
  }

  test.each(ORDERS)('booted in the order %s', async (order) => {
    const primary = await bed.primary()
    const host = named(primary)
    const watch = await watchPrimaries(bed, NODES)
    const { acknowledged, lost } = await blackout()
    if (order.length > 3) await Promise.all(NODES.map((one) => labStart(lab, one)))
    else for (const letter of order) await labStart(lab, host.get(letter) ?? '')
    const looked = await bed.deploy('repair-db', 'lab', '--dry-run', '--json')
    const { phases } = JSON.parse(looked.stdout)
    const { primary: told, steps: planned } = phases.at(-1).cluster
    const { steps, seconds } = await repaired(bed)
    const { two, primaries } = await watch.end()
    figures.push(
      `${order}: ${acknowledged.length} acknowledged; ${told?.host}: ${told?.why}; planned ${planned.map(({ name }: { name: string }) => name).join(', ') || 'nothing'}; repaired in ${seconds.toFixed(1)} s by ${steps.join(', ') || 'nothing'}`,
    )
    expect(two).toEqual([])
    expect(new Set(primaries)).toEqual(new Set([primary]))
    expect(told.host).toBe(primary)
    expect(await bed.primary()).toBe(primary)
    expect(await lost()).toEqual([])
    expect(await whole(bed)).toEqual([])
  })

  test('the primary is late: nobody is promoted meanwhile, and the repair says whom it waits for', async () => {
    const primary = await bed.primary()
    const others = NODES.filter((one) => one !== primary)
    const watch = await watchPrimaries(bed, NODES)
    const { lost } = await blackout()
    await Promise.all(others.map((one) => labStart(lab, one)))
    await expect.poll(() => bed.ask(others[0] ?? '', 'select 1').catch(() => ''), { timeout: 60_000 }).toBe('1')
    const refused = await bed.deploy('repair-db', 'lab', '--yes')
    expect(`${refused.code} ${refused.stdout}${refused.stderr}`).toMatch(
      new RegExp(`^4 (.|\\n)*no server takes writes, and ${primary} cannot be asked, and may hold the newest data`),
    )
    expect(await bed.primary()).toBe('')
    await labStart(lab, primary)
    const { seconds, steps } = await repaired(bed)
    const { two, primaries } = await watch.end()
    figures.push(`the primary late: repaired in ${seconds.toFixed(1)} s by ${steps.join(', ') || 'nothing'}`)
    expect(two).toEqual([])
    expect(new Set(primaries)).toEqual(new Set([primary]))
    expect(await lost()).toEqual([])
    expect(await whole(bed)).toEqual([])
  })

  test('a former primary that nobody mended, and the last one boot at one moment: one of them is the primary', async () => {
    const former = await bed.primary()
    await bed.on(former, crashScript())
    const others = NODES.filter((one) => one !== former)
    await expect.poll(() => bed.primary(), { timeout: 90_000 }).toMatch(new RegExp(`^(${others.join('|')})$`))
    const primary = await bed.primary()
    const start = 'systemctl reset-failed postgresql@15-main; ! systemctl start postgresql@15-main'
    await bed.on(former, start)
    const watch = await watchPrimaries(bed, NODES)
    const { lost } = await blackout(others)
    await labStart(lab, former)
    await expect
      .poll(() => bed.on(former, 'systemctl is-failed postgresql@15-main || true').catch(() => ''), { timeout: 60_000 })
      .toBe('failed')
    // Alone, it stays down as well.
    await bed.on(former, start)
    await Promise.all(others.map((one) => labStart(lab, one)))
    const { seconds, steps } = await repaired(bed)
    const { two, primaries } = await watch.end()
    figures.push(`a former primary beside: repaired in ${seconds.toFixed(1)} s by ${steps.join(', ')}`)
    expect(two).toEqual([])
    expect(new Set(primaries)).toEqual(new Set([primary]))
    expect(await lost()).toEqual([])
    expect(await whole(bed)).toEqual([])
  })

  test('a standby is late: the others write, and it is told', async () => {
    const primary = await bed.primary()
    const [late = '', other = ''] = NODES.filter((one) => one !== primary)
    const watch = await watchPrimaries(bed, NODES)
    const { lost } = await blackout()
    await Promise.all([primary, other].map((one) => labStart(lab, one)))
    // Its guard asks the late one as well, which takes some seconds.
    await expect.poll(() => bed.primary(), { timeout: 30_000 }).toBe(primary)
    const first = await bed.deploy('repair-db', 'lab', '--yes')
    expect(`${first.code} ${first.code === 3 ? '' : first.stdout + first.stderr}`).toBe('3 ')
    const load = await bed.write([primary, other])
    await expect.poll(load.count, { timeout: 30_000 }).toBeGreaterThan(20)
    await load.end()
    await labStart(lab, late)
    const { seconds, steps } = await repaired(bed)
    const { two } = await watch.end()
    figures.push(`a standby late: repaired in ${seconds.toFixed(1)} s by ${steps.join(', ') || 'nothing'}`)
    expect(two).toEqual([])
    expect([...(await lost()), ...(await load.lost())]).toEqual([])
    expect(await bed.primary()).toBe(primary)
    expect(await whole(bed)).toEqual([])
  })
})
