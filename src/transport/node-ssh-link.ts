import { userInfo } from 'node:os'
import { PassThrough } from 'node:stream'
import type { NodeSSH } from 'node-ssh'
import type { ClientChannel } from 'ssh2'
import type { Connection } from '../model/inventory.ts'
import { nameFailure } from './failure.ts'
import type { Heard, Link, LinkFailure } from './link.ts'
import { type Attempt, lost, named } from './node-ssh-failure.ts'
import { loginConfig } from './node-ssh-login.ts'

/** Bytes of stderr that are kept: the last ones. */
const STDERR_KEPT = 8192
const GREETING_KEPT = 300

/**
 * A link by the library node-ssh, in this process: a login costs a tenth of what starting `ssh` does. It checks host keys
 * against the same files and never skips that. Of the user's ssh config it only heeds that a host is reached through
 * another one, and refuses then: address, port, user and key stand in the inventory. Logins are by key file or agent.
 */
export function nodeSshLink(
  connection: Connection,
  knownHosts: readonly string[],
  launch: string,
  { heard, agent }: { readonly heard?: Heard | undefined; readonly agent?: string | undefined },
): Link {
  const stdin = new PassThrough()
  const stdout = new PassThrough()
  const { promise: closed, resolve: end } = Promise.withResolvers<LinkFailure>()
  const user = connection.user ?? userInfo().username
  const port = connection.port ? `:${connection.port}` : ''
  const attempt: Attempt = {
    address: connection.address,
    target: `${user}@${connection.address}${port}`,
    stderr: '',
    keyed: false,
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
    const settings = await loginConfig(connection, user, knownHosts, attempt, agent)
    // Its socket is open by now, and would keep this process alive.
    if (closing) return void settings.sock?.destroy()
    const ready = ssh.connect(settings)
    const client = clientOf(ssh)
    // For the whole life of the connection: an error without a listener would end this process.
    client.on('error', (error) => end(named(attempt, error)))
    client.on('handshake', () => {
      attempt.keyed = true
    })
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
