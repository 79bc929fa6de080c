import { DeployError, exitCodes } from '../model/error.ts'
import { releaseLock, takeLock } from '../shell/wire.ts'
import { type Holder, hasEnded, ourselves, readHolder } from './holder.ts'
import type { Pool } from './pool.ts'
import { HostLost } from './session.ts'

/** The fence of each host this run has locked; a host that went away meanwhile is not in it. */
export type Fences = ReadonlyMap<string, number>

/**
 * Locks hosts in name order, so that of two runs that overlap one gets them all. One refusal releases the rest.
 *
 * The lock of a run whose process has ended on this very machine is taken over, with a higher fence. Any other holder
 * is left alone: nothing expires by itself.
 *
 * @throws DeployError `E_LOCKED` (exit 4) naming who holds the host, from where and since when.
 */
export async function lockHosts(pool: Pool, run: string, command: string, hosts: readonly string[]): Promise<Fences> {
  const fences = new Map<string, number>()
  try {
    for (const host of [...hosts].sort()) {
      const fence = await lockHost(pool, host, run, command).catch(lostOnly)
      if (fence !== undefined) fences.set(host, fence)
    }
    return fences
  } catch (error) {
    await releaseHosts(pool, run, [...fences.keys()])
    throw error
  }
}

/** Gives the locks back. A host that cannot be reached keeps its lock; the next run from here takes it over. */
export async function releaseHosts(pool: Pool, run: string, hosts: readonly string[]): Promise<readonly string[]> {
  const results = await Promise.allSettled(hosts.map((host) => pool.ask(host, { script: releaseLock(run) })))
  return hosts.filter((_host, index) => {
    const result = results[index]
    return result?.status !== 'fulfilled' || !result.value.some(({ words }) => words[0] === 'released')
  })
}

/** A host that went away after the plan does not keep the others from their turn. */
function lostOnly(error: unknown): undefined {
  if (error instanceof HostLost) return undefined
  throw error
}

async function lockHost(pool: Pool, host: string, run: string, command: string, instead = ''): Promise<number> {
  const marks = await pool.ask(host, { script: takeLock(run, JSON.stringify(ourselves(command)), instead) })
  const said = marks.find(({ words }) => ['locked', 'held', 'busy'].includes(words[0] ?? ''))
  const [word, detail = ''] = said?.words ?? []
  if (word === 'locked') return Number(detail)
  if (word === 'held' && said) {
    const holder = readHolder(detail, marks[marks.indexOf(said) + 1]?.before)
    if (!instead && hasEnded(holder)) return lockHost(pool, host, run, command, detail)
    throw heldBy(host, holder)
  }
  throw new DeployError({
    code: 'E_BUSY',
    message: `${host}: a program of another run is still at work there`,
    hint: 'wait until it has ended, then type the command again',
    exit: exitCodes.refused,
  })
}

function heldBy(host: string, { run, owner }: Holder): DeployError {
  const holder = owner
    ? `${owner.who} on ${owner.machine} (pid ${owner.pid}) since ${owner.since}, by ${owner.command}`
    : 'somebody'
  return new DeployError({
    code: 'E_LOCKED',
    message: `${host} is locked by run ${run}: ${holder}`,
    hint: `wait for that run; if it is certainly dead, remove /run/deploy/owner on ${host}`,
    exit: exitCodes.refused,
  })
}
