import { homedir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import type { Connection } from '../model/inventory.ts'
import { textOf } from './text-of.ts'

/** Words of an ssh configuration that can put another host in between. */
const MAY_JUMP = /^\s*(ProxyJump|ProxyCommand|Include)\b/im

/**
 * The jump host or command through which the ssh configuration reaches a host; `undefined` when there is none. `ssh` itself
 * reads the configuration, and only where it says anything of the kind.
 */
export async function proxyOf({ address, user, port, sshConfig }: Connection): Promise<string | undefined> {
  const files = sshConfig ? [sshConfig] : [join(homedir(), '.ssh', 'config'), '/etc/ssh/ssh_config']
  if (!files.some((file) => MAY_JUMP.test(textOf(file)))) return undefined
  const options = [
    ...(sshConfig ? ['-F', sshConfig] : []),
    ...(user ? ['-l', user] : []),
    ...(port ? ['-p', String(port)] : []),
  ]
  const { stdout } = await execa('ssh', [...options, '-G', '--', address], {
    reject: false,
    stdin: 'ignore',
    timeout: 5000,
  })
  return /^proxy(?:jump|command) (?!none$)(.*)$/im.exec(stdout ?? '')?.[1]
}

/**
 * Names the sshd that a login meets first: logins at once are limited by it. It is the jump host where there is one.
 */
export async function frontOf(connection: Connection): Promise<string> {
  const { transport, address, port } = connection
  if (transport === 'local') return `local ${address}`
  return (await proxyOf(connection)) ?? `${address}:${port ?? ''}`
}
