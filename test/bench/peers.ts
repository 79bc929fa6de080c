import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Bed, makeBare, withRev } from './bed.ts'
import { type Sink, type Turns, takeTurns } from './cases.ts'
import { deploy, floor, must } from './commands.ts'
import type { Job } from './measure.ts'
import { besidePeers, PEER_TOOLS } from './statistics.ts'

type PeerName = (typeof PEER_TOOLS)[number]

const TEXTS = join(import.meta.dirname, 'peers')

/** The other tools that are there, and a line of their versions. */
export interface Installed {
  readonly tools: readonly PeerName[]
  readonly versions: string
}

/**
 * Installs the newest releases that this machine's Python can run, in an environment of the bed; where PyPI cannot be
 * reached, Debian's Ansible alone.
 */
export function installPeers(bed: Bed, { say }: Sink): Installed {
  say('installing ansible-core, mitogen and pyinfra from PyPI')
  const folder = environment(bed)
  mkdirSync(join(bed.root, 'ansible'))
  writeFileSync(join(bed.root, 'ansible/ansible.cfg'), '')
  run('/usr/bin/python3', ['-m', 'venv', folder])
  try {
    run(join(folder, 'bin/pip'), [
      'install',
      '--quiet',
      '--disable-pip-version-check',
      'ansible-core',
      'mitogen',
      'pyinfra',
    ])
  } catch {
    say('PyPI cannot be reached: Ansible as Debian has it')
    return { tools: ['ansible'], versions: debianAnsible(folder) }
  }
  const listed = run(join(folder, 'bin/pip'), ['list', '--format=freeze', '--disable-pip-version-check'])
  return { tools: PEER_TOOLS, versions: versions(listed) }
}

function debianAnsible(folder: string): string {
  run('apt-get', ['-qq', 'update'])
  run('env', [
    'DEBIAN_FRONTEND=noninteractive',
    ...['apt-get', '-qq', 'install', '-y', '--no-install-recommends', 'ansible-core'],
  ])
  symlinkSync('/usr/bin/ansible-playbook', join(folder, 'bin/ansible-playbook'))
  return `ansible-core ${run('dpkg-query', ['-W', '-f', '${Version}', 'ansible-core'])} of Debian`
}

function run(file: string, args: readonly string[]): string {
  return execFileSync(file, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], timeout: 300_000 })
}

/** `ansible-core 1.2, mitogen 3.4, …` of what pip lists. */
export function versions(listed: string): string {
  const wanted = ['ansible-core', 'mitogen', 'pyinfra', 'paramiko']
  return listed
    .split('\n')
    .map((line) => line.split('=='))
    .filter(([name = '']) => wanted.includes(name))
    .map((pair) => pair.join(' '))
    .join(', ')
}

/** All cases: each converges on restored disks, finds nothing to do then, and does one change after another. */
export async function peerCases(
  bed: Bed,
  tools: readonly PeerName[],
  turns: { readonly noOp: Turns; readonly change: Turns },
  sink: Sink,
): Promise<void> {
  const jobs: readonly (readonly [string, (now: Bed, changes: 'none' | 'some') => Job])[] = [
    ['floor', (now, changes) => floor(now, now.route, changes)],
    ['apply', (now, changes) => deploy(now, 'bench', 'apply', 'web', changes)],
    ...tools.map((name) => [name, (now: Bed, changes: 'none' | 'some') => peer(now, name, changes)] as const),
  ]
  let now = bed
  for (const [name, job] of jobs) {
    const bare = async () => {
      await makeBare(now)
      return job(now, 'some')
    }
    const changed = () => {
      now = withRev(now, now.rev + 1)
      return job(now, 'some')
    }
    await takeTurns(bed, besidePeers('converge'), { timed: 1, sampled: 0 }, sink, [{ name, job: bare }])
    await takeTurns(bed, besidePeers('no-op'), turns.noOp, sink, [{ name, job: () => job(now, 'none') }])
    await takeTurns(bed, besidePeers('change'), turns.change, sink, [{ name, job: changed }])
  }
}

