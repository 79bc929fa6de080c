import { globSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import type { Connection } from '../model/inventory.ts'
import { memoize } from './memoize.ts'
import { textOf } from './text-of.ts'

const JUMPS = /^\s*(ProxyJump|ProxyCommand)\b/im
const INCLUDES = /^\s*Include\b/im

const SYSTEM = '/etc/ssh/ssh_config'

/** Whether an ssh configuration can put another host in between at all: read once, for it costs nothing to ask again. */
const mayJump = memoize((sshConfig: string | undefined): boolean => {
  const own = textOf(sshConfig ?? join(homedir(), '.ssh', 'config'))
  if (JUMPS.test(own) || INCLUDES.test(own)) return true
  return !sshConfig && [SYSTEM, ...globSync(`${SYSTEM}.d/*.conf`)].some((file) => JUMPS.test(textOf(file)))
})

/**
 * The jump host or command through which the ssh configuration reaches a host; `undefined` when there is none. `ssh` itself
 * reads the configuration, and only where it says anything of the kind.
 */
export async function proxyOf({ address, user, port, sshConfig }: Connection): Promise<string | undefined> {
  if (!mayJump(sshConfig)) return undefined
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
