import { beforeAll, expect, test } from 'vitest'
import { labKill, labStart } from '../../../src/lab/lab.ts'
import { describeOnLab, useLab } from '../../hosts/support/lab.ts'
import type { Ran } from '../../hosts/support/project.ts'
import { type Bed, crashScript, makeBed } from '../bed.ts'
import { built, repaired, whole } from '../repaired.ts'
import { tracesOf } from '../traces.ts'

const NODES = ['app1', 'app2', 'app3']
const DATA = '/var/lib/postgresql/15/main'
const BIN = '/usr/lib/postgresql/15/bin'
const GUARD = '/usr/local/lib/evenkeel/postgres-guard'
/** Starts data that is not a standby's although the guard says no. */
const FORCE = `mv ${GUARD} ${GUARD}.kept; ln -s /bin/true ${GUARD}; systemctl reset-failed postgresql@15-main; systemctl start postgresql@15-main; mv -f ${GUARD}.kept ${GUARD}`

/** As psql takes it in a connection string. */
const ODD = `dbname='o"d\\'d \\\\ =x'`
/** A server that takes prepared transactions. */
const PREPARES = "durability: 'async', settings: { max_prepared_transactions: 5 }"
/** What is there before nodes part. */
const BEFORE = `
create table note (id int primary key, body text, at timestamptz, raw bytea, ratio float8, loud text generated always as (upper(body)) stored);
insert into note (id, body) values (1, 'one'), (2, 'two'), (3, 'three');
create table part (n int, kind text) partition by list (kind);
create table part_a partition of part for values in ('a');
create table "kid's" (id int generated always as identity primary key, note int references note, "co""l" text);
create table still (n int);
insert into still values (1)`
/** What only one node gets: it is to be read and written back to the letter. */
const OWN = `
insert into note (id, body, at, raw, ratio) values
  (10, E'it''s "quoted" \\\\ and\\n\\n-- on lines;\\t\\\\. :x', '2026-03-29 02:30:00.123456+02', '\\x00ff27', 0.1::float8 + 0.2),
  (11, null, 'infinity', '', 'NaN');
insert into "kid's" (note, "co""l") values (10, 'refers'), (1, 'too');
begin; insert into note (id, body) values (12, 'outer'); savepoint s; insert into note (id, body) values (13, 'inner'); commit;
begin; insert into note (id, body) values (14, 'never'); rollback;
insert into part values (1, 'a'), (2, 'a');
update note set body = 'two there' where id = 2;
delete from note where id = 3`
/** All of it but what the other side keeps as it has it. */
const SEEN = `
select * from note where id >= 10 order by id; select * from "kid's" order by id; select tableoid::regclass, * from part order by n`

