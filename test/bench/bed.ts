import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { labExec, labRestore, labSave } from '../../src/lab/inside.ts'
import { labDown, labUp } from '../../src/lab/lab.ts'
import type { LabRef } from '../../src/lab/names.ts'
import { type DelayProxy, delayProxy } from './delay-proxy.ts'
import { installTool } from './installed-tool.ts'
import { writeInventory, writeProject } from './project-files.ts'

/** How the hosts are reached: a file of lines `name address port`, and the keys they show. */
export interface Route {
  readonly hosts: string
  readonly knownHosts: string
}

/** What is measured on: a project with the installed tool, and its lab. */
export interface Bed {
  readonly root: string
  readonly lab: LabRef
  /** The Node that the installed tool brought. */
  readonly node: string
  /** The running hosts. */
  readonly hosts: readonly string[]
  readonly identityFile: string
  readonly route: Route
  /** The wanted revision of the first template. */
  readonly rev: number
}

/** Packages of the work, in the disks from the start; nothing measured contains a download. */
const PACKAGES = 'nginx fail2ban rsyslog curl git htop ufw logrotate rsync unzip cron python3-apt'.split(' ')

/** Milliseconds that the far route adds, each way. */
export const DELAY = 25

type Say = (line: string) => void

/** The temporary folder of a bed and the lab it will have; nothing runs yet. */
export function bedPlace(): Pick<Bed, 'root' | 'lab'> {
  const root = mkdtempSync(join(realpathSync(tmpdir()), 'evenkeel-bench-'))
  return { root, lab: { root, environment: 'bench' } }
}

/** Makes the project, installs the tool and boots the hosts. */
export function makeBed(place: Pick<Bed, 'root' | 'lab'>, count: number, say: Say): Promise<Bed> {
  writeProject(place.root)
  const node = installTool(place.root, say)
  return withHosts({ ...place, node, hosts: [], identityFile: '', route: NO_ROUTE, rev: 1 }, count, say)
}

/** The same bed with `count` hosts; new ones are bare, and every host's bare disk is kept. */
export async function withHosts(bed: Bed, count: number, say: Say): Promise<Bed> {
  const { root, lab } = bed
  const hosts = Array.from({ length: count }, (_, index) => `web${String(index + 1).padStart(2, '0')}`)
  const reach = await labUp({ ...lab, hosts, packages: PACKAGES }, say)
  const file = join(root, 'floor/hosts')
  writeFileSync(file, hosts.map((host) => `${host} ${reach.hosts[host]?.address} 22\n`).join(''))
  const route = { hosts: file, knownHosts: reach.knownHosts }
  const grown = withRev({ ...bed, hosts, identityFile: reach.identityFile, route }, bed.rev)
  const fresh = hosts.filter((host) => !bed.hosts.includes(host))
  await Promise.all(fresh.map((host) => labSave(lab, host, 'bare')))
  await settled(grown, fresh)
  return grown
}

/** The same bed with another revision wanted. */
export function withRev(bed: Bed, rev: number): Bed {
  writeInventory(bed.root, bed.hosts, rev)
  return { ...bed, rev }
}

/** Puts every host back to its bare disk and waits until it has booted. */
export async function makeBare({ lab, hosts, ...bed }: Bed): Promise<void> {
  await Promise.all(hosts.map((host) => labRestore(lab, host, 'bare')))
  await settled({ ...bed, lab, hosts }, hosts)
}

/** Reaches the hosts by the environment `far`, behind delaying proxies, until `close`. */
export async function farRoute(bed: Bed): Promise<Route & { close(): void }> {
  const near = readFileSync(bed.route.hosts, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' '))
  const keys = readFileSync(bed.route.knownHosts, 'utf8').split('\n')
  const proxies: (DelayProxy & { readonly host: string; readonly listen: string; readonly key: string })[] = []
  for (const [index, [host = '', address = '']] of near.entries()) {
    const listen = `127.0.2.${index + 1}`
    const key =
      keys
        .find((line) => line.startsWith(`${address},`))
        ?.split(' ')
        .slice(1)
        .join(' ') ?? ''
    proxies.push({ host, listen, key, ...(await delayProxy(listen, { host: address, port: 22 }, DELAY)) })
  }
  const lines = (line: (proxy: (typeof proxies)[number]) => string) =>
    proxies.map((proxy) => `${line(proxy)}\n`).join('')
  const route = { hosts: join(bed.root, 'floor/hosts-far'), knownHosts: join(bed.root, 'inventories/far.known_hosts') }
  writeFileSync(
    route.hosts,
    lines(({ host, listen, port }) => `${host} ${listen} ${port}`),
  )
  writeFileSync(
    route.knownHosts,
    lines(({ listen, port, key }) => `[${listen}]:${port} ${key}`),
  )
  const entries = lines(({ host, listen, port }) => `  ${host}: { address: ${listen}, connection: { port: ${port} } }`)
  const connection = `connection: { user: root, identityFile: ${JSON.stringify(bed.identityFile)} }`
  const groups = `groups:\n  web: { hosts: [${bed.hosts.join(', ')}] }`
  writeFileSync(join(bed.root, 'inventories/far.yaml'), `${connection}\n${groups}\nhosts:\n${entries}`)
  return { ...route, close: () => proxies.forEach((proxy) => void proxy.close()) }
}

/** Removes hosts, network and files. */
export async function removeBed({ root, lab }: Pick<Bed, 'root' | 'lab'>): Promise<void> {
  await labDown(lab)
  rmSync(root, { recursive: true, force: true })
}

const NO_ROUTE: Route = { hosts: '', knownHosts: '' }

async function settled({ lab }: Bed, hosts: readonly string[]): Promise<void> {
  await Promise.all(hosts.map((host) => labExec(lab, host, ['systemctl', 'is-system-running', '--wait'])))
}
