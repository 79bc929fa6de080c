import { readFileSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'
import { DeployError, exitCodes } from '../model/error.ts'
import { type Owner, releaseLock, takeLock } from '../shell/wire.ts'
import type { Pool } from './pool.ts'

/** The fence of each host this run has locked. */
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
    for (const host of [...hosts].sort()) fences.set(host, await lockHost(pool, host, run, command))
    return fences
  } catch (error) {
    await releaseHosts(pool, run, [...fences.keys()])
    throw error
  }
}

/** Gives the locks back. A host that cannot be reached keeps its lock; the next run from here takes it over. */
export async function releaseHosts(pool: Pool, run: string, hosts: readonly string[]): Promise<readonly string[]> {
  const results = await Promise.allSettled(hosts.map((host) => pool.ask(host, { script: releaseLock(run) })))
  return hosts.filter((_host, index) => results[index]?.status === 'rejected')
}

async function lockHost(pool: Pool, host: string, run: string, command: string, instead = ''): Promise<number> {
  const marks = await pool.ask(host, { script: takeLock(run, JSON.stringify(ourselves(command)), instead) })
  const said = marks.find(({ words }) => ['locked', 'held', 'busy'].includes(words[0] ?? ''))
  const [word, detail = ''] = said?.words ?? []
  if (word === 'locked') return Number(detail)
  if (word === 'held' && said) {
    const owner = parseOwner(marks[marks.indexOf(said) + 1]?.before)
    if (owner && !instead && hasEnded(owner)) return lockHost(pool, host, run, command, detail)
    throw heldBy(host, detail, owner)
  }
  throw new DeployError({
    code: 'E_BUSY',
    message: `${host}: a program of another run is still at work there`,
    hint: 'wait until it has ended, then type the command again',
    exit: exitCodes.refused,
  })
}

function heldBy(host: string, run: string, owner: Owner | undefined): DeployError {
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

function ourselves(command: string): Owner {
  return {
    who: userInfo().username,
    machine: hostname(),
    pid: process.pid,
    started: processStart(process.pid) ?? '',
    since: new Date().toISOString(),
    command,
  }
}

/** Whether the holder ran on this machine and its process is gone: the only case in which nobody can be disturbed. */
function hasEnded(owner: Owner): boolean {
  if (owner.machine !== hostname() || !owner.started || !processStart(process.pid)) return false
  return processStart(owner.pid) !== owner.started
}

/** When a process started, as boot id and clock ticks; `undefined` when there is none, or no /proc to look it up. */
function processStart(pid: number): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return `${boot}:${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`
  } catch {
    return undefined
  }
}

/** What a host says is never trusted: a line that is not an owner's counts as no owner at all. */
function parseOwner(line: Buffer | undefined): Owner | undefined {
  try {
    const owner = JSON.parse(line?.toString('utf8') ?? '') as Partial<Owner>
    const texts = [owner.who, owner.machine, owner.started, owner.since, owner.command]
    return texts.every((text) => typeof text === 'string') && typeof owner.pid === 'number'
      ? (owner as Owner)
      : undefined
  } catch {
    return undefined
  }
}