describeOnLab('a repair that saves what is given up', () => {
  const lab = useLab('salvage', NODES)
  let bed: Bed

  beforeAll(async () => {
    bed = makeBed(lab)
    bed.playbook(PREPARES)
    await built(bed)
    const primary = await bed.primary()
    await sql(primary, 'dbname=postgres', `create database "o""d'd \\ =x"`)
    await sql(primary, ODD, 'create table "ta\nble" (t text)')
    await sql(primary, 'dbname=notes', BEFORE)
  }, 300_000)

  const others = (host: string) => NODES.filter((one) => one !== host)
  /** Statements as the superuser; what they give, as text that tells NULL from empty. */
  const sql = (host: string, database: string, statements: string) =>
    bed.on(
      host,
      `timeout 30 runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -P null=NULL -d '${database.replaceAll("'", `'\\''`)} host=/var/run/postgresql' <<'SQL'\n${statements};\nSQL`,
    )
  const control = (host: string, data: string) =>
    bed.on(
      host,
      `cd ${data}; sha256sum PG_VERSION; ${BIN}/pg_controldata . | grep -E 'state|checkpoint location|TimeLine'`,
    )
  const said = ({ code, stdout, stderr }: Ran) => `${code} ${stdout}${stderr}`

  /** The primary crashes, and another one takes over by itself. */
  async function failedOver(): Promise<{ readonly former: string; readonly primary: string }> {
    const former = await bed.primary()
    await bed.on(former, crashScript())
    await expect.poll(() => bed.primary(), { timeout: 90_000 }).toMatch(new RegExp(`^(${others(former).join('|')})$`))
    const primary = await bed.primary()
    await expect.poll(() => bed.ask(primary, 'select count(*) from pg_stat_replication'), { timeout: 60_000 }).toBe('1')
    // The first checkpoint of its new timeline comes by itself at some time: not between two looks.
    await bed.ask(primary, 'checkpoint')
    return { former, primary }
  }

  /** What a refusal says has to be accepted. */
  async function accepted(node: string): Promise<string> {
    const planned = await bed.deploy('repair-db', 'lab', '--dry-run', '--json')
    expect(planned.code).toBe(4)
    const { hint } = JSON.parse(planned.stdout).phases.at(-1).cluster.refusal
    return new RegExp(`--accept-data-loss (${node}=(\\d+|unknown))`).exec(hint)?.[1] ?? hint
  }

  /** Loads what was saved on a node into another one, as its comment says. */
  async function loaded(file: string, from: string, to: string): Promise<string> {
    const text = await bed.on(from, `base64 -w 0 ${file}`)
    return await bed.on(
      to,
      `cd /tmp && echo ${text} | base64 -d >salvage.sql && timeout 60 runuser -u postgres -- psql -qX -v ON_ERROR_STOP=1 -f salvage.sql postgres 2>&1; c=$?; rm salvage.sql; exit $c`,
    )
  }

  test('a former primary that took writes', async () => {
    const { former, primary } = await failedOver()
    await bed.on(former, `systemctl stop repmgrd; ${FORCE}`)
    await sql(former, 'dbname=notes', OWN)
    await sql(former, ODD, 'insert into "ta\nble" values (\'here\')')
    const seen = await sql(former, 'dbname=notes', SEEN)
    await bed.on(former, 'systemctl stop postgresql@15-main')
    const bytes = await accepted(former)

    // One that was killed left this.
    const copy = `${DATA}.salvage`
    await bed.on(
      former,
      `install -d -o postgres -m 0700 ${copy}; runuser -u postgres -- ${BIN}/initdb -D ${copy}/data >/dev/null
cd /; runuser -u postgres -- ${BIN}/pg_ctl -D ${copy}/data -l ${copy}/old -o "-p 5499 -k ${copy} -c listen_addresses=" start >/dev/null`,
    )
    const before = await control(former, DATA)
    const plan = await bed.deploy('repair-db', 'lab', '--dry-run', '--accept-data-loss', bytes, '--salvage')
    expect(said(plan)).toContain('its rows are saved there as SQL, in /var/lib/postgresql/15/salvage-*.sql')
    const ran = await bed.deploy('repair-db', 'lab', '--yes', '--accept-data-loss', bytes, '--salvage')
    expect(said(ran)).toMatch(/^0 /)
    expect(said(ran)).toMatch(/^app\d: saved as SQL in \S+: 10 rows: .*notes\.public\.note 5\b/m)
    expect(said(ran)).not.toContain('quoted')
    const file = /saved as SQL in (\/var\/lib\/postgresql\/15\/salvage-\d{8}T\d{6}Z\.sql): /.exec(ran.stdout)?.[1] ?? ''
    expect(await bed.on(former, `stat -c '%a %U' ${file}`)).toBe('600 postgres')
    expect(
      await bed.on(former, `ls -d ${copy}* 2>/dev/null; find /proc/[0-9]*/cwd -lname '${copy}*' 2>/dev/null; true`),
    ).toBe('')
    expect(await control(former, `${DATA}.aside-*`)).toBe(before)
    const text = await bed.on(former, `cat ${file}`)
    expect(text).toContain('-- notes.public.note: 5 rows, and 1 deleted there')
    expect(text).not.toContain('never')

    expect(await sql(primary, 'dbname=notes', SEEN)).not.toBe(seen)
    expect(await loaded(file, former, primary)).toBe('')
    expect(await sql(primary, 'dbname=notes', SEEN)).toBe(seen)
    expect(await sql(primary, 'dbname=notes', 'select id, body from note where id < 10 order by id')).toBe(
      '1|one\n2|two\n3|three',
    )
    expect(await sql(primary, ODD, 'select * from "ta\nble"')).toBe('here')
    await repaired(bed)
    await bed.on(former, `rm -r ${DATA}.aside-* ${file}`)
    expect(await whole(bed)).toEqual([])
  }, 400_000)

  test('a standby past the fork; first a backup, which has to end well', async () => {
    const { former, primary } = await failedOver()
    await bed.on(former, `systemctl stop repmgrd; ${FORCE}`)
    await sql(former, 'dbname=notes', "insert into note (id, body) values (20, 'of a standby')")
    await bed.on(
      former,
      `systemctl stop postgresql@15-main; runuser -u postgres -- touch ${DATA}/standby.signal; systemctl start postgresql@15-main`,
    )
    expect(await bed.ask(former, 'select pg_is_in_recovery()')).toBe('t')
    const unit = (run: string, more = '') =>
      bed.on(
        primary,
        `printf '%s\\n' '[Service]' 'ExecStart=/bin/sh -c "${run}"' ${more} >/etc/systemd/system/pg-backup.service; systemctl daemon-reload; systemctl reset-failed pg-backup 2>/dev/null; true`,
      )
    bed.playbook(`${PREPARES}, backup: 'pg-backup.service'`)
    const repair = async () =>
      await bed.deploy('repair-db', 'lab', '--yes', '--accept-data-loss', await accepted(former), '--salvage')
    const refused = async (why: RegExp) => {
      const before = await tracesOf(bed, [former])
      const ran = await repair()
      expect(ran.code).toBe(1)
      expect(said(ran)).toMatch(why)
      expect(await tracesOf(bed, [former])).toEqual(before)
    }
    await bed.on(former, 'systemctl stop repmgrd')
    await refused(/the backup failed here: pg-backup.service: there is no such unit/)
    await unit('echo the target is full; exit 3', 'Type=oneshot')
    await refused(/the backup failed here: pg-backup.service: exit-code[\s\S]*the target is full/)
    await unit('sleep 1; echo late; exit 3', '"[Unit]" CollectMode=inactive-or-failed')
    await refused(/the backup failed here: pg-backup.service: exit-code[\s\S]*late/)
    await unit('true', '"[Unit]" ConditionPathExists=/none')
    await refused(/the backup failed here: pg-backup.service: systemd did not run it: its conditions are not met/)

    // One that just runs, for longer than systemd is waited for otherwise, is waited for and then run once more.
    await unit('sleep 45; date +%%s >>/root/backed-up', 'Type=oneshot')
    await bed.on(primary, 'systemctl start --no-block pg-backup')
    const ran = await repair()
    expect(said(ran)).toMatch(/^0 /)
    expect(await bed.on(primary, 'wc -l </root/backed-up')).toBe('2')
    expect(said(ran)).toMatch(/notes\.public\.note 1\b/)
    expect(said(ran)).toMatch(new RegExp(`^${primary}: pg-backup.service has made a backup in \\d+ s$`, 'm'))
    const file = /saved as SQL in (\S+\.sql): /.exec(ran.stdout)?.[1] ?? ''
    const [backup, saved] = [
      await bed.on(primary, 'tail -n 1 /root/backed-up'),
      await bed.on(former, `stat -c %Y ${file}`),
    ]
    expect(Number(saved)).toBeGreaterThanOrEqual(Number(backup))
    expect(await bed.on(former, `cd ${DATA}.aside-*; ${BIN}/pg_controldata . | grep -c 'shut down in recovery'`)).toBe(
      '1',
    )
    expect(await loaded(file, former, primary)).toBe('')
    expect(await sql(primary, 'dbname=notes', 'select body from note where id = 20')).toBe('of a standby')
    await repaired(bed)
    await bed.on(former, `rm -r ${DATA}.aside-* ${file}`)
    expect(await whole(bed)).toEqual([])
  }, 400_000)

  test('what began before the nodes parted; a failure, and a power loss in the middle, leave the data as it is', async () => {
    bed.playbook(PREPARES)
    const former = await bed.primary()
    const [primary = '', third = ''] = others(former)
    await Promise.all(NODES.map((host) => bed.on(host, 'systemctl stop repmgrd')))
    await bed.on(third, 'systemctl stop postgresql@15-main')
    await bed.on(
      former,
      `echo 'begin; insert into still values (2); select pg_sleep(12); commit;' >/tmp/long.sql; chmod 644 /tmp/long.sql
nohup runuser -u postgres -- psql -qX -d notes -f /tmp/long.sql >/dev/null 2>&1 &`,
    )
    await expect
      .poll(() =>
        bed.ask(former, "select count(*) from pg_locks where mode = 'RowExclusiveLock' and locktype = 'relation'"),
      )
      .not.toBe('0')
    await sql(
      former,
      'dbname=notes',
      "begin; insert into note (id, body) values (30, 'prepared'); prepare transaction 'x'; select pg_switch_wal()",
    )
    const at = await bed.ask(former, 'select pg_current_wal_lsn()')
    await expect.poll(async () => await bed.ask(primary, `select pg_last_wal_replay_lsn() >= '${at}'`)).toBe('t')
    await bed.ask(primary, 'select pg_promote()')
    await sql(primary, 'dbname=notes', "rollback prepared 'x'; checkpoint")
    await sql(former, 'dbname=notes', "commit prepared 'x'")
    await expect.poll(() => sql(former, 'dbname=notes', 'select count(*) from still'), { timeout: 30_000 }).toBe('2')
    await bed.on(former, 'systemctl stop postgresql@15-main')
    const bytes = await accepted(former)
    const before = await control(former, DATA)
    const repair = () => bed.deploy('repair-db', 'lab', '--yes', '--accept-data-loss', bytes, '--salvage')

    await bed.on(former, `ln -s /tmp ${DATA}/pg_tblspc/16000`)
    const failed = await repair()
    expect(failed.code).toBe(1)
    expect(said(failed)).toContain('a part of its data lies elsewhere')
    await bed.on(former, `rm ${DATA}/pg_tblspc/16000`)
    expect(await control(former, DATA)).toBe(before)
    expect(await bed.on(former, 'systemctl is-active repmgrd || true')).toBe('inactive')

    const cut = repair()
    await bed.on(former, `until [ -e ${DATA}.salvage/data/postmaster.pid ]; do sleep 0.02; done`)
    await labKill(lab, former)
    await labStart(lab, former)
    expect((await cut).code).not.toBe(0)
    expect(await bed.on(former, `ls -d ${DATA}.salvage ${DATA}.aside-* 2>/dev/null; true`)).toBe(`${DATA}.salvage`)
    expect(await control(former, DATA)).toBe(before)

    const ran = await repair()
    expect(said(ran)).toMatch(/^0 /)
    expect(said(ran)).toMatch(/: 2 rows: notes\.public\.note 1, notes\.public\.still 1$/m)
    const file = /saved as SQL in (\S+\.sql): /.exec(ran.stdout)?.[1] ?? ''
    expect(await loaded(file, former, primary)).toBe('')
    expect(
      await sql(primary, 'dbname=notes', 'select n from still order by n; select body from note where id = 30'),
    ).toBe('1\n2\nprepared')
    await repaired(bed)
    expect(await whole(bed)).toEqual([])
  }, 400_000)
})
