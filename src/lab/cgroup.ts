import { existsSync, mkdirSync, readdirSync, rmdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DeployError } from '../model/error.ts'
import { poll } from './poll.ts'
import { describeProcess, markProcess, type ProcessMark, readText, signalProcess } from './process.ts'

const top = '/sys/fs/cgroup'
const ours = 'evenkeel'

/** The control group of a host in each hierarchy that systemd uses: one on a pure v2 machine, two on a hybrid one. */
export function hostCgroups(id: string, host: string): string[] {
  return hierarchies().map((hierarchy) => join(hierarchy, ours, id, host))
}

/** Makes a host's control groups and gives the files a process writes itself to in order to enter them. */
export function makeCgroups(id: string, host: string): string[] {
  return hostCgroups(id, host).map((folder) => {
    mkdirSync(folder, { recursive: true })
    return join(folder, 'cgroup.procs')
  })
}

/** All processes of a host, the container's own and those of the machine that keep it. */
export function hostProcesses(id: string, host: string): ProcessMark[] {
  const pids = new Set(hostCgroups(id, host).flatMap(below).flatMap(members))
  return [...pids].flatMap((pid) => markProcess(pid) ?? [])
}

/** The names of the hosts of a lab that have a control group, running or not. */
export function hostsWithCgroup(id: string): string[] {
  const folders = hierarchies().map((hierarchy) => join(hierarchy, ours, id))
  return [...new Set(folders.flatMap((folder) => children(folder)))]
}

/** Seconds of processor time a host has used since its last boot; undefined when it is not running. */
export function hostCpuSeconds(id: string, host: string): number | undefined {
  const [folder = ''] = hostCgroups(id, host)
  const used = /^usage_usec (\d+)$/m.exec(readText(join(folder, 'cpu.stat')) ?? '')?.[1]
  return used === undefined ? undefined : Number(used) / 1e6
}

/**
 * Kills every process of a host and waits until none is left: one that waits for a disk ends only when the disk has answered.
 * Throws `E_LAB_STUCK`, naming them, after 40 seconds.
 */
export async function killCgroup(id: string, host: string): Promise<void> {
  const empty = await poll(
    () => {
      const left = hostProcesses(id, host)
      for (const mark of left) signalProcess(mark, 'SIGKILL')
      return left.length === 0 ? true : undefined
    },
    { seconds: 40, gap: 10 },
  )
  if (!empty) throw stuck(`processes of ${host} do not end: ${hostProcesses(id, host).map(describeProcess).join(', ')}`)
}

/** Removes the control groups of a host, and those above it that are empty then. Throws `E_LAB_STUCK`. */
export async function removeCgroups(id: string, host: string): Promise<void> {
  for (const folder of hostCgroups(id, host)) {
    const removed = await poll(() => (removeTree(folder) ? true : undefined), { seconds: 5, gap: 10 })
    if (!removed) throw stuck(`control group ${folder} cannot be removed`)
    for (const parent of [dirname(folder), dirname(dirname(folder))]) tryRemove(parent)
  }
}

function hierarchies(): string[] {
  if (existsSync(join(top, 'cgroup.procs'))) return [top]
  return [join(top, 'unified'), join(top, 'systemd')].filter((folder) => existsSync(folder))
}

function removeTree(folder: string): boolean {
  for (const each of below(folder).reverse()) tryRemove(each)
  return !existsSync(folder)
}

function tryRemove(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {
    // Still in use, or gone already: the caller looks again.
  }
}

function below(folder: string): string[] {
  return [folder, ...children(folder).flatMap((name) => below(join(folder, name)))]
}

function children(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true })
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  } catch {
    return []
  }
}

function members(folder: string): number[] {
  const text = readText(join(folder, 'cgroup.procs')) ?? ''
  return text.split('\n').filter(Boolean).map(Number)
}

function stuck(message: string): DeployError {
  return new DeployError({ code: 'E_LAB_STUCK', message: `lab: ${message}`, hint: 'Try again: deploy lab down ENV' })
}
