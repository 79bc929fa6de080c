import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { cpSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { labExec } from '../../src/lab/inside.ts'
import type { UsedLab } from '../hosts/support/lab.ts'
import { seenBy } from '../hosts/support/pool.ts'
import { makeProject, type Project, type Ran } from '../hosts/support/project.ts'
import { type Load, startLoad } from './load.ts'

const checkout = join(import.meta.dirname, '../..')
const example = join(checkout, 'examples/app')
/** The domain of the example's inventory. */
export const DOMAIN = 'notes.example.test'
/** No command may take longer. */
const LONGEST = 600_000

/** examples/app as a project of its own, in the folder of a lab. */
export interface Platform {
  readonly lab: UsedLab
  readonly project: Project
  /** Makes the application's next release another version; from 2.0.0 on it has what version 2 brings. */
  release(version: string): void
  /** Trusts a host by the fingerprint that its own console shows. */
  trust(host: string): Promise<Ran>
  /** Starts the tool. */
  start(args: readonly string[], env?: Readonly<Record<string, string>>): Running
  /** Runs a script inside a host. @throws Error when it fails. */
  on(host: string, script: string): Promise<string>
  /** How the balancer sees the nodes: `app1 UP`, … */
  pool(): Promise<readonly string[]>
  /** Requests through the balancer, over TLS. */
  load(): Promise<Load>
  /** The events of the journal of the last run, with their times in milliseconds. */
  journal(): readonly { readonly event: string; readonly host?: string; readonly at: number }[]
}

export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ran>
}

/** Lays the example out for a lab, with a throw-away CA and passwords. Fetches what its hosts need where it is missing. */
export function layOut(lab: UsedLab): Platform {
  execFileSync(process.execPath, [join(example, 'vendor.js')], { stdio: 'inherit' })
  const project = makeProject(lab)
  for (const part of PARTS) cpSync(join(example, part), join(lab.root, part), { recursive: true })
  project.write('inventories/lab.yaml', inventoryOf(lab))
  const env = { ...process.env, XDG_CONFIG_HOME: join(lab.root, 'config') }
  const tool = join(checkout, 'bin/deploy.js')
  const secrets = execFileSync(process.execPath, [join(lab.root, 'lab-secrets.js')])
  execFileSync(process.execPath, [tool, 'secrets', 'encrypt', 'lab'], { cwd: lab.root, env, input: secrets })
  const ca = readFileSync(join(lab.root, 'files/lab-ca.crt'), 'utf8')
  const on = async (host: string, script: string) => {
    const { code, stdout, stderr } = await labExec(lab, host, ['sh', '-c', script])
    if (code !== 0) throw new Error(`${host}: ${script}: ${code}\n${stdout}${stderr}`)
    return stdout.trim()
  }
  const start: Platform['start'] = (args, more = {}) => {
    const child = spawn(process.execPath, [tool, ...args], {
      cwd: lab.root,
      env: { ...env, ...more },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: LONGEST,
    })
    const said = { stdout: '', stderr: '' }
    for (const stream of ['stdout', 'stderr'] as const)
      child[stream].setEncoding('utf8').on('data', (chunk: string) => {
        said[stream] += chunk
      })
    const ended = new Promise<Ran>((resolve) => child.on('close', (code) => resolve({ code: code ?? -1, ...said })))
    return { child, ended }
  }
  return {
    lab,
    project,
    async trust(host) {
      const shown = await on(host, 'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub')
      return start(['trust', 'lab', host, '--fingerprint', shown.split(' ')[1] ?? '']).ended
    },
    start,
    release(version) {
      if (version !== '1.0.0') cpSync(join(lab.root, 'version-2'), join(lab.root, 'app'), { recursive: true })
      const manifest = JSON.parse(readFileSync(join(lab.root, 'app/package.json'), 'utf8'))
      project.write('app/package.json', `${JSON.stringify({ ...manifest, version }, null, 2)}\n`)
    },
    on,
    pool: () => seenBy(lab),
    load: () => startLoad({ address: lab.reach.hosts.lb1?.address ?? '', port: 443, name: DOMAIN, ca }),
    journal() {
      const folder = join(lab.root, '.deploy/runs')
      const last = readdirSync(folder).sort().at(-1) ?? ''
      const lines = readFileSync(join(folder, last), 'utf8').trim().split('\n')
      return lines.map((line) => {
        const { event, host, at } = JSON.parse(line)
        return { event, host, at: Date.parse(at) }
      })
    },
  }
}

/** The hosts as servers that somebody rents: by address, with keys that are trusted one by one. */
function inventoryOf({ hosts, reach }: UsedLab): string {
  const group = (name: string) => hosts.filter((host) => host.startsWith(name)).join(', ')
  return `connection: { user: root, identityFile: ${reach.identityFile} }
vars: { domain: ${DOMAIN} }
groups: { lb: { hosts: [${group('lb')}] }, app: { hosts: [${group('app')}] } }
hosts:
${hosts.map((host) => `  ${host}: { address: ${reach.hosts[host]?.address} }`).join('\n')}
`
}

const PARTS = [
  'app',
  'inventories/schema.ts',
  'playbooks',
  'roles',
  'tools.json',
  'vendor',
  'version-2',
  'lab-secrets.js',
]
