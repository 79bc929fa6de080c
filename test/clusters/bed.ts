import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { labExec } from '../../src/lab/inside.ts'
import type { UsedLab } from '../hosts/support/lab.ts'
import { makeProject, type Project, type Ran } from '../hosts/support/project.ts'
import { killedAfter } from './killed.ts'
import { startWorkload, type Workload } from './workload.ts'

/** A project whose hosts are to be one PostgreSQL cluster, and the ways to act on it. */
export interface Bed {
  readonly project: Project
  /** Runs the tool. */
  deploy(...args: string[]): Promise<Ran>
  /** Runs the tool, and kills it after so many seconds. Whether that came before its end. */
  killed(seconds: number, ...args: string[]): Promise<boolean>
  /** Runs a script inside a host as root. @throws Error when it fails. */
  on(host: string, script: string): Promise<string>
  /** One value of a query on a node's own server, as the superuser. */
  ask(host: string, sql: string): Promise<string>
  /** The node whose server takes writes; several are told with commas. */
  primary(): Promise<string>
  /** Clients that write through the pgbouncers of these nodes; default: of all. */
  write(hosts?: readonly string[]): Promise<Workload>
  /** Gives a node a certificate of the CA, and of its own key, that ended a day ago; its server and pgbouncer take it. */
  expire(host: string): Promise<void>
  /** Trusts the key that a host shows now. */
  trust(host: string): Promise<Ran>
  /** Writes the playbook with these options of the role. */
  playbook(options?: string): void
}

const DATA = '/var/lib/postgresql/15/main'
const TLS = '/etc/postgresql/15/main/tls'

const SCHEMA = `import { site } from 'evenkeel'
import { z } from 'zod'
export const { inventory, parallel, once, rolling, cluster } = site({
  groups: ['db', 'replica', 'witness'],
  vars: z.object({}),
  secrets: ['caKey', 'replicationPassword', 'dbPassword'],
})
`

/** Lays the project out, with a throw-away CA and passwords. `replicas` and `witness`: hosts of the lab that are such. */
export function makeBed(
  lab: UsedLab,
  { replicas = [], witness = [] }: { readonly replicas?: readonly string[]; readonly witness?: readonly string[] } = {},
): Bed {
  const project = makeProject(lab)
  const members = lab.hosts.filter((host) => !replicas.includes(host) && !witness.includes(host))
  const password = randomBytes(18).toString('base64url')
  const env = { XDG_CONFIG_HOME: join(lab.root, 'config') }
  const caKey = makeCa(lab.root)
  project.write('inventories/schema.ts', SCHEMA)
  project.write(
    'inventories/lab.yaml',
    `connection: { lab: true }
groups: { db: { hosts: [${members}] }, replica: { hosts: [${replicas}] }, witness: { hosts: [${witness}] } }
hosts: { ${lab.hosts.map((host) => `${host}: {}`).join(', ')} }
`,
  )
  const secrets = { caKey, replicationPassword: randomBytes(18).toString('base64url'), dbPassword: password }
  const tool = join(import.meta.dirname, '../../bin/deploy.js')
  execFileSync(process.execPath, [tool, 'secrets', 'encrypt', 'lab'], {
    cwd: lab.root,
    env: { ...process.env, ...env },
    input: JSON.stringify(secrets),
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  const on = async (host: string, script: string) => {
    const { code, stdout, stderr } = await labExec(lab, host, ['sh', '-c', script])
    if (code !== 0) throw new Error(`${host}: ${script}: ${code}\n${stdout}${stderr}`)
    return stdout.trim()
  }
  const ask = (host: string, sql: string) =>
    on(host, `timeout 10 runuser -u postgres -- psql -XAtqw -h /var/run/postgresql -d postgres -c "${sql}"`)
  const primary = async () => {
    const answers = await Promise.all(
      lab.hosts.map((host) => ask(host, 'select pg_is_in_recovery()').catch(() => 'down')),
    )
    return lab.hosts.filter((host, index) => !witness.includes(host) && answers[index] === 'f').join(',')
  }
  const playbook = (options = "durability: 'async'") =>
    project.write(
      'playbooks/site.ts',
      `import { playbook } from 'evenkeel'
import { postgres } from 'evenkeel/roles/postgres'
import { cluster } from '../inventories/schema.ts'

export default playbook('Database', [
  cluster('main', postgres({
    on: 'db',${replicas.length > 0 ? " replicas: 'replica'," : ''}${witness.length > 0 ? " witness: 'witness'," : ''}
    ca: (site) => ({ certificate: 'files/lab-ca.crt', key: site.secrets.caKey }),
    password: (site) => site.secrets.replicationPassword,
    users: (site) => ({ notes: site.secrets.dbPassword }),
    databases: { notes: { owner: 'notes', extensions: ['pgcrypto'] } },
    ${options},
  })),
])
`,
    )
  playbook()
  const deploy = (...args: string[]) =>
    project.deploy(['plan', 'apply'].includes(args[0] ?? '') ? [...args, '--no-check'] : args, env)
  return {
    project,
    playbook,
    deploy,
    killed: (seconds, ...args) =>
      killedAfter(seconds, [tool, ...args], { cwd: lab.root, env: { ...process.env, ...env } }),
    async expire(host) {
      const request = await on(host, `openssl req -new -key ${TLS}/node.key -subj /CN=${host}`)
      const names = `subjectAltName=DNS:${host},DNS:localhost,IP:127.0.0.1,IP:${lab.reach.hosts[host]?.address}`
      const ended = signEnded(lab.root, caKey, request, names)
      await on(
        host,
        `printf '%s' '${ended}' | cat - ${TLS}/ca.crt >${TLS}/node.crt; systemctl reload postgresql@15-main pgbouncer`,
      )
    },
    async trust(host) {
      const shown = await on(host, 'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub')
      return deploy('trust', 'lab', host, '--fingerprint', shown.split(' ')[1] ?? '')
    },
    on,
    ask,
    primary,
    write: (hosts = members) =>
      startWorkload({
        through: hosts.map((host) => ({ host, address: lab.reach.hosts[host]?.address ?? '' })),
        database: 'notes',
        user: 'notes',
        password,
        ca: join(lab.root, 'files/lab-ca.crt'),
      }),
  }
}

/** Kills a node's server as a crash does: with all its processes, none told. */
export function crashScript(): string {
  return `kill -9 $(head -n 1 ${DATA}/postmaster.pid); systemctl kill -s KILL postgresql@15-main 2>/dev/null || true`
}

/** Signs what a node requests, for a time that is over. */
function signEnded(root: string, caKey: string, request: string, names: string): string {
  writeFileSync(join(root, 'ca.key'), caKey, { mode: 0o600 })
  writeFileSync(join(root, 'names.cnf'), names)
  const kind = ['x509', '-req', '-days', '-1', '-extfile', join(root, 'names.cnf')]
  const ca = ['-CA', join(root, 'files/lab-ca.crt'), '-CAkey', join(root, 'ca.key'), '-set_serial', '7']
  return execFileSync('openssl', [...kind, ...ca], { input: request, encoding: 'utf8' })
}

/** Makes files/lab-ca.crt; gives its private key. */
export function makeCa(root: string): string {
  mkdirSync(join(root, 'files'), { recursive: true })
  const kind = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '3650']
  const files = ['-subj', '/CN=Cluster lab CA', '-keyout', '-', '-out', join(root, 'files/lab-ca.crt')]
  return execFileSync('openssl', [...kind, ...files], { stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8' })
}
