import { userInfo } from 'node:os'
import type { Connection } from '../model/inventory.ts'
import { LAUNCH, LAUNCH_ARGV, LAUNCH_SUDO } from '../shell/session.ts'
import type { Link } from './link.ts'
import { nodeSshLink } from './node-ssh-link.ts'
import { processLink } from './process-link.ts'

/** Opens the one connection to a host and starts the host loop there, as root where `become` says so. */
export function openLink(connection: Connection, knownHosts: readonly string[]): Link {
  if (connection.transport === 'local') return openLocal(connection)
  return connection.transport === 'node-ssh' ? nodeSshLink(connection, knownHosts) : openSsh(connection, knownHosts)
}

function openLocal(connection: Connection): Link {
  const [file = '', ...args] =
    userInfo().uid !== 0 && connection.become === 'sudo' ? ['sudo', '-n', '-H', ...LAUNCH_ARGV] : LAUNCH_ARGV
  return processLink(file, args, `${userInfo().username}@localhost`)
}

function openSsh(connection: Connection, knownHosts: readonly string[]): Link {
  const { address, user, port, become } = connection
  const launch = become === 'sudo' && user !== 'root' ? LAUNCH_SUDO : LAUNCH
  const target = `${user ? `${user}@` : ''}${address}${port ? `:${port}` : ''}`
  return processLink('ssh', [...sshOptions(connection, knownHosts), '--', address, launch], target)
}

/**
 * Our options win over the user's ssh config where it could break the byte stream or weaken a promise; user, port, keys,
 * jump hosts and ciphers come from that config.
 */
export function sshOptions(connection: Connection, knownHosts: readonly string[]): readonly string[] {
  const files = [connection.knownHostsFile, ...knownHosts, '~/.ssh/known_hosts', '/etc/ssh/ssh_known_hosts'].filter(
    (file) => file !== undefined,
  )
  const options = {
    StrictHostKeyChecking: 'yes',
    UserKnownHostsFile: files.map((file) => (file.startsWith('~') ? file : `"${file}"`)).join(' '),
    UpdateHostKeys: 'no',
    BatchMode: 'yes',
    ConnectTimeout: '10',
    ServerAliveInterval: '5',
    ServerAliveCountMax: '2',
    RemoteCommand: 'none',
    RequestTTY: 'no',
    StdinNull: 'no',
    ForkAfterAuthentication: 'no',
    SessionType: 'default',
    ClearAllForwardings: 'yes',
    ForwardAgent: 'no',
    ForwardX11: 'no',
    PermitLocalCommand: 'no',
    ControlMaster: 'no',
    ControlPath: 'none',
    LogLevel: 'ERROR',
  }
  return [
    '-T',
    ...Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
    ...(connection.user ? ['-l', connection.user] : []),
    ...(connection.port ? ['-p', String(connection.port)] : []),
    ...(connection.identityFile ? ['-i', connection.identityFile] : []),
  ]
}
