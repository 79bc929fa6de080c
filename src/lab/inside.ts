import { DeployError } from '../model/error.ts'
import { hostCpuSeconds } from './cgroup.ts'
import { type ChildResult, onTerminal, outcome } from './child.ts'
import { restoreDisk, saveDisk, upperFolder } from './disk.ts'
import { bootHost, hostRuns, killHost, leader, stopHost } from './host.ts'
import { hostLock } from './lab.ts'
import { withLock } from './lock.ts'
import { mountDisk } from './mount.ts'
import { type LabRef, requireName } from './names.ts'
import { cacheOf, hostOf, type LabHost } from './state.ts'

const environment = [
  'HOME=/root',
  'LC_ALL=C.UTF-8',
  'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
]

/**
 * Runs a command as root inside a host, without ssh or network, and gives its outcome; a failure does not throw.
 *
 * `timeout` is in seconds, default 120; exit code 124 when it ran out. Its processor time is not counted as the host's.
 * Throws `E_LAB_NOT_RUNNING` when the host is down.
 */
export async function labExec(
  ref: LabRef,
  name: string,
  argv: readonly string[],
  { input, timeout = 120 }: { input?: string; timeout?: number } = {},
): Promise<ChildResult> {
  const limited = ['timeout', '-k', '2', String(timeout), ...argv]
  const options = { timeout: timeout + 5, ...(input !== undefined && { input }) }
  return outcome(enter(hostOf(ref, name), limited), options)
}

/** Runs a command inside a host on this terminal (default: a login shell) and gives its exit code. */
export async function labShell(ref: LabRef, name: string, argv: readonly string[] = ['bash', '-l']): Promise<number> {
  const terminal = `TERM=${process.env.TERM ?? 'dumb'}`
  return onTerminal(enter(hostOf(ref, name), ['env', terminal, ...argv]))
}

/** Folder with exactly what differs on a host from its base image (overlayfs upper layer); read it, do not write it. */
export function labUpper(ref: LabRef, name: string): string {
  return upperFolder(hostOf(ref, name))
}

/** Seconds of processor time all processes of a host have used since its last boot. Throws `E_LAB_NOT_RUNNING`. */
export function labCpuSeconds(ref: LabRef, name: string): number {
  const host = hostOf(ref, name)
  const seconds = hostCpuSeconds(host.lab.id, name)
  if (seconds === undefined) throw notRunning(host)
  return seconds
}

/** Keeps a copy of a host's disk under `label` after an orderly power-off; boots it again if it was running. */
export async function labSave(ref: LabRef, name: string, label: string): Promise<void> {
  const host = hostOf(ref, name)
  requireName('label', label)
  await withLock(hostLock(host), async () => {
    const running = hostRuns(host)
    await stopHost(host)
    await saveDisk(host, label)
    if (running) await bootHost(host, cacheOf(host.lab))
  })
}

/** Puts a host back to the disk kept under `label`, whatever happened since, and boots it. Throws `E_LAB_SAVED`. */
export async function labRestore(ref: LabRef, name: string, label: string): Promise<void> {
  const host = hostOf(ref, name)
  await withLock(hostLock(host), async () => {
    await killHost(host)
    await restoreDisk(host, label)
    await mountDisk(host.folder)
    await bootHost(host, cacheOf(host.lab))
  })
}

function enter(host: LabHost, argv: readonly string[]): string[] {
  const first = leader(host)
  if (!first) throw notRunning(host)
  const spaces = ['-m', '-u', '-i', '-n', '-p']
  return ['nsenter', '-t', String(first.pid), ...spaces, 'env', '-i', ...environment, ...argv]
}

function notRunning(host: LabHost): DeployError {
  return new DeployError({ code: 'E_LAB_NOT_RUNNING', message: `${host.name}: not running in the lab` })
}
