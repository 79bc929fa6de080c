import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { labExec, labUpper } from '../../src/lab/inside.ts'
import { labDown, labHeal, labUp } from '../../src/lab/lab.ts'
import { type LabRef, labNames } from '../../src/lab/names.ts'
import { poll } from '../../src/lab/poll.ts'
import { installTool } from '../bench/installed-tool.ts'
import { installAnsible } from './ansible.ts'
import { launchOptions } from './ours.ts'
import type { Target } from './tool.ts'

/** What the faults happen on: real hosts, and both tools installed in a temporary folder. */
export interface Bed {
  readonly root: string
  readonly lab: LabRef
  readonly node: string
  /** Options of Node that the tool's launcher asks for. */
  readonly launch: readonly string[]
  readonly ansibleVersion: string
  readonly identityFile: string
  readonly knownHosts: string
  readonly targets: readonly Target[]
  /** The first host, where a fault needs only one. */
  readonly first: Target
}

const HOSTS = ['web1', 'web2', 'web3', 'web4']
const PACKAGES = ['python3', 'python3-apt', 'fish', 'tcsh', 'tree']

type Say = (line: string) => void

/** The temporary folder of a bed and the lab it will have; nothing runs yet. */
export function bedPlace(): Pick<Bed, 'root' | 'lab'> {
  const root = mkdtempSync(join(realpathSync(tmpdir()), 'ek-faults-'))
  return { root, lab: { root, environment: 'compare' } }
}

export async function makeBed({ root, lab }: Pick<Bed, 'root' | 'lab'>, say: Say): Promise<Bed> {
  writeFileSync(join(root, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  const node = installTool(root, say)
  say('installing ansible-core from PyPI')
  const ansibleVersion = installAnsible(root)
  const { hosts, identityFile, knownHosts } = await labUp({ ...lab, hosts: HOSTS, packages: PACKAGES }, say)
  const targets = HOSTS.map((name) => ({ name, address: hosts[name]?.address ?? '' }))
  const [first] = targets as [Target]
  const launch = launchOptions(root)
  return {
    root,
    lab,
    node,
    launch,
    ansibleVersion,
    identityFile,
    knownHosts: readFileSync(knownHosts, 'utf8'),
    targets,
    first,
  }
}

export async function removeBed({ root, lab }: Pick<Bed, 'root' | 'lab'>): Promise<void> {
  await labDown(lab)
  rmSync(root, { recursive: true, force: true })
}

/** Runs a script as root on a host, without ssh and network; gives what it prints. */
export async function on({ lab, first }: Bed, script: string, host = first.name, seconds = 60): Promise<string> {
  const { code, stdout, stderr } = await labExec(lab, host, ['sh', '-c', script], { timeout: seconds })
  if (code !== 0) throw new Error(`exit ${code} on ${host}: ${script}\n${stderr}`)
  return stdout
}

/** The text of a file of a host, read on its disk from outside; undefined when it is not there. */
export function onDisk({ lab, first }: Bed, path: string, host = first.name): string | undefined {
  try {
    return readFileSync(join(labUpper(lab, host), path), 'latin1')
  } catch {
    return undefined
  }
}

/** Waits until a file is on a host's disk with a text that fits. @throws Error after a minute. */
export async function until(
  bed: Bed,
  path: string,
  fits: (text: string) => boolean = () => true,
  seconds = 60,
): Promise<void> {
  const found = () => (fits(onDisk(bed, path) ?? '') && onDisk(bed, path) !== undefined ? true : undefined)
  if (!(await poll(found, { seconds }))) throw new Error(`${path} did not come about on the host`)
}

/** Bytes that went over the lab's bridge so far. */
export function traffic({ lab }: Bed): number {
  const read = (name: string) =>
    Number(readFileSync(`/sys/class/net/${labNames(lab).bridge}/statistics/${name}`, 'utf8'))
  return read('rx_bytes') + read('tx_bytes')
}

/** Ends what is left of sessions and programs, and nothing else of the host. */
const END_SESSIONS = `systemctl stop 'deploy-*' 2>/dev/null || :
  main=$(systemctl show -P MainPID ssh)
  for one in $(grep -lE '/ssh.service$' /proc/[0-9]*/cgroup 2>/dev/null); do
    pid=\${one#/proc/}; pid=\${pid%/cgroup}; [ "$pid" = "$main" ] || kill -9 "$pid" 2>/dev/null || :
  done`

/** Gives every host an empty /srv/c and nothing of an earlier run of either tool. */
export async function clean(bed: Bed): Promise<void> {
  for (const { name } of bed.targets) {
    await labHeal(bed.lab, name)
    await on(
      bed,
      `${END_SESSIONS}
      for one in /srv/c/*; do umount "$one" 2>/dev/null || :; done
      rm -rf /srv/c /root/.ansible /home/*/.ansible /var/lib/deploy /run/deploy; mkdir -p /srv/c`,
      name,
    )
  }
}
