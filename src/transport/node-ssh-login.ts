import { existsSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Config } from 'node-ssh'
import type { ParsedKey } from 'ssh2'
import type { Connection } from '../model/inventory.ts'
import { FIRST_WORD } from './failure.ts'
import { fingerprintOf } from './fingerprint.ts'
import { proxyOf } from './jump.ts'
import { judgeHostKey, knownHostName, knownKeyTypes } from './known-hosts.ts'
import type { Attempt } from './node-ssh-failure.ts'
import { textOf } from './text-of.ts'

/** Private keys that are tried where the inventory names none, as ssh does. */
const DEFAULT_KEYS = ['id_ed25519', 'id_ecdsa', 'id_rsa']

/** Seconds until a login is given up. */
const LOGIN = 60
/** Seconds between two signs of life, and how many may be missed: a lost link is noticed after 8 to 12 seconds. */
const ALIVE = 4
const MISSED = 2

/**
 * How to log in on a host: socket, strict host key, keys, limits. `attempt` learns what the host showed. `agent`: the socket
 * of the ssh agent that has the key of the inventory.
 *
 * @throws Error for what this library cannot do: a host that the ssh configuration reaches through another one, which it
 * would dial itself and meet somebody else; a key that cannot be used.
 */
export async function loginConfig(
  connection: Connection,
  username: string,
  knownHosts: readonly string[],
  attempt: Attempt,
  agent: string | undefined,
): Promise<Config> {
  const { utils } = (await import('ssh2')).default
  const { address, port } = connection
  const proxy = await proxyOf(connection)
  if (proxy) throw new Error(`the ssh config reaches it through ${proxy}`)
  const known = knownHostsFiles(connection, knownHosts).map(textOf)
  const isUsable = (key: Buffer) => !(utils.parseKey(key) instanceof Error)
  const name = knownHostName(address, port)
  const types = knownKeyTypes(known, name).flatMap(algorithmsOf)
  // Before the socket is there: what is wrong with a key must not leave one open.
  const offered = logins(connection, username, isUsable, agent)
  return {
    sock: openSocket(address, port ?? 22),
    username,
    readyTimeout: LOGIN * 1000,
    keepaliveInterval: ALIVE * 1000,
    keepaliveCountMax: MISSED,
    hostVerifier(blob: Buffer) {
      const parsed = utils.parseKey(blob) as ParsedKey | Error
      const type = parsed instanceof Error ? '' : parsed.type
      attempt.shown = fingerprintOf(blob.toString('base64'))
      attempt.verdict = judgeHostKey(known, name, type, blob.toString('base64'))
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
    const code = socket.connecting ? 'ETIMEDOUT' : 'ENOBANNER'
    socket.destroy(Object.assign(new Error('the server said nothing'), { code }))
  }, FIRST_WORD * 1000)
  socket.once('data', () => clearTimeout(silence))
  socket.once('close', () => clearTimeout(silence))
  return socket
}

/** The ways to log in, in this order: the inventory's key alone, or the user's own keys that can be used, and the agent. */
function logins(
  { identityFile }: Connection,
  username: string,
  isUsable: (key: Buffer) => boolean,
  holder: string | undefined,
): readonly object[] {
  if (holder) return [{ type: 'agent', username, agent: holder }]
  const agent = process.env.SSH_AUTH_SOCK
  const publickey = (key: Buffer) => ({ type: 'publickey', username, key })
  if (identityFile) {
    const key = readFileSync(identityFile.replace(/^~(?=\/)/, homedir()))
    if (isUsable(key)) return [publickey(key)]
    if (!agent) throw new Error('the private key needs a passphrase, or is none')
    return [{ type: 'agent', username, agent }]
  }
  const files = DEFAULT_KEYS.map((name) => join(homedir(), '.ssh', name)).filter(existsSync)
  const keys = files.map((file) => readFileSync(file)).filter(isUsable)
  return [...keys.map(publickey), ...(agent ? [{ type: 'agent', username, agent }] : [])]
}

function algorithmsOf(type: string): readonly string[] {
  return type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type]
}

function knownHostsFiles({ knownHostsFile }: Connection, files: readonly string[]): readonly string[] {
  const user = join(homedir(), '.ssh', 'known_hosts')
  return [...(knownHostsFile ? [knownHostsFile] : []), ...files, user, '/etc/ssh/ssh_known_hosts']
}
