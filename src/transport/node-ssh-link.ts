import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { homedir, userInfo } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import type { Config, NodeSSH } from 'node-ssh'
import type { ClientChannel, ParsedKey } from 'ssh2'
import type { Connection } from '../model/inventory.ts'
import { nameFailure } from './failure.ts'
import { judgeHostKey, knownHostName, knownKeyTypes, type Verdict } from './known-hosts.ts'
import type { Heard, Link, LinkFailure } from './link.ts'
import { textOf } from './text-of.ts'

/** Seconds until the first word of the server, and until a login is given up. */
const FIRST_WORD = 10
const LOGIN = 60
/** Seconds between two signs of life, and how many may be missed: a lost link is noticed after 10 to 15 seconds. */
const ALIVE = 5
const MISSED = 2
/** Bytes of stderr that are kept: the last ones. */
const STDERR_KEPT = 8192
const GREETING_KEPT = 300

/** Private keys that are tried where the inventory names none, as ssh does. */
const DEFAULT_KEYS = ['id_ed25519', 'id_ecdsa', 'id_rsa']

interface Attempt {
  readonly connection: Connection
  readonly target: string
  /** Texts of the known_hosts files. */
  readonly known: readonly string[]
  verdict?: Verdict
  /** Fingerprint of the key the host showed. */
  shown?: string
  stderr: string
  established: boolean
}

/**
 * A link by the library node-ssh, in this process: a login costs a tenth of what starting `ssh` does. It checks host keys
 * against the same files and never skips that. Of the user's ssh config it only heeds that a host is reached through
 * another one, and refuses then: address, port, user and key stand in the inventory. Logins are by key file or agent.
 */
export function nodeSshLink(
  connection: Connection,
  knownHosts: readonly string[],
  launch: string,
  heard?: Heard,
): Link {
  const stdin = new PassThrough()
  const stdout = new PassThrough()
  const { promise: closed, resolve: end } = Promise.withResolvers<LinkFailure>()
  const user = connection.user ?? userInfo().username
  const port = connection.port ? `:${connection.port}` : ''
  const attempt: Attempt = {
    connection,
    target: `${user}@${connection.address}${port}`,
    known: knownHostsFiles(connection, knownHosts).map(textOf),
    stderr: '',
    established: false,
  }
  let greeting = ''
  let closing = false
  let close = () => {
    closing = true
    end({ kind: 'lost', message: 'the connection was closed' })
  }

  async function open(): Promise<void> {
    const { NodeSSH } = await import('node-ssh')
    const ssh = new NodeSSH()
    const settings = await config(attempt, user)
    if (closing) return
    const ready = ssh.connect(settings)
    const client = clientOf(ssh)
    // For the whole life of the connection: an error without a listener would end this process.
    client.on('error', (error) => end(named(attempt, error)))
    client.on('close', () => end(lost(attempt)))
    close = () => client.destroy()
    await ready
    client.setNoDelay(true)
    client.exec(launch, (error, channel) => {
      if (error) end(named(attempt, error))
      else follow(channel)
    })
  }

  function follow(channel: ClientChannel): void {
    stdin.pipe(channel)
    channel.pipe(stdout, { end: false })
    // A channel that ends badly says so by its end.
    channel.on('error', () => undefined)
    // What a login says without ever running our loop tells why, e.g. "This account is currently not available."
    channel.once('data', (chunk: Buffer) => {
      greeting = chunk.toString('utf8').slice(0, GREETING_KEPT)
    })
    channel.stderr.on('data', (chunk: Buffer) => {
      heard?.(chunk)
      attempt.stderr = (attempt.stderr + chunk.toString('utf8')).slice(-STDERR_KEPT)
    })
    channel.on('close', (code: number | undefined) => {
      const { stderr, established, target } = attempt
      const said = stderr || (established ? '' : greeting)
      end(nameFailure({ stderr: said, exitCode: code, established, target }))
      close()
    })
  }

  open().catch((error: unknown) => end(named(attempt, error)))
  return {
    stdin,
    stdout,
    closed,
    established() {
      attempt.established = true
    },
    close: () => close(),
  }
}

function clientOf({ connection }: NodeSSH) {
  if (!connection) throw new Error('node-ssh made no connection')
  return connection
}

async function config(attempt: Attempt, username: string): Promise<Config> {
  const { utils } = (await import('ssh2')).default
  const { address, port } = attempt.connection
  await requireDirect(address)
  const isUsable = (key: Buffer) => !(utils.parseKey(key) instanceof Error)
  const name = knownHostName(address, port)
  const types = knownKeyTypes(attempt.known, name).flatMap(algorithmsOf)
  // Before the socket is there: what is wrong with a key must not leave one open.
  const offered = logins(attempt.connection, username, isUsable)
  return {
    sock: openSocket(address, port ?? 22),
    username,
    readyTimeout: LOGIN * 1000,
    keepaliveInterval: ALIVE * 1000,
    keepaliveCountMax: MISSED,
    hostVerifier(blob: Buffer) {
      const parsed = utils.parseKey(blob) as ParsedKey | Error
      const type = parsed instanceof Error ? '' : parsed.type
      attempt.shown = `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`
      attempt.verdict = judgeHostKey(attempt.known, name, type, blob.toString('base64'))
      return attempt.verdict === 'known'
    },
    // One login each, keys only: what is not offered here is never tried.
    authHandler: offered as NonNullable<Config['authHandler']>,
    ...(types.length > 0 && { algorithms: { serverHostKey: types as never } }),
  }
}

