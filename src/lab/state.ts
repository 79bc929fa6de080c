import { join } from 'node:path'
import { writeWhole } from '../load/write-whole.ts'
import { DeployError } from '../model/error.ts'
import { type Cache, sharedCache } from './cache.ts'
import { readJson } from './files.ts'
import { type LabNames, type LabRef, labNames } from './names.ts'
import { readText } from './process.ts'
import { hostAddress, maxHosts } from './subnet.ts'

/** Content of `hosts.json`: where the hosts of a lab are and how to log in as root. */
export interface LabHosts {
  readonly hosts: Readonly<Record<string, { readonly address: string }>>
  /** Private key, absolute path. */
  readonly identityFile: string
  /** Host keys the lab made itself, absolute path. */
  readonly knownHosts: string
}

/** What a lab remembers: its network, and the number of each host, which gives its address for life. */
export interface LabState {
  readonly format: 1
  readonly subnet: string
  /** Folder of the shared cache this lab was made with; it stays with it, whatever `EVENKEEL_CACHE` says later. */
  readonly cache: string
  readonly hosts: Readonly<Record<string, number>>
}

/** One host of an existing lab. */
export interface LabHost {
  readonly lab: LabNames
  readonly name: string
  readonly index: number
  readonly address: string
  /** Folder of its disk and log. */
  readonly folder: string
}

/** The state of a lab; undefined when it does not exist. */
export function readState({ folder }: LabNames): LabState | undefined {
  return readJson<LabState>(join(folder, 'lab.json'))
}

/** The shared cache a lab uses: the one it was made with, else the one of today. */
export function cacheOf(lab: LabNames): Cache {
  return sharedCache(readState(lab)?.cache)
}

/** Writes the state of a lab. */
export function writeState({ folder }: LabNames, state: LabState): void {
  writeWhole(join(folder, 'lab.json'), `${JSON.stringify(state, null, 2)}\n`, 0o600)
}

/** Numbers hosts that have none yet with the lowest free numbers. Throws `E_LAB_FULL` above 240 hosts. */
export function numberHosts(known: Readonly<Record<string, number>>, names: readonly string[]): Record<string, number> {
  const numbers: Record<string, number> = { ...known }
  const taken = new Set(Object.values(known))
  let next = 0
  for (const name of new Set(names.filter((each) => known[each] === undefined))) {
    while (taken.has(next)) next++
    if (next >= maxHosts) throw new DeployError({ code: 'E_LAB_FULL', message: `lab: more than ${maxHosts} hosts` })
    numbers[name] = next
    taken.add(next)
  }
  return numbers
}

/** All hosts of a lab, by name. Throws `E_LAB_DOWN` when the lab does not exist. */
export function hostsOf(ref: LabRef): LabHost[] {
  const lab = labNames(ref)
  const state = readState(lab)
  if (!state) {
    const message = `lab "${ref.environment}" of ${ref.root} does not exist`
    throw new DeployError({ code: 'E_LAB_DOWN', message, hint: `deploy lab up ${ref.environment}` })
  }
  const names = Object.keys(state.hosts).sort()
  return names.map((name) => hostIn(lab, state, name))
}

/** One host of a lab. Throws `E_LAB_DOWN` when the lab does not exist, `E_UNKNOWN_HOST` when it has no such host. */
export function hostOf(ref: LabRef, name: string): LabHost {
  const hosts = hostsOf(ref)
  const host = hosts.find((each) => each.name === name)
  if (host) return host
  const known = hosts.map((each) => each.name).join(', ')
  const message = `lab "${ref.environment}" has no host "${name}" (hosts: ${known})`
  throw new DeployError({ code: 'E_UNKNOWN_HOST', message, exit: 64 })
}

/** A host from the state of its lab. */
export function hostIn(lab: LabNames, { subnet, hosts }: LabState, name: string): LabHost {
  const index = hosts[name] ?? 0
  return { lab, name, index, address: hostAddress(subnet, index), folder: join(lab.folder, 'hosts', name) }
}

/** Writes `known_hosts` and `hosts.json` for these hosts, from the host keys on their disks, and gives the latter. */
export function writeHosts(lab: LabNames, hosts: readonly LabHost[]): LabHosts {
  const knownHosts = join(lab.folder, 'known_hosts')
  const lines = hosts.map(({ name, address, folder }) => {
    const key = (readText(join(folder, 'host-key.pub')) ?? '').split(' ').slice(0, 2).join(' ')
    return `${address},${name} ${key.trim()}\n`
  })
  writeWhole(knownHosts, lines.join(''), 0o600)
  const entries = hosts.map(({ name, address }) => [name, { address }] as const)
  const found: LabHosts = { hosts: Object.fromEntries(entries), identityFile: join(lab.folder, 'key'), knownHosts }
  writeWhole(join(lab.folder, 'hosts.json'), `${JSON.stringify(found, null, 2)}\n`, 0o600)
  return found
}
