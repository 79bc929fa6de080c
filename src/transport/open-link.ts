import { userInfo } from 'node:os'
import type { Connection } from '../model/inventory.ts'
import type { Secret } from '../model/secret.ts'
import { LAUNCH, LAUNCH_ARGV, LAUNCH_SUDO, LAUNCH_SUDO_PASSWORD, SUDO_PROMPT } from '../shell/session.ts'
import { FIRST_WORD } from './failure.ts'
import type { Heard, Link } from './link.ts'
import { nodeSshLink } from './node-ssh-link.ts'
import { processLink } from './process-link.ts'
import { sudoLink } from './sudo-link.ts'

/** With whose rights the host loop runs, and how it gets them. */
type As = 'login' | 'sudo' | 'sudo-password'

/** Makes a link whose loop has these rights. */
export type OpenAs = (as: As, heard?: Heard) => Link

const LAUNCHES: Readonly<Record<As, string>> = {
  login: LAUNCH,
  sudo: LAUNCH_SUDO,
  'sudo-password': LAUNCH_SUDO_PASSWORD,
}

const LOCAL_LAUNCHES: Readonly<Record<As, readonly string[]>> = {
  login: LAUNCH_ARGV,
  sudo: ['sudo', '-n', '-H', ...LAUNCH_ARGV],
  'sudo-password': ['sudo', '-k', '-S', '-p', SUDO_PROMPT, '-H', ...LAUNCH_ARGV],
}

/** What a login may need beside the inventory. */
export interface Access {
  /** The project's files of trusted host keys. */
  readonly knownHosts: readonly string[]
  /** For hosts on which sudo wants one. */
  readonly sudoPassword?: Secret
  /** The socket of the ssh agent that holds the host's key. Omitted: the user's own agent. */
  readonly agent?: string
}

/** Opens the one connection to a host and starts the host loop there, as root where `become` says so. */
export function openLink(connection: Connection, { knownHosts, sudoPassword, agent }: Access): Link {
  const openAs = opener(connection, knownHosts, agent)
  if (connection.become !== 'sudo' || isRoot(connection)) return openAs('login')
  return sudoPassword ? sudoLink(openAs, sudoPassword) : openAs('sudo')
}

function opener(connection: Connection, knownHosts: readonly string[], agent: string | undefined): OpenAs {
  if (connection.transport === 'local') return openLocal
  return connection.transport === 'node-ssh'
    ? (as, heard) => nodeSshLink(connection, knownHosts, LAUNCHES[as], { heard, agent })
    : (as, heard) => openSsh(connection, knownHosts, LAUNCHES[as], { heard, agent })
}

/** Whether the login is root's. What the user's ssh config says of it is not known here. */
function isRoot({ transport, user }: Connection): boolean {
  const own = transport === 'openssh' ? undefined : userInfo().username
  return transport === 'local' ? userInfo().uid === 0 : (user ?? own) === 'root'
}

function openLocal(as: As, heard?: Heard): Link {
  const [file = '', ...args] = LOCAL_LAUNCHES[as]
  return processLink(file, args, `${userInfo().username}@localhost`, { heard })
}

function openSsh(
  connection: Connection,
  knownHosts: readonly string[],
  launch: string,
  more: { readonly heard?: Heard | undefined; readonly agent?: string | undefined },
): Link {
  const { address, user, port } = connection
  const target = `${user ? `${user}@` : ''}${address}${port ? `:${port}` : ''}`
  // An agent with many keys would use up the server's patience before the one that is named. Ours holds no other one, and
  // of some of its keys ssh cannot read the public half that it would look for.
  const alone = connection.identityFile && !more.agent ? ['-o', 'IdentitiesOnly=yes'] : []
  return processLink('ssh', [...alone, ...sshOptions(connection, knownHosts), '--', address, launch], target, more)
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
    ConnectTimeout: String(FIRST_WORD),
    ServerAliveInterval: '4',
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
    ...(connection.sshConfig ? ['-F', connection.sshConfig] : []),
    ...Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
    ...(connection.user ? ['-l', connection.user] : []),
    ...(connection.port ? ['-p', String(connection.port)] : []),
    ...(connection.identityFile ? ['-i', connection.identityFile] : []),
  ]
}
