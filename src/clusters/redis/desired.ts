import { isIP } from 'node:net'
import type { Secret } from '../../model/secret.ts'
import type { Desired } from './model.ts'
import { most } from './view.ts'

/**
 * A set as its playbook says: most of its Sentinels have to agree that a master is gone, after 3 s without an answer.
 *
 * @throws Error when these cannot be the nodes of one set, or a name or password will not do.
 */
export function redisDesired(
  want: Pick<Desired, 'name' | 'environment' | 'nodes' | 'persistence' | 'settings' | 'password' | 'sentinelPassword'> &
    Pick<Desired, 'formerPassword'>,
): Desired {
  const { name } = want
  for (const { host, address } of want.nodes)
    if (address.includes('%'))
      throw new Error(`${host} is at ${address}, which only one interface knows: say another one with address`)
  const nodes = want.nodes.map(({ host, address }) => ({ host, address: shortest(address) }))
  if (!/^[A-Za-z0-9_.-]{1,64}$/.test(name))
    throw new Error(`a set of Redis is named in letters, digits, dots, _ and -, not ${JSON.stringify(name)}`)
  if (nodes.length < 3 || nodes.length > 7)
    throw new Error(`the set ${name} has 3 to 7 nodes, so that most of them can agree, not ${nodes.length}`)
  for (const { host, address } of nodes)
    if (isIP(address) === 0)
      throw new Error(`${host} is reached by its peers at an IP address, not at ${address}: say which with address`)
  const twice = nodes.find(({ address }, index) => nodes.findIndex((one) => one.address === address) !== index)
  if (twice) throw new Error(`two nodes of the set ${name} have one address: ${twice.address}`)
  requirePassword('password', want.password, name)
  requirePassword('sentinelPassword', want.sentinelPassword, name)
  if (want.formerPassword) requirePassword('formerPassword', want.formerPassword, name)
  return { ...want, nodes, quorum: most({ nodes }), downAfter: DOWN_AFTER, failoverTimeout: 20_000 }
}

/** An IPv6 address as the daemons write it. */
function shortest(address: string): string {
  return isIP(address) === 6 ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address
}

/** Milliseconds. */
const DOWN_AFTER = 3000

/** Seconds that a former master waits before it starts again: by then another one is the master. */
export const RESTART_DELAY = (3 * DOWN_AFTER) / 1000

/** The daemons write it in their own files, where quotes and spaces have a meaning. */
function requirePassword(option: string, password: Secret, name: string): void {
  if (password.known && !/^[!$-&(-[\]-~]{12,128}$/.test(password.reveal()))
    throw new Error(
      `${option} of the set ${name} has to be 12 to 128 letters, digits and marks, without spaces, quotes, # and backslashes`,
    )
}
