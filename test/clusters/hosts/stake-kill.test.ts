import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { labKill, labStart } from '../../../src/lab/lab.ts'
import { describeOnLab, useLab } from '../../hosts/support/lab.ts'
import { agreeing, refusal, stayedDown } from '../at-stake.ts'
import { type Bed, makeBed } from '../bed.ts'
import { built, repaired, whole } from '../repaired.ts'
import { watchPrimaries } from '../watch.ts'

const NODES = ['app1', 'app2', 'app3']
const [DATA, BIN] = ['/var/lib/postgresql/15/main', '/usr/lib/postgresql/15/bin']
/** Seconds after which the controller is killed. */
const KILLS = [1, 3, 5, 7] as const

describeOnLab('a controller that is killed while data is at stake', () => {
  const lab = useLab('stake-kill', NODES)
  let bed: Bed
  const figures: string[] = []

  beforeAll(async () => {
    bed = makeBed(lab)
    await built(bed)
    const load = await bed.write()
    await load.end()
  }, 300_000)

  afterAll(() => console.log(figures.join('\n')))

  const others = (...hosts: readonly string[]) => NODES.filter((one) => !hosts.includes(one))
  const each = (hosts: readonly string[], script: string) => Promise.all(hosts.map((host) => bed.on(host, script)))
  const notes = (host: string, sql: string) =>
    bed.on(host, `timeout 20 runuser -u postgres -- psql -qXAt -d notes -c "${sql}"`)

  /** Somebody promotes a standby by hand beside the primary, and both take writes. */
  async function split(mark: number): Promise<{ readonly primary: string; readonly twin: string }> {
    const primary = await bed.primary()
    const [twin = ''] = others(primary)
    await each(NODES, 'systemctl stop repmgrd')
    await bed.ask(twin, 'select pg_promote()')
    await notes(primary, `insert into w (n) values (${-mark})`)
    await notes(twin, `insert into w (n) values (${-mark - 1})`)
    await each([primary, twin], "timeout 60 runuser -u postgres -- psql -qX -c 'checkpoint'")
    return { primary, twin }
  }

  /** The same command again, as somebody types it; where it is refused, what that says. */
  async function again(options: readonly string[]): Promise<void> {
    const ran = await bed.deploy('repair-db', 'lab', '--yes', ...options)
    if (ran.code === 4) await bed.deploy('repair-db', 'lab', '--yes', ...agreeing(await refusal(bed)))
  }

  /** What was given up lies on its node as it was: whole, and with what only it had. */
  async function copied(host: string, row: number): Promise<void> {
    const found = await bed.on(host, `ls -d ${DATA}.aside-*`)
    expect(found.split('\n'), found).toHaveLength(1)
    expect(await bed.on(host, `${BIN}/pg_controldata ${found} | grep 'cluster state'`)).toMatch(/shut down$/)
    await bed.on(host, `timeout 120 runuser -u postgres -- ${BIN}/pg_checksums --check -D ${found} >/dev/null`)
    const server = `-D ${found} -c config_file=/etc/postgresql/15/main/postgresql.conf -c data_directory=${found} -c listen_addresses= -c unix_socket_directories=/tmp -c port=5499 -c shared_preload_libraries=`
    const there = await bed.on(
      host,
      `cd /; cp -a ${found} ${found}.look; runuser -u postgres -- ${BIN}/pg_ctl -s -w -D ${found}.look -o "${server.replaceAll(found, `${found}.look`)}" -l /tmp/look.log start >/dev/null || { tail -n 5 /tmp/look.log; exit 1; }
runuser -u postgres -- psql -XAtq -h /tmp -p 5499 -d notes -c 'select count(*) from w where n = ${row}'
runuser -u postgres -- ${BIN}/pg_ctl -s -D ${found}.look -m immediate stop; rm -r ${found}.look ${found}`,
    )
    expect(there).toBe('1')
  }

  test('the one that was promoted by hand is kept, where somebody says so', async () => {
    const { primary, twin } = await split(9000)
    const given = ['--accept-data-loss', `${primary}=unknown`]
    const past = await refusal(bed, ...given)
    const ran = await bed.deploy('repair-db', 'lab', '--yes', ...agreeing(past))
    expect(`${ran.code} ${ran.code === 4 ? '' : ran.stdout + ran.stderr}`).toBe('4 ')
    expect(await bed.primary()).toBe(twin)
    const last = await refusal(bed)
    expect(last.hint).toContain(`To keep what the others have instead, stop the server of ${twin} there by hand`)
    const end = await bed.deploy('repair-db', 'lab', '--yes', ...agreeing(last))
    expect(`${end.code} ${end.code === 0 ? '' : end.stdout + end.stderr}`).toBe('0 ')
    await repaired(bed)
    expect(await bed.primary()).toBe(twin)
    expect(await notes(twin, 'select count(*) from w where n = -9001')).toBe('1')
    await each(NODES, `rm -rf ${DATA}.aside-*`)
    expect(await whole(bed)).toEqual([])
  })

  describe.each(KILLS)('after %i s', (seconds) => {
    test('two take writes, and one is given up', async () => {
      const mark = seconds * 10
      const { primary, twin } = await split(mark)
      const told = await refusal(bed)
      expect(told.hint).toContain(`by what was seen ${primary} is the one to keep`)
      const options = agreeing(told)
      const killed = await bed.killed(seconds, 'repair-db', 'lab', '--yes', ...options)
      await again(options)
      const { steps } = await repaired(bed)
      figures.push(`two primaries, killed after ${seconds} s (${killed}): left to do: ${steps.join(', ') || 'nothing'}`)
      expect(await bed.primary()).toBe(primary)
      expect(await notes(primary, `select count(*) from w where n = ${-mark}`)).toBe('1')
      await copied(twin, -mark - 1)
      expect(await whole(bed)).toEqual([])
    })

    test('a former primary and its standby hold what the new primary has not', async () => {
      const mark = 1000 + seconds * 10
      const { primary, twin } = await split(mark)
      const [sibling = ''] = others(primary, twin)
      await expect
        .poll(() => notes(sibling, `select count(*) from w where n = ${-mark}`), { timeout: 30_000 })
        .toBe('1')
      await bed.on(primary, 'systemctl stop postgresql@15-main')
      const told = await refusal(bed)
      const options = agreeing(told)
      expect(options).toHaveLength(4)
      const killed = await bed.killed(seconds, 'repair-db', 'lab', '--yes', ...options)
      await again(options)
      await repaired(bed)
      figures.push(`two nodes diverged, killed after ${seconds} s (${killed})`)
      expect(await bed.primary()).toBe(twin)
      await copied(primary, -mark)
      await bed.on(sibling, `ls -d ${DATA}.aside-* && rm -r ${DATA}.aside-*`)
      expect(await whole(bed)).toEqual([])
    })

    test('no primary is left, and a standby is promoted', async () => {
      const former = await bed.primary()
      await each(NODES, 'systemctl stop repmgrd')
      await labKill(lab, former)
      await expect
        .poll(async () => (await refusal(bed)).hint, { timeout: 120_000, interval: 2000 })
        .toContain(`--accept-data-loss ${former}=unknown`)
      const options = agreeing(await refusal(bed))
      const watch = await watchPrimaries(bed, others(former))
      const killed = await bed.killed(seconds, 'repair-db', 'lab', '--yes', ...options)
      const ran = await bed.deploy('repair-db', 'lab', '--yes', ...options)
      expect(`${ran.code} ${ran.code === 3 ? '' : ran.stdout + ran.stderr}`).toBe('3 ')
      const { two, primaries } = await watch.end()
      figures.push(`a promotion, killed after ${seconds} s (${killed}): primary ${primaries.join(', ')}`)
      expect(two).toEqual([])
      expect(primaries).toHaveLength(1)
      await labStart(lab, former)
      await stayedDown(bed, former)
      await again([])
      await repaired(bed)
      await each(NODES, `rm -rf ${DATA}.aside-*`)
      expect(await whole(bed)).toEqual([])
    })
  })
})
