import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { labExec } from '../../src/lab/inside.ts'
import type { UsedLab } from '../hosts/support/lab.ts'
import { makeProject, type Project, type Ran } from '../hosts/support/project.ts'
import { makeCa } from './bed.ts'
import { killedAfter } from './killed.ts'
import { startWriter, type Writer } from './redis-writer.ts'

/** A project whose hosts are to be one set of Redis, and the ways to act on it. */
export interface RedisBed {
  readonly project: Project
  deploy(...args: string[]): Promise<Ran>
  /** Runs `deploy …` and kills it after some seconds; whether it was not done by then. */
  killed(seconds: number, ...args: string[]): Promise<boolean>
  /** The same behind an entry of its journal. */
  killedAt(entry: number, ...args: string[]): Promise<boolean>
  /** Runs a script inside a host as root. @throws Error when it fails. */
  on(host: string, script: string): Promise<string>
  /** A command to the server of a host, as root there. */
  redis(host: string, command: string): Promise<string>
  sentinel(host: string, command: string): Promise<string>
  /** The hosts whose servers say that they are masters, with commas. */
  masters(): Promise<string>
  /** The process ids of both daemons of all hosts. */
  pids(): Promise<Readonly<Record<string, string>>>
  playbook(options?: string): void
  /** The CA of the project from now on: its certificates, that of the key first, and the key. */
  caIs(certificates: string, key: string): void
  /** What clients log in with from now on: the name of a secret. */
  clientsUse(secret: 'redisPassword' | 'newPassword'): void
  /** A client that asks the Sentinels of these addresses; omitted: those of the lab. */
  write(addresses?: readonly string[]): Promise<Writer>
}

const SCHEMA = `import { site } from 'evenkeel'
import { z } from 'zod'
export const { inventory, parallel, once, rolling, cluster } = site({
  groups: ['app'],
  vars: z.object({}),
  secrets: ['caKey', 'redisPassword', 'newPassword'],
})
`

/** Lays the project out, with a throw-away CA and passwords. */
export function makeRedisBed(lab: UsedLab): RedisBed {
  const project = makeProject(lab)
  const env = { XDG_CONFIG_HOME: join(lab.root, 'config') }
  const secret = () => randomBytes(18).toString('base64url')
  const secrets = { caKey: makeCa(lab.root), redisPassword: secret(), newPassword: secret() }
  const hosts = lab.hosts.map((host) => `${host}: {}`).join(', ')
  project.write('inventories/schema.ts', SCHEMA)
  project.write(
    'inventories/lab.yaml',
    `connection: { lab: true }\ngroups: { app: { hosts: [${lab.hosts}] } }\nhosts: { ${hosts} }\n`,
  )
  const tool = join(import.meta.dirname, '../../bin/deploy.js')
  const encrypt = () =>
    execFileSync(process.execPath, [tool, 'secrets', 'encrypt', 'lab'], {
      ...{ cwd: lab.root, env: { ...process.env, ...env } },
      ...{ input: JSON.stringify(secrets), stdio: ['pipe', 'ignore', 'inherit'] },
    })
  encrypt()
  const on = async (host: string, script: string) => {
    const { code, stdout, stderr } = await labExec(lab, host, ['sh', '-c', script])
    if (code !== 0) throw new Error(`${host}: ${script}: ${code}\n${stdout}${stderr}`)
    return stdout.trim()
  }
  const cli = (file: string, port: number) => (host: string, command: string) =>
    on(
      host,
      `REDISCLI_AUTH=$(cat /etc/evenkeel-redis/${file}) timeout 10 redis-cli --no-auth-warning -e --tls --cacert /etc/redis/tls/ca.crt -p ${port} ${command}`,
    )
  const [redis, sentinel] = [cli('password', 6379), cli('sentinel', 26379)]
  const playbook = (options = "persistence: 'cache', password: (site) => site.secrets.redisPassword") =>
    project.write(
      'playbooks/site.ts',
      `import { playbook } from 'evenkeel'
import { redis } from 'evenkeel/roles/redis'
import { cluster } from '../inventories/schema.ts'

export default playbook('Cache', [
  cluster('cache', redis({
    on: 'app',
    ca: (site) => ({ certificate: 'files/lab-ca.crt', key: site.secrets.caKey }),
    ${options},
  })),
])
`,
    )
  playbook()
  let password = secrets.redisPassword
  return {
    ...{ project, on, redis, sentinel, playbook },
    deploy: (...args) =>
      project.deploy(['plan', 'apply'].includes(args[0] ?? '') ? [...args, '--no-check'] : args, env),
    killed: (seconds, ...args) =>
      killedAfter(seconds, [tool, ...args], { cwd: lab.root, env: { ...process.env, ...env } }),
    async killedAt(entry, ...args) {
      return (await project.deploy(args, { ...env, DEPLOY_FAILPOINT: `after:${entry}` })).code === -1
    },
    async masters() {
      const roles = await Promise.all(lab.hosts.map((host) => redis(host, 'role').catch(() => 'down')))
      return lab.hosts.filter((_host, index) => roles[index]?.startsWith('master')).join(',')
    },
    async pids() {
      const of = (host: string) => on(host, 'systemctl show -p MainPID --value redis-server redis-sentinel')
      return Object.fromEntries(await Promise.all(lab.hosts.map(async (host) => [host, await of(host)] as const)))
    },
    caIs(certificates, key) {
      project.write('files/lab-ca.crt', certificates)
      secrets.caKey = key
      encrypt()
    },
    clientsUse(name) {
      password = secrets[name]
    },
    write: (addresses = lab.hosts.map((host) => lab.reach.hosts[host]?.address ?? '')) =>
      startWriter({
        addresses,
        ...{ set: 'cache', ca: readFileSync(join(lab.root, 'files/lab-ca.crt'), 'utf8'), password: () => password },
      }),
  }
}
