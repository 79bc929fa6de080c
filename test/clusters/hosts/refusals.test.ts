import { beforeAll, expect, test } from 'vitest'
import { labKill, labStart } from '../../../src/lab/lab.ts'
import { describeOnLab, useLab } from '../../hosts/support/lab.ts'
import { type Bed, crashScript, makeBed } from '../bed.ts'
import { built, repaired, whole } from '../repaired.ts'
import { tracesOf } from '../traces.ts'

const NODES = ['app1', 'app2', 'app3']
const DATA = '/var/lib/postgresql/15/main'
const GUARD = '/usr/local/lib/evenkeel/postgres-guard'
const INITDB = `runuser -u postgres -- /usr/lib/postgresql/15/bin/initdb -k -D ${DATA} >/dev/null`
/** Starts data that is not a standby's although the guard says no. */
const FORCE = `mv ${GUARD} ${GUARD}.kept; ln -s /bin/true ${GUARD}; systemctl reset-failed postgresql@15-main; systemctl start postgresql@15-main; mv -f ${GUARD}.kept ${GUARD}`

/** What a refused repair says. */
interface Refused {
  readonly why: string
  readonly hint: string
  readonly sides: readonly { readonly host: string; readonly evidence: readonly string[] }[]
}

describeOnLab('a repair where data is at stake', () => {
  const lab = useLab('refusals', NODES)
  let bed: Bed

  beforeAll(async () => {
    bed = makeBed(lab)
    await built(bed)
  }, 300_000)

  /** Repairs, and an apply, are refused and leave no trace on any node that can be reached. */
  async function refused(reachable: readonly string[] = NODES): Promise<Refused> {
    const before = await tracesOf(bed, reachable)
    const planned = await bed.deploy('repair-db', 'lab', '--dry-run', '--json')
    expect(planned.code).toBe(4)
    const acted = await bed.deploy('repair-db', 'lab', '--yes')
    expect(`${acted.code} ${acted.code === 4 ? '' : acted.stdout + acted.stderr}`).toBe('4 ')
    expect(await tracesOf(bed, reachable)).toEqual(before)
    const { phases } = JSON.parse(planned.stdout)
    const { refusal, steps } = phases.at(-1).cluster
    expect(steps).toEqual([])
    for (const { host } of refusal.sides) expect(acted.stdout).toContain(host)
    // A server that runs writes on: its figure is another one a second later.
    const [words] = refusal.hint.split(/\d+ bytes|=\d+/)
    expect(acted.stdout.replaceAll(/\n +/g, ' ')).toContain(words)
    return refusal
  }

  const insert = (host: string, value: number) =>
    bed.on(host, `timeout 20 runuser -u postgres -- psql -qX -d notes -c 'insert into w (n) values (${value})'`)
  const others = (host: string) => NODES.filter((one) => one !== host)
  const data = (host: string, action: string) => bed.on(host, `systemctl stop repmgrd postgresql@15-main; ${action}`)

  /** Some rows of clients, which must be there in the end. */
  async function written() {
    const load = await bed.write()
    await expect.poll(load.count, { timeout: 30_000 }).toBeGreaterThan(20)
    await load.end()
    return load
  }

  /** The primary crashes, and another one takes over by itself. */
  async function failedOver(): Promise<{ readonly former: string; readonly primary: string }> {
    const former = await bed.primary()
    await bed.on(former, crashScript())
    await expect.poll(() => bed.primary(), { timeout: 90_000 }).toMatch(new RegExp(`^(${others(former).join('|')})$`))
    const primary = await bed.primary()
    const [sibling = ''] = others(former).filter((host) => host !== primary)
    await expect.poll(() => bed.ask(primary, 'select count(*) from pg_stat_replication'), { timeout: 60_000 }).toBe('1')
    await expect
      .poll(() => bed.on(sibling, 'cat /etc/pgbouncer/databases.ini'), { timeout: 60_000 })
      .toContain(lab.reach.hosts[primary]?.address)
    // The first checkpoint of its new timeline comes by itself at some time: not between two looks.
    await bed.ask(primary, 'checkpoint')
    return { former, primary }
  }

  test('split brain: two nodes take writes; then one of them holds what the other has not', async () => {
    const load = await written()
    const { former, primary } = await failedOver()
    await bed.on(former, `systemctl stop repmgrd; ${FORCE}`)
    await insert(former, -1)
    await insert(primary, -2)
    expect((await bed.primary()).split(',')).toEqual([former, primary].toSorted())
    const split = await refused()
    expect(split.why).toContain('take writes at the same time (split brain)')
    expect(split.sides.map(({ host }) => host).toSorted()).toEqual([former, primary].toSorted())
    const only = /^only here: \d+ commits?, .*, in .*notes\.public\.w/
    for (const { evidence } of split.sides) expect(evidence).toContainEqual(expect.stringMatching(only))

    // By hand, it is the other refusal.
    expect(split.hint).toContain(`by what was seen ${primary} is the one to keep (`)
    await bed.on(former, 'systemctl stop postgresql@15-main repmgrd')
    const past = await refused()
    expect(past.why).toMatch(
      new RegExp(`${former} holds changes that the primary ${primary} does not have.*: ${former} \\d+ bytes`),
    )
    expect(past.why).toMatch(/ bytes \(\d+ commits?, (at|from) .* UTC.*notes\.public\.w/)
    expect(past.hint).toContain(`--accept-data-loss ${former}=`)

    await bed.on(former, `mv ${DATA} ${DATA}.mine`)
    expect((await repaired(bed)).steps).toEqual(['clone standby', 'start repmgrd'])
    await bed.on(former, `rm -r ${DATA}.mine`)
    expect(await load.lost()).toEqual([])
    expect(await bed.ask(primary, 'select 1')).toBe('1')
    expect(await whole(bed)).toEqual([])
  })

  test('a standby that went on with a former primary is past the fork', async () => {
    const load = await written()
    const { former, primary } = await failedOver()
    const [sibling = ''] = others(former).filter((host) => host !== primary)
    await bed.on(sibling, 'systemctl stop repmgrd postgresql@15-main')
    await bed.on(former, `systemctl stop repmgrd; ${FORCE}`)
    await insert(former, -3)
    await bed.on(
      former,
      `systemctl stop postgresql@15-main; runuser -u postgres -- touch ${DATA}/standby.signal; systemctl start postgresql@15-main`,
    )
    await bed.on(sibling, 'systemctl start postgresql@15-main')
    await expect
      .poll(() => bed.ask(sibling, 'select status from pg_stat_wal_receiver'), { timeout: 60_000 })
      .toBe('streaming')
    expect(await bed.ask(former, 'select pg_is_in_recovery()')).toBe('t')
    const past = await refused()
    expect(past.why).toMatch(new RegExp(`^${former} holds changes .*${former} \\d+ bytes`))
    expect(past.sides.map(({ host }) => host)).toEqual([primary, former])

    // Somebody who has looked at it gives it up: what was said, and no more.
    const bytes = Number(/ (\d+) bytes/.exec(past.why)?.[1])
    expect(past.hint).toContain(`--accept-data-loss ${former}=${bytes}`)
    const half = Math.floor(bytes / 2)
    const less = await bed.deploy('repair-db', 'lab', '--yes', '--accept-data-loss', `${former}=${half}`)
    expect(`${less.code} ${less.stdout}`).toContain(`${half} were accepted`)
    expect(less.code).toBe(4)
    const gone = await bed.deploy('repair-db', 'lab', '--yes', '--accept-data-loss', `${former}=${bytes}`)
    expect(`${gone.code} ${gone.code === 0 ? '' : gone.stdout + gone.stderr}`).toBe('0 ')
    const kept = await bed.on(
      former,
      `cd ${DATA}.aside-*; runuser -u postgres -- /usr/lib/postgresql/15/bin/pg_controldata . | grep -c state`,
    )
    expect(kept).toBe('1')
    await repaired(bed)
    await bed.on(former, `rm -r ${DATA}.aside-*`)
    expect(await load.lost()).toEqual([])
    expect(await whole(bed)).toEqual([])
  })

  test("another database cluster stands in a standby's place", async () => {
    const load = await written()
    const [host = ''] = others(await bed.primary())
    await data(host, `mv ${DATA} ${DATA}.mine; ${INITDB}; ${FORCE}`)
    await bed.on(host, 'runuser -u postgres -- psql -qX -c "create table mine (n int)"')
    const other = await refused()
    expect(other.why).toMatch(new RegExp(`^${host} has data of another database cluster than `))

    await data(host, `rm -r ${DATA}; mv ${DATA}.mine ${DATA}`)
    expect((await repaired(bed)).steps).toEqual(['start server', 'start repmgrd'])
    expect(await load.lost()).toEqual([])
    expect(await whole(bed)).toEqual([])
  })

  test('no primary, and a node that cannot be asked', async () => {
    const load = await written()
    const primary = await bed.primary()
    await Promise.all(NODES.map((host) => bed.on(host, 'systemctl stop repmgrd')))
    await labKill(lab, primary)
    const unseen = await refused(others(primary))
    expect(unseen.why).toBe(`no server takes writes, and ${primary} cannot be asked, and may hold the newest data`)
    expect(unseen.sides.map(({ host }) => host).toSorted()).toEqual(NODES)

    await labStart(lab, primary)
    await repaired(bed)
    expect(await bed.primary()).toBe(primary)
    expect(await load.lost()).toEqual([])
    expect(await whole(bed)).toEqual([])
  })

  test('no primary: its data is gone, and standbys are left', async () => {
    const load = await written()
    const primary = await bed.primary()
    await Promise.all(NODES.map((host) => bed.on(host, 'systemctl stop repmgrd')))
    await data(primary, `mv ${DATA} ${DATA}.mine`)
    const none = await refused()
    expect(none.why).toMatch(
      new RegExp(
        `^no server takes writes, and all that is left are standbys: ${primary}, which .* followed, has no data`,
      ),
    )
    expect(none.hint).toContain(`bring back the data of ${primary} (its disk, or what was moved away)`)

    await bed.on(primary, `mv ${DATA}.mine ${DATA}`)
    await repaired(bed)
    expect(await bed.primary()).toBe(primary)
    expect(await load.lost()).toEqual([])
    expect(await whole(bed)).toEqual([])
  })

  test('most nodes cannot be seen, and the one that is takes writes', async () => {
    const load = await written()
    const primary = await bed.primary()
    await Promise.all(others(primary).map((host) => labKill(lab, host)))
    const unseen = await refused([primary])
    expect(unseen.why).toContain('most of the cluster cannot be seen')

    await Promise.all(others(primary).map((host) => labStart(lab, host)))
    await repaired(bed)
    expect(await load.lost()).toEqual([])
    expect(await whole(bed)).toEqual([])
  })
})
