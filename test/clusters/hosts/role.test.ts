// The role alone on real hosts: what it leaves on bare ones, and its scripts beside a cluster that was made by hand.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { labKill, labStart } from '../../../src/lab/lab.ts'
import { describeOnLab, useLab } from '../../hosts/support/lab.ts'
import { clusterByHand, layOutRole, type RoleLab } from './role-lab.ts'

const CONFIG = '/etc/postgresql/15/main'
const SCRIPTS = '/usr/local/lib/evenkeel'
const TARGETS = `runuser -u postgres -- ${SCRIPTS}/pgbouncer-targets`
const UNITS =
  'for u in postgresql@15-main repmgrd pgbouncer pgbouncer-follow; do echo "$u $(systemctl is-active $u)"; done'
const START = 'timeout 60 systemctl start postgresql@15-main && echo started || echo refused'

describeOnLab('the role of PostgreSQL', () => {
  const hosts = ['db1', 'db2', 'db3']
  const lab = useLab('role', hosts)
  let on: RoleLab['on'], client: RoleLab['client'], sql: RoleLab['sql'], until: RoleLab['until']
  let role: RoleLab
  /** The line of a database in what pgbouncer-targets prints. */
  const notesAt = (host: string, paused = 0) => `notes ${role.address(host)} ${paused}`
  const all = <T>(each: (host: string) => Promise<T>) => Promise.all(hosts.map(each))
  const said = (host: string, unit: string) => on(host, `journalctl -u ${unit} -b -o cat --no-pager | tail -n 30`)

  beforeAll(() => {
    role = layOutRole(lab)
    ;({ on, client, sql, until } = role)
    role.role()
  })

  test('on bare hosts the plan is complete, an apply does it all, and a second one finds nothing to do', async () => {
    const { problems, summary } = await role.plan()
    expect(problems).toEqual([])
    expect(summary).toMatchObject({ hosts: 3, unreachable: 0 })
    expect(await role.apply()).toHaveLength(summary.changes)
    expect(await role.apply()).toEqual([])
    for (const host of hosts) {
      expect(await on(host, UNITS)).toBe(
        'postgresql@15-main inactive\nrepmgrd inactive\npgbouncer active\npgbouncer-follow active',
      )
      expect(await on(host, 'ls -A /var/lib/postgresql/15')).toBe('')
      // What starts at boot: the server by Debian's generator, which reads start.conf.
      expect(await on(host, 'ls /run/systemd/generator/postgresql.service.wants; systemctl is-enabled repmgrd')).toBe(
        'postgresql@15-main.service\nenabled',
      )
    }
  }, 300_000)

  test('a cluster that runs is left alone; all pgbouncers follow its primary', async () => {
    await clusterByHand(role, hosts)
    await all((host) => until(host, TARGETS, notesAt('db1')))
    await all((host) => until(host, `${SCRIPTS}/postgres-caught-up && echo yes`, 'yes'))
    expect(await role.apply()).toEqual([])
  }, 300_000)

  test('clients log in by password, over TLS, to what is theirs; pgbouncer logs in with what they prove', async () => {
    for (const host of hosts) expect(await client(host, 'SELECT inet_server_addr()')).toBe(role.address('db1'))
    expect(await client('db2', 'SELECT 1', { host: 'localhost' })).toBe('1')
    expect(await client('db2', 'SELECT 1', { password: 'wrong' })).toContain('SASL authentication failed')
    expect(await client('db2', 'SELECT 1', { sslmode: 'disable' })).toContain('SSL required')
    expect(await client('db2', 'SELECT 1', { dbname: 'evenkeel' })).toContain('pg_hba.conf rejects connection')
    expect(await on('db2', 'cat /etc/pgbouncer/*')).not.toContain('db=pass;word')
  })

  test('a client stays while pgbouncer reads its files again and its connections to the server are made anew', async () => {
    const admin = (what: string) =>
      `runuser -u postgres -- psql -XAtqw -h /var/run/postgresql -p 6432 -U pgbouncer pgbouncer -c '${what}'`
    const said = await on(
      'db2',
      `rm -f /run/f; mkfifo /run/f
PGPASSWORD='db=pass;word' psql -XAtqw -d 'host=127.0.0.1 port=6432 user=notes dbname=notes sslmode=verify-full sslrootcert=${CONFIG}/tls/ca.crt' </run/f >/run/out 2>&1 &
exec 3>/run/f
echo 'SELECT pg_backend_pid();' >&3; sleep 1
${admin('RELOAD')}; ${admin('RECONNECT')}; sleep 1
echo 'SELECT pg_backend_pid();' >&3; sleep 1
exec 3>&-; wait; cat /run/out`,
    )
    const [before, after, ...more] = said.split('\n')
    expect(more).toEqual([])
    expect([before, after].map(Number).every((pid) => pid > 1)).toBe(true)
    expect(after).not.toBe(before)
  })

  test('a setting is live at once, or waits for a restart that the role does not make; a wrong one changes nothing', async () => {
    const started = await all((host) => sql(host, 'SELECT pg_postmaster_start_time()'))
    role.role("settings: { work_mem: '8MB', max_worker_processes: 12 },")
    expect(await role.apply()).toHaveLength(3)
    for (const host of hosts) {
      expect(await sql(host, 'SHOW work_mem')).toBe('8MB')
      expect(await sql(host, 'SELECT name FROM pg_settings WHERE pending_restart')).toBe('max_worker_processes')
    }
    expect(await all((host) => sql(host, 'SELECT pg_postmaster_start_time()'))).toEqual(started)

    const before = await on('db1', `sha256sum ${CONFIG}/postgresql.conf`)
    role.role("settings: { work_mem: '8 potatoes' },")
    await expect(role.apply()).rejects.toThrow('invalid value for parameter')
    expect(await on('db1', `sha256sum ${CONFIG}/postgresql.conf`)).toBe(before)
    role.role()
    expect(await role.apply()).toHaveLength(3)
    expect(await sql('db1', 'SHOW work_mem')).toBe('4MB')
  })

  test('a renewed certificate is shown by server and pgbouncer at once, and no client is cut off', async () => {
    const shown = (port: number) =>
      `echo | timeout 5 openssl s_client -connect 127.0.0.1:${port} -starttls postgres 2>/dev/null | openssl x509 -noout -serial`
    const serials = () =>
      on('db2', `openssl x509 -in ${CONFIG}/tls/node.crt -noout -serial; ${shown(5432)}; ${shown(6432)}`)
    const before = (await serials()).split('\n')
    expect(new Set(before).size).toBe(1)
    const processes = () => on('db2', 'systemctl show -p MainPID pgbouncer postgresql@15-main')
    const pids = await processes()
    await on('db2', `rm ${CONFIG}/tls/node.crt`)
    expect(await role.apply()).toEqual([`db2 certificate ${CONFIG}/tls/node.crt`])
    const after = (await serials()).split('\n')
    expect(new Set(after).size).toBe(1)
    expect(after[0]).not.toBe(before[0])
    expect(await processes()).toBe(pids)
    expect(await client('db2', 'SELECT 1')).toBe('1')
  })

  test('another CA, its certificate beside the old one: everything goes on', async () => {
    const files = join(lab.root, 'files')
    execFileSync('sh', ['-c', 'cat next.crt ca.crt >both.crt'], { cwd: files })
    role.role("ca: (site) => ({ certificate: 'files/both.crt', key: site.secrets.nextKey }),")
    expect(await role.apply()).toHaveLength(6)
    expect(await on('db3', `openssl x509 -in ${CONFIG}/tls/node.crt -noout -issuer`)).toBe('issuer=CN = next')
    await on('db3', 'systemctl restart postgresql@15-main')
    await all((host) => until(host, `${SCRIPTS}/postgres-caught-up && echo yes`, 'yes'))
    for (const host of hosts) expect(await client(host, 'SELECT 1')).toBe('1')
    expect(await role.apply()).toEqual([])
  })

  test('wherever somebody points pgbouncer to, and whatever is paused: it is on the primary soon', async () => {
    const admin = 'runuser -u postgres -- psql -XAtqw -h /var/run/postgresql -p 6432 -U pgbouncer pgbouncer'
    await on(
      'db2',
      `sed -i 's/host=[^ ]*/host=${role.address('db3')}/' /etc/pgbouncer/databases.ini; ${admin} -c RELOAD`,
    )
    expect(await on('db2', TARGETS)).toContain(notesAt('db3'))
    await until('db2', TARGETS, notesAt('db1'), 20)
    expect(await on('db2', 'cat /etc/pgbouncer/databases.ini')).toContain(
      `notes = host=${role.address('db1')} port=5432`,
    )
    // The file alone is wrong, or pgbouncer alone.
    await on('db2', 'echo >/etc/pgbouncer/databases.ini')
    await until('db2', 'cat /etc/pgbouncer/databases.ini', `notes = host=${role.address('db1')} port=5432`, 20)
    await on('db2', `${admin} -c 'PAUSE notes'`)
    expect(await on('db2', TARGETS)).toContain(notesAt('db1', 1))
    await until('db2', TARGETS, notesAt('db1'), 20)
    await on('db2', 'systemctl stop pgbouncer')
    expect(await on('db2', `${SCRIPTS}/postgres-caught-up || :`)).toMatch(/^pgbouncer does not answer/)
    await on('db2', 'systemctl start pgbouncer')
    await until('db2', TARGETS, notesAt('db1'))
  })

  test('a hold stops it, for two minutes at most; who is paused then goes on with the new primary', async () => {
    const admin = 'runuser -u postgres -- psql -XAtqw -h /var/run/postgresql -p 6432 -U pgbouncer pgbouncer'
    await on('db2', `mkdir -p /run/evenkeel; touch /run/evenkeel/hold; sleep 2; ${admin} -c 'PAUSE notes'`)
    await new Promise((resolve) => setTimeout(resolve, 13_000))
    expect(await on('db2', TARGETS)).toContain(notesAt('db1', 1))
    expect(await said('db2', 'pgbouncer-follow')).toMatch(/held$/)
    const waits = client('db2', 'SELECT inet_server_addr()')
    await on('db2', "touch -d '2 minutes ago' /run/evenkeel/hold")
    expect(await waits).toBe(role.address('db1'))
    await until('db2', TARGETS, notesAt('db1'))
    await on('db2', 'rm /run/evenkeel/hold')
  })

  test('two writable primaries: clients stay where they are; one is left: they go there', async () => {
    await sql('db3', 'SELECT pg_promote()')
    await new Promise((resolve) => setTimeout(resolve, 12_000))
    await all(async (host) => expect(await on(host, TARGETS)).toContain(notesAt('db1')))
    for (const host of hosts)
      expect(await on(host, `${SCRIPTS}/postgres-caught-up || :`)).toMatch(
        /^several nodes are writable primaries: db1 db3$/,
      )
    await on('db1', 'systemctl stop postgresql@15-main')
    const took = await all((host) => until(host, TARGETS, notesAt('db3')))
    expect(Math.max(...took)).toBeLessThan(6)
    expect(await client('db2', 'SELECT inet_server_addr()')).toBe(role.address('db3'))
    expect(await on('db2', `${SCRIPTS}/postgres-caught-up || :`)).toMatch(/^it does not stream from the primary db3/)
  })

  test('the former primary stays down while another is writable, also at boot', async () => {
    expect(await on('db1', START)).toBe('refused')
    const why = `not started: db3 (${role.address('db3')}) is a writable primary`
    expect(await said('db1', 'postgresql@15-main')).toContain(why)
    await labKill(lab, 'db1')
    await labStart(lab, 'db1')
    await until('db1', 'systemctl is-active postgresql@15-main', 'failed')
    expect(await said('db1', 'postgresql@15-main')).toContain(why)
    await until('db1', TARGETS, notesAt('db3'))
  })

  test('a primary whose certificate has expired is one all the same', async () => {
    const tls = `${CONFIG}/tls`
    await on(
      'db3',
      `cp -a ${tls} /root/tls; cd /root/tls; openssl req -new -key node.key -subj /CN=db3 -out r 2>/dev/null
openssl x509 -req -in r -signkey node.key -days -1 -out ${tls}/node.crt 2>/dev/null; systemctl reload postgresql@15-main`,
    )
    expect(await on('db1', `runuser -u postgres -- ${SCRIPTS}/postgres-primaries </etc/pgbouncer/nodes`)).toBe('')
    expect(await on('db1', START)).toBe('refused')
    await on('db3', `cp -a /root/tls/node.crt ${tls}/node.crt; systemctl reload postgresql@15-main`)
  })

  test('a primary that still starts is waited for: it may have lost power together with this node', async () => {
    await on('db3', 'systemctl kill -s KILL postgresql@15-main')
    await until('db3', 'systemctl is-active postgresql@15-main', 'failed')
    // Its start is held up while it replays what it wrote before.
    await on(
      'db3',
      `(for i in $(seq 3000); do pkill -STOP -f '^postgres: startup' && break; sleep 0.002; done) >/dev/null 2>&1 &
systemctl start --no-block postgresql@15-main; wait`,
    )
    expect(await on('db1', `runuser -u postgres -- ${SCRIPTS}/postgres-primaries </etc/pgbouncer/nodes`)).toBe(
      `db3 ${role.address('db3')} starting`,
    )
    const tries = on('db1', START)
    await on('db3', "sleep 1; pkill -CONT -f '^postgres: startup'")
    expect(await tries).toBe('refused')
    await until('db3', 'systemctl is-active postgresql@15-main', 'active')
  })

  test('nodes that are silent stop nothing, for at most eight seconds', async () => {
    await all((host) => on(host, 'systemctl stop postgresql@15-main; systemctl reset-failed postgresql@15-main || :'))
    await on('db1', 'apt-get install -qqy --no-install-recommends iptables >/dev/null 2>&1')
    await on('db1', 'iptables -I OUTPUT -p tcp --dport 5432 -j DROP')
    // It was kept down before, and stays so by itself.
    expect(await on('db1', `${SCRIPTS}/postgres-guard || echo stays`)).toMatch(/db3 was the primary(.|\n)*stays$/)
    await on('db1', 'rm /var/lib/postgresql/15/main.superseded')
    const start = performance.now()
    expect(await on('db1', `${SCRIPTS}/postgres-guard && echo may`)).toBe('may')
    expect(performance.now() - start).toBeLessThan(8000)
    expect(await on('db1', START)).toBe('started')
    await on('db1', 'iptables -D OUTPUT 1')
  })

  test('a standby is not asked, and a node without data is no concern of it', async () => {
    const left = '/var/lib/postgresql/15/main'
    await on('db2', `touch ${left}.rewind ${left}.superseded`)
    expect(await on('db2', `${START}; ${SCRIPTS}/postgres-guard && echo may; ls -d ${left}*`)).toBe(
      `started\nmay\n${left}`,
    )
    expect(await on('db3', `mv /var/lib/postgresql/15/main /root/; ${SCRIPTS}/postgres-guard && echo may`)).toBe('may')
  })
})