function peer(bed: Bed, name: PeerName, changes: 'none' | 'some'): Job {
  return name === 'pyinfra' ? pyinfra(bed, changes) : ansible(bed, name, changes)
}

function ansible(bed: Bed, name: 'ansible' | 'mitogen', changes: 'none' | 'some'): Job {
  const { root, route, identityFile } = bed
  const inventory = join(root, 'ansible/hosts')
  const hosts = readFileSync(route.hosts, 'utf8').trim().split('\n')
  const line = ([host, address, port]: readonly string[]) =>
    `${host} ansible_host=${address} ansible_port=${port} ansible_user=root ansible_ssh_private_key_file=${identityFile}\n`
  writeFileSync(inventory, hosts.map((text) => line(text.split(' '))).join(''))
  const settings = {
    ANSIBLE_CONFIG: join(root, 'ansible/ansible.cfg'),
    ANSIBLE_HOME: join(root, 'ansible'),
    ANSIBLE_FORKS: '50',
    ANSIBLE_GATHERING: 'explicit',
    ANSIBLE_PIPELINING: 'True',
    ANSIBLE_PYTHON_INTERPRETER: '/usr/bin/python3',
    ANSIBLE_SSH_ARGS: `-C -o ControlMaster=auto -o ControlPersist=60s -o StrictHostKeyChecking=yes -o UserKnownHostsFile=${route.knownHosts} -o LogLevel=ERROR`,
    ANSIBLE_SSH_CONTROL_PATH_DIR: join(root, 'ansible/cp'),
    LC_ALL: 'C.UTF-8',
    ...(name === 'mitogen' && {
      ANSIBLE_STRATEGY_PLUGINS: run(join(environment(bed), 'bin/python'), ['-c', FIND_STRATEGIES]).trim(),
      ANSIBLE_STRATEGY: 'mitogen_linear',
    }),
  }
  const program = join(environment(bed), 'bin/ansible-playbook')
  const values = JSON.stringify({ work: join(root, 'floor'), rev: bed.rev })
  return {
    argv: [...withVariables(settings), program, '-i', inventory, '-e', values, join(TEXTS, 'ansible.yml')],
    check: (output) => must(fits(ansibleChanges(output), changes), name, changes, output),
  }
}

const FIND_STRATEGIES = 'import ansible_mitogen.plugins.strategy as s; print(s.__path__[0])'

/** The sum of `changed=` in Ansible's recap; NaN when there is none. */
export function ansibleChanges(output: string): number {
  const counts = [...output.matchAll(/ : ok=\d+ +changed=(\d+) /g)].map(([, count]) => Number(count))
  return counts.length > 0 ? counts.reduce((sum, count) => sum + count, 0) : Number.NaN
}

function pyinfra(bed: Bed, changes: 'none' | 'some'): Job {
  const settings = {
    BENCH_HOSTS: bed.route.hosts,
    BENCH_KEY: bed.identityFile,
    BENCH_KNOWN_HOSTS: bed.route.knownHosts,
    BENCH_WORK: join(bed.root, 'floor'),
    BENCH_REV: String(bed.rev),
    LC_ALL: 'C.UTF-8',
  }
  const program = join(environment(bed), 'bin/pyinfra')
  return {
    argv: [...withVariables(settings), program, '-y', join(TEXTS, 'pyinfra-hosts.py'), join(TEXTS, 'pyinfra-work.py')],
    check: (output) => must(fits(pyinfraChanges(output), changes), 'pyinfra', changes, output),
  }
}

/** Changed operations in pyinfra's grand total; NaN when there is none. */
export function pyinfraChanges(output: string): number {
  return Number(/Grand total\D+\d+ +(\d+|-)/.exec(output)?.[1]?.replace('-', '0'))
}

/** Whether so many changes are as expected; output without a number never is. */
export function fits(count: number, changes: 'none' | 'some'): boolean {
  return changes === 'none' ? count === 0 : count > 0
}

function withVariables(variables: Readonly<Record<string, string>>): readonly string[] {
  return ['env', ...Object.entries(variables).map(([name, value]) => `${name}=${value}`)]
}

function environment({ root }: Bed): string {
  return join(root, 'peers')
}
