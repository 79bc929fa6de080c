import { expect } from 'vitest'
import type { ClusterStep } from '../../../src/model/cluster.ts'
import { ActionFailed } from './run-step.ts'
import type { StepsLab } from './steps-lab.ts'

const DATA = '/var/lib/postgresql/15/main'

/** As a client of the host's pgbouncer; gives the address of the server that took it. */
const WRITE = `runuser -u postgres -- timeout 20 psql -XAtqw -d 'host=127.0.0.1 port=6432 user=evenkeel dbname=evenkeel sslmode=verify-full sslrootcert=/etc/postgresql/15/main/tls/ca.crt' \\
  -c "insert into proof (node, token) values ('$(hostname)', 'steps') returning host(inet_server_addr())"`

/** Runs steps on a cluster of lab hosts, and sees what it is like then. */
export interface Bench {
  /** Runs a step, tells how long each stage took, and gives what was printed. @throws Error when an action fails. */
  run(step: ClusterStep): Promise<string>
  /** Runs a step whose programs are killed so many milliseconds after one of its stages began. They may have been done. */
  cut(step: ClusterStep, killAfter: number, killStage?: number): Promise<void>
  /** `t`: a standby; `f`: a primary; `down`: its server does not answer. */
  recovery(host: string): Promise<string>
  /** The nodes that take writes, with commas between. */
  primaries(): Promise<string>
  /** All that makes a cluster whole, as each node itself says it. */
  expectWhole(primary: string): Promise<void>
}

export function makeBench(bed: StepsLab, hosts: readonly string[]): Bench {
  const { ask } = bed
  const recovery = (host: string) => ask(host, 'select pg_is_in_recovery()').catch(() => 'down')
  return {
    recovery,
    async run(step) {
      const { seconds, stageSeconds, output } = await bed.run(step)
      const stages = stageSeconds.map((one) => one.toFixed(1)).join(', ')
      console.log(`${step.name} ${step.about}: ${seconds.toFixed(1)} s (${stages})`)
      return output
    },
    async cut(step, killAfter, killStage = 0) {
      await bed.run(step, { killAfter, killStage }).catch((error: unknown) => {
        if (!(error instanceof ActionFailed)) throw error
      })
    },
    async primaries() {
      const said = await Promise.all(hosts.map(recovery))
      return hosts.filter((_, index) => said[index] === 'f').join(',')
    },
    async expectWhole(primary) {
      await expectStreaming(bed, hosts, primary)
      await expectAround(bed, hosts, primary)
      for (const host of hosts) expect(await bed.on(host, WRITE)).toBe(bed.node(primary).address)
    },
  }
}

async function expectStreaming({ ask, node }: StepsLab, hosts: readonly string[], primary: string): Promise<void> {
  const standbys = hosts.filter((host) => host !== primary)
  for (const host of hosts)
    expect(`${host} ${await ask(host, 'select pg_is_in_recovery()')}`).toBe(`${host} ${host === primary ? 'f' : 't'}`)
  const streams = 'select application_name, state, ssl from pg_stat_replication join pg_stat_ssl using (pid) order by 1'
  expect(await ask(primary, streams)).toBe(standbys.map((host) => `${host}|streaming|t`).join('\n'))
  const slots = 'select slot_name, active, wal_status from pg_replication_slots'
  const own = standbys.map((host) => `repmgr_slot_${node(host).id}|t|reserved`)
  expect((await ask(primary, slots)).split('\n').toSorted()).toEqual(own.toSorted())
  for (const host of standbys) expect(await ask(host, slots)).toBe('')
  const table = 'select node_name, type, upstream_node_id, active from repmgr.nodes order by 1'
  expect(await ask(primary, table, 'repmgr')).toBe(
    hosts.map((host) => `${host}|${host === primary ? 'primary|' : `standby|${node(primary).id}`}|t`).join('\n'),
  )
}

/** The services of each node, where its clients go, and that nothing lies about. */
async function expectAround({ on, node }: StepsLab, hosts: readonly string[], primary: string): Promise<void> {
  const at = node(primary).address
  const script = `systemctl is-active repmgrd pgbouncer pgbouncer-follow postgresql@15-main
runuser -u postgres -- /usr/local/lib/evenkeel/pgbouncer-targets
ls -d ${DATA} ${DATA}.new ${DATA}.rewind /run/evenkeel/hold 2>/dev/null || true`
  for (const host of hosts)
    expect(`${host}\n${await on(host, script)}`).toBe(
      `${host}\nactive\nactive\nactive\nactive\nnotes ${at} 0\nevenkeel ${at} 0\n${DATA}`,
    )
}
