import { connect } from 'node:net'
import { join } from 'node:path'
import { writeWhole } from '../load/write-whole.ts'
import { DeployError } from '../model/error.ts'
import type { Cache } from './cache.ts'
import { socketFolder } from './cacher.ts'
import { hostProcesses, killCgroup, makeCgroups, removeCgroups } from './cgroup.ts'
import { startDetached, tail } from './child.ts'
import { readJson } from './files.ts'
import { removeLink } from './link.ts'
import { namesIn, removeFolder } from './mount.ts'
import { cableName, machineName } from './names.ts'
import { pause, poll } from './poll.ts'
import { markProcess, type ProcessMark, processRuns, readText, signalProcess } from './process.ts'
import { packagesFolder } from './recipe.ts'
import type { LabHost } from './state.ts'

/**
 * Enters the control groups named before `--`, then runs the container program after it, again whenever the host reboots:
 * the program says so with 133 and leaves the rest to whoever keeps it.
 */
const enterGroups = `while [ "$1" != -- ]; do [ ! -e "$1" ] || echo $$ > "$1" || exit 125; shift; done; shift
while :; do "$@"; c=$?; [ "$c" = 133 ] || exit "$c"; done`

const bootSeconds = 90

/** True when the host's container runs. */
export function hostRuns(host: LabHost): boolean {
  const mark = keeper(host)
  return mark !== undefined && processRuns(mark)
}

/**
 * Boots a host on its mounted disk and waits until its sshd answers; does nothing when it runs.
 *
 * Throws `E_LAB_BOOT` with the end of its console when it ends or does not answer within 90 seconds.
 */
export async function bootHost(host: LabHost, cache: Cache, tries = 3): Promise<void> {
  if (!hostRuns(host)) {
    await clearHost(host)
    await startHost(host, cache)
  }
  const answered = await poll(async () => (hostRuns(host) ? (await sshAnswers(host.address)) || undefined : false), {
    seconds: bootSeconds,
  })
  if (answered) return
  const console = readText(consoleLog(host)) ?? ''
  if (answered === false && tries > 1 && console.includes('File exists')) return bootHost(host, cache, tries - 1)
  const why = answered === false ? 'its container ended' : `its sshd did not answer within ${bootSeconds} s`
  throw new DeployError({
    code: 'E_LAB_BOOT',
    message: `${host.name}: boot failed: ${why}\n${tail(console.trim(), 20)}`,
    hint: `Its whole console: ${consoleLog(host)}`,
  })
}

/** Power loss: every process of the host ends at once; the disk stays as it is. */
export async function killHost(host: LabHost): Promise<void> {
  const mark = keeper(host)
  const first = leader(host)
  if (first) signalProcess(first, 'SIGKILL')
  if (mark) signalProcess(mark, 'SIGKILL')
  await clearHost(host)
}

/** Orderly power-off, as by the host's own `poweroff`; a power loss when it takes more than 30 seconds. */
export async function stopHost(host: LabHost): Promise<void> {
  const first = leader(host)
  if (first) signalProcess(first, rtmin + 4)
  await poll(() => (hostRuns(host) ? undefined : true), { seconds: first ? 30 : 0 })
  await killHost(host)
}

/** The host's process 1 as this machine sees it; undefined when the host is not running. */
export function leader(host: LabHost): ProcessMark | undefined {
  return hostProcesses(host.lab.id, host.name).find(({ pid }) => {
    const ids = /^NSpid:\s+(.*)$/m.exec(readText(`/proc/${pid}/status`) ?? '')?.[1]?.split(/\s+/) ?? []
    return ids.length === 2 && ids[1] === '1'
  })
}

/** File with everything the host wrote on its console since its last boot. */
export function consoleLog(host: LabHost): string {
  return join(host.folder, 'console.log')
}

/** Removes what the container program leaves on the machine, when it is killed, for machines so named. */
export async function removeNspawnTraces(named: (machine: string) => boolean): Promise<void> {
  for (const kind of ['/run/systemd/nspawn/propagate', '/run/systemd/nspawn/unix-export']) {
    for (const machine of namesIn(kind).filter(named)) await removeFolder(join(kind, machine))
  }
}

/** First real-time signal of the kernel's C library; systemd powers off at the fourth after it. */
const rtmin = 34

async function startHost(host: LabHost, cache: Cache): Promise<void> {
  const groups = makeCgroups(host.lab.id, host.name)
  const nspawn = nspawnArguments(host, cache)
  const argv = ['/bin/sh', '-c', enterGroups, 'sh', ...groups, '--', ...nspawn]
  const pid = await startDetached(argv, { log: consoleLog(host), env: { SYSTEMD_NSPAWN_LOCK: '0' } })
  const mark = markProcess(pid)
  if (mark) writeWhole(join(host.folder, 'process.json'), JSON.stringify(mark), 0o600)
}

function nspawnArguments({ lab, name, index, folder }: LabHost, cache: Cache): string[] {
  return [
    'systemd-nspawn',
    '--quiet',
    '--boot',
    '--directory',
    join(folder, 'root'),
    `--machine=${machineName(lab.id, index)}`,
    `--hostname=${name}`,
    '--register=no',
    '--keep-unit',
    '--resolv-conf=off',
    '--timezone=off',
    `--network-bridge=${lab.bridge}`,
    '--capability=all',
    '--kill-signal=SIGRTMIN+3',
    '--rlimit=RLIMIT_NOFILE=1024:524288',
    `--bind-ro=${socketFolder(cache).replaceAll(':', '\\:')}:${packagesFolder}`,
  ]
}

function keeper(host: LabHost): ProcessMark | undefined {
  return readJson<ProcessMark>(join(host.folder, 'process.json'))
}

async function clearHost(host: LabHost): Promise<void> {
  const { lab, name, index, folder } = host
  await killCgroup(lab.id, name)
  await removeLink(cableName(lab.id, index))
  await removeCgroups(lab.id, name)
  await removeNspawnTraces((machine) => machine === machineName(lab.id, index))
  await removeFolder(join(folder, 'process.json'))
}

async function sshAnswers(address: string): Promise<boolean> {
  const greeting = await new Promise<string>((resolve) => {
    const socket = connect({ host: address, port: 22 })
    const end = (text: string) => {
      socket.destroy()
      resolve(text)
    }
    socket.setTimeout(500, () => end(''))
    socket.once('error', () => end(''))
    socket.once('close', () => end(''))
    socket.once('data', (data) => end(data.toString('latin1')))
  })
  if (greeting === '') await pause(20)
  return greeting.startsWith('SSH-')
}
