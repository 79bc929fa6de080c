import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { postgresDesired, postgresNodes } from '../../../src/clusters/postgres/desired.ts'
import { judgeProof } from '../../../src/clusters/postgres/judge-proof.ts'
import type { Desired, SeenNode } from '../../../src/clusters/postgres/model.ts'
import { parseSurvey } from '../../../src/clusters/postgres/parse-survey.ts'
import { proofScripts } from '../../../src/clusters/postgres/proof.ts'
import { surveyScript } from '../../../src/clusters/postgres/survey-script.ts'
import { topology } from '../../../src/clusters/postgres/topology.ts'
import type { NodeAnswer } from '../../../src/model/cluster.ts'
import { Secret } from '../../../src/model/secret.ts'
import { askHost } from '../../../src/run/ask-probes.ts'
import type { Pool } from '../../../src/run/pool.ts'
import { answerOf } from '../../../src/run/survey-clusters.ts'
import { script } from '../../../src/shell/readers/script.ts'
import { describeOnLab, ssh, useLab } from '../../hosts/support/lab.ts'
import { poolOf } from '../../hosts/support/pool-of.ts'
import { type Bed, crashScript, makeBed } from '../bed.ts'
import { buildByHand } from './support/by-hand.ts'

const DATA = '/var/lib/postgresql/15/main'
const PSQL = 'runuser -u postgres -- psql -Xqv ON_ERROR_STOP=1'
const postmaster = `$(head -n 1 ${DATA}/postmaster.pid)`

