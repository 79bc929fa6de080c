import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { labExec } from '../../../src/lab/inside.ts'
import type { UsedLab } from '../../hosts/support/lab.ts'
import { type ApplyDocument, documentOf, makeProject, type Project } from '../../hosts/support/project.ts'
import { roleAlone } from '../support/role-alone.ts'

const DATA = '/var/lib/postgresql/15/main'
const SECRETS = { replicationPassword: 'pass word of repmgr+1', dbPassword: 'db=pass;word' }

/** A project whose playbook has the role's own tasks on all hosts of a lab, and nothing that makes them a cluster. */
export interface RoleLab {
  readonly project: Project
  /** Writes the playbook, with more options of the role. */
  role(more?: string): void
  plan(): Promise<ApplyDocument>
  /** Applies, and gives what was not as wanted before: `db1 file /etc/x: changed`. @throws Error when it fails. */
  apply(): Promise<readonly string[]>
  /** Runs a script as root on a host and gives what it prints. @throws Error when it fails. */
  on(host: string, script: string): Promise<string>
  /** As a client of a host's pgbouncer, over TLS that is verified; what it says on failure is given, too. */
  client(host: string, sql: string, more?: Readonly<Record<string, string>>): Promise<string>
  /** Asks a server itself. */
  sql(host: string, sql: string): Promise<string>
  /** Waits until a script prints a line, asked on a host again and again; gives the seconds. */
  until(host: string, script: string, line: string, seconds?: number): Promise<number>
  address(host: string): string
}

export function layOutRole(lab: UsedLab): RoleLab {
  const project = makeProject(lab)
  const at = (name: string) => join(lab.root, 'files', name)
  mkdirSync(at(''), { recursive: true })
  const key = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '3650']
  for (const name of ['ca', 'next'])
    execFileSync('openssl', [...key, '-subj', `/CN=${name}`, '-keyout', at(`${name}.key`), '-out', at(`${name}.crt`)], {
      stdio: 'ignore',
    })
  project.write('inventories/schema.ts', SCHEMA)
  project.write(
    'inventories/lab.yaml',
    `connection: { lab: true }\ngroups: { db: { hosts: [${lab.hosts.join(', ')}] } }\nhosts: { ${lab.hosts.map((host) => `${host}: {}`).join(', ')} }\n`,
  )
  const env = {
    DEPLOY_SECRET_REPLICATION_PASSWORD: SECRETS.replicationPassword,
    DEPLOY_SECRET_DB_PASSWORD: SECRETS.dbPassword,
    DEPLOY_SECRET_CA_KEY: readFileSync(at('ca.key'), 'utf8'),
    DEPLOY_SECRET_NEXT_KEY: readFileSync(at('next.key'), 'utf8'),
  }
  const run = async (...args: readonly string[]) => {
    const ran = await project.deploy([...args, '--json', '--no-check'], env)
    return { ran, document: documentOf(ran) }
  }
  const exec = (host: string, script: string) => labExec(lab, host, ['sh', '-c', `cd /\n${script}`])
  const made: RoleLab = {
    project,
    role: (more = '') =>
      project.write(
        'playbooks/site.ts',
        roleAlone(`durability: 'async', databases: { notes: { owner: 'notes' } }, ${more}`),
      ),
    plan: async () => (await run('plan', 'lab')).document,
    async apply() {
      const { ran, document } = await run('apply', 'lab', '--yes')
      if (ran.code !== 0)
        throw new Error(JSON.stringify(document.results.filter(({ outcome }) => outcome === 'failed')))
      return document.changes.map(({ host, task }) => `${host} ${task}`)
    },
    async on(host, script) {
      const { code, stdout, stderr } = await exec(host, script)
      if (code !== 0) throw new Error(`${host}: ${script}: ${code}\n${stdout}${stderr}`)
      return stdout.trim()
    },
    async client(host, sql, more = {}) {
      const { password = SECRETS.dbPassword, ...others } = more
      const where = { host: '127.0.0.1', dbname: 'notes', user: 'notes', sslmode: 'verify-full', ...others }
      const conninfo = Object.entries({ ...where, sslrootcert: '/etc/postgresql/15/main/tls/ca.crt' })
      const uri = conninfo.map(([name, value]) => `${name}=${value}`).join(' ')
      const command = `PGPASSWORD='${password}' timeout 20 psql -XAtqw -d '${uri} port=6432 connect_timeout=5' -c "${sql}" 2>&1`
      return (await exec(host, `runuser -u nobody -- sh -c ${quote(command)}`)).stdout.trim()
    },
    sql: (host, sql) => made.on(host, `runuser -u postgres -- psql -XAtqw -d postgres -c "${sql}"`),
    async until(host, script, line, seconds = 30) {
      const start = performance.now()
      for (;;) {
        const { stdout } = await exec(host, script)
        const took = (performance.now() - start) / 1000
        if (stdout.split('\n').includes(line)) return took
        if (took > seconds) throw new Error(`${host}: ${script}: not ${line} within ${seconds} s:\n${stdout}`)
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
    },
    address: (host) => lab.reach.hosts[host]?.address ?? '',
  }
  return made
}

/** Makes a cluster of prepared hosts by hand: the first is the primary. Nothing of the reconciler has a part in it. */
export async function clusterByHand(
  { on, address }: RoleLab,
  [first = '', ...others]: readonly string[],
): Promise<void> {
  await on(first, PRIMARY)
  await Promise.all(others.map((host) => on(host, standbyOf(address(first)))))
}

const PRIMARY = `set -e
as() { runuser -u postgres -- "$@"; }
as /usr/lib/postgresql/15/bin/initdb --data-checksums --encoding=UTF8 --locale=C.UTF-8 -D ${DATA} >/dev/null 2>&1
systemctl start postgresql@15-main
export PGOPTIONS='-c synchronous_commit=local'
verifier() { sed -n "s/^\\"$1\\" \\"\\(.*\\)\\"$/\\1/p" /etc/pgbouncer/userlist.txt; }
as psql -XAtq -d postgres -v ON_ERROR_STOP=1 <<SQL
CREATE ROLE repmgr SUPERUSER LOGIN REPLICATION PASSWORD '${SECRETS.replicationPassword}';
CREATE ROLE evenkeel LOGIN PASSWORD '$(verifier evenkeel)';
CREATE ROLE notes LOGIN PASSWORD '$(verifier notes)';
CREATE DATABASE repmgr OWNER repmgr;
CREATE DATABASE evenkeel OWNER evenkeel;
CREATE DATABASE notes OWNER notes;
SQL
as repmgr -f /etc/repmgr.conf primary register 2>&1`

const standbyOf = (address: string) => `set -e
as() { runuser -u postgres -- "$@"; }
as repmgr -f /etc/repmgr.conf -d 'host=${address} user=repmgr dbname=repmgr sslmode=verify-full sslrootcert=/etc/postgresql/15/main/tls/ca.crt passfile=/var/lib/postgresql/.pgpass' standby clone --fast-checkpoint 2>&1
systemctl start postgresql@15-main
as repmgr -f /etc/repmgr.conf standby register --force 2>&1`

const SCHEMA = `import { site } from 'evenkeel'
import { z } from 'zod'
export const { inventory, cluster } = site({
  groups: ['db'], vars: z.object({}), secrets: ['caKey', 'nextKey', 'replicationPassword', 'dbPassword'],
})
`

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
