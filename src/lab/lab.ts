import { chmodSync, mkdirSync, readlinkSync, rmdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { baseImage } from './base.ts'
import type { Cache } from './cache.ts'
import { hostsWithCgroup, killCgroup, removeCgroups } from './cgroup.ts'
import { makeKey, prepareDisk } from './disk.ts'
import { bootHost, hostRuns, killHost, removeNspawnTraces } from './host.ts'
import { labLinks, linkCut, makeBridge, removeLink, setLink } from './link.ts'
import { withLock } from './lock.ts'
import { joinMachine, leaveMachine } from './machine.ts'
import { mountDisk, namesIn, removeFolder } from './mount.ts'
import { cableName, type LabNames, type LabRef, labNames, machineName, requireName } from './names.ts'
import { installRequirements, requireFit } from './requirements.ts'
import {
  cacheOf,
  hostIn,
  hostOf,
  hostsOf,
  type LabHost,
  type LabHosts,
  type LabState,
  numberHosts,
  readState,
  writeHosts,
  writeState,
} from './state.ts'

/** A lab as it shall be. */
export interface Lab extends LabRef {
  /** Names of its hosts, e.g. `app1`. */
  readonly hosts: readonly string[]
  /** Debian packages that new hosts have from the start, besides the few of every base image. Default: none. */
  readonly packages?: readonly string[]
}

/** One host as `labList` finds it. */
export interface LabListing {
  readonly host: string
  readonly address: string
  readonly running: boolean
  /** True while its cable is cut. */
  readonly cut: boolean
}

/**
 * Makes sure that every named host runs and its sshd answers, and gives how to reach all hosts of the lab.
 *
 * Builds only what is missing and boots only what does not run, so it also recovers a lab after a crash or reboot of
 * the machine. Hosts of the lab that are not named are left as they are. Throws `DeployError` with a code `E_LAB_…`.
 */
export async function labUp(lab: Lab, say: (line: string) => void = () => {}): Promise<LabHosts> {
  const names = labNames(lab)
  for (const host of lab.hosts) requireName('host', host)
  await installRequirements(say)
  return withLock(`lab ${names.id}`, async () => {
    const cache = cacheOf(names)
    mkdirSync(names.folder, { recursive: true, mode: 0o700 })
    chmodSync(names.folder, 0o700)
    const port = await joinMachine(names, cache)
    const base = await baseImage({ cache, packages: lab.packages ?? [], port }, say)
    const state = await makeNetwork(names, cache, lab.hosts)
    await makeKey(join(names.folder, 'key'), `lab-${lab.environment}`)
    const wanted = [...new Set(lab.hosts)].map((name) => hostIn(names, state, name))
    await Promise.all(wanted.map((host) => raise(host, { base, cache }, say)))
    return writeHosts(
      names,
      hostsOf(lab).filter(({ folder }) => namesIn(folder).includes('made')),
    )
  })
}

/** Removes the lab: hosts, disks, network, files. Only the shared cache stays. Does nothing when there is no lab. */
export async function labDown(ref: LabRef): Promise<void> {
  const names = labNames(ref)
  requireFit()
  await withLock(`lab ${names.id}`, async () => {
    const hosts = readState(names) ? hostsOf(ref) : []
    await Promise.all(hosts.map(killHost))
    for (const name of hostsWithCgroup(names.id)) {
      await killCgroup(names.id, name)
      await removeCgroups(names.id, name)
    }
    await removeNspawnTraces((machine) => machine.startsWith(machineName(names.id, '')))
    for (const link of await labLinks(names.id)) await removeLink(link)
    await removeFolder(names.folder)
    removeEmptyFolder(dirname(names.folder))
    await leaveMachine(names)
  })
}

/** The hosts of a lab and the state of each. Throws `E_LAB_DOWN` when the lab does not exist. */
export function labList(ref: LabRef): Promise<LabListing[]> {
  return Promise.all(
    hostsOf(ref).map(async (host) => {
      const running = hostRuns(host)
      const cut = running && (await linkCut(cableName(host.lab.id, host.index)))
      return { host: host.name, address: host.address, running, cut }
    }),
  )
}

/** Power loss of a host: everything on it ends at once, its disk stays. */
export async function labKill(ref: LabRef, name: string): Promise<void> {
  const host = hostOf(ref, name)
  await withLock(hostLock(host), () => killHost(host))
}

/** Loses a host for good, with its disk. `labUp` makes an empty one of that name and address, with another host key. */
export async function labDestroy(ref: LabRef, name: string): Promise<void> {
  const host = hostOf(ref, name)
  await withLock(hostLock(host), async () => {
    await killHost(host)
    await removeFolder(host.folder)
  })
}

/** Boots a host again on its disk and waits for its sshd; does nothing when it runs. */
export async function labStart(ref: LabRef, name: string): Promise<void> {
  const host = hostOf(ref, name)
  await withLock(hostLock(host), async () => {
    if (!hostRuns(host)) await mountDisk(host.folder)
    await bootHost(host, cacheOf(host.lab))
  })
}

/** Pulls a host's network cable: it keeps running and keeps its address, and nobody reaches it. */
export async function labCut(ref: LabRef, name: string): Promise<void> {
  const { lab, index } = hostOf(ref, name)
  await setLink(cableName(lab.id, index), false)
}

/** Plugs a host's network cable in again. */
export async function labHeal(ref: LabRef, name: string): Promise<void> {
  const { lab, index } = hostOf(ref, name)
  await setLink(cableName(lab.id, index), true)
}

/** Name of the lock under which a host is booted, killed, saved or restored. */
export function hostLock({ lab, name }: LabHost): string {
  return `host ${lab.id} ${name}`
}

function makeNetwork(names: LabNames, cache: Cache, wanted: readonly string[]): Promise<LabState> {
  return withLock('network', async () => {
    const before = readState(names)
    const subnet = await makeBridge(names, before?.subnet)
    const hosts = numberHosts(before?.hosts ?? {}, wanted)
    const state: LabState = { format: 1, subnet, cache: cache.folder, hosts }
    writeState(names, state)
    return state
  })
}

async function raise(host: LabHost, { base, cache }: { base: string; cache: Cache }, say: (line: string) => void) {
  await withLock(hostLock(host), async () => {
    const running = hostRuns(host)
    if (running && (await linkCut(cableName(host.lab.id, host.index)))) return
    if (!running) await prepareDisk(host, base)
    await bootHost(host, cache)
    if (!running) say(`${host.name}: up at ${host.address} (${basename(readlinkSync(join(host.folder, 'base')))})`)
  })
}

function removeEmptyFolder(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {
    // Holds other labs, or is gone.
  }
}
