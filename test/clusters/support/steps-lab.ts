import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { postgresDesired, postgresNodes } from '../../../src/clusters/postgres/desired.ts'
import type { Desired, PostgresNode } from '../../../src/clusters/postgres/model.ts'
import { labExec } from '../../../src/lab/inside.ts'
import type { ClusterStep } from '../../../src/model/cluster.ts'
import { Secret } from '../../../src/model/secret.ts'
import type { UsedLab } from '../../hosts/support/lab.ts'
import { makeProject } from '../../hosts/support/project.ts'
import { startWorkload, type Workload } from '../workload.ts'
import { roleAlone } from './role-alone.ts'
import { type RunOptions, type RunStep, runStep } from './run-step.ts'

const SECRETS = { replicationPassword: 'pass word of repmgr+1', dbPassword: 'db=pass;word' }

/** Hosts that the role has prepared, whose steps are run one by one: no reconciler has a part in it. */
export interface StepsLab {
  readonly desired: Desired
  node(host: string): PostgresNode
  /** The role's own tasks on all hosts. @throws Error when they fail. */
  prepare(durability?: Desired['durability']): Promise<void>
  /** Runs a step. @throws Error when an action fails. */
  run(step: ClusterStep, options?: RunOptions): Promise<RunStep>
  /** Runs a script inside a host as root, without the network. @throws Error when it fails. */
  on(host: string, script: string): Promise<string>
  /** Asks a node's own server, as the superuser. */
  ask(host: string, sql: string, database?: string): Promise<string>
  /** Clients that write through the pgbouncers of these hosts, or of all. */
  write(hosts?: readonly string[]): Promise<Workload>
}

/** @param witness the host of the lab that only votes, if one does */
export function layOutSteps(lab: UsedLab, witness?: string): StepsLab {
  const members = lab.hosts.filter((host) => host !== witness)
  const project = makeProject(lab)
  const ca = (name: string) => join(lab.root, 'files', name)
  mkdirSync(ca(''), { recursive: true })
  const key = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '3650']
  execFileSync('openssl', [...key, '-subj', '/CN=lab', '-keyout', ca('ca.key'), '-out', ca('ca.crt')], {
    stdio: 'ignore',
  })
  project.write('inventories/schema.ts', SCHEMA)
  project.write(
    'inventories/lab.yaml',
    `connection: { lab: true }\ngroups: { db: { hosts: [${members.join(', ')}] }, witness: { hosts: [${witness ?? ''}] } }\nhosts: { ${lab.hosts.map((host) => `${host}: {}`).join(', ')} }\n`,
  )
  const desired = desiredOf(lab, witness)
  const on = async (host: string, script: string) => {
    const { code, stdout, stderr } = await labExec(lab, host, ['sh', '-c', `cd /\n${script}`])
    if (code !== 0) throw new Error(`${host}: ${script}: ${code}\n${stdout}${stderr}`)
    return stdout.trim()
  }
  return {
    desired,
    node(host) {
      const found = desired.nodes.find((node) => node.host === host)
      if (!found) throw new Error(`no node ${host}`)
      return found
    },
    async prepare(durability = 'async') {
      project.write('playbooks/site.ts', roleAlone(optionsOf(durability, witness !== undefined)))
      const { code, stdout, stderr } = await project.deploy(['apply', 'lab', '--yes', '--no-check'], {
        DEPLOY_SECRET_REPLICATION_PASSWORD: SECRETS.replicationPassword,
        DEPLOY_SECRET_DB_PASSWORD: SECRETS.dbPassword,
        DEPLOY_SECRET_CA_KEY: readFileSync(ca('ca.key'), 'utf8'),
      })
      if (code !== 0) throw new Error(`apply: ${code}\n${stdout}${stderr}`)
    },
    run: (step, options) => runStep(lab.reach, step, options),
    on,
    ask: (host, sql, database = 'postgres') =>
      on(host, `timeout 10 runuser -u postgres -- psql -XAtqw -h /var/run/postgresql -d ${database} -c "${sql}"`),
    write: (hosts = members) =>
      startWorkload({
        through: hosts.map((host) => ({ host, address: lab.reach.hosts[host]?.address ?? '' })),
        database: 'notes',
        user: 'notes',
        password: SECRETS.dbPassword,
        ca: ca('ca.crt'),
      }),
  }
}

function desiredOf(lab: UsedLab, witness?: string): Desired {
  const nodes = lab.hosts.map((host) => ({
    host,
    address: lab.reach.hosts[host]?.address ?? '',
    kind: host === witness ? ('witness' as const) : ('member' as const),
  }))
  return postgresDesired({
    name: 'main',
    environment: 'lab',
    nodes: postgresNodes(nodes),
    // No step looks at it.
    durability: 'async',
    restartSettings: {},
    password: new Secret('replicationPassword', SECRETS.replicationPassword),
    users: { notes: new Secret('dbPassword', SECRETS.dbPassword) },
    databases: { notes: { owner: 'notes', extensions: ['pgcrypto'] } },
  })
}

const SCHEMA = `import { site } from 'evenkeel'
import { z } from 'zod'
export const { inventory, cluster } = site({
  groups: ['db', 'witness'], vars: z.object({}), secrets: ['caKey', 'replicationPassword', 'dbPassword'],
})
`

/** The role's options that its tests have in common. */
function optionsOf(durability: Desired['durability'], witness: boolean): string {
  return `durability: '${durability}',
  databases: { notes: { owner: 'notes', extensions: ['pgcrypto'] } },
  ${witness ? "witness: 'witness'," : ''}`
}
