import { setTimeout as delay } from 'node:timers/promises'
import { beforeAll, expect, test } from 'vitest'
import { labDestroy, labUp } from '../../../src/lab/lab.ts'
import { describeOnLab, useLab } from '../../hosts/support/lab.ts'
import { type Bed, makeBed } from '../bed.ts'
import { built, repaired, whole } from '../repaired.ts'

const NODES = ['app1', 'app2', 'app3']
const CAUGHT_UP = '/usr/local/lib/evenkeel/postgres-caught-up'

describeOnLab('a database node that is lost for good', () => {
  const lab = useLab('replace', NODES)
  let bed: Bed

  beforeAll(async () => {
    bed = makeBed(lab)
    await built(bed)
  }, 300_000)

  /** Looks at a node until it is told to stop: whether it says that it has caught up before its server streams. */
  function watchHealth(host: string) {
    const said: string[] = []
    let ended = false
    const look = async () => {
      while (!ended) {
        // Streaming is asked last: what it says after it may be true already.
        const seen = await bed
          .on(
            host,
            `[ -x ${CAUGHT_UP} ] || exit 1; if ${CAUGHT_UP} >/dev/null 2>&1; then echo yes; else echo no; fi; timeout 5 runuser -u postgres -- psql -XAtqw -c 'select status from pg_stat_wal_receiver' 2>/dev/null || true`,
          )
          .catch(() => '')
        if (seen !== '') said.push(seen.replace('\n', ' '))
        await delay(200)
      }
    }
    const looking = look()
    return {
      async end(): Promise<readonly string[]> {
        ended = true
        await looking
        return said
      },
    }
  }

  test.each(['a standby', 'the primary'])('%s: an empty machine of its name, and one apply', async (which) => {
    const before = await bed.primary()
    const host = which === 'the primary' ? before : (NODES.find((one) => one !== before) ?? '')
    const load = await bed.write(NODES.filter((one) => one !== host))
    await expect.poll(load.count, { timeout: 30_000 }).toBeGreaterThan(20)
    await labDestroy(lab, host)
    await expect.poll(() => bed.primary(), { timeout: 90_000 }).toMatch(which === 'the primary' ? /^app\d$/ : before)
    const primary = await bed.primary()
    await labUp(lab)
    expect((await bed.trust(host)).code).toBe(0)

    const health = watchHealth(host)
    const began = performance.now()
    const applied = await bed.deploy('apply', 'lab', '--yes')
    const seconds = (performance.now() - began) / 1000
    const said = await health.end()
    expect(`${applied.code} ${applied.code === 0 ? '' : applied.stdout + applied.stderr}`).toBe('0 ')
    const written = await load.end()
    console.log(
      `${which} replaced by one apply in ${seconds.toFixed(1)} s; ${written.refused} writes failed, ${written.unknown.length} unknown, longest pause ${(written.longestPause / 1000).toFixed(1)} s`,
    )
    expect(said.filter((one) => one.startsWith('no')).length).toBeGreaterThan(0)
    expect(said.filter((one) => one.startsWith('yes') && one !== 'yes streaming')).toEqual([])
    expect(await bed.on(host, `${CAUGHT_UP} && echo yes`)).toBe('yes')
    expect(await bed.primary()).toBe(primary)
    expect(await load.lost()).toEqual([])
    expect((await repaired(bed)).steps).toEqual([])
    expect(await whole(bed)).toEqual([])
  })
})