/** A connection that is given up when nothing comes over it in time: a slow login has a longer limit than a silent port. */
function openSocket(host: string, port: number): Socket {
  const socket = connect({ host, port })
  const silence = setTimeout(() => {
    socket.destroy(Object.assign(new Error('the server said nothing'), { code: 'ETIMEDOUT' }))
  }, FIRST_WORD * 1000)
  socket.once('data', () => clearTimeout(silence))
  socket.once('close', () => clearTimeout(silence))
  return socket
}

/** The ways to log in, in this order: the inventory's key alone, or the user's own keys that can be used, and the agent. */
function logins({ identityFile }: Connection, username: string, isUsable: (key: Buffer) => boolean): readonly object[] {
  const publickey = (key: Buffer) => ({ type: 'publickey', username, key })
  if (identityFile) {
    const key = readFileSync(identityFile.replace(/^~(?=\/)/, homedir()))
    if (!isUsable(key)) throw new Error('the private key needs a passphrase, or is none')
    return [publickey(key)]
  }
  const agent = process.env.SSH_AUTH_SOCK
  const files = DEFAULT_KEYS.map((name) => join(homedir(), '.ssh', name)).filter(existsSync)
  const keys = files.map((file) => readFileSync(file)).filter(isUsable)
  return [...keys.map(publickey), ...(agent ? [{ type: 'agent', username, agent }] : [])]
}

/**
 * Refuses a host that the user's ssh config reaches through another one: dialled directly it would be somebody else.
 * `ssh` itself reads the config, and only where it says anything of the kind.
 */
async function requireDirect(address: string): Promise<void> {
  const file = join(homedir(), '.ssh', 'config')
  if (!/^\s*(ProxyJump|ProxyCommand|Include)\b/im.test(textOf(file))) return
  const { execa } = await import('execa')
  const { stdout } = await execa('ssh', ['-F', file, '-G', '--', address], {
    reject: false,
    stdin: 'ignore',
    timeout: 5000,
  })
  const proxy = /^proxy(?:jump|command) (?!none$)(.*)$/im.exec(stdout ?? '')?.[1]
  if (proxy) throw new Error(`the ssh config reaches it through ${proxy}`)
}

function algorithmsOf(type: string): readonly string[] {
  return type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type]
}

function named(attempt: Attempt, error: unknown): LinkFailure {
  const { target, verdict, shown, established } = attempt
  const { code = '', level = '', message } = error as { code?: string; level?: string; message: string }
  if (verdict === 'unknown') return { kind: 'host-key-unknown', message: `its host key (${shown}) is not known yet` }
  if (verdict === 'changed')
    return { kind: 'host-key-changed', message: `its host key (${shown}) is not the one that is trusted` }
  if (verdict === 'authority')
    return { kind: 'host-key-unknown', message: 'its host key is known by a certificate only: use transport: openssh' }
  if (verdict === 'revoked') return { kind: 'host-key-changed', message: `its host key (${shown}) is revoked` }
  if (established) return lost(attempt)
  if (/matching host key format/i.test(message))
    return { kind: 'host-key-changed', message: 'it has no host key of a type that is trusted' }
  if (code === 'ECONNREFUSED') return { kind: 'refused', message: `connection refused by ${target}` }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return { kind: 'dns', message: `the name ${attempt.connection.address} does not resolve (${code})` }
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH') return { kind: 'no-route', message: `no route to ${target}` }
  if (code === 'ETIMEDOUT' || level === 'client-timeout')
    return { kind: 'timeout', message: `${target} did not answer in time` }
  if (level === 'client-authentication' || code === 'ENOENT' || /private key|passphrase/i.test(message))
    return denied(target, message)
  return { kind: 'login-shell', message: `the login on ${target} failed: ${message}`, hint: 'try transport: openssh' }
}

function denied(target: string, message: string): LinkFailure {
  const why = /passphrase/i.test(message)
    ? 'its key is encrypted: put it into an ssh agent, or use transport: openssh'
    : 'check user and identityFile in the inventory, and the keys your ssh agent offers'
  return { kind: 'auth', message: `login as ${target} was denied (${message})`, hint: why }
}

function lost({ established, target }: Attempt): LinkFailure {
  return established
    ? { kind: 'lost', message: 'the connection was lost' }
    : { kind: 'timeout', message: `${target} ended the connection before the login was done` }
}

function knownHostsFiles({ knownHostsFile }: Connection, files: readonly string[]): readonly string[] {
  const user = join(homedir(), '.ssh', 'known_hosts')
  return [...(knownHostsFile ? [knownHostsFile] : []), ...files, user, '/etc/ssh/ssh_known_hosts']
}
