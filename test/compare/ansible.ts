import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Bed } from './bed.ts'
import { type Start, start } from './running.ts'
import type { Setup, Tool, Work } from './tool.ts'

/** Installs the newest release that this machine's Python runs. Gives its version. */
export function installAnsible(root: string): string {
  const folder = join(root, 'peers')
  run('/usr/bin/python3', ['-m', 'venv', folder])
  run(join(folder, 'bin/pip'), ['install', '--quiet', '--disable-pip-version-check', 'ansible-core'])
  return run(join(folder, 'bin/python'), ['-c', 'import ansible; print(ansible.__version__)']).trim()
}

function run(file: string, args: readonly string[]): string {
  return execFileSync(file, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], timeout: 300_000 })
}

/** Each run has a folder of its own for shared connections, so none begins with an old one. */
let count = 0

/** Ansible with the settings of the benchmark: pipelining, ControlPersist, enough forks, facts off. */
export function ansible(bed: Bed): Tool {
  const folder = join(bed.root, 'ansible')
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  const prepare = (argv: readonly string[], setup: Setup): Start => {
    const number = ++count
    write('ansible.cfg', '')
    write('hosts.yml', inventory(bed, setup))
    write(`known_hosts`, setup.knownHosts ?? bed.knownHosts)
    const [program = '', ...args] = argv
    return {
      argv: [join(bed.root, 'peers/bin', program), '-i', 'hosts.yml', ...args, ...(setup.more?.ansible ?? [])],
      cwd: folder,
      env: { ...settings(folder, number), ...setup.env },
    }
  }
  const tool: Tool = {
    name: 'ansible',
    start(work, setup) {
      write('play.yml', playbook(work, setup))
      for (const [name, text] of Object.entries(work.templates ?? {}))
        write(`templates/${name}.j2`, text.replaceAll(/\{\{(\w+)\}\}/g, '{{ $1 }}'))
      return start(prepare(['ansible-playbook', 'play.yml'], setup))
    },
    apply: (work, setup, seconds = 120) => tool.start(work, setup).end(seconds),
    command: ({ ansible }, setup) => start(prepare(ansible, setup)),
  }
  return tool
}

function settings(folder: string, number: number): Readonly<Record<string, string>> {
  const known = join(folder, 'known_hosts')
  return {
    ANSIBLE_CONFIG: join(folder, 'ansible.cfg'),
    ANSIBLE_HOME: folder,
    ANSIBLE_FORKS: '50',
    ANSIBLE_GATHERING: 'explicit',
    ANSIBLE_PIPELINING: 'True',
    ANSIBLE_PYTHON_INTERPRETER: '/usr/bin/python3',
    ANSIBLE_SSH_ARGS: `-C -o ControlMaster=auto -o ControlPersist=60s -o StrictHostKeyChecking=yes -o UserKnownHostsFile=${known} -o GlobalKnownHostsFile=/dev/null`,
    ANSIBLE_SSH_CONTROL_PATH_DIR: join(folder, `cp${number}`),
    LC_ALL: 'C.UTF-8',
  }
}

function inventory({ identityFile }: Bed, { targets, user = 'root', sudo, vars = {} }: Setup): string {
  const hosts = targets.map(
    ({ name, address, port = 22 }) => `    ${name}: { ansible_host: "${address}", ansible_port: ${port} }`,
  )
  const lines = {
    ansible_user: user,
    ansible_ssh_private_key_file: identityFile,
    ...(typeof sudo === 'object' && { ansible_become_password: JSON.stringify(sudo.password) }),
    ...vars,
  }
  const variables = Object.entries(lines).map(([name, value]) => `    ${name}: ${value}`)
  return `all:\n  vars:\n${variables.join('\n')}\n  hosts:\n${hosts.join('\n')}\n`
}

function playbook({ ansible, handlers }: Work, { sudo }: Setup): string {
  const list = (text: string) =>
    text
      .trim()
      .split('\n')
      .map((line) => `    ${line}\n`)
      .join('')
  const become = sudo === undefined ? '' : '  become: true\n'
  const more = handlers === undefined ? '' : `  handlers:\n${list(handlers)}`
  return `- hosts: all\n  gather_facts: false\n${become}  tasks:\n${list(ansible)}${more}`
}