describeOnLab('survey and proof of a PostgreSQL cluster', () => {
  const lab = useLab('survey', ['db1', 'db2', 'db3'])
  let bed: Bed
  let pool: Pool
  let desired: Desired

  /** What a host printed, by way of the reader that the tool uses, and how long it took. */
  const ask = async (host: string, text: string) => {
    const [probe, start] = [script({ shell: text }), performance.now()]
    const answer = answerOf(probe, await askHost(pool, host, [probe]))
    return { answer, seconds: (performance.now() - start) / 1000 }
  }
  const survey = async (host: string, of = desired) => {
    const { answer, seconds } = await ask(host, surveyScript(of).shell)
    return { node: parseSurvey(of, host, answer), seconds, text: answer.state === 'value' ? answer.value : '' }
  }
  const seen = async (host: string): Promise<SeenNode & { readonly seconds: number }> => {
    const { node, seconds } = await survey(host)
    if (node.unreachable !== undefined) throw new Error(node.unreachable)
    return { ...node, seconds }
  }
  const prove = async (token: string) => {
    const scripts = [...proofScripts(desired, token, lab.hosts)]
    const asked = scripts.map(
      async ([host, text]): Promise<[string, NodeAnswer]> => [host, (await ask(host, text)).answer],
    )
    return judgeProof(desired, new Map(await Promise.all(asked)))
  }
  /** Until the nodes are one cluster again. */
  const whole = async () => {
    for (const end = Date.now() + 30_000; ; await delay(500)) {
      const wrong = await prove(`whole ${end}-${Date.now()}`)
      if (wrong.length === 0) return
      if (Date.now() > end) throw new Error(wrong.join('\n'))
    }
  }

  beforeAll(() => {
    bed = makeBed(lab)
    pool = poolOf(lab)
    const address = (host: string) => lab.reach.hosts[host]?.address ?? ''
    desired = postgresDesired({
      name: 'main',
      environment: 'lab',
      durability: 'async',
      nodes: postgresNodes(lab.hosts.map((host) => ({ host, address: address(host), kind: 'member' }))),
      restartSettings: { shared_buffers: '128MB', wal_level: 'replica', shared_preload_libraries: 'repmgr' },
      password: new Secret('repmgr', 'x'),
      users: { notes: new Secret('notes', 'x') },
      databases: { notes: { owner: 'notes' } },
    })
  })
  afterAll(() => pool.close())

  test('bare hosts', async () => {
    const { prepared, remains, running, log, ...node } = await seen('db1')
    expect({ prepared, remains, running, log }).toEqual({ prepared: false, remains: false, running: false, log: [] })
    expect(node.disk).toBeUndefined()
    expect(node.space).toEqual({ free: expect.any(Number), data: 0, wal: 0 })
    expect(node.space.free).toBeGreaterThan(1e8)
  })

  test('a whole cluster, as all of its nodes tell it', async () => {
    await buildByHand(lab, bed)
    await whole()
    const surveys = await Promise.all(lab.hosts.map((host) => survey(host)))
    expect(
      topology(
        desired,
        surveys.map(({ node }) => node),
      ),
    ).toEqual([
      { host: 'db1', role: 'primary', state: ['writable', 'timeline 1'] },
      { host: 'db2', role: 'standby', upstream: 'db1', state: ['streaming', 'lag 0 bytes', 'timeline 1'] },
      { host: 'db3', role: 'standby', upstream: 'db1', state: ['streaming', 'lag 0 bytes', 'timeline 1'] },
    ])
    for (const { node, seconds, text } of surveys) {
      expect(node).toMatchObject({ prepared: true, server: { differing: [], autoConf: [] } })
      expect(seconds).toBeLessThan(5)
      expect(text.length).toBeLessThan(20_000)
    }
  })

  test('it is the same over plain ssh', async () => {
    const { stdout } = await ssh(lab.reach, 'db2', surveyScript(desired).shell)
    const there = parseSurvey(desired, 'db2', { state: 'value', value: stdout })
    const here = await survey('db2')
    const still = { lsn: 0 }
    const steady = (node: object) => ({
      ...node,
      log: [],
      space: {},
      disk: {},
      server: 'server' in node && { ...Object(node.server), ...still },
    })
    expect(steady(there)).toEqual(steady(here.node))
  })

  test('names that hold anything, many of them, and no secret', async () => {
    const odd = `we"ird = 'x' \\ y\nend`
    const name = `"${odd.replaceAll('"', '""')}"`
    const psql = (sql: string) => bed.on('db1', `cd /; ${PSQL} -d repmgr 2>&1 <<'EOF'\n${sql}\nEOF`)
    await psql(`create role ${name} login; create database ${name} owner ${name};
      select format('create role %I login', repeat('r', 55) || i) from generate_series(1, 500) i \\gexec
      create role plain login password 'its-own-password';
      alter system set primary_conninfo = 'host=nowhere password=conninfo-password';
      alter system set archive_cleanup_command = 'echo command-password';
      insert into repmgr.nodes select 99, null, true, 'odd', 'standby', 'default', 0,
        conninfo || $$ password='node-password'$$, repluser, slot_name, config_file from repmgr.nodes limit 1;
      \\set ON_ERROR_STOP 0
      alter role notes password 'statement-password' wrong;`)
    const { node, text } = await survey('db1')
    if (node.unreachable !== undefined) throw new Error(node.unreachable)

    expect(node.server?.databases).toContainEqual({ name: odd, owner: odd, extensions: [] })
    expect(node.server?.roles.find((role) => role.name === 'notes')?.verifier).toMatch(/^SCRAM-SHA-256\$/)
    expect(node.server?.roles.find((role) => role.name === 'plain')?.verifier ?? '').toBe('')
    expect(node.server?.autoConf).toEqual([{ name: 'archive_cleanup_command', value: '(not shown)' }])
    expect(node.server?.registered?.find(({ id }) => id === 99)?.conninfo).toMatch(/ password=\?$/)
    expect(text).not.toMatch(/(own|conninfo|command|node|statement)-password/)
    expect(Buffer.byteLength(text)).toBeLessThan(65_536)

    await psql(`delete from repmgr.nodes where node_id = 99;
      alter system reset all;
      drop database ${name};
      drop role ${name}, plain;
      select format('drop role %I', rolname) from pg_roles where rolname ~ '^r{55}' \\gexec`)
  })

  test('a hung server, and a hung pgbouncer beside it', async () => {
    await bed.on('db3', `kill -STOP ${postmaster} $(pgrep -u postgres -x pgbouncer)`)
    try {
      const node = await seen('db3')
      expect(node).toMatchObject({ running: true, disk: { standbySignal: true } })
      expect(node.server).toBeUndefined()
      expect(node.pgbouncer).toBeUndefined()
      expect(node.seconds).toBeLessThan(10)
    } finally {
      await bed.on('db3', `kill -CONT ${postmaster} $(pgrep -u postgres -x pgbouncer)`)
    }
  })

  test('a server that hangs in the middle of its answer counts as unreachable', async () => {
    const lock = bed.on('db1', `${PSQL} -d repmgr -c 'begin' -c 'lock repmgr.nodes' -c 'select pg_sleep(8)'`)
    await delay(1000)
    const { node, seconds } = await survey('db1')
    await lock
    expect(node.unreachable).toMatch(
      /its answer cannot be read: the server says: ERROR: +canceling statement due to lock timeout/,
    )
    expect(seconds).toBeLessThan(10)
  })

  test('killed, and its number taken by another process', async () => {
    await bed.on('db3', `systemctl stop repmgrd; ${crashScript()}; sleep 0.5`)
    expect(await seen('db3')).toMatchObject({ running: false, disk: { state: 'in archive recovery' } })
    await bed.on('db3', `cp ${DATA}/postmaster.pid /tmp`)
    const stranger = bed.on('db3', `sleep 3 & sed -i "1s/.*/$!/" ${DATA}/postmaster.pid; wait`)
    await delay(500)
    expect(await seen('db3')).toMatchObject({ running: false })
    await stranger
    await bed.on(
      'db3',
      `cp /tmp/postmaster.pid ${DATA}/; systemctl reset-failed postgresql@15-main; systemctl restart postgresql@15-main; systemctl start repmgrd`,
    )
    await whole()
  })

  test('a server whose unit was lost runs all the same', async () => {
    await bed.on(
      'db3',
      `systemctl stop postgresql@15-main; runuser -u postgres -- /usr/lib/postgresql/15/bin/pg_ctl -s -w -D ${DATA} -l /dev/null -o '-c config_file=/etc/postgresql/15/main/postgresql.conf' start`,
    )
    expect(await seen('db3')).toMatchObject({
      units: { postgresql: { active: expect.not.stringMatching('^active') } },
      running: true,
      server: { inRecovery: true },
    })
    await bed.on(
      'db3',
      `runuser -u postgres -- /usr/lib/postgresql/15/bin/pg_ctl -s -w -D ${DATA} stop; systemctl start postgresql@15-main`,
    )
    await whole()
  })

  test('what keeps a server down is told: the guard of a former primary', async () => {
    await bed.on(
      'db3',
      `systemctl stop repmgrd postgresql@15-main; rm ${DATA}/standby.signal; systemctl start postgresql@15-main || true`,
    )
    const { running, disk, log } = await seen('db3')
    expect({ running, standbySignal: disk?.standbySignal }).toEqual({ running: false, standbySignal: false })
    expect(log.join('\n')).toMatch(/not started: db1 \(.*\) is a writable primary/)
    await bed.on(
      'db3',
      `runuser -u postgres -- touch ${DATA}/standby.signal; systemctl start postgresql@15-main repmgrd`,
    )
    await whole()
  })

  test('the proof names what is wrong', async () => {
    await bed.on('db3', 'systemctl stop pgbouncer-follow pgbouncer')
    await bed.on('db2', 'systemctl stop repmgrd')
    expect(await prove('wrong')).toEqual([
      'db3: a write through its pgbouncer failed: psql: error: connection to server at "127.0.0.1", port 6432 failed: Connection refused',
      'db3: its pgbouncer does not answer',
      'db2: repmgrd is inactive',
    ])
    await bed.on('db3', 'systemctl start pgbouncer pgbouncer-follow')
    await bed.on('db2', 'systemctl start repmgrd')
    await whole()
  })

  test('durability sync: a commit that nobody confirms is named in time, and leaves no session behind', async () => {
    const set = (names: string) =>
      bed.on('db1', `${PSQL} -c "alter system set synchronous_standby_names = '${names}'" -c 'select pg_reload_conf()'`)
    await set('nobody')
    const start = performance.now()
    const wrong = await prove('sync')
    expect((performance.now() - start) / 1000).toBeLessThan(20)
    expect(wrong.slice(0, 3)).toEqual(
      lab.hosts.map((host) => `${host}: a write through its pgbouncer was not confirmed by a standby within 8 s`),
    )
    expect(await bed.ask('db1', "select count(*) from pg_stat_activity where wait_event = 'SyncRep'")).toBe('0')
    await bed.on('db1', `${PSQL} -c 'alter system reset synchronous_standby_names' -c 'select pg_reload_conf()'`)
    await whole()
  })

  test('disks that are full', async () => {
    const full = (folder: string) => `mount -t tmpfs -o size=1m tmpfs ${folder}; head -c 2M /dev/zero >${folder}/fill`
    await bed.on('db3', `${full('/tmp')}; ${full('/var/log/postgresql')}; true`)
    expect(await seen('db3')).toMatchObject({ server: { receiver: { status: 'streaming' } }, log: [] })
    await bed.on('db3', 'umount /tmp /var/log/postgresql')
  })
})
